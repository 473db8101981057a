package sso

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"rollcall/model"
	"rollcall/model/organization"
	"rollcall/model/people"
	"rollcall/model/signon"
)

// sessionAnswer describes the browser's own session.
type sessionAnswer struct {
	User         sessionUser         `json:"user"`
	Organization sessionOrganization `json:"organization"`
	Method       people.SignInMethod `json:"method"`
	Connection   *sessionConnection  `json:"connection"` // null after a sign-in by password
	Role         people.Role         `json:"role"`
	ExpiresAt    model.Time          `json:"expires_at"`

	Accounts []signon.ProfileAccount `json:"accounts"` // where the user has a seat
}

type sessionUser struct {
	ID        string  `json:"id"`
	Email     string  `json:"email"`
	FirstName *string `json:"first_name"`
	LastName  *string `json:"last_name"`
	Name      *string `json:"name"`
}

type sessionOrganization struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

type sessionConnection struct {
	ID   string `json:"id"`
	Type string `json:"type"`
}

// session answers who is signed in in this browser.
func (s *Server) session(c echo.Context) error {
	in, err := s.browserSession(c)
	if err != nil && ended(err) {
		return s.unauthorized(c, s.cookies().Read(c, sessionCookie), "nobody is signed in here")
	}
	if err != nil {
		return err
	}
	answer, err := s.describe(c, in)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, answer)
}

func (s *Server) describe(c echo.Context, in *signon.SignedIn) (*sessionAnswer, error) {
	org := s.Store.Org(in.Session.OrganizationID, model.System)
	g, err := organization.In(org).Organization(c.Request().Context())
	if err != nil {
		return nil, err
	}
	u, err := in.User.UserForm(g.Domains)
	if err != nil {
		return nil, err
	}
	accounts, err := signon.In(org).ProfileAccounts(c.Request().Context(), in.User.ID)
	if err != nil {
		return nil, err
	}
	answer := &sessionAnswer{
		User:         sessionUser{u.ID, u.Email, u.FirstName, u.LastName, in.User.FullName()},
		Organization: sessionOrganization{model.OrganizationPrefix.ID(string(g.ID)), g.Name},
		Method:       in.Session.Method(), Role: in.User.Role, ExpiresAt: in.Session.ExpiresAt, Accounts: accounts,
	}
	if in.Session.ConnectionID != "" {
		answer.Connection = &sessionConnection{model.ConnectionPrefix.ID(in.Session.ConnectionID), in.ConnectionType}
	}
	return answer, nil
}

// signedIn is the page where a login ends that no application asked for.
func (s *Server) signedIn(c echo.Context) error {
	in, err := s.browserSession(c)
	if err != nil && ended(err) {
		return echo.NewHTTPError(http.StatusUnauthorized)
	}
	if err != nil {
		return err
	}
	answer, err := s.describe(c, in)
	if err != nil {
		return err
	}
	return s.Pages.Render(c, http.StatusOK, "sso_signed_in", answer)
}
