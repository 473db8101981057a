package sso

import (
	"crypto/rand"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"rollcall/model"
	"rollcall/sso/saml"
)

// logoutToken is what an application gets to send a browser to the logout with.
type logoutToken struct {
	Token string `json:"logout_token"`
	URL   string `json:"logout_url"`
}

// signedOutPage is the view of sso_signed_out.html. Everywhere says that the identity provider has
// ended its session, too.
type signedOutPage struct{ Everywhere bool }

// postedOn is the policy of pages whose form leads through other sites' addresses: browsers hold the
// redirects behind a form to form-action as well.
const postedOn = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'"

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
		c.Response().Header().Set(echo.HeaderContentSecurityPolicy, postedOn)
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
		in = nil
		_, err = org.EndSessionsOf(ctx, l.IdentityID)
	}
	if err != nil {
		return err
	}
	next := ""
	a, err := s.Store.Application(ctx, l.ApplicationID)
	if err == nil && len(a.PostLogoutRedirectURIs) > 0 {
		next = a.PostLogoutRedirectURIs[0]
	}
	if err != nil && model.KindOf(err) != model.NotFound {
		return err
	}
	return s.signedOut(c, in, next)
}

// logout ends the browser's session.
func (s *Server) logout(c echo.Context) error {
	in, err := s.browserSession(c)
	if err == nil {
		err = s.Store.Org(in.Session.OrganizationID, model.Actor("user:"+model.UserPrefix.ID(in.User.ID))).EndSession(c.Request().Context(), in.Session.ID)
	}
	if err != nil && !ended(err) {
		return err
	}
	s.dropSession(c)
	return s.signedOut(c, in, "")
}

// signedOut goes on after our session has ended: to the identity provider where its session is to end
// as well, then to next, which is an application's registered address, or to a page of ours. in is the
// session that this browser had, nil for none.
func (s *Server) signedOut(c echo.Context, in *model.SignedIn, next string) error {
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

// toProviderLogout sends the browser to the identity provider to end its session there, and tells
// whether it did. A connection that is gone by now, or wants no such thing, keeps nobody here.
func (s *Server) toProviderLogout(c echo.Context, in *model.SignedIn, next string) (sent bool, err error) {
	org := s.Store.Org(in.Session.OrganizationID, model.System)
	connection, err := org.Connection(c.Request().Context(), in.Session.ConnectionID)
	if model.KindOf(err) == model.NotFound {
		return false, nil
	}
	if err != nil || connection.Logout != model.LogoutIDP {
		return false, err
	}
	if connection.OIDC() {
		return s.oidcLogoutAtProvider(c, connection, in, next)
	}
	return s.samlLogout(c, connection, in, next)
}

// samlLogout sends a LogoutRequest, where the identity provider takes one.
func (s *Server) samlLogout(c echo.Context, connection *model.Connection, in *model.SignedIn, next string) (sent bool, err error) {
	if !connection.LogoutOffered() {
		return false, nil
	}
	ctx, org := c.Request().Context(), s.org(connection)
	known, err := org.ProviderSession(ctx, in.Session.ID)
	if err != nil || known == nil {
		return false, err
	}
	p, err := s.provider(connection)
	if err != nil {
		return false, err
	}
	l := &model.SingleLogout{ConnectionID: connection.ID, RequestID: "_" + rand.Text(), BrowserHash: s.bindBrowser(c), NextURI: next}
	if err := org.StartLogout(ctx, l); err != nil {
		return false, err
	}
	request, err := p.sp.LogoutRequest(p.idp, saml.LogoutRequestOptions{
		ID: l.RequestID, RelayState: l.ID, SessionIndex: known.SessionIndex, Now: s.Store.Now(),
		NameID: saml.NameID{Value: known.NameID, Format: known.Format, NameQualifier: known.NameQualifier, SPNameQualifier: known.SPNameQualifier},
	})
	if err != nil {
		return false, err
	}
	return true, s.sendBrowser(c, request, "Signing out")
}

// providerSession is how the identity provider that made an assertion knows the session.
func providerSession(a *saml.Assertion) model.ProviderSession {
	return model.ProviderSession{NameID: a.NameID, Format: a.NameIDFormat, NameQualifier: a.NameQualifier,
		SPNameQualifier: a.SPNameQualifier, SessionIndex: a.SessionIndex}
}

// sendBrowser sends the browser on with a message, by the binding that it was made for. The identity
// provider may send a posted form on to wherever it likes, so no form-action bounds it.
func (s *Server) sendBrowser(c echo.Context, m saml.Request, title string) error {
	if m.Fields == nil {
		return redirect(c, m.URL)
	}
	c.Response().Header().Set(echo.HeaderContentSecurityPolicy, postedOn)
	return s.Pages.Render(c, http.StatusOK, "sso_post", postPage{title, m.URL, m.Fields})
}
