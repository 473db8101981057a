package sso

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/refusal"
	"rollcall/model/signon"
	"rollcall/sso/oidc"
	"rollcall/sso/saml"
	"rollcall/trust"
)

// connectionOver returns the connection that the path names, if it speaks the path's protocol.
func (s *Server) connectionOver(c echo.Context, overOIDC bool) (*connection.Connection, error) {
	connection, err := s.connection(c)
	if err == nil && connection.OIDC() != overOIDC {
		return nil, errUnknownConnection
	}
	return connection, err
}

// beginOIDC starts a login and sends the browser to the OpenID provider.
func (s *Server) beginOIDC(c echo.Context, connection *connection.Connection, in *signon.SignedIn, w loginWish) error {
	ctx := c.Request().Context()
	rp, err := s.relyingParty(ctx, connection)
	switch {
	case err != nil && w.login.TestID != "":
		l := w.login
		l.ConnectionID, l.BrowserHash = connection.ID, s.bindBrowser(c)
		return s.noteTest(c, &finding{server: s, conn: connection, login: &l}, err)
	case err != nil:
		return s.refuse(c, connection, nil, err)
	}
	secret := oidc.NewSecret()
	l := w.login
	l.ConnectionID, l.Secret = connection.ID, secret
	handle, err := s.startLogin(c, connection, in, &l)
	if err != nil {
		return err
	}
	return redirect(c, rp.provider.AuthenticationURL(rp.client, oidc.Request{
		State: handle, Secret: secret, Force: l.ForceAuthn, MaxAge: l.MaxAge, Hint: w.hint,
	}))
}

// oidcLogin starts a login that ends on one of our pages. A provider's own tile leads here, too,
// and names the provider (OpenID Connect Core, section 4); then the login ends at the application.
// The parameter target_link_uri is ignored: otherwise a tile could lead anywhere.
func (s *Server) oidcLogin(c echo.Context) error {
	conn, err := s.connectionOver(c, true)
	if err != nil {
		return err
	}
	if err := c.Request().ParseForm(); err != nil {
		return model.Invalidf("", "The address of this page is damaged. Go back and try again.")
	}
	issuer, hint := c.Request().Form.Get("iss"), c.Request().Form.Get("login_hint")
	switch {
	case issuer != "" && issuer != conn.IDPEntityID:
		return model.Invalidf("iss",
			"This link belongs to another identity provider. Check it with whoever gave it to you.")
	case issuer != "" && conn.State == connection.ConnectionActive:
		return s.startFor(c, conn, hint)
	}
	return s.beginHereFor(c, conn, hint)
}

// callback is the address to which the browser brings the OpenID provider's answer: in the query,
// or in a form where the provider was told so (OAuth 2.0 Form Post Response Mode).
func (s *Server) callback(c echo.Context) error {
	connection, err := s.connectionOver(c, true)
	if err != nil {
		return err
	}
	answer, err := readCallback(c)
	if err != nil {
		return s.refuse(c, connection, nil, err)
	}
	l, err := s.loginOf(c, connection, answer.Get("state"))
	switch {
	case model.KindOf(err) == model.NotFound:
		return s.refuse(c, connection, nil, s.astray(c, connection, answer))
	case err != nil:
		return s.refuse(c, connection, nil, s.withReported(c, err, answer))
	case !s.fromBrowser(c, l.BrowserHash):
		return s.refuse(c, connection, nil, s.withReported(c, errLoginForeign, answer))
	}
	if l.TestID != "" {
		return s.endTest(c, connection, l, func() (*signon.SignIn, *saml.Sighting, error) {
			in, err := s.verifyAnswer(c, connection, l, answer)
			return in, nil, err
		})
	}
	in, err := s.verifyAnswer(c, connection, l, answer)
	switch {
	case err != nil && s.broughtAgain(c, connection, l, err):
		return s.sendAgain(c, connection, l)
	case err != nil:
		return s.refuse(c, connection, l, err)
	}
	return s.finish(c, connection, l, in, "")
}

// maxAnswer limits the form that contains an answer, in bytes.
const maxAnswer = 64 << 10

// readCallback reads the provider's answer. It refuses parameters that are sent twice, because the
// provider and this server could read different values.
func readCallback(c echo.Context) (answer url.Values, err error) {
	r, expected := c.Request(), "state, and code or error"
	if r.Method == http.MethodPost {
		r.Body = http.MaxBytesReader(c.Response(), r.Body, maxAnswer)
		if err := r.ParseForm(); err != nil {
			return nil, &oidc.Refused{Reason: oidc.NoCode, Expected: expected, Received: "a body that is no form"}
		}
		answer = r.PostForm
	} else if answer, err = url.ParseQuery(r.URL.RawQuery); err != nil {
		return nil, &oidc.Refused{Reason: oidc.NoCode, Expected: expected, Received: "an address that cannot be read"}
	}
	for _, name := range []string{"state", "code", "error", "iss"} {
		if n := len(answer[name]); n > 1 {
			return nil, &oidc.Refused{Reason: oidc.Repeated, Expected: "the parameter " + name + " once",
				Received: fmt.Sprintf("%s %d times", name, n)}
		}
	}
	return answer, nil
}

// astray is the refusal of an answer whose state is of no login here. If the provider reports an
// error, that is the reason: the state may have been cut off on the way.
func (s *Server) astray(c echo.Context, conn *connection.Connection, answer url.Values) error {
	if reported := oidc.Reported(answer, s.knownBrowser(c)); reported != nil {
		return withNotes(reported, []string{trust.Advice(string(refusal.LoginUnknown), conn)})
	}
	received := "no state"
	if answer.Get("state") != "" {
		received = "a state that is none of this connection's"
	}
	return &refusal.Error{Reason: refusal.LoginUnknown, Expected: "the state of a login of this connection",
		Received: received}
}

// withReported notes the error that the provider reports with an answer that is refused for another
// reason.
func (s *Server) withReported(c echo.Context, err error, answer url.Values) error {
	reported, ok := errors.AsType[*oidc.Refused](oidc.Reported(answer, s.knownBrowser(c)))
	if !ok {
		return err
	}
	return withNotes(err, []string{"The provider reported an error: " + reported.Received})
}

// verifyAnswer makes the input of signon.SignIn from an answer, or says why the answer is refused.
// It writes nothing.
func (s *Server) verifyAnswer(
	c echo.Context, conn *connection.Connection, l *signon.Login, answer url.Values,
) (*signon.SignIn, error) {
	if err := servesLogin(conn, l); err != nil {
		return nil, err
	}
	now := s.Store.Now()
	if err := signon.In(s.org(conn)).Unused(c.Request().Context(), l); err != nil {
		return nil, s.withReported(c, err, answer) // without a request to the provider
	}
	a, err := s.redeem(c.Request().Context(), conn, l, answer, now)
	if err != nil {
		return nil, err
	}
	claims := openIDClaims(conn, a)
	if claims.Email != "" && !claims.EmailVerified {
		a.Warnings = append(a.Warnings, oidc.Warning{Reason: oidc.EmailNotVouched})
	}
	notes := openIDNotes(a.Warnings, conn)
	if err := checkFreshness(conn, l, a.AuthTime, "auth_time", now); err != nil {
		return nil, withNotes(err, notes)
	}
	in := &signon.SignIn{
		Connection: conn, Login: l, Claims: claims, Attempt: s.attempt(c, conn),
		AssertionID: a.Token, IDToken: a.Token, ReplayUntil: model.TimeOf(a.Expires),
	}
	if !a.AuthTime.IsZero() {
		in.AuthenticatedAt = model.TimeOf(a.AuthTime)
	}
	in.Attempt.Notes = notes
	return in, nil
}

// redeem exchanges the answer's code for an ID token and verifies that.
func (s *Server) redeem(
	ctx context.Context, connection *connection.Connection, l *signon.Login, answer url.Values, now time.Time,
) (*oidc.Assertion, error) {
	rp, err := s.relyingParty(ctx, connection)
	if err != nil {
		return nil, err
	}
	code, err := rp.provider.ReadAnswer(answer)
	if err != nil {
		return nil, err
	}
	tokens, err := rp.provider.Exchange(ctx, rp.client, code, l.Secret)
	if err != nil {
		return nil, err
	}
	return rp.provider.Verify(ctx, rp.client, tokens,
		oidc.Expect{Secret: l.Secret, Begun: l.CreatedAt.Time(), Now: now})
}

// entraUserName is the claim with which Entra ID sends the user principal name. Its directories
// send the same value as userName.
const entraUserName = "preferred_username"

// openIDClaims makes claims from what a provider vouches for.
func openIDClaims(conn *connection.Connection, a *oidc.Assertion) signon.Claims {
	c := signon.Claims{
		Issuer: a.Issuer, Subject: a.Subject, Email: a.Email, EmailVerified: a.EmailVerified || conn.TrustEmail,
		FirstName: a.FirstName, LastName: a.LastName, DisplayName: a.DisplayName,
		Groups: a.Groups, GroupsSent: a.GroupsSent, Attributes: a.Attributes,
	}
	name := conn.UsernameAttribute
	if name == "" && conn.Type == connection.EntraOIDC {
		name = entraUserName
	}
	// An e-mail address that is not vouched for must not match a user, not even as a userName.
	if values := a.Attributes[name]; len(values) == 1 && (name != "email" || c.EmailVerified) {
		c.UserName = values[0]
	}
	return c
}
