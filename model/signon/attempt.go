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

// AttemptTime is how long the login log is kept.
const AttemptTime = 90 * 24 * time.Hour

// LoginAttempt is a login that succeeded or failed, for the customer's IT.
type LoginAttempt struct {
	ID             string               `gorm:"primaryKey"`
	OrganizationID model.OrganizationID `gorm:"<-:create"`
	ConnectionID   string
	Succeeded      bool
	Reason         string   // empty when it succeeded
	Expected       string   // what would have been right
	Received       string   // what came instead
	Notes          []string `gorm:"serializer:json"` // what was put up with
	UserID         *string
	Email          string      // as asserted, where the assertion could be believed
	Subject        string      // likewise
	Reference      string      // what the person was shown: the id of the request
	Address        string      // of the browser
	UserAgent      string      `gorm:"-"` // for the event only
	ResponseUntil  *model.Time // what the identity provider sent is kept until then; see LoginResponse
	CreatedAt      model.Time  `gorm:"autoCreateTime:false"`

	// Response is what the identity provider sent, where it may be its own; asked for only where
	// the attempt is kept.
	Response func() []byte `gorm:"-" json:"-"`
}

// LoginAttemptObject is the public form of a LoginAttempt.
type LoginAttemptObject struct {
	Object         string      `json:"object"`
	ID             string      `json:"id"`
	OrganizationID string      `json:"organization_id"`
	ConnectionID   string      `json:"connection_id"`
	Status         string      `json:"status"`
	Reason         *string     `json:"reason"`
	Message        *string     `json:"message"` // what the customer's IT can do
	Where          *string     `json:"where"`   // and in which screen of the identity provider
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

// PublicForm returns the object that the API shows. message explains the reason, and where is the
// screen in which it is mended.
func (a *LoginAttempt) PublicForm(message, where string) LoginAttemptObject {
	o := LoginAttemptObject{
		Object: "login_attempt", ID: model.LoginAttemptPrefix.ID(a.ID), OrganizationID: model.OrganizationPrefix.ID(string(a.OrganizationID)),
		ConnectionID: model.ConnectionPrefix.ID(a.ConnectionID), Status: "failed", Reason: tenant.OrNull(a.Reason), Message: tenant.OrNull(message), Where: tenant.OrNull(where),
		Expected: tenant.OrNull(a.Expected), Received: tenant.OrNull(a.Received), Notes: append([]string{}, a.Notes...), Email: tenant.OrNull(a.Email),
		IdpID: tenant.OrNull(a.Subject), Reference: a.Reference, IPAddress: tenant.OrNull(a.Address), ResponseUntil: a.ResponseUntil, CreatedAt: a.CreatedAt,
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
func (o Org) LoginAttempts(ctx context.Context, connectionID string, p model.Page) ([]LoginAttempt, model.PageInfo, error) {
	if _, err := connection.In(o).Connection(ctx, connectionID); err != nil {
		return nil, model.PageInfo{}, err
	}
	db := tenant.Read(o).WithContext(ctx).Model(&LoginAttempt{}).Where("connection_id = ?", connectionID)
	return tenant.Paged(o, db, p, func(a LoginAttempt) string { return a.ID })
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

func (a *LoginAttempt) event(organization model.OrganizationID) authentication {
	e := authentication{Type: "sso", Status: "failed", IPAddress: tenant.OrNull(a.Address), UserAgent: tenant.OrNull(a.UserAgent), Email: tenant.OrNull(a.Email),
		SSO: authenticationSSO{OrganizationID: model.OrganizationPrefix.ID(string(organization)), ConnectionID: model.ConnectionPrefix.ID(a.ConnectionID)}}
	if a.UserID != nil {
		id := model.UserPrefix.ID(*a.UserID)
		e.UserID = &id
	}
	return e
}

// clip bounds everything in it that somebody else may have sent.
func (a *LoginAttempt) clip() {
	for _, text := range []*string{&a.Expected, &a.Received, &a.Email, &a.Subject, &a.Reference, &a.Address, &a.UserAgent} {
		*text = tenant.Clipped(*text)
	}
	notes := []string{}
	for _, note := range a.Notes {
		notes = append(notes, tenant.Clipped(note))
	}
	a.Notes = notes
}

// noteSuccess writes the login log's line and the event of a login.
func (o Org) noteSuccess(ctx context.Context, a LoginAttempt, s *people.Session, u *people.User, c *Claims) error {
	a.ID, a.ConnectionID, a.Succeeded, a.UserID, a.CreatedAt = model.NewID(), s.ConnectionID, true, &u.ID, tenant.Now(o)
	a.Email, a.Subject = c.Email, c.Subject
	a.clip()
	if err := tenant.DB(o).WithContext(ctx).Create(&a).Error; err != nil {
		return fmt.Errorf("note login: %w", err)
	}
	e := a.event(o.ID)
	e.Status = "succeeded"
	email := u.Email // the reference has no null here
	e.Email = &email
	id := model.SessionPrefix.ID(s.ID)
	e.SSO.SessionID = &id
	return tenant.Record(o, SSOSucceeded, model.UserPrefix.ID(u.ID), e)
}

// RecordFailedLogin writes the login log's line and the event of a login that
// failed, and tells whether it did: of one day, only so many are kept.
func (o Org) RecordFailedLogin(ctx context.Context, a LoginAttempt, message string) (kept bool, err error) {
	a.ID, a.Succeeded = model.NewID(), false
	a.clip()
	// Before the transaction: strangers who send more must not queue with those who sign in. Some that
	// come at once may then pass the limit together.
	if kept, err = o.roomForFailure(ctx, &a); err != nil || !kept {
		return false, tenant.Translate(o, err)
	}
	response, err := o.responseOf(ctx, &a)
	if err != nil {
		return false, tenant.Translate(o, err)
	}
	err = o.Tx(ctx, func(org Org) error {
		a.CreatedAt = tenant.Now(org)
		if response != nil {
			a.ResponseUntil = &response.ExpiresAt
			if err := tenant.DB(org).WithContext(ctx).Create(response).Error; err != nil {
				return connection.ErrConnectionGone(fmt.Errorf("keep login response: %w", err))
			}
		}
		if err := tenant.DB(org).WithContext(ctx).Create(&a).Error; err != nil {
			return connection.ErrConnectionGone(fmt.Errorf("note failed login: %w", err))
		}
		e := a.event(o.ID)
		e.Error = &authenticationError{a.Reason, message}
		return tenant.Record(org, SSOFailed, model.ConnectionPrefix.ID(a.ConnectionID), e)
	})
	return kept && err == nil, err
}
