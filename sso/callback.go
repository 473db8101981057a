package sso

import (
	"net/url"

	"github.com/labstack/echo/v4"

	"rollcall/model"
	"rollcall/sso/oidc"
	"rollcall/trust"
)

// errNoConnectionHere is what the path of one protocol answers about a connection of the other.
var errNoConnectionHere = model.NotFoundf("There is no such connection. Check the address with whoever gave it to you.")

// connectionOver finds the connection that the path names, if it speaks the path's protocol.
func (s *Server) connectionOver(c echo.Context, overOIDC bool) (*model.Connection, error) {
	connection, err := s.connection(c)
	if err == nil && connection.OIDC() != overOIDC {
		return nil, errNoConnectionHere
	}
	return connection, err
}

// beginOIDC starts a login and sends the browser to the OpenID provider.
func (s *Server) beginOIDC(c echo.Context, connection *model.Connection, in *model.SignedIn, w wish) error {
	ctx := c.Request().Context()
	rp, err := s.relyingParty(ctx, connection)
	if err != nil {
		return s.refuse(c, connection, nil, err)
	}
	secret := oidc.NewSecret()
	l := w.login
	l.ConnectionID, l.BrowserHash, l.Secret = connection.ID, s.bindBrowser(c), secret
	if in != nil {
		l.ReplacesSessionID = &in.Session.ID
	}
	if err := s.org(connection).StartLogin(ctx, &l); err != nil {
		return err
	}
	return redirect(c, rp.provider.AuthenticationURL(rp.client, oidc.Request{
		State: l.ID, Secret: secret, Force: l.ForceAuthn, MaxAge: l.MaxAge, Hint: w.hint,
	}))
}

// oidcLogin starts a login that ends on a page of ours. It is also where a provider's own tile leads
// (OpenID Connect Core, section 4): that names the provider, and ends at the application. Where the
// provider wants to have it end is not asked, or the tile would lead anywhere.
func (s *Server) oidcLogin(c echo.Context) error {
	connection, err := s.connectionOver(c, true)
	if err != nil {
		return err
	}
	if err := c.Request().ParseForm(); err != nil {
		return model.Invalidf("", "The address of this page is damaged. Go back and try again.")
	}
	issuer, hint := c.Request().Form.Get("iss"), c.Request().Form.Get("login_hint")
	switch {
	case issuer != "" && issuer != connection.IDPEntityID:
		return model.Invalidf("iss", "This link belongs to another identity provider. Check it with whoever gave it to you.")
	case issuer != "" && connection.State == model.ConnectionActive:
		return s.startFor(c, connection, hint)
	}
	return s.beginHereFor(c, connection, hint)
}

// callback is where the OpenID provider's answer comes back by the browser.
func (s *Server) callback(c echo.Context) error {
	connection, err := s.connectionOver(c, true)
	if err != nil {
		return err
	}
	answer, err := readCallback(c)
	if err != nil {
		return s.refuse(c, connection, nil, err)
	}
	l, err := s.org(connection).Login(c.Request().Context(), connection.ID, answer.Get("state"))
	switch {
	case model.KindOf(err) == model.NotFound:
		return s.refuse(c, connection, nil, &model.SignInRefused{Reason: model.LoginUnknown,
			Expected: "the state of a login of this connection", Received: "none, or another"})
	case err != nil:
		return err
	case !s.fromBrowser(c, l.BrowserHash):
		return s.refuse(c, connection, nil, errLoginForeign)
	}
	in, err := s.verifyAnswer(c, connection, l, answer)
	if err != nil {
		return s.refuse(c, connection, l, err)
	}
	return s.finish(c, connection, l, in, "")
}

// readCallback reads what the browser brings back. A parameter that is there twice could mean one
// thing here and another at the provider.
func readCallback(c echo.Context) (url.Values, error) {
	answer, err := url.ParseQuery(c.Request().URL.RawQuery)
	if err != nil {
		return nil, &oidc.Refused{Reason: oidc.NoCode, Expected: "state, and code or error", Received: "an address that cannot be read"}
	}
	for _, name := range []string{"state", "code", "error", "iss"} {
		if len(answer[name]) > 1 {
			return nil, &oidc.Refused{Reason: oidc.Repeated, Expected: "one " + name, Received: "several"}
		}
	}
	return answer, nil
}

// verifyAnswer makes of an answer what the store signs in by, or says why not. It writes nothing.
func (s *Server) verifyAnswer(c echo.Context, connection *model.Connection, l *model.Login, answer url.Values) (*model.SignIn, error) {
	ctx := c.Request().Context()
	now := s.Store.Now()
	switch {
	case connection.State == model.ConnectionDraft && l.ApplicationID != nil:
		return nil, &model.SignInRefused{Reason: model.ConnectionIsDraft, Expected: "a connection that was tested", Received: "a draft"}
	case l.UsedAt != nil || l.ExpiresAt <= model.TimeOf(now):
		// The store decides between several who come at once. Here it spares the provider a code.
		return nil, &model.SignInRefused{Reason: model.LoginUsed, Expected: "a login that is used once, within ten minutes", Received: "one that was used or has expired"}
	}
	rp, err := s.relyingParty(ctx, connection)
	if err != nil {
		return nil, err
	}
	code, err := rp.provider.ReadAnswer(answer)
	if err != nil {
		return nil, err
	}
	secret, err := s.Store.LoginSecret(l)
	if err != nil {
		return nil, err
	}
	tokens, err := rp.provider.Exchange(ctx, rp.client, code, secret)
	if err != nil {
		return nil, err
	}
	a, err := rp.provider.Verify(ctx, rp.client, tokens, oidc.Expect{Secret: secret, Begun: l.CreatedAt.Time(), Now: now})
	if err != nil {
		return nil, err
	}
	if err := fresh(connection, l, a.AuthTime, "auth_time", now); err != nil {
		return nil, err
	}
	in := &model.SignIn{Connection: connection, Login: l, AssertionID: a.Token, IDToken: a.Token, ReplayUntil: model.TimeOf(a.Expires),
		Claims: vouched(connection, a), Attempt: s.attempt(c, connection)}
	if !a.AuthTime.IsZero() {
		in.AuthenticatedAt = model.TimeOf(a.AuthTime)
	}
	if in.Claims.Email != "" && !in.Claims.EmailVerified {
		a.Warnings = append(a.Warnings, oidc.EmailNotVouched)
	}
	for _, w := range a.Warnings {
		in.Attempt.Notes = append(in.Attempt.Notes, trust.Advice(string(w), connection))
	}
	return in, nil
}

// entraUserName is the claim in which Entra ID sends the user principal name, as directories send it
// for userName.
const entraUserName = "preferred_username"

// vouched makes claims of what a provider vouches for.
func vouched(connection *model.Connection, a *oidc.Assertion) model.Claims {
	c := model.Claims{
		Issuer: a.Issuer, Subject: a.Subject, Email: a.Email, EmailVerified: a.EmailVerified || connection.TrustEmail,
		FirstName: a.FirstName, LastName: a.LastName, DisplayName: a.DisplayName,
		Groups: a.Groups, GroupsSent: a.GroupsSent, Attributes: a.Attributes,
	}
	name := connection.UsernameAttribute
	if name == "" && entraLike(connection) {
		name = entraUserName
	}
	// An address that is not vouched for recognizes nobody, least of all under the name of a userName.
	if values := a.Attributes[name]; len(values) == 1 && (name != "email" || c.EmailVerified) {
		c.UserName = values[0]
	}
	return c
}
