package sso

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/signon"
	"rollcall/trust"
)

// oidcLogoutAtProvider sends the browser to an OpenID provider that supports logout (OpenID Connect
// RP-Initiated Logout, section 2). If the provider does not support it or does not answer, the
// browser stays here: our session has ended in any case.
func (s *Server) oidcLogoutAtProvider(
	c echo.Context, conn *connection.Connection, in *signon.SignedIn, next string,
) (sent bool, err error) {
	ctx, org := c.Request().Context(), s.org(conn)
	rp, err := s.relyingParty(ctx, conn)
	if err != nil {
		s.Log.WarnContext(ctx, "not signed out at the provider",
			"connection", model.ConnectionPrefix.ID(conn.ID), "error", err)
		return false, nil
	}
	if rp.provider.LogoutURL(rp.client, "", "", "") == "" {
		return false, nil
	}
	hint, err := connection.In(org).IDToken(ctx, in.Session.ID)
	if err != nil {
		return false, err
	}
	l := &signon.SingleLogout{ConnectionID: conn.ID, BrowserHash: s.bindBrowser(c), NextURI: next}
	if err := signon.In(org).StartLogout(ctx, l); err != nil {
		return false, err
	}
	back := trust.OpenIDEndpointsOf(s.PublicURL, conn).PostLogout
	return true, redirect(c, rp.provider.LogoutURL(rp.client, hint, back, l.ID))
}

// oidcLoggedOut is the post_logout_redirect_uri. The provider sends the browser back with our
// state. Nothing in that is signed, so the page does not say that the provider's session has ended.
func (s *Server) oidcLoggedOut(c echo.Context) error {
	connection, err := s.connectionOver(c, true)
	if err != nil {
		return err
	}
	l, err := s.useLogout(c, connection, c.QueryParam("state"), nil)
	if err != nil {
		return s.refuseLogout(c, connection, err)
	}
	if l.NextURI != "" {
		return redirect(c, l.NextURI)
	}
	return s.Pages.Render(c, http.StatusOK, "sso_signed_out", signedOutPage{})
}
