package model

import (
	"context"
	"fmt"
	"time"
)

// attemptTime is how long the login log is kept.
const attemptTime = 90 * 24 * time.Hour

// LoginAttempt is a login that succeeded or failed, for the customer's IT.
type LoginAttempt struct {
	ID             string         `gorm:"primaryKey"`
	OrganizationID OrganizationID `gorm:"<-:create"`
	ConnectionID   string
	Succeeded      bool
	Reason         string   // empty when it succeeded
	Expected       string   // what would have been right
	Received       string   // what came instead
	Notes          []string `gorm:"serializer:json"` // what was put up with
	UserID         *string
	Email          string // as asserted, where the assertion could be believed
	Subject        string // likewise
	Reference      string // what the person was shown: the id of the request
	Address        string // of the browser
	UserAgent      string `gorm:"-"` // for the event only
	ResponseUntil  *Time  // what the identity provider sent is kept until then; see LoginResponse
	CreatedAt      Time   `gorm:"autoCreateTime:false"`

	// Response is what the identity provider sent, where it may be its own; asked for only where
	// the attempt is kept.
	Response func() []byte `gorm:"-" json:"-"`
}

// LoginAttemptObject is the public form of a LoginAttempt.
type LoginAttemptObject struct {
	Object         string   `json:"object"`
	ID             string   `json:"id"`
	OrganizationID string   `json:"organization_id"`
	ConnectionID   string   `json:"connection_id"`
	Status         string   `json:"status"`
	Reason         *string  `json:"reason"`
	Message        *string  `json:"message"` // what the customer's IT can do
	Where          *string  `json:"where"`   // and in which screen of the identity provider
	Expected       *string  `json:"expected"`
	Received       *string  `json:"received"`
	Notes          []string `json:"notes"`
	UserID         *string  `json:"user_id"`
	Email          *string  `json:"email"`
	IdpID          *string  `json:"idp_id"`
	Reference      string   `json:"reference"`
	IPAddress      *string  `json:"ip_address"`
	ResponseUntil  *Time    `json:"response_expires_at"` // null where no response is kept
	CreatedAt      Time     `json:"created_at"`
}

// PublicForm returns the object that the API shows. message explains the reason, and where is the
// screen in which it is mended.
func (a *LoginAttempt) PublicForm(message, where string) LoginAttemptObject {
	o := LoginAttemptObject{
		Object: "login_attempt", ID: LoginAttemptPrefix.ID(a.ID), OrganizationID: OrganizationPrefix.ID(string(a.OrganizationID)),
		ConnectionID: ConnectionPrefix.ID(a.ConnectionID), Status: "failed", Reason: orNull(a.Reason), Message: orNull(message), Where: orNull(where),
		Expected: orNull(a.Expected), Received: orNull(a.Received), Notes: append([]string{}, a.Notes...), Email: orNull(a.Email),
		IdpID: orNull(a.Subject), Reference: a.Reference, IPAddress: orNull(a.Address), ResponseUntil: a.ResponseUntil, CreatedAt: a.CreatedAt,
	}
	if a.Succeeded {
		o.Status = "succeeded"
	}
	if a.UserID != nil {
		id := UserPrefix.ID(*a.UserID)
		o.UserID = &id
	}
	return o
}

// LoginAttempts lists the login log of a connection.
func (o *Org) LoginAttempts(ctx context.Context, connectionID string, p Page) ([]LoginAttempt, PageInfo, error) {
	if _, err := o.Connection(ctx, connectionID); err != nil {
		return nil, PageInfo{}, err
	}
	db := o.read.WithContext(ctx).Model(&LoginAttempt{}).Where("connection_id = ?", connectionID)
	return paged(o, db, p, func(a LoginAttempt) string { return a.ID })
}

// authentication is the reference's authentication.sso_* event.
type authentication struct {
	Type      string               `json:"type"`
	Status    string               `json:"status"`
	IPAddress *string              `json:"ip_address"`
	UserAgent *string              `json:"user_agent"`
	UserID    *string              `json:"user_id"`
	Email     *string              `json:"email"`
	SSO       authenticationSSO    `json:"sso"`
	Error     *authenticationError `json:"error,omitempty"`
}

type authenticationSSO struct {
	OrganizationID string  `json:"organization_id"`
	ConnectionID   string  `json:"connection_id"`
	SessionID      *string `json:"session_id"`
}

type authenticationError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (a *LoginAttempt) event(organization OrganizationID) authentication {
	e := authentication{Type: "sso", Status: "failed", IPAddress: orNull(a.Address), UserAgent: orNull(a.UserAgent), Email: orNull(a.Email),
		SSO: authenticationSSO{OrganizationID: OrganizationPrefix.ID(string(organization)), ConnectionID: ConnectionPrefix.ID(a.ConnectionID)}}
	if a.UserID != nil {
		id := UserPrefix.ID(*a.UserID)
		e.UserID = &id
	}
	return e
}

// clip bounds everything in it that somebody else may have sent.
func (a *LoginAttempt) clip() {
	for _, text := range []*string{&a.Expected, &a.Received, &a.Email, &a.Subject, &a.Reference, &a.Address, &a.UserAgent} {
		*text = clipped(*text)
	}
	notes := []string{}
	for _, note := range a.Notes {
		notes = append(notes, clipped(note))
	}
	a.Notes = notes
}

// noteSuccess writes the login log's line and the event of a login.
func (o *Org) noteSuccess(ctx context.Context, a LoginAttempt, s *Session, u *User, c *Claims) error {
	a.ID, a.ConnectionID, a.Succeeded, a.UserID, a.CreatedAt = newID(), s.ConnectionID, true, &u.ID, o.now()
	a.Email, a.Subject = c.Email, c.Subject
	a.clip()
	if err := o.db.WithContext(ctx).Create(&a).Error; err != nil {
		return fmt.Errorf("note login: %w", err)
	}
	e := a.event(o.ID)
	e.Status = "succeeded"
	email := u.Email // the reference has no null here
	e.Email = &email
	id := SessionPrefix.ID(s.ID)
	e.SSO.SessionID = &id
	return o.record(SSOSucceeded, UserPrefix.ID(u.ID), e)
}

// RecordFailedLogin writes the login log's line and the event of a login that
// failed, and tells whether it did: of one day, only so many are kept.
func (o *Org) RecordFailedLogin(ctx context.Context, a LoginAttempt, message string) (kept bool, err error) {
	a.ID, a.Succeeded = newID(), false
	a.clip()
	// Before the transaction: strangers who send more must not queue with those who sign in. Some that
	// come at once may then pass the limit together.
	if kept, err = o.roomForFailure(ctx, &a); err != nil || !kept {
		return false, o.store.translate(err)
	}
	response, err := o.responseOf(ctx, &a)
	if err != nil {
		return false, o.store.translate(err)
	}
	err = o.Tx(ctx, func(org *Org) error {
		a.CreatedAt = org.now()
		if response != nil {
			a.ResponseUntil = &response.ExpiresAt
			if err := org.db.WithContext(ctx).Create(response).Error; err != nil {
				return errConnectionGone(fmt.Errorf("keep login response: %w", err))
			}
		}
		if err := org.db.WithContext(ctx).Create(&a).Error; err != nil {
			return errConnectionGone(fmt.Errorf("note failed login: %w", err))
		}
		e := a.event(o.ID)
		e.Error = &authenticationError{a.Reason, message}
		return org.record(SSOFailed, ConnectionPrefix.ID(a.ConnectionID), e)
	})
	return kept && err == nil, err
}
