package sso

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"rollcall/model"
	"rollcall/model/people"
	"rollcall/web"
)

// newPasswordPage is the view of sso_new_password.html.
type newPasswordPage struct {
	Email, Organization, Slug string
	Problem                   string
	Done                      bool
}

// newPassword shows the form behind a one-time link. It does not use the link up, because programs
// that scan mail follow links.
func (s *Server) newPassword(c echo.Context) error {
	return s.renderNewPassword(c, http.StatusOK, "")
}

func (s *Server) renderNewPassword(c echo.Context, status int, problem string) error {
	u, g, err := people.Across(s.Store).PasswordSetup(c.Request().Context(), c.Param("token"))
	if err != nil {
		return err
	}
	return s.Pages.Render(c, status, "sso_new_password",
		newPasswordPage{Email: u.Email, Organization: g.Name, Slug: g.Slug, Problem: problem})
}

// setPassword sets the password and uses the link up.
func (s *Server) setPassword(c echo.Context) error {
	ctx := c.Request().Context()
	sent, err := web.Form(c, "Open the link again", model.Invalid)
	if err != nil {
		return err
	}
	if sent.Get("password") != sent.Get("again") {
		return s.renderNewPassword(c, http.StatusBadRequest, "The two passwords differ. Type the same one twice.")
	}
	u, g, err := people.Across(s.Store).PasswordSetup(ctx, c.Param("token"))
	if err != nil {
		return err
	}
	err = people.Across(s.Store).SetPassword(ctx, c.Param("token"), sent.Get("password"))
	if known, ok := errors.AsType[*model.Error](err); ok && known.Kind == model.Invalid {
		return s.renderNewPassword(c, http.StatusBadRequest, sentence(known.Message))
	}
	if err != nil {
		return err
	}
	s.rememberOrganization(c, g.Slug)
	name, known := people.Across(s.Store).KnownBrowser(u)
	s.cookies().Remember(c, knownCookie+name, known)
	return s.Pages.Render(c, http.StatusOK, "sso_new_password",
		newPasswordPage{Organization: g.Name, Slug: g.Slug, Done: true})
}
