package sso

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"rollcall/model"
)

// What an application asks for while its people sign in by a password.

// enteredByPassword tells whether the browser's session serves an application that names no
// connection: one by a password is of none, and an application that wants a certain identity
// provider's word gets that or nothing (docs/design/identity.md, "Administrators").
func (a *authorization) enteredByPassword(in *model.SignedIn, now model.Time) bool {
	if in == nil || a.organization == nil || in.Session.Method() != model.ByPassword || in.Session.OrganizationID != a.organization.ID {
		return false
	}
	return !a.force && (a.maxAge == nil || in.Session.AuthenticatedAt+model.Time(*a.maxAge*1000) > now)
}

// handOverByPassword gives the application a code for a session that began with a password.
func (s *Server) handOverByPassword(c echo.Context, a *authorization, in *model.SignedIn) error {
	org := s.Store.Org(in.Session.OrganizationID, model.Actor("user:"+model.UserPrefix.ID(in.User.ID)))
	code, err := org.HandOver(c.Request().Context(), in, a.application.ID, a.redirectURI, a.challenge)
	if refused, ok := errors.AsType[*model.SignInRefused](err); ok {
		return s.refusePassword(c, &model.PendingAuthorization{RedirectURI: a.redirectURI, State: a.state}, refused)
	}
	if err != nil {
		return err
	}
	return sendBack(c, a.redirectURI, a.state, url.Values{"code": {code}})
}

// askForPassword sends the browser to the login page of an organization that has no connection,
// where somebody could sign in there.
func (s *Server) askForPassword(c echo.Context, a *authorization) error {
	possible, err := s.Store.Org(a.organization.ID, model.System).HasPasswords(c.Request().Context())
	switch {
	case err != nil:
		return err
	case !possible:
		return &oauthError{"organization_invalid", "single sign-on is not set up for this organization"}
	case a.silent:
		return &oauthError{"login_required", "nobody is signed in, and prompt=none forbids asking"}
	}
	location, err := s.wait(c, a.organization, &model.PendingAuthorization{
		ApplicationID: a.application.ID, RedirectURI: a.redirectURI, State: a.state, CodeChallenge: a.challenge,
		ForceAuthn: a.force, MaxAge: a.maxAge,
	}, a.hint)
	if err != nil {
		return err
	}
	return redirect(c, location)
}

// wait keeps what an application asked for until somebody has signed in by a password, and returns
// the page where they do.
func (s *Server) wait(c echo.Context, g *model.Organization, p *model.PendingAuthorization, hint string) (string, error) {
	p.BrowserHash = s.bindBrowser(c)
	if err := s.Store.Org(g.ID, model.System).StartAuthorization(c.Request().Context(), p); err != nil {
		return "", err
	}
	q := url.Values{"pending": {p.ID}}
	if hint != "" {
		q.Set("login_hint", hint)
	}
	return s.public("/login?" + q.Encode()), nil
}

// passwordWay is where an administrator gets in whom the identity provider does not let in, with
// what their application asked for; empty where the organization has no such way.
func (s *Server) passwordWay(c echo.Context, connection *model.Connection, l *model.Login) (string, error) {
	ctx := c.Request().Context()
	org := s.org(connection)
	g, err := org.Organization(ctx)
	if err != nil || !g.Settings.AllowAdminPasswords {
		return "", err
	}
	if l.ApplicationID == nil {
		return s.public("/login?" + url.Values{"organization": {g.Slug}}.Encode()), nil
	}
	p := &model.PendingAuthorization{ApplicationID: *l.ApplicationID, BrowserHash: l.BrowserHash, RedirectURI: l.RedirectURI, State: l.State,
		CodeChallenge: l.CodeChallenge, ForceAuthn: l.ForceAuthn, MaxAge: l.MaxAge}
	if err := org.StartAuthorization(ctx, p); err != nil {
		return "", err
	}
	return s.public("/login?" + url.Values{"pending": {p.ID}}.Encode()), nil
}

// organizationCookie remembers whose login address a browser opened, by its slug.
const organizationCookie = "rollcall-organization"

// organizationCookieTime is how long, in seconds: a year.
const organizationCookieTime = 365 * 86400

func (s *Server) rememberOrganization(c echo.Context, slug string) {
	c.SetCookie(&http.Cookie{Name: s.cookieName(organizationCookie), Value: slug, Path: "/", HttpOnly: true,
		Secure: s.secure(), SameSite: http.SameSiteLaxMode, MaxAge: organizationCookieTime})
}
