package sso

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"rollcall/model"
	"rollcall/sso/saml"
	"rollcall/web"
)

// refusal is why a login failed, in the words of the login log.
type refusal struct {
	Reason, Expected, Received string
	userID                     string
}

// refusalOf finds the refusal in an error. What is none is a fault of ours, or of the database.
func refusalOf(err error) (refusal, bool) {
	if r, ok := errors.AsType[*saml.Refused](err); ok {
		return refusal{string(r.Reason), r.Expected, r.Received, ""}, true
	}
	if r, ok := errors.AsType[*model.SignInRefused](err); ok {
		return refusal{string(r.Reason), r.Expected, r.Received, r.UserID}, true
	}
	return refusal{}, false
}

// advice is what the customer's IT can do about a reason.
func advice(reason string) string {
	if text := model.RefusalReason(reason).Advice(); text != "" {
		return text
	}
	return saml.Reason(reason).Advice()
}

// refusedPage is the view of sso_refused.html.
type refusedPage struct {
	Reference string
	NoSeat    bool // there is one thing that the person can do: ask for a seat
}

// refuse ends a login that failed: the log gets the reason, the browser a reference. claims are
// given where the assertion could be believed.
func (s *Server) refuse(c echo.Context, connection *model.Connection, l *model.Login, err error, claims ...model.Claims) error {
	r, ok := refusalOf(err)
	if !ok {
		return err
	}
	s.note(c, connection, r, claims...)
	if l != nil && l.ApplicationID != nil {
		if told := outward(model.RefusalReason(r.Reason)); told != nil {
			return (&authorization{redirectURI: l.RedirectURI, state: l.State}).refuse(c, told)
		}
	}
	return s.Pages.Render(c, http.StatusForbidden, "sso_refused", refusedPage{
		Reference: web.RequestID(c.Request().Context()), NoSeat: model.RefusalReason(r.Reason) == model.NoSeat})
}

// note writes a failed login into the organization's log. A log that cannot be written does not
// change the answer.
func (s *Server) note(c echo.Context, connection *model.Connection, r refusal, claims ...model.Claims) {
	ctx := c.Request().Context()
	a := s.attempt(c, connection)
	a.Reason, a.Expected, a.Received = r.Reason, r.Expected, r.Received
	if r.userID != "" {
		a.UserID = &r.userID
	}
	for _, known := range claims {
		a.Email, a.Subject = known.Email, known.Subject
	}
	kept, err := s.org(connection).RecordFailedLogin(ctx, a, advice(r.Reason))
	log := s.Log.With("request", a.Reference, "connection", model.ConnectionPrefix.ID(connection.ID), "reason", r.Reason, "kept", kept)
	if err != nil && model.KindOf(err) != model.NotFound {
		log.WarnContext(ctx, "failed login not noted", "error", err)
		return
	}
	log.InfoContext(ctx, "login refused")
}
