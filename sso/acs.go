package sso

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	"rollcall/model"
	"rollcall/sso/saml"
	"rollcall/web"
)

// maxResponse bounds the form that brings a response: 512 KiB of XML in base64, escaped.
const maxResponse = 1 << 20

// clockSkew is how far the clocks of an identity provider and ours may differ.
const clockSkew = 2 * time.Minute

// acs is the assertion consumer service: the identity provider's answer comes back by the browser.
func (s *Server) acs(c echo.Context) error {
	connection, err := s.connectionOver(c, false)
	if err != nil {
		return err
	}
	response, relayState, err := readResponse(c)
	if err != nil {
		return s.refuse(c, connection, nil, err)
	}
	l, err := s.org(connection).Login(c.Request().Context(), connection.ID, relayState)
	switch {
	case model.KindOf(err) == model.NotFound:
		return s.unasked(c, connection, response)
	case err != nil:
		return err
	case !s.fromBrowser(c, l.BrowserHash):
		return s.refuse(c, connection, nil, errLoginForeign)
	}
	in, err := s.verify(c, connection, l, response)
	if err != nil {
		return s.refuse(c, connection, l, s.about(err, connection, response))
	}
	return s.finish(c, connection, l, in, response)
}

var errLoginForeign = &model.SignInRefused{Reason: model.LoginForeign,
	Expected: "the browser in which the login began", Received: "another one, or one without our cookie"}

// finish signs in whom a verified answer names, and sends the browser where the login was to end.
// response is the answer as it came, where it may be kept when it is refused.
func (s *Server) finish(c echo.Context, connection *model.Connection, l *model.Login, in *model.SignIn, response string) error {
	out, err := s.org(connection).SignIn(c.Request().Context(), *in)
	if err != nil {
		return s.refuse(c, connection, l, s.about(err, connection, response), in.Claims)
	}
	s.setSession(c, out.SessionToken)
	if l.ApplicationID != nil {
		return sendBack(c, l.RedirectURI, l.State, url.Values{"code": {out.Code}})
	}
	return redirect(c, s.public("/sso/signed-in"))
}

// readResponse reads the form of the HTTP-POST binding.
func readResponse(c echo.Context) (response, relayState string, err error) {
	r := c.Request()
	r.Body = http.MaxBytesReader(c.Response(), r.Body, maxResponse)
	if err := r.ParseForm(); err != nil {
		if errors.As(err, new(*http.MaxBytesError)) {
			return "", "", &saml.Refused{Reason: saml.TooLarge, Expected: "at most 512 KiB", Received: "more"}
		}
		return "", "", &saml.Refused{Reason: saml.NoResponse, Expected: "a form with SAMLResponse", Received: "a body that is no form"}
	}
	if len(r.PostForm["SAMLResponse"]) > 1 || len(r.PostForm["RelayState"]) > 1 {
		return "", "", &saml.Refused{Reason: saml.Repeated, Expected: "one SAMLResponse and one RelayState", Received: "several"}
	}
	if r.PostForm.Get("SAMLResponse") == "" {
		return "", "", &saml.Refused{Reason: saml.NoResponse, Expected: "a form with SAMLResponse", Received: "one without"}
	}
	return r.PostForm.Get("SAMLResponse"), r.PostForm.Get("RelayState"), nil
}

// verify makes of a response what the store signs in by, or says why not. It writes nothing.
func (s *Server) verify(c echo.Context, connection *model.Connection, l *model.Login, response string) (*model.SignIn, error) {
	if connection.State == model.ConnectionDraft && l.ApplicationID != nil {
		return nil, &model.SignInRefused{Reason: model.ConnectionIsDraft, Expected: "a connection that was tested", Received: "a draft"}
	}
	p, err := s.provider(connection)
	if err != nil {
		return nil, err
	}
	now := s.Store.Now()
	a, err := s.read(c, p, response, saml.Expect{RequestID: l.RequestID, Now: now,
		EnforceCertificateDates: connection.RefuseExpiredCertificates})
	if err != nil {
		return nil, err
	}
	if err := fresh(connection, l, a.AuthnInstant, "AuthnInstant", now); err != nil {
		return nil, err
	}
	claims, err := claimsOf(connection, a)
	if err != nil {
		return nil, err
	}
	in := &model.SignIn{Connection: connection, Login: l, AssertionID: a.ID, ReplayUntil: model.TimeOf(a.ReplayUntil), Claims: claims,
		AuthenticatedAt: model.TimeOf(a.AuthnInstant), AtProvider: providerSession(a), Attempt: s.attempt(c, connection)}
	for _, w := range a.Warnings {
		in.Attempt.Notes = append(in.Attempt.Notes, w.Reason.Advice())
	}
	if !a.SessionNotOnOrAfter.IsZero() {
		until := model.TimeOf(a.SessionNotOnOrAfter)
		in.NotAfter = &until
	}
	return in, nil
}

// fresh refuses an authentication that is older than the application wished
// (docs/design/identity.md, "Sessions"). It may be weeks old where nobody wished anything. named is
// what the identity provider calls it.
func fresh(connection *model.Connection, l *model.Login, authenticated time.Time, named string, now time.Time) error {
	if connection.Reauthentication == model.ReauthenticationRequested {
		return nil
	}
	var oldest time.Time
	if l.ForceAuthn {
		oldest = l.CreatedAt.Time()
	}
	if l.MaxAge != nil {
		if t := now.Add(-time.Duration(*l.MaxAge) * time.Second); t.After(oldest) {
			oldest = t
		}
	}
	if oldest.IsZero() || !authenticated.Before(oldest.Add(-clockSkew)) {
		return nil
	}
	received := "none"
	if !authenticated.IsZero() {
		received = authenticated.UTC().Format(time.RFC3339)
	}
	return &model.SignInRefused{Reason: model.StaleAuthentication, Expected: "an " + named + " after " + oldest.UTC().Format(time.RFC3339),
		Received: received}
}

// unasked is a response to no login of ours. Where the connection allows it, a genuine one starts a
// login, and signs nobody in by itself: a link could otherwise sign a victim in as the attacker.
func (s *Server) unasked(c echo.Context, connection *model.Connection, response string) error {
	p, err := s.provider(connection)
	if err != nil {
		return err
	}
	a, err := s.read(c, p, response, saml.Expect{Now: s.Store.Now(), EnforceCertificateDates: connection.RefuseExpiredCertificates})
	if refused, ok := errors.AsType[*saml.Refused](err); ok && refused.Reason == saml.UnexpectedRequest {
		err = &model.SignInRefused{Reason: model.LoginUnknown, Expected: "the RelayState of a login of this connection", Received: "none, or another"}
	}
	switch {
	case err != nil:
	case !connection.AllowIDPInitiated:
		err = &saml.Refused{Reason: saml.Unsolicited, Expected: "an answer to a request of ours", Received: "a response that nobody asked for"}
	case connection.State == model.ConnectionDraft:
		err = &model.SignInRefused{Reason: model.ConnectionIsDraft, Expected: "a connection that was tested", Received: "a draft"}
	default:
		err = s.org(connection).RememberAssertion(c.Request().Context(), connection.ID, a.ID, model.TimeOf(a.ReplayUntil))
	}
	if err != nil {
		return s.refuse(c, connection, nil, s.about(err, connection, response))
	}
	return s.start(c, connection)
}

// attempt is a line of the login log, as far as the request tells.
func (s *Server) attempt(c echo.Context, connection *model.Connection) model.LoginAttempt {
	ctx := c.Request().Context()
	a := model.LoginAttempt{ConnectionID: connection.ID, Reference: web.RequestID(ctx), UserAgent: c.Request().UserAgent()}
	if address := web.ClientAddress(ctx); address.IsValid() {
		a.Address = address.String()
	}
	return a
}
