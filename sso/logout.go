package sso

import (
	"crypto/rand"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/operator"
	"rollcall/model/organization"
	"rollcall/model/signon"
	"rollcall/sso/provider"
	"rollcall/sso/saml"
	"rollcall/web"
)

// logoutToken is the answer to an application that is going to send a browser to the logout.
type logoutToken struct {
	Token string `json:"logout_token"`
	URL   string `json:"logout_url"`
}

// logoutPage is the view of sso_logout.html. Next is where the browser goes afterwards, sealed.
type logoutPage struct{ Next string }

// signedOutPage is the view of sso_signed_out.html. Everywhere is true if the identity provider has
// ended its session, too.
type signedOutPage struct{ Everywhere bool }

// postedOn is the content security policy of pages with a form that other sites may redirect. It
// has no form-action, because browsers apply that to the redirects, too.
const postedOn = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; base-uri 'none'; " +
	"frame-ancestors 'none'"

// authorizeLogout gives an application a token with which a browser can be signed out.
func (s *Server) authorizeLogout(c echo.Context) error {
	ctx := c.Request().Context()
	key, scope, err := organization.Across(s.Store).APIKey(ctx, web.Bearer(c.Request().Header))
	if model.KindOf(err) == model.Denied {
		return provider.Refused("unauthorized_client",
			"send an API key (sk_…) of an application as Authorization: Bearer")
	}
	if err != nil {
		return err
	}
	values, err := provider.Parameters(c)
	if err != nil {
		return err
	}
	id, ok := model.ProfilePrefix.Parse(values.Get("profile_id"))
	if !ok {
		return model.NotFoundf("there is no profile %.64q", values.Get("profile_id"))
	}
	organization, err := operator.Across(s.Store).OrganizationOf(ctx, scope, model.ProfilePrefix, id)
	if err != nil {
		return err
	}
	token := signon.Across(s.Store).LogoutToken(signon.Logout{OrganizationID: organization, IdentityID: id,
		ApplicationID: key.ApplicationID})
	return c.JSON(http.StatusOK, logoutToken{token, s.public("/sso/logout?" + url.Values{"token": {token}}.Encode())})
}

// logoutPage ends the sessions that its token names. Without a token it asks first: a link of
// another site must not sign anybody out.
func (s *Server) logoutPage(c echo.Context) error {
	token := c.QueryParam("token")
	if token == "" {
		c.Response().Header().Set(echo.HeaderContentSecurityPolicy, postedOn)
		return s.Pages.Render(c, http.StatusOK, "sso_logout", logoutPage{})
	}
	if web.IsHEAD(c) { // which must end no session
		c.Response().Header().Set(echo.HeaderAllow, "GET, POST")
		return echo.ErrMethodNotAllowed
	}
	l, err := signon.Across(s.Store).OpenLogoutToken(token)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	a, err := s.signsOut(c, l)
	if err != nil {
		return err
	}
	org := s.Store.Org(l.OrganizationID, model.Actor("application:"+model.ApplicationPrefix.ID(l.ApplicationID)))
	in, err := s.browserSession(c)
	if err != nil && !ended(err) {
		return err
	}
	own := ""
	if in != nil && in.Session.OrganizationID == l.OrganizationID && in.Identity.ID == l.IdentityID &&
		in.Session.CreatedAt <= l.IssuedAt {
		own = in.Session.ID
	} else {
		in = nil // somebody else's session, or a later one: end those of the person that the link is about
	}
	if err := signon.In(org).FollowLogout(ctx, l, own); err != nil {
		return err
	}
	if in != nil {
		s.dropSession(c)
	}
	next := ""
	if len(a.PostLogoutRedirectURIs) > 0 {
		next = a.PostLogoutRedirectURIs[0]
	}
	return s.signedOut(c, in, next)
}

// signsOut returns the application of a link to sign out, if it still serves the organization.
func (s *Server) signsOut(c echo.Context, l *signon.Logout) (*organization.Application, error) {
	ctx := c.Request().Context()
	gone := model.NotFoundf("The application of this link is not known here any more. To sign out, close all windows " +
		"of this browser.")
	a, err := organization.Across(s.Store).Application(ctx, l.ApplicationID)
	if model.KindOf(err) == model.NotFound {
		return nil, gone
	}
	if err != nil {
		return nil, err
	}
	reached, err := organization.Across(s.Store).Reaches(ctx, a.Scope(), l.OrganizationID)
	if err == nil && !reached {
		err = gone
	}
	return a, err
}

// logout ends the browser's session.
func (s *Server) logout(c echo.Context) error {
	sent, err := web.Form(c, "Open the page again", model.Invalid)
	if err != nil {
		return err
	}
	in, err := s.browserSession(c)
	if err != nil && !ended(err) {
		return err
	}
	return s.endOwn(c, in, signon.Across(s.Store).OpenNext(sent.Get("next")))
}

// endOwn ends the session that the browser has, or none, and sends the browser on.
func (s *Server) endOwn(c echo.Context, in *signon.SignedIn, next string) error {
	var err error
	if in != nil {
		actor := model.Actor("user:" + model.UserPrefix.ID(in.User.ID))
		err = signon.In(s.Store.Org(in.Session.OrganizationID, actor)).EndSession(c.Request().Context(), in.Session.ID)
	}
	if err != nil {
		return err
	}
	s.dropSession(c)
	return s.signedOut(c, in, next)
}

// signedOut sends the browser on after our session has ended. It goes to the identity provider if
// its session must end as well, and then to next, which is a registered address of an application,
// or to one of our pages. in is the session that this browser had, or nil.
func (s *Server) signedOut(c echo.Context, in *signon.SignedIn, next string) error {
	if in != nil && in.Session.ConnectionID != "" {
		sent, err := s.toProviderLogout(c, in, next)
		if sent || err != nil {
			return err
		}
	}
	if next != "" {
		return redirect(c, next)
	}
	return s.Pages.Render(c, http.StatusOK, "sso_signed_out", signedOutPage{})
}

// toProviderLogout sends the browser to the identity provider to end its session, and tells whether
// it did. It does not if the connection was deleted or does not demand it.
func (s *Server) toProviderLogout(c echo.Context, in *signon.SignedIn, next string) (sent bool, err error) {
	org := s.Store.Org(in.Session.OrganizationID, model.System)
	conn, err := connection.In(org).Connection(c.Request().Context(), in.Session.ConnectionID)
	if model.KindOf(err) == model.NotFound {
		return false, nil
	}
	if err != nil || conn.Logout != connection.LogoutIDP {
		return false, err
	}
	if conn.OIDC() {
		return s.oidcLogoutAtProvider(c, conn, in, next)
	}
	return s.samlLogout(c, conn, in, next)
}

// samlLogout sends a LogoutRequest, if the identity provider accepts one.
func (s *Server) samlLogout(
	c echo.Context, connection *connection.Connection, in *signon.SignedIn, next string,
) (sent bool, err error) {
	if !connection.LogoutOffered() {
		return false, nil
	}
	ctx, org := c.Request().Context(), s.org(connection)
	known, err := signon.In(org).ProviderSession(ctx, in.Session.ID)
	if err != nil || known == nil {
		return false, err
	}
	p, err := s.providers.Of(connection)
	if err != nil {
		return false, err
	}
	l := &signon.SingleLogout{ConnectionID: connection.ID, RequestID: "_" + rand.Text(),
		BrowserHash: s.bindBrowser(c), NextURI: next}
	if err := signon.In(org).StartLogout(ctx, l); err != nil {
		return false, err
	}
	request, err := p.SP.LogoutRequest(p.IDP, saml.LogoutRequestOptions{
		ID: l.RequestID, RelayState: l.ID, SessionIndex: known.SessionIndex, Now: s.Store.Now(),
		NameID: saml.NameID{Value: known.NameID, Format: known.Format,
			NameQualifier: known.NameQualifier, SPNameQualifier: known.SPNameQualifier},
	})
	if err != nil {
		return false, err
	}
	return true, s.sendBrowser(c, request, "Signing out")
}

// providerSession is how the identity provider identifies the session in its messages.
func providerSession(a *saml.Assertion) signon.ProviderSession {
	return signon.ProviderSession{NameID: a.NameID, Format: a.NameIDFormat, NameQualifier: a.NameQualifier,
		SPNameQualifier: a.SPNameQualifier, SessionIndex: a.SessionIndex}
}

// sendBrowser sends the browser on with a message, by the binding of the message. No form-action
// limits a form, because the identity provider may redirect it to any address.
func (s *Server) sendBrowser(c echo.Context, m saml.Request, title string) error {
	if m.Fields == nil {
		return redirect(c, m.URL)
	}
	c.Response().Header().Set(echo.HeaderContentSecurityPolicy, postedOn)
	return s.Pages.Render(c, http.StatusOK, "sso_post", postPage{title, m.URL, m.Fields})
}
