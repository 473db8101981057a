package organization

import (
	"encoding/json"

	"rollcall/model"
)

// The limits of Settings.
const (
	minLifetimeSeconds   = 300
	maxLifetimeSeconds   = 30 * 86400
	minIdleSeconds       = 300
	maxIdleSeconds       = 30 * 86400
	maxLoginResponseDays = 30
)

// Settings are what an organization decides about itself.
type Settings struct {
	SSORequired            bool `json:"sso_required"`
	JIT                    bool `json:"jit"`
	AllowAdminPasswords    bool `json:"allow_admin_passwords"`
	SessionLifetimeSeconds int  `json:"session_lifetime_seconds"`
	// LoginResponseDays is how long the response of a refused login is kept; 0 keeps none.
	LoginResponseDays int `json:"login_response_days"`
	// SessionIdleSeconds ends a session that is not used for so long; 0 ends none.
	SessionIdleSeconds int `json:"session_idle_seconds"`

	// AllowManualAssignments lets an administrator assign licenses and groups by hand, in addition
	// to those that the rules grant.
	AllowManualAssignments bool `json:"allow_manual_assignments"`

	// DefaultConnection signs people in when several connections are active and nothing else
	// chooses one. The id of a connection that was deleted counts as none.
	DefaultConnection ConnectionRef `json:"default_connection_id"`
}

// DefaultSettings are those of a new organization (docs/design/store.md, "Public form").
func DefaultSettings() Settings {
	return Settings{JIT: true, AllowAdminPasswords: true, SessionLifetimeSeconds: 86400, LoginResponseDays: 7}
}

// validate answers Invalid, with the field's API name, for the first broken rule.
func (s Settings) validate() error {
	if n := s.SessionLifetimeSeconds; n < minLifetimeSeconds || n > maxLifetimeSeconds {
		return model.Invalidf("session_lifetime_seconds", "session_lifetime_seconds is between %d and %d",
			minLifetimeSeconds, maxLifetimeSeconds)
	}
	if d := s.LoginResponseDays; d < 0 || d > maxLoginResponseDays {
		return model.Invalidf("login_response_days", "login_response_days is a whole number from 0 to %d",
			maxLoginResponseDays)
	}
	if n := s.SessionIdleSeconds; n != 0 && (n < minIdleSeconds || n > maxIdleSeconds) {
		return model.Invalidf("session_idle_seconds",
			"session_idle_seconds is between %d and %d, or 0 for sessions that may be idle",
			minIdleSeconds, maxIdleSeconds)
	}
	return nil
}

// ErrUntestedSSO is the Invalid error for sso_required without an active connection, which would
// lock everybody out.
func ErrUntestedSSO() error {
	return model.Invalidf("sso_required",
		"sso_required needs an active connection: create one, and sign in once at its login address to test it")
}

// ErrDefaultConnection is the Invalid error for a default connection that the organization does not
// have.
func ErrDefaultConnection() error {
	return model.Invalidf("default_connection_id",
		"default_connection_id is the id of a connection of this organization, or null")
}

// ConnectionRef is the stored id of a connection, empty for none. In JSON it is the API's id, or
// null.
type ConnectionRef string

// MarshalJSON writes the API's id or null.
func (r ConnectionRef) MarshalJSON() ([]byte, error) {
	if r == "" {
		return []byte("null"), nil
	}
	return json.Marshal(model.ConnectionPrefix.ID(string(r)))
}

// UnmarshalJSON reads what MarshalJSON writes.
func (r *ConnectionRef) UnmarshalJSON(text []byte) error {
	var apiID *string
	*r = ""
	if err := json.Unmarshal(text, &apiID); err != nil || apiID == nil {
		return err
	}
	id, ok := model.ConnectionPrefix.Parse(*apiID)
	if !ok {
		return ErrDefaultConnection()
	}
	*r = ConnectionRef(id)
	return nil
}
