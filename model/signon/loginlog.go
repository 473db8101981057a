package signon

import (
	"context"
	"fmt"
	"time"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/internal/tenant"
	"rollcall/model/people"
)

// AttemptTime is how long a line of the login log is kept.
const AttemptTime = 90 * 24 * time.Hour

// LoginAttempt is a line of the login log, which the customer's IT reads: a login that succeeded or
// failed.
type LoginAttempt struct {
	ID             string               `gorm:"primaryKey"`
	OrganizationID model.OrganizationID `gorm:"<-:create"`
	ConnectionID   string
	Succeeded      bool
	Reason         string   // empty when it succeeded
	Expected       string   // what would have been right
	Received       string   // what came instead
	Notes          []string `gorm:"serializer:json"` // what was wrong and accepted
	UserID         *string
	Email          string      // as asserted, when the assertion was verified
	Subject        string      // as Email
	Reference      string      // the id of the request, which the browser shows
	Address        string      // of the browser
	UserAgent      string      `gorm:"-"` // for the event only
	ResponseUntil  *model.Time // when the LoginResponse is deleted; nil without one
	CreatedAt      model.Time  `gorm:"autoCreateTime:false"`

	// Response returns what was sent, or nothing when it cannot be the identity provider's. It is
	// called only when the attempt is kept.
	Response func() []byte `gorm:"-" json:"-"`
}

// LoginAttemptObject is a LoginAttempt as the API shows it.
type LoginAttemptObject struct {
	Object         string      `json:"object"`
	ID             string      `json:"id"`
	OrganizationID string      `json:"organization_id"`
	ConnectionID   string      `json:"connection_id"`
	Status         string      `json:"status"`
	Reason         *string     `json:"reason"`
	Message        *string     `json:"message"` // what the customer's IT can do about it
	Where          *string     `json:"where"`   // the screen of the identity provider
	Expected       *string     `json:"expected"`
	Received       *string     `json:"received"`
	Notes          []string    `json:"notes"`
	UserID         *string     `json:"user_id"`
	Email          *string     `json:"email"`
	IdpID          *string     `json:"idp_id"`
	Reference      string      `json:"reference"`
	IPAddress      *string     `json:"ip_address"`
	ResponseUntil  *model.Time `json:"response_expires_at"` // null where no response is kept
	CreatedAt      model.Time  `json:"created_at"`
}

// PublicForm returns the object that the API shows. message explains the reason, and where names
// the identity provider's screen in which it can be corrected.
func (a *LoginAttempt) PublicForm(message, where string) LoginAttemptObject {
	o := LoginAttemptObject{
		Object: "login_attempt", ID: model.LoginAttemptPrefix.ID(a.ID),
		OrganizationID: model.OrganizationPrefix.ID(string(a.OrganizationID)),
		ConnectionID:   model.ConnectionPrefix.ID(a.ConnectionID),
		Status:         "failed", Reason: model.OrNull(a.Reason), Message: model.OrNull(message),
		Where:    model.OrNull(where),
		Expected: model.OrNull(a.Expected), Received: model.OrNull(a.Received), Notes: append([]string{}, a.Notes...),
		Email: model.OrNull(a.Email), IdpID: model.OrNull(a.Subject), Reference: a.Reference,
		IPAddress: model.OrNull(a.Address), ResponseUntil: a.ResponseUntil, CreatedAt: a.CreatedAt,
	}
	if a.Succeeded {
		o.Status = "succeeded"
	}
	if a.UserID != nil {
		id := model.UserPrefix.ID(*a.UserID)
		o.UserID = &id
	}
	return o
}

// LoginAttempts lists the login log of a connection.
func (o Org) LoginAttempts(
	ctx context.Context, connectionID string, p model.Page,
) ([]LoginAttempt, model.PageInfo, error) {
	if _, err := connection.In(o).Connection(ctx, connectionID); err != nil {
		return nil, model.PageInfo{}, err
	}
	db := tenant.Read(ctx, o).Model(&LoginAttempt{}).Where("connection_id = ?", connectionID)
	return tenant.Paged(o, db, p, func(a LoginAttempt) string { return a.ID })
}

// recordSuccess writes the line and the event of a login that succeeded.
func (o Org) recordSuccess(ctx context.Context, a LoginAttempt, s *people.Session, u *people.User, c *Claims) error {
	a.ID, a.ConnectionID, a.Succeeded, a.UserID, a.CreatedAt = model.NewID(), s.ConnectionID, true, &u.ID, tenant.Now(o)
	a.Email, a.Subject = c.Email, c.Subject
	a.clip()
	if err := tenant.DB(ctx, o).Create(&a).Error; err != nil {
		return fmt.Errorf("note login: %w", err)
	}
	e := a.event(o.ID)
	e.Status = "succeeded"
	email := u.Email // this event has no null e-mail address
	e.Email = &email
	id := model.SessionPrefix.ID(s.ID)
	e.SSO.SessionID = &id
	return tenant.Record(o, SSOSucceeded, model.UserPrefix.ID(u.ID), e)
}

// RecordFailedLogin writes the line and the event of a login that failed. kept is false when the
// day already has too many.
func (o Org) RecordFailedLogin(ctx context.Context, a LoginAttempt, message string) (kept bool, err error) {
	a.ID, a.Succeeded = model.NewID(), false
	a.clip()
	// This runs before the transaction. A flood of failures must not make logins wait for SQLite's
	// one writer. Failures that come at the same time can exceed the limit together.
	if kept, err = o.roomForFailure(ctx, &a); err != nil || !kept {
		return false, tenant.Translate(o, err)
	}
	response, err := o.sealResponse(ctx, &a)
	if err != nil {
		return false, tenant.Translate(o, err)
	}
	err = o.Tx(ctx, func(org Org) error {
		a.CreatedAt = tenant.Now(org)
		if response != nil {
			a.ResponseUntil = &response.ExpiresAt
			if err := tenant.DB(ctx, org).Create(response).Error; err != nil {
				return connection.ErrConnectionGone(fmt.Errorf("keep login response: %w", err))
			}
		}
		if err := tenant.DB(ctx, org).Create(&a).Error; err != nil {
			return connection.ErrConnectionGone(fmt.Errorf("note failed login: %w", err))
		}
		e := a.event(o.ID)
		e.Error = &authenticationError{a.Reason, message}
		return tenant.Record(org, SSOFailed, model.ConnectionPrefix.ID(a.ConnectionID), e)
	})
	return kept && err == nil, err
}

// clip shortens everything that a stranger may have sent.
func (a *LoginAttempt) clip() {
	for _, text := range []*string{
		&a.Expected, &a.Received, &a.Email, &a.Subject, &a.Reference, &a.Address, &a.UserAgent,
	} {
		*text = tenant.Clipped(*text)
	}
	notes := []string{}
	for _, note := range a.Notes {
		notes = append(notes, tenant.Clipped(note))
	}
	a.Notes = notes
}

// Bounds of the failed logins of one day. Everybody who can reach the address of a connection could
// otherwise fill the database.
const (
	maxFailures        = 1000 // of a connection
	maxAddressFailures = 200  // of a connection and one network
	// A flood must not hide the failure that the customer's IT looks for. From commonFailures on,
	// only networks with few failures are kept. From manyFailures on, only reasons with few
	// failures are kept: an attacker has many addresses, but cannot make a message that fails
	// after the check of its signature.
	commonFailures = 800
	manyFailures   = 900
	rareFailures   = 10 // of a network, or of a reason
)

// roomForFailure tells whether a failure can still be kept. One statement reads those of the last
// day.
func (o Org) roomForFailure(ctx context.Context, a *LoginAttempt) (bool, error) {
	var day []struct{ Address, Reason string }
	since := tenant.Now(o) - model.Time((24 * time.Hour).Milliseconds())
	err := tenant.Read(ctx, o).Model(&LoginAttempt{}).Select("address", "reason").
		Where("connection_id = ? AND succeeded = ? AND created_at > ?", a.ConnectionID, false, since).
		Limit(maxFailures).Find(&day).Error
	if err != nil {
		return false, fmt.Errorf("count failed logins: %w", err)
	}
	addresses, reason := make([]string, len(day)), 0
	for i, d := range day {
		addresses[i] = d.Address
		if d.Reason == a.Reason {
			reason++
		}
	}
	near := tenant.SameNetwork(addresses, a.Address)
	switch {
	case len(day) >= maxFailures || near >= maxAddressFailures:
		return false, nil
	case len(day) >= manyFailures:
		return reason < rareFailures, nil
	case len(day) >= commonFailures:
		return near < rareFailures, nil
	}
	return true, nil
}
