package sso

import (
	"errors"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/refusal"
	"rollcall/model/signon"
	"rollcall/sso/oidc"
	"rollcall/sso/saml"
	"rollcall/trust"
	"rollcall/web"
)

// rejection says why a login failed. It has the fields of the login log.
type rejection struct {
	Reason, Expected, Received string
	userID                     string
	notes                      []string      // what was wrong besides, and accepted
	document                   func() []byte // returns the response; nil if there is none to store
}

// refusalOf finds the refusal in an error. Any other error is a failure of this server or of the
// database.
func refusalOf(err error, conn *connection.Connection) (r rejection, ok bool) {
	if n, ok := errors.AsType[*notedError](err); ok {
		r.notes = n.notes
	}
	if n, ok := errors.AsType[*saml.Refused](err); ok {
		r.Reason, r.Expected, r.Received = string(n.Reason), n.Expected, n.Received
		if slices.Contains(compared, n.Reason) {
			r.Expected, r.Received = quoted(n.Expected), quoted(n.Received)
		}
		r.notes = append(r.notes, samlNotes(n.Warnings, conn)...)
		return r, true
	}
	if n, ok := errors.AsType[*oidc.Refused](err); ok {
		r.Reason, r.Expected, r.Received = string(n.Reason), n.Expected, n.Received
		if guarded, ok := errors.AsType[*model.Error](n.Err); ok { // by web.Outbound, which says why
			r.Received = guarded.Message
		}
		r.notes = append(r.notes, openIDNotes(n.Warnings, conn)...)
		return r, true
	}
	if n, ok := errors.AsType[*refusal.Error](err); ok {
		r.Reason, r.Expected, r.Received, r.userID = string(n.Reason), n.Expected, n.Received, n.UserID
		r.notes = append(r.notes, n.Notes...)
		return r, true
	}
	return r, false
}

// compared are the reasons over SAML that are about two texts which are compared letter by letter.
// They are shown in quotes, so that a space at the end is seen.
var compared = []saml.Reason{
	saml.WrongIssuer, saml.WrongDestination, saml.WrongRecipient, saml.WrongAudience, saml.NameIDSpace,
}

func quoted(text string) string {
	if text == "" {
		return "none"
	}
	return `"` + text + `"`
}

// notedError is an error with what the login log notes besides: faults that were accepted before
// the login was refused for another one.
type notedError struct {
	error
	notes []string
}

// Unwrap returns the error.
func (e *notedError) Unwrap() error { return e.error }

// withNotes adds notes to an error.
func withNotes(err error, notes []string) error {
	if len(notes) == 0 {
		return err
	}
	return &notedError{err, notes}
}

// samlNotes are the notes about what was wrong with a SAML message and accepted.
func samlNotes(warnings []*saml.Refused, conn *connection.Connection) (notes []string) {
	for _, w := range warnings {
		notes = append(notes, trust.Note(string(w.Reason), w.Received, conn))
	}
	return notes
}

// openIDNotes are the notes about what was wrong with a provider's answers and accepted.
func openIDNotes(warnings []oidc.Warning, conn *connection.Connection) (notes []string) {
	for _, w := range warnings {
		notes = append(notes, trust.Note(string(w.Reason), w.Received, conn))
	}
	return notes
}

// responseError is an error with the response that it is about. The response may be stored for the
// organization's administrators.
type responseError struct {
	error
	document func() []byte
}

// Unwrap returns the error.
func (e *responseError) Unwrap() error { return e.error }

// withResponse adds the SAML response to an error about it. The answer of an OpenID provider is not
// added: it has a code, and nothing else that the login log has not.
func (s *Server) withResponse(err error, connection *connection.Connection, response string) error {
	if response == "" {
		return err
	}
	return &responseError{err, func() []byte {
		p, err := s.providers.Of(connection)
		if err != nil {
			return nil
		}
		document, ok := p.SP.Plausible(p.IDP, response)
		if !ok {
			return nil
		}
		return document
	}}
}

// refusedPage is the view of sso_refused.html.
type refusedPage struct {
	Reference string
	Password  string // where an administrator can sign in by a password; often empty
	NoSeat    bool   // the person can ask for a seat

	// Application waits, and Back tells it that the person was not signed in. Both are often empty.
	Application, Back string
}

// answered tells whether a login is refused because it has ended before, so that no application
// waits.
func answered(reason refusal.Reason) bool {
	return reason == refusal.LoginUsed || reason == refusal.AssertionReplayed
}

// backTo lets the person go back to the application that waits for a login.
func (s *Server) backTo(c echo.Context, page *refusedPage, l *signon.Login) error {
	a, err := s.waiting(c, l)
	if a == nil || err != nil {
		return err
	}
	page.Application = a.Name
	page.Back, err = s.answerURL(replyOf(l), accessDenied())
	return err
}

// refuse ends a login that failed. The login log gets the reason, the browser only a reference.
// claims are given if the assertion was verified.
func (s *Server) refuse(
	c echo.Context, connection *connection.Connection, l *signon.Login, err error, claims ...signon.Claims,
) error {
	r, ok := refusalOf(err, connection)
	if !ok {
		return err
	}
	if failed := trust.SuspectKey(c.Request().Context(), s.org(connection), connection, err); failed != nil {
		s.Log.WarnContext(c.Request().Context(), "metadata not asked for",
			"connection", model.ConnectionPrefix.ID(connection.ID), "error", failed)
	}
	if kept, ok := errors.AsType[*responseError](err); ok {
		r.document = kept.document
	}
	s.note(c, connection, r, claims...)
	if l != nil && l.ApplicationID != nil {
		if shown := applicationError(refusal.Reason(r.Reason)); shown != nil {
			return s.answerWith(c, replyOf(l), shown)
		}
	}
	page := refusedPage{Reference: web.RequestID(c.Request().Context()),
		NoSeat: refusal.Reason(r.Reason) == refusal.NoSeat}
	if !answered(refusal.Reason(r.Reason)) {
		if err := s.backTo(c, &page, l); err != nil {
			return err
		}
	}
	if l != nil && s.fromBrowser(c, l.BrowserHash) {
		if page.Password, err = s.passwordURL(c, connection, l); err != nil {
			return err
		}
	}
	return s.Pages.Render(c, http.StatusForbidden, "sso_refused", page)
}

// note writes a failed login into the organization's login log. The answer is the same if that
// fails.
func (s *Server) note(c echo.Context, connection *connection.Connection, r rejection, claims ...signon.Claims) {
	ctx := c.Request().Context()
	a := s.attempt(c, connection)
	a.Reason, a.Expected, a.Received, a.Notes, a.Response = r.Reason, r.Expected, r.Received, r.notes, r.document
	if r.userID != "" {
		a.UserID = &r.userID
	}
	for _, known := range claims {
		a.Email, a.Subject = known.Email, known.Subject
	}
	advice, _ := trust.Explain(trust.Fault{Reason: r.Reason, Expected: r.Expected, Received: r.Received}, connection)
	kept, err := signon.In(s.org(connection)).RecordFailedLogin(ctx, a, advice)
	log := s.Log.With("request", a.Reference, "connection", model.ConnectionPrefix.ID(connection.ID),
		"reason", r.Reason, "kept", kept)
	if err != nil && model.KindOf(err) != model.NotFound {
		log.WarnContext(ctx, "failed login not noted", "error", err)
		return
	}
	log.InfoContext(ctx, "login refused")
}
