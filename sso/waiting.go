package sso

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/organization"
	"rollcall/model/people"
	"rollcall/model/refusal"
	"rollcall/model/signon"
)

// This file keeps an application's request while a person signs in by a password.

// enteredByPassword tells whether the browser's session is one by password that satisfies the
// request. It never satisfies a request that names a connection, which demands a login at that
// identity provider (docs/design/identity.md, "Administrators").
func (a *authorization) enteredByPassword(in *signon.SignedIn, now model.Time) bool {
	if in == nil || a.organization == nil {
		return false
	}
	if in.Session.Method() != people.ByPassword || in.Session.OrganizationID != a.organization.ID {
		return false
	}
	return a.isOf(in) && !a.force && (a.maxAge == nil || in.Session.AuthenticatedAt+model.Time(*a.maxAge*1000) > now)
}

// handOverByPassword gives the application a code for a session that began with a password.
func (s *Server) handOverByPassword(c echo.Context, a *authorization, in *signon.SignedIn) error {
	org := s.Store.Org(in.Session.OrganizationID, model.Actor("user:"+model.UserPrefix.ID(in.User.ID)))
	code, err := signon.In(org).HandOver(c.Request().Context(), in, a.codeRequest())
	if refused, ok := errors.AsType[*refusal.Error](err); ok {
		return s.refusePassword(c, a.pending(), refused)
	}
	if err != nil {
		return err
	}
	return s.sendBack(c, a.reply(), url.Values{"code": {code}})
}

// askForPassword sends the browser to the login page of an organization without an active
// connection, if somebody could sign in there.
func (s *Server) askForPassword(c echo.Context, a *authorization) error {
	possible, err := people.In(s.Store.Org(a.organization.ID, model.System)).HasPasswords(c.Request().Context())
	switch {
	case err != nil:
		return err
	case !possible:
		return &oauthError{"organization_invalid", "single sign-on is not set up for this organization"}
	case a.silent:
		return &oauthError{"login_required", "nobody is signed in, and prompt=none forbids asking"}
	}
	return redirect(c, s.wait(c, a.organization, a.pending(), a.hint))
}

// pending is the request as it waits for a password.
func (a *authorization) pending() *signon.PendingAuthorization {
	return &signon.PendingAuthorization{ApplicationID: a.application.ID, RedirectURI: a.redirectURI, State: a.state,
		CodeChallenge: a.challenge, Scope: a.scope(), Nonce: a.nonce(), ResponseMode: a.responseMode()}
}

// wait returns the address of the page where somebody signs in by a password, who then goes on to
// the application.
func (s *Server) wait(
	c echo.Context, g *organization.Organization, p *signon.PendingAuthorization, hint string,
) string {
	p.BrowserHash = s.bindBrowser(c)
	q := url.Values{"pending": {signon.In(s.Store.Org(g.ID, model.System)).StartAuthorization(p)}}
	if hint != "" {
		q.Set("login_hint", hint)
	}
	return s.public("/login?" + q.Encode())
}

// passwordURL returns the address where an administrator can sign in by a password after the
// identity provider refused. It keeps the application's request. It is empty if the organization
// does not allow passwords.
func (s *Server) passwordURL(c echo.Context, connection *connection.Connection, l *signon.Login) (string, error) {
	ctx := c.Request().Context()
	org := s.org(connection)
	g, err := organization.In(org).Organization(ctx)
	if err != nil || !g.Settings.AllowAdminPasswords {
		return "", err
	}
	if l.ApplicationID == nil {
		return s.public("/login?" + url.Values{"organization": {g.Slug}}.Encode()), nil
	}
	p := &signon.PendingAuthorization{ApplicationID: *l.ApplicationID, BrowserHash: l.BrowserHash,
		RedirectURI: l.RedirectURI, State: l.State, CodeChallenge: l.CodeChallenge, Scope: l.Scope, Nonce: l.Nonce,
		ResponseMode: l.ResponseMode}
	return s.public("/login?" + url.Values{"pending": {signon.In(org).StartAuthorization(p)}}.Encode()), nil
}

// organizationCookie is the cookie with the slug of the organization whose login page the browser
// opened.
const organizationCookie = "rollcall-organization"

// organizationCookieTime is the age of that cookie in seconds: a year.
const organizationCookieTime = 365 * 86400

func (s *Server) rememberOrganization(c echo.Context, slug string) {
	c.SetCookie(&http.Cookie{Name: s.cookies().Name(organizationCookie), Value: slug, Path: "/", HttpOnly: true,
		Secure: s.cookies().Secure, SameSite: http.SameSiteLaxMode, MaxAge: organizationCookieTime})
}
