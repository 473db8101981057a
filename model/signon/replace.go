package signon

import (
	"context"
	"fmt"
	"slices"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/internal/across"
	"rollcall/model/internal/tenant"
	"rollcall/model/organization"
	"rollcall/model/people"
)

// A link of another site can begin a login, and a hostile identity provider answers it by itself.
// So nobody is signed in over a living session of somebody else without a question, and a session
// of another organization is never ended by a login (docs/design/identity.md, "Sessions").

// Person is somebody as a question shows them.
type Person struct{ Email, Organization string }

// OtherPerson is the error of a sign-in while somebody else is signed in, who was not asked.
type OtherPerson struct {
	SessionID string // of who is signed in
	Present   Person // who is signed in
	Next      Person // who would be
}

// Error names nobody.
func (e *OtherPerson) Error() string { return "somebody else is signed in in this browser" }

// replaceSession ends the session that the browser has, if it is the same person's, or one of the
// same organization whose person agreed. It leaves a session of another organization.
func (o Org) replaceSession(ctx context.Context, in *SignIn, g *organization.Organization, u *people.User) error {
	present := in.Present
	if present == "" {
		present = in.Login.SessionID
	}
	ended, err := o.endPresent(ctx, present, u.ID)
	if err != nil || ended || present == "" {
		return err
	}
	var rows []presentRow
	err = across.In(ctx, o).Raw(livingPresent, present, tenant.Now(o), tenant.Now(o)).Scan(&rows).Error
	if err != nil {
		return fmt.Errorf("read the browser's session: %w", err)
	}
	switch {
	case len(rows) == 0:
		return nil
	case rows[0].OrganizationID == o.ID && present == in.Agreed:
		_, err := o.endPresent(ctx, present, "")
		return err
	case rows[0].OrganizationID != o.ID && (present == in.Agreed || present == in.Login.SessionID):
		return nil
	}
	return &OtherPerson{present, Person{rows[0].Email, rows[0].Name}, Person{u.Email, g.Name}}
}

// presentRow is who is signed in in a browser.
type presentRow struct {
	OrganizationID model.OrganizationID
	Email, Name    string
}

// livingPresent finds who has a session, in whatever organization, while it lives.
const livingPresent = `
	SELECT s.organization_id, u.email, g.name FROM sessions s
	JOIN users u ON u.organization_id = s.organization_id AND u.id = s.user_id AND u.epoch = s.epoch AND u.active
	JOIN organizations g ON g.id = s.organization_id
	WHERE s.id = ? AND s.ended_at IS NULL AND s.expires_at > ? AND (s.idle_until IS NULL OR s.idle_until > ?)`

// endPresent ends the session that the browser has, if it is one of this organization, and of the
// user unless userID is empty.
func (o Org) endPresent(ctx context.Context, id, userID string) (ended bool, err error) {
	if !model.IsID(id) {
		return false, nil
	}
	db := tenant.DB(ctx, o).Model(&people.Session{}).Where("id = ? AND ended_at IS NULL", id)
	if userID != "" {
		db = db.Where("user_id = ?", userID)
	}
	r := db.UpdateColumn("ended_at", tenant.Now(o))
	if r.Error != nil {
		return false, fmt.Errorf("end replaced session: %w", r.Error)
	}
	return r.RowsAffected == 1, nil
}

// heldSignIn is a verified sign-in as it waits for an answer of the person who is signed in.
type heldSignIn struct {
	Connection      *connection.Connection
	Login           *Login
	AssertionID     string
	ReplayUntil     model.Time
	IDToken         string
	AuthenticatedAt model.Time
	NotAfter        *model.Time
	AtProvider      ProviderSession
	Claims          Claims
	Notes           []string
	Agreed          string
}

// heldPurpose is what held sign-ins are sealed for.
const heldPurpose = "held sign-in"

// Hold seals a verified sign-in for the time of a question. The result is good for what is left of
// the login, in its browser, and for the session that was asked about.
func (s Store) Hold(in SignIn, session string) (sealed string) {
	notes := append(slices.Clone(in.Attempt.Notes), in.Claims.limit()...)
	c := *in.Connection
	c.SPKey, c.SPStandbyKey, c.Domains = nil, nil, nil
	return s.seal(heldSignIn{&c, in.Login, in.AssertionID, in.ReplayUntil, in.IDToken, in.AuthenticatedAt, in.NotAfter,
		in.AtProvider, in.Claims, notes, session}, heldPurpose)
}

// Held opens what Hold returned. The caller sets the other fields of the Attempt. It returns
// NotFound for anything else.
func (s Store) Held(sealed string) (*SignIn, error) {
	var h heldSignIn
	if !s.open(sealed, heldPurpose, &h) {
		return nil, model.NotFoundf("This page is too old. Go back to the application and sign in again.")
	}
	return &SignIn{Connection: h.Connection, Login: h.Login, AssertionID: h.AssertionID, ReplayUntil: h.ReplayUntil,
		IDToken: h.IDToken, AuthenticatedAt: h.AuthenticatedAt, NotAfter: h.NotAfter, AtProvider: h.AtProvider,
		Claims: h.Claims, Attempt: LoginAttempt{ConnectionID: h.Connection.ID, Notes: h.Notes}, Agreed: h.Agreed}, nil
}

// consent is that the person of a session goes on to another organization.
type consent struct {
	SessionID      string               `json:"s"`
	OrganizationID model.OrganizationID `json:"o"`
	Address        string               `json:"a,omitempty"` // where the browser was going
	Until          model.Time           `json:"t"`
}

const (
	askedPurpose  = "question before a login"
	agreedPurpose = "consent to a login"
	markerPurpose = "session in a browser"
)

// Ask seals a question to who is signed in, about going on to an address of ours.
func (o Org) Ask(session, address string) (sealed string) {
	until := tenant.Now(o) + model.Time(loginTime.Milliseconds())
	return Across(o).seal(consent{session, o.ID, address, until}, askedPurpose)
}

// Agree opens what Ask returned. It returns the address, and what shows there that the person
// agreed. It returns NotFound for anything else.
func (s Store) Agree(sealed string) (address, agreed string, err error) {
	var c consent
	if !s.open(sealed, askedPurpose, &c) || c.Until <= model.TimeOf(s.Now()) {
		return "", "", model.NotFoundf("This page is too old. Go back to the application and sign in again.")
	}
	address, c.Address = c.Address, ""
	return address, s.seal(c, agreedPurpose), nil
}

// Agreed tells whether the person of a session agreed to go on to this organization.
func (o Org) Agreed(agreed, session string) bool {
	var c consent
	return Across(o).open(agreed, agreedPurpose, &c) && c.SessionID == session && c.OrganizationID == o.ID &&
		c.Until > tenant.Now(o)
}

// Marker seals the id of a session for the browser's second cookie, which also comes with the POST
// of an identity provider. It opens nothing.
func (s Store) Marker(session string) string { return s.seal(session, markerPurpose) }

// Marked opens what Marker returned. It is empty for anything else.
func (s Store) Marked(marker string) (session string) {
	s.open(marker, markerPurpose, &session)
	return session
}
