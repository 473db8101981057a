package sso

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/refusal"
	"rollcall/model/signon"
	"rollcall/sso/saml"
	"rollcall/web"
)

// maxResponse limits the form that contains a response, in bytes: 512 KiB of XML become larger in
// base64 and by escaping.
const maxResponse = 1 << 20

// clockSkew is how far the clocks of an identity provider and ours may differ.
const clockSkew = 2 * time.Minute

// acs is the assertion consumer service. The browser brings the identity provider's response here.
func (s *Server) acs(c echo.Context) error {
	connection, err := s.connectionOver(c, false)
	if err != nil {
		return err
	}
	response, relayState, err := readResponse(c)
	if err != nil {
		return s.refuse(c, connection, nil, err)
	}
	l, err := s.loginOf(c, connection, relayState)
	switch {
	case model.KindOf(err) == model.NotFound:
		return s.unsolicited(c, connection, response)
	case err != nil:
		return s.refuse(c, connection, nil, err)
	case !s.fromBrowser(c, l.BrowserHash):
		return s.refuse(c, connection, nil, errLoginForeign)
	}
	if l.TestID != "" {
		return s.endSAMLTest(c, connection, l, response)
	}
	in, err := s.verify(c, connection, l, response)
	switch {
	case err != nil && s.broughtAgain(c, connection, l, err):
		return s.sendAgain(c, connection, l)
	case err != nil:
		return s.refuse(c, connection, l, s.withResponse(err, connection, response))
	}
	return s.finish(c, connection, l, in, response)
}

// loginOf returns the login of a handle, as this browser keeps it.
func (s *Server) loginOf(c echo.Context, connection *connection.Connection, handle string) (*signon.Login, error) {
	return signon.In(s.org(connection)).Login(connection.ID, handle,
		func(id string) []byte { return s.keptLogin(c, id) })
}

var (
	errLoginForeign = &refusal.Error{Reason: refusal.LoginForeign,
		Expected: "the browser in which the login began", Received: "another one, or one without our cookie"}
	errLoginUnknown = &refusal.Error{Reason: refusal.LoginUnknown,
		Expected: "the RelayState of a login of this connection", Received: "none, or another"}
)

// finish signs in the person whom a verified response names, and sends the browser to the end of
// the login. response is the text as it came; it may be stored if the login is refused.
func (s *Server) finish(
	c echo.Context, connection *connection.Connection, l *signon.Login, in *signon.SignIn, response string,
) error {
	if in.Present == "" {
		in.Present = s.present(c)
	}
	out, err := signon.In(s.org(connection)).SignIn(c.Request().Context(), *in)
	if other := otherPerson(err); other != nil {
		return s.askOther(c, *in, other)
	}
	if err != nil && s.broughtAgain(c, connection, l, err) {
		return s.sendAgain(c, connection, l)
	}
	if err != nil {
		return s.refuse(c, connection, l, s.withResponse(err, connection, response), in.Claims)
	}
	s.setSession(c, out.SessionToken, out.Session.ID)
	if l.ApplicationID != nil {
		return s.sendBack(c, replyOf(l), url.Values{"code": {out.Code}})
	}
	return redirect(c, s.public("/sso/signed-in"))
}

// readResponse reads the form of the HTTP-POST binding.
func readResponse(c echo.Context) (response, relayState string, err error) {
	r := c.Request()
	r.Body = http.MaxBytesReader(c.Response(), r.Body, maxResponse)
	if err := r.ParseForm(); err != nil {
		if web.IsCrowded(err) {
			return "", "", err
		}
		if errors.As(err, new(*http.MaxBytesError)) {
			return "", "", &saml.Refused{Reason: saml.TooLarge, Expected: "at most 512 KiB", Received: "more"}
		}
		return "", "", &saml.Refused{Reason: saml.NoResponse, Expected: "a form with SAMLResponse",
			Received: "a body that is no form"}
	}
	if len(r.PostForm["SAMLResponse"]) > 1 || len(r.PostForm["RelayState"]) > 1 {
		return "", "", &saml.Refused{Reason: saml.Repeated, Expected: "one SAMLResponse and one RelayState",
			Received: "several"}
	}
	if r.PostForm.Get("SAMLResponse") == "" {
		return "", "", &saml.Refused{Reason: saml.NoResponse, Expected: "a form with SAMLResponse",
			Received: "one without"}
	}
	return r.PostForm.Get("SAMLResponse"), r.PostForm.Get("RelayState"), nil
}

// verify makes the input of signon.SignIn from a response, or says why the response is refused. It
// writes nothing.
func (s *Server) verify(
	c echo.Context, conn *connection.Connection, l *signon.Login, response string,
) (*signon.SignIn, error) {
	if err := servesLogin(conn, l); err != nil {
		return nil, err
	}
	p, err := s.providers.Of(conn)
	if err != nil {
		return nil, err
	}
	now := s.Store.Now()
	a, err := s.read(c, p, response, saml.Expect{RequestID: l.RequestID, Now: now,
		EnforceCertificateDates: conn.RefuseExpiredCertificates})
	if err != nil {
		return nil, err
	}
	notes := append(samlNotes(a.Warnings, conn), attributeNotes(conn, a)...)
	if err := checkFreshness(conn, l, a.AuthnInstant, "AuthnInstant", now); err != nil {
		return nil, withNotes(err, notes)
	}
	claims, err := claimsOf(conn, a)
	if err != nil {
		return nil, withNotes(err, notes)
	}
	in := &signon.SignIn{
		Connection: conn, Login: l, Claims: claims, Attempt: s.attempt(c, conn),
		AssertionID: a.ID, ReplayUntil: model.TimeOf(a.ReplayUntil),
		AuthenticatedAt: model.TimeOf(a.AuthnInstant), AtProvider: providerSession(a),
	}
	in.Attempt.Notes = notes
	if !a.SessionNotOnOrAfter.IsZero() {
		until := model.TimeOf(a.SessionNotOnOrAfter)
		in.NotAfter = &until
	}
	return in, nil
}

// checkFreshness refuses an authentication that is older than the application allows
// (docs/design/identity.md, "Sessions"). Without a limit of the application, it may be weeks old.
// named is the identity provider's name for the time of the authentication.
func checkFreshness(
	conn *connection.Connection, l *signon.Login, authenticated time.Time, named string, now time.Time,
) error {
	if conn.Reauthentication == connection.ReauthenticationRequested {
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
	return &refusal.Error{Reason: refusal.StaleAuthentication,
		Expected: "an " + named + " after " + oldest.UTC().Format(time.RFC3339),
		Received: received}
}

// unsolicited handles a response to none of our logins. If the connection allows it, a genuine
// response starts a login. It never signs anybody in by itself: an attacker could send a victim a
// link that signs the victim in as the attacker.
func (s *Server) unsolicited(c echo.Context, conn *connection.Connection, response string) error {
	if err := serves(conn, true); err != nil {
		return s.refuse(c, conn, nil, err)
	}
	p, err := s.providers.Of(conn)
	if err != nil {
		return err
	}
	a, err := s.read(c, p, response, saml.Expect{Now: s.Store.Now(), AnyRequest: conn.AllowIDPInitiated,
		EnforceCertificateDates: conn.RefuseExpiredCertificates})
	if refused, ok := errors.AsType[*saml.Refused](err); ok && refused.Reason == saml.UnexpectedRequest {
		err = errLoginUnknown
	}
	switch {
	case err != nil:
	case !conn.AllowIDPInitiated:
		err = &saml.Refused{Reason: saml.Unsolicited, Expected: "an answer to a request of ours",
			Received: "a response that nobody asked for"}
	case serves(conn, false) != nil:
		err = serves(conn, false)
	default:
		err = s.startedByProvider(c, conn, a)
	}
	if err != nil && a != nil {
		err = withNotes(err, samlNotes(a.Warnings, conn))
	}
	if replayed, ok := errors.AsType[*refusal.Error](err); ok && replayed.Reason == refusal.AssertionReplayed &&
		s.present(c) != "" {
		return s.broughtUnasked(c, conn, err)
	}
	if err != nil {
		return s.refuse(c, conn, nil, s.withResponse(err, conn, response))
	}
	return s.start(c, conn)
}

// maxRequests is how many requests an unsolicited response may name.
const maxRequests = 5

// startedByProvider makes sure that an unsolicited response begins one login, and that it is not
// the answer to a login that is still open. Some providers name a request that is none of ours,
// always the same (docs/connect/saml.md, "Notes on some identity providers").
func (s *Server) startedByProvider(c echo.Context, conn *connection.Connection, a *saml.Assertion) error {
	ctx, in := c.Request().Context(), signon.In(s.org(conn))
	if len(a.Requests) > maxRequests {
		return errLoginUnknown
	}
	if len(a.Requests) > 0 {
		open, err := in.Awaited(ctx, conn.ID, a.Requests)
		if err != nil {
			return err
		}
		if open {
			return errLoginUnknown
		}
	}
	return in.RememberAssertion(ctx, conn.ID, a.ID, model.TimeOf(a.ReplayUntil))
}

// attempt makes a row of the login log from what the request says.
func (s *Server) attempt(c echo.Context, connection *connection.Connection) signon.LoginAttempt {
	ctx := c.Request().Context()
	a := signon.LoginAttempt{ConnectionID: connection.ID, Reference: web.RequestID(ctx),
		UserAgent: c.Request().UserAgent()}
	if address := web.ClientAddress(ctx); address.IsValid() {
		a.Address = address.String()
	}
	return a
}
