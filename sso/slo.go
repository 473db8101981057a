package sso

import (
	"crypto/rand"
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/refusal"
	"rollcall/model/signon"
	"rollcall/sso/saml"
	"rollcall/trust"
	"rollcall/web"
)

// slo is the single logout service. The identity provider ends sessions here, and answers the
// logouts that began here. Both kinds of messages come through the browser, by HTTP-Redirect or
// HTTP-POST.
func (s *Server) slo(c echo.Context) error {
	connection, err := s.connectionOver(c, false)
	if err != nil {
		return err
	}
	if !connection.HasProvider() {
		return s.refuseLogout(c, connection, errUnfinished)
	}
	p, err := s.providers.Of(connection)
	if err != nil {
		return err
	}
	m, err := s.readLogout(c, p,
		saml.Expect{Now: s.Store.Now(), EnforceCertificateDates: connection.RefuseExpiredCertificates})
	switch {
	case err != nil:
		return s.refuseLogout(c, connection, err)
	case m.Request != nil:
		return s.endByProvider(c, connection, p, m)
	}
	return s.endAnswered(c, connection, m)
}

// readLogout reads a message of either binding.
func (s *Server) readLogout(c echo.Context, p *trust.Provider, e saml.Expect) (*saml.LogoutMessage, error) {
	r := c.Request()
	if r.Method == http.MethodGet {
		return p.SP.ReadLogoutQuery(p.IDP, r.URL.RawQuery, e)
	}
	r.Body = http.MaxBytesReader(c.Response(), r.Body, maxResponse)
	if err := r.ParseForm(); err != nil {
		if web.IsCrowded(err) {
			return nil, err
		}
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return nil, &saml.Refused{Reason: saml.TooLarge, Expected: "at most 512 KiB", Received: "more"}
		}
		return nil, &saml.Refused{Reason: saml.NoMessage, Expected: "a form with SAMLRequest or SAMLResponse",
			Received: "a body that is no form"}
	}
	parameter, messages := "", 0
	for _, name := range []string{saml.RequestParameter, saml.ResponseParameter} {
		if n := len(r.PostForm[name]); n > 0 {
			parameter, messages = name, messages+n
		}
	}
	switch {
	case messages == 0:
		return nil, &saml.Refused{Reason: saml.NoMessage, Expected: "a form with SAMLRequest or SAMLResponse",
			Received: "one without"}
	case messages > 1 || len(r.PostForm["RelayState"]) > 1:
		return nil, &saml.Refused{Reason: saml.Repeated, Expected: "one message and one RelayState",
			Received: "several"}
	}
	m, err := p.SP.ReadLogoutForm(p.IDP, parameter, r.PostForm.Get(parameter), e)
	if err != nil {
		return nil, err
	}
	m.RelayState = r.PostForm.Get("RelayState")
	return m, nil
}

// endByProvider ends the sessions that a verified LogoutRequest names, and answers it. The answer
// goes only to the identity provider, and says only whether the name is known here.
func (s *Server) endByProvider(
	c echo.Context, connection *connection.Connection, p *trust.Provider, m *saml.LogoutMessage,
) error {
	_, err := signon.In(s.org(connection)).LogoutByProvider(c.Request().Context(), signon.ProviderLogout{
		ConnectionID: connection.ID, RequestID: m.Request.ID, ReplayUntil: model.TimeOf(m.Request.ReplayUntil),
		Issuer: connection.IDPEntityID, NameID: m.Request.NameID.Value, SessionIndexes: m.Request.SessionIndexes,
	})
	r, refused := refusalOf(err, connection)
	r.notes = append(samlNotes(m.Warnings, connection), r.notes...)
	unknown := refused && r.Reason == string(refusal.LogoutSubjectUnknown)
	switch {
	case err == nil:
	case unknown, refused && r.Reason == string(refusal.LogoutSessionUnknown):
		// There is no session to end. The answer says so to the identity provider, and the login
		// log to its administrators.
		s.noteLogout(c, connection, r)
	default:
		return s.refuseLogout(c, connection, withNotes(err, samlNotes(m.Warnings, connection)))
	}
	if !p.IDP.SLO.Offered() {
		return s.Pages.Render(c, http.StatusOK, "sso_signed_out", signedOutPage{})
	}
	relayState := m.RelayState
	if len(relayState) > maxRelayState {
		relayState = ""
	}
	answer, err := p.SP.LogoutResponse(p.IDP, saml.LogoutResponseOptions{ID: "_" + rand.Text(),
		InResponseTo: m.Request.ID, RelayState: relayState, UnknownPrincipal: unknown, Now: s.Store.Now()})
	if err != nil {
		return err
	}
	return s.sendBrowser(c, answer, "Signing out")
}

// maxRelayState is the longest RelayState that is sent back, in bytes. SAML Bindings, section
// 3.4.3, allows 80, but some providers send more.
const maxRelayState = 1024

// endAnswered ends a logout that began here. Our session ended when the logout began. The answer
// only decides whether the page says that the identity provider's session has ended, too.
func (s *Server) endAnswered(c echo.Context, connection *connection.Connection, m *saml.LogoutMessage) error {
	notes := samlNotes(m.Warnings, connection)
	l, err := s.useLogout(c, connection, m.RelayState, m.Response)
	if err != nil {
		return s.refuseLogout(c, connection, withNotes(err, notes))
	}
	if m.Response.Status != "" {
		s.noteLogout(c, connection, rejection{Reason: string(saml.BadStatus), Expected: "a logout that succeeded",
			Received: m.Response.Status, notes: notes})
	}
	if l.NextURI != "" {
		return redirect(c, l.NextURI)
	}
	return s.Pages.Render(c, http.StatusOK, "sso_signed_out",
		signedOutPage{Everywhere: m.Response.Signed && m.Response.Status == ""})
}

// useLogout finds the logout that a response answers, and marks it as used. response is nil if the
// answer has only the state, as in OpenID Connect.
func (s *Server) useLogout(
	c echo.Context, connection *connection.Connection, state string, response *saml.ReceivedLogoutResponse,
) (*signon.SingleLogout, error) {
	ctx, org := c.Request().Context(), s.org(connection)
	l, err := signon.In(org).SingleLogout(ctx, connection.ID, state)
	switch {
	case model.KindOf(err) == model.NotFound:
		return nil, &refusal.Error{Reason: refusal.LogoutUnknown,
			Expected: "the RelayState or state of a logout of this connection", Received: "none, or another"}
	case err != nil:
		return nil, err
	case !s.fromBrowser(c, l.BrowserHash):
		return nil, &refusal.Error{Reason: refusal.LogoutForeign,
			Expected: "the browser in which the logout began", Received: "another one, or one without our cookie"}
	}
	if response != nil {
		if err := response.Answers(l.RequestID); err != nil {
			return nil, err
		}
	}
	return l, signon.In(org).UseLogout(ctx, l.ID)
}

// refuseLogout refuses a logout message. The login log gets the reason, the browser only a
// reference. Nothing is sent to the identity provider, which may not be the sender of the message.
func (s *Server) refuseLogout(c echo.Context, connection *connection.Connection, err error) error {
	r, ok := refusalOf(err, connection)
	if !ok {
		return err
	}
	s.noteLogout(c, connection, r)
	return s.Pages.Render(c, http.StatusForbidden, "sso_logout_refused",
		refusedPage{Reference: web.RequestID(c.Request().Context())})
}

// noteLogout writes a refused logout message into the organization's login log.
func (s *Server) noteLogout(c echo.Context, connection *connection.Connection, r rejection) {
	ctx := c.Request().Context()
	a := s.attempt(c, connection)
	a.Reason, a.Expected, a.Received, a.Notes = r.Reason, r.Expected, r.Received, r.notes
	kept, err := signon.In(s.org(connection)).RecordFailedLogout(ctx, a)
	log := s.Log.With("request", a.Reference, "connection", model.ConnectionPrefix.ID(connection.ID),
		"reason", r.Reason, "kept", kept)
	if err != nil && model.KindOf(err) != model.NotFound {
		log.WarnContext(ctx, "failed logout not noted", "error", err)
		return
	}
	log.InfoContext(ctx, "logout refused")
}
