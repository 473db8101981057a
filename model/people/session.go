package people

import (
	"gorm.io/gorm"

	"rollcall/model"
	"rollcall/model/internal/tenant"
)

// Session is a signed-in user of one browser. It is live while it has not ended
// or expired, the user is active, and the user's epoch is the session's
// (docs/design/identity.md, "Ended access").
type Session struct {
	ID             string               `gorm:"primaryKey"`
	OrganizationID model.OrganizationID `gorm:"<-:create"`
	UserID         string
	ConnectionID   string `gorm:"default:null"` // empty, as IdentityID, when it began with a password
	IdentityID     string `gorm:"default:null"`
	Epoch          int64
	TokenHash      []byte
	// AuthenticatedAt is when the person proved to the identity provider who they are, as it says:
	// often long before CreatedAt.
	AuthenticatedAt model.Time
	CreatedAt       model.Time `gorm:"autoCreateTime:false"` // when the identity provider's answer was accepted
	ExpiresAt       model.Time
	EndedAt         *model.Time
	SealedIDToken   []byte `gorm:"column:id_token"` // Org.IDToken opens it

	IdleSeconds int64       // how long it may be unused; 0 for as long as it lives
	IdleUntil   *model.Time // nil when it may be idle

	IDPSession       []byte `gorm:"column:idp_session"` // sealed; Org.ProviderSession opens it
	NameIDHash       []byte `gorm:"column:name_id_hash"`
	SessionIndexHash []byte
}

// SignInMethod is how a session began.
type SignInMethod string

// The methods of a sign-in.
const (
	BySSO      SignInMethod = "sso"
	ByPassword SignInMethod = "password"
)

// Method tells how the session began.
func (s *Session) Method() SignInMethod {
	if s.ConnectionID == "" {
		return ByPassword
	}
	return BySSO
}

// IdleFrom is when a session that is used now has been idle for too long; nil for never.
func (s *Session) IdleFrom(now model.Time) *model.Time {
	if s.IdleSeconds == 0 {
		return nil
	}
	until := now + model.Time(s.IdleSeconds)*1000
	return &until
}

// LiveSessions limits a query of sessions to those that still open something.
func (o Inner) LiveSessions(db *gorm.DB) *gorm.DB {
	return db.Where("sessions.ended_at IS NULL AND sessions.expires_at > ? "+
		"AND (sessions.idle_until IS NULL OR sessions.idle_until > ?) "+
		"AND EXISTS (SELECT 1 FROM users WHERE users.organization_id = ? AND users.id = sessions.user_id "+
		"AND users.active = ? AND users.epoch = sessions.epoch)",
		tenant.Now(o), tenant.Now(o), o.ID, true)
}

// SessionObject is the public form of a Session.
type SessionObject struct {
	Object         string       `json:"object"`
	ID             string       `json:"id"`
	OrganizationID string       `json:"organization_id"`
	UserID         string       `json:"user_id"`
	Method         SignInMethod `json:"method"`
	ConnectionID   *string      `json:"connection_id"` // null, as profile_id, after a password
	ProfileID      *string      `json:"profile_id"`
	CreatedAt      model.Time   `json:"created_at"`
	ExpiresAt      model.Time   `json:"expires_at"`
}

// PublicForm returns the object that the API shows.
func (s *Session) PublicForm() SessionObject {
	return SessionObject{
		Object:         "session",
		ID:             model.SessionPrefix.ID(s.ID),
		OrganizationID: model.OrganizationPrefix.ID(string(s.OrganizationID)),
		UserID:         model.UserPrefix.ID(s.UserID),
		Method:         s.Method(),
		ConnectionID:   model.ConnectionPrefix.OrNull(s.ConnectionID),
		ProfileID:      model.ProfilePrefix.OrNull(s.IdentityID),
		CreatedAt:      s.CreatedAt,
		ExpiresAt:      s.ExpiresAt,
	}
}
