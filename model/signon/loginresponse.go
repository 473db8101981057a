package signon

import (
	"context"
	"fmt"
	"time"

	"rollcall/model"
	"rollcall/model/internal/tenant"
	"rollcall/model/organization"
)

// Bounds of the responses that are kept. The response of a refused login tells the administrators
// of the identity provider more than our message. It has personal data: it is sealed, it is kept
// for some days, and each reading is an event.
const (
	// MaxLoginResponse is the longest response that is kept, in bytes.
	MaxLoginResponse = 512 << 10

	maxLoginResponses        = 100 // of a connection, at a time
	maxAddressLoginResponses = 10  // of a connection and one address
)

// LoginResponse is the response with which a login was refused.
type LoginResponse struct {
	AttemptID      string               `gorm:"primaryKey"`
	OrganizationID model.OrganizationID `gorm:"<-:create"`
	ConnectionID   string
	Address        string // of the browser
	Sealed         []byte
	CreatedAt      model.Time `gorm:"autoCreateTime:false"`
	ExpiresAt      model.Time

	Document string `gorm:"-"` // the response, after it was opened
}

// TableName is the table of LoginResponse.
func (LoginResponse) TableName() string { return "login_responses" }

// LoginResponseObject is a LoginResponse as the API shows it.
type LoginResponseObject struct {
	Object         string     `json:"object"`
	LoginAttemptID string     `json:"login_attempt_id"`
	OrganizationID string     `json:"organization_id"`
	ConnectionID   string     `json:"connection_id"`
	Response       string     `json:"response,omitempty"` // decoded; never in an event
	CreatedAt      model.Time `json:"created_at"`
	ExpiresAt      model.Time `json:"expires_at"`
}

// PublicForm returns the object that the API shows.
func (r *LoginResponse) PublicForm() LoginResponseObject {
	return LoginResponseObject{Object: "login_response", LoginAttemptID: model.LoginAttemptPrefix.ID(r.AttemptID),
		OrganizationID: model.OrganizationPrefix.ID(string(r.OrganizationID)),
		ConnectionID:   model.ConnectionPrefix.ID(r.ConnectionID),
		Response:       r.Document, CreatedAt: r.CreatedAt, ExpiresAt: r.ExpiresAt}
}

// purpose is what the response is sealed for.
func (r *LoginResponse) purpose() string { return "login_responses/" + r.AttemptID + "/sealed" }

// sealResponse makes the row of an attempt's response. It returns nil when the organization keeps
// none, and when there are too many. It runs before the transaction, since the attempt's Response
// takes its time.
func (o Org) sealResponse(ctx context.Context, a *LoginAttempt) (*LoginResponse, error) {
	if a.Response == nil {
		return nil, nil
	}
	document := a.Response()
	if len(document) == 0 || len(document) > MaxLoginResponse {
		return nil, nil
	}
	g, err := organization.In(o).Organization(ctx)
	if err != nil || g.Settings.LoginResponseDays == 0 {
		return nil, err
	}
	now := tenant.Now(o)
	var addresses []string
	err = tenant.Read(ctx, o).Model(&LoginResponse{}).
		Where("connection_id = ? AND expires_at > ?", a.ConnectionID, now).
		Limit(maxLoginResponses).Pluck("address", &addresses).Error
	if err != nil {
		return nil, fmt.Errorf("count login responses: %w", err)
	}
	if len(addresses) == maxLoginResponses || tenant.SameNetwork(addresses, a.Address) >= maxAddressLoginResponses {
		return nil, nil
	}
	r := &LoginResponse{AttemptID: a.ID, ConnectionID: a.ConnectionID, Address: a.Address, CreatedAt: now,
		ExpiresAt: *now.Later(time.Duration(g.Settings.LoginResponseDays) * 24 * time.Hour)}
	r.Sealed = tenant.SealerOf(o).Seal(document, r.purpose())
	return r, nil
}

// LoginResponse opens the response of a refused login and records the event of that. It returns
// NotFound when none is kept.
func (o Org) LoginResponse(ctx context.Context, attemptID string) (*LoginResponse, error) {
	var r LoginResponse
	err := o.Tx(ctx, func(org Org) error {
		var found []LoginResponse
		if model.IsID(attemptID) {
			err := tenant.DB(ctx, org).
				Where("attempt_id = ? AND expires_at > ?", attemptID, tenant.Now(org)).Limit(1).Find(&found).Error
			if err != nil {
				return fmt.Errorf("read login response: %w", err)
			}
		}
		if len(found) == 0 {
			return model.NotFoundf("of this login attempt no response is kept")
		}
		r = found[0]
		document, err := tenant.SealerOf(org).Open(r.Sealed, r.purpose())
		if err != nil {
			return err
		}
		err = tenant.Record(org, LoginResponseRead, model.LoginAttemptPrefix.ID(r.AttemptID), r.PublicForm())
		if err != nil {
			return err
		}
		r.Document = string(document)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &r, nil
}
