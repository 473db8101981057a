package sso

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"rollcall/model"
	"rollcall/sso/oidc"
	"rollcall/sso/saml"
	"rollcall/trust"
	"rollcall/web"
)

// refusal is why a login failed, in the words of the login log.
type refusal struct {
	Reason, Expected, Received string
	userID                     string
	document                   func() []byte // the response, where there is one to keep
}

// refusalOf finds the refusal in an error. What is none is a fault of ours, or of the database.
func refusalOf(err error) (refusal, bool) {
	if r, ok := errors.AsType[*saml.Refused](err); ok {
		return refusal{Reason: string(r.Reason), Expected: r.Expected, Received: r.Received}, true
	}
	if r, ok := errors.AsType[*oidc.Refused](err); ok {
		return refusal{Reason: string(r.Reason), Expected: r.Expected, Received: r.Received}, true
	}
	if r, ok := errors.AsType[*model.SignInRefused](err); ok {
		return refusal{Reason: string(r.Reason), Expected: r.Expected, Received: r.Received, userID: r.UserID}, true
	}
	return refusal{}, false
}

// answered is an error with the response that it is about, which may be kept for the customer's IT.
type answered struct {
	error
	document func() []byte
}

// Unwrap returns the error.
func (a *answered) Unwrap() error { return a.error }

// about gives an error the SAML response that it is about. An OpenID provider's answer holds a code,
// and no more than the log has anyway.
func (s *Server) about(err error, connection *model.Connection, response string) error {
	if response == "" {
		return err
	}
	return &answered{err, func() []byte {
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
	Password  string // where an administrator can sign in all the same; often empty
	NoSeat    bool   // there is one thing that the person can do: ask for a seat
}

// refuse ends a login that failed: the log gets the reason, the browser a reference. claims are
// given where the assertion could be believed.
func (s *Server) refuse(c echo.Context, connection *model.Connection, l *model.Login, err error, claims ...model.Claims) error {
	r, ok := refusalOf(err)
	if !ok {
		return err
	}
	if failed := trust.SuspectKey(c.Request().Context(), s.org(connection), connection, err); failed != nil {
		s.Log.WarnContext(c.Request().Context(), "metadata not asked for",
			"connection", model.ConnectionPrefix.ID(connection.ID), "error", failed)
	}
	if kept, ok := errors.AsType[*answered](err); ok {
		r.document = kept.document
	}
	s.note(c, connection, r, claims...)
	if l != nil && l.ApplicationID != nil {
		if told := outward(model.RefusalReason(r.Reason)); told != nil {
			return (&authorization{redirectURI: l.RedirectURI, state: l.State}).refuse(c, told)
		}
	}
	page := refusedPage{Reference: web.RequestID(c.Request().Context()), NoSeat: model.RefusalReason(r.Reason) == model.NoSeat}
	if l != nil && s.fromBrowser(c, l.BrowserHash) {
		if page.Password, err = s.passwordWay(c, connection, l); err != nil {
			return err
		}
	}
	return s.Pages.Render(c, http.StatusForbidden, "sso_refused", page)
}

// note writes a failed login into the organization's log. A log that cannot be written does not
// change the answer.
func (s *Server) note(c echo.Context, connection *model.Connection, r refusal, claims ...model.Claims) {
	ctx := c.Request().Context()
	a := s.attempt(c, connection)
	a.Reason, a.Expected, a.Received, a.Response = r.Reason, r.Expected, r.Received, r.document
	if r.userID != "" {
		a.UserID = &r.userID
	}
	for _, known := range claims {
		a.Email, a.Subject = known.Email, known.Subject
	}
	kept, err := s.org(connection).RecordFailedLogin(ctx, a, trust.Advice(r.Reason, connection))
	log := s.Log.With("request", a.Reference, "connection", model.ConnectionPrefix.ID(connection.ID), "reason", r.Reason, "kept", kept)
	if err != nil && model.KindOf(err) != model.NotFound {
		log.WarnContext(ctx, "failed login not noted", "error", err)
		return
	}
	log.InfoContext(ctx, "login refused")
}
