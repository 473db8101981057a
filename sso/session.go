package sso

import (
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"rollcall/model"
)

// sessionAnswer is the browser's own session.
type sessionAnswer struct {
	User         sessionUser         `json:"user"`
	Organization sessionOrganization `json:"organization"`
	Connection   sessionConnection   `json:"connection"`
	Role         model.Role          `json:"role"`
	ExpiresAt    model.Time          `json:"expires_at"`

	Accounts []model.ProfileAccount `json:"accounts"` // where the user has a seat
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

// session tells the browser who is signed in.
func (s *Server) session(c echo.Context) error {
	in, err := s.browserSession(c)
	if err != nil && ended(err) {
		return &tokenError{http.StatusUnauthorized, "Unauthorized", "nobody is signed in here, or not any more"}
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

func (s *Server) describe(c echo.Context, in *model.SignedIn) (*sessionAnswer, error) {
	org := s.Store.Org(in.Session.OrganizationID, model.System)
	g, err := org.Organization(c.Request().Context())
	if err != nil {
		return nil, err
	}
	u, err := in.User.UserForm(g.Domains)
	if err != nil {
		return nil, err
	}
	accounts, err := org.ProfileAccounts(c.Request().Context(), in.User.ID)
	if err != nil {
		return nil, err
	}
	return &sessionAnswer{
		User:         sessionUser{u.ID, u.Email, u.FirstName, u.LastName, in.User.FullName()},
		Organization: sessionOrganization{model.OrganizationPrefix.ID(string(g.ID)), g.Name},
		Connection:   sessionConnection{model.ConnectionPrefix.ID(in.Session.ConnectionID), in.ConnectionType},
		Role:         in.User.Role, ExpiresAt: in.Session.ExpiresAt, Accounts: accounts,
	}, nil
}

// signedIn is the page on which a login ends that no application asked for.
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

// logoutToken is what an application gets to send a browser to the logout with.
type logoutToken struct {
	Token string `json:"logout_token"`
	URL   string `json:"logout_url"`
}

// authorizeLogout gives an application a token with which the browser of a profile may be signed out.
func (s *Server) authorizeLogout(c echo.Context) error {
	ctx := c.Request().Context()
	key, scope, err := s.Store.APIKey(ctx, bearer(c))
	if model.KindOf(err) == model.Denied {
		return badRequest("unauthorized_client", "send an API key (sk_…) of an application as Authorization: Bearer")
	}
	if err != nil {
		return err
	}
	values, err := parameters(c)
	if err != nil {
		return err
	}
	id, ok := model.ProfilePrefix.Parse(values.Get("profile_id"))
	if !ok {
		return model.NotFoundf("there is no profile %.64q", values.Get("profile_id"))
	}
	organization, err := s.Store.OrganizationOf(ctx, scope, model.ProfilePrefix, id)
	if err != nil {
		return err
	}
	token := s.Store.LogoutToken(model.Logout{OrganizationID: organization, IdentityID: id, ApplicationID: key.ApplicationID})
	return c.JSON(http.StatusOK, logoutToken{token, s.public("/sso/logout?" + url.Values{"token": {token}}.Encode())})
}

// logoutPage ends what its token names. Without a token it asks first: no link of another site may
// sign anybody out.
func (s *Server) logoutPage(c echo.Context) error {
	token := c.QueryParam("token")
	if token == "" {
		return s.Pages.Render(c, http.StatusOK, "sso_logout", nil)
	}
	l, err := s.Store.OpenLogoutToken(token)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	org := s.Store.Org(l.OrganizationID, model.Actor("application:"+model.ApplicationPrefix.ID(l.ApplicationID)))
	in, err := s.browserSession(c)
	switch {
	case err == nil && in.Session.OrganizationID == l.OrganizationID && in.Identity.ID == l.IdentityID:
		err = org.EndSession(ctx, in.Session.ID)
		s.dropSession(c)
	case err == nil || ended(err):
		// This browser has another session or none: the person is meant, wherever they are signed in.
		_, err = org.EndSessionsOf(ctx, l.IdentityID)
	}
	if err != nil {
		return err
	}
	a, err := s.Store.Application(ctx, l.ApplicationID)
	if err == nil && len(a.PostLogoutRedirectURIs) > 0 {
		return redirect(c, a.PostLogoutRedirectURIs[0])
	}
	if err != nil && model.KindOf(err) != model.NotFound {
		return err
	}
	return s.Pages.Render(c, http.StatusOK, "sso_signed_out", nil)
}

// logout ends the browser's session.
func (s *Server) logout(c echo.Context) error {
	if err := http.NewCrossOriginProtection().Check(c.Request()); err != nil {
		return &model.Error{Kind: model.Denied, Message: "Another site sent this form. Open the page yourself and try again.", Err: err}
	}
	in, err := s.browserSession(c)
	if err == nil {
		err = s.Store.Org(in.Session.OrganizationID, model.Actor("user:"+model.UserPrefix.ID(in.User.ID))).EndSession(c.Request().Context(), in.Session.ID)
	}
	if err != nil && !ended(err) {
		return err
	}
	s.dropSession(c)
	return s.Pages.Render(c, http.StatusOK, "sso_signed_out", nil)
}
