package signon

import (
	"rollcall/model"
	"rollcall/model/people"
)

// The events of logins.
const (
	LoginResponseRead model.EventType = "connection.login_response_read"
	SSOSucceeded      model.EventType = "authentication.sso_succeeded"
	SSOFailed         model.EventType = "authentication.sso_failed"
	PasswordSucceeded model.EventType = "authentication.password_succeeded"
	BreakGlassUsed    model.EventType = "break_glass.used"
)

// authentication is the data of authentication.sso_succeeded and authentication.sso_failed.
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

// authenticationSSO is the part of an authentication that is about the identity provider.
type authenticationSSO struct {
	OrganizationID string  `json:"organization_id"`
	ConnectionID   string  `json:"connection_id"`
	SessionID      *string `json:"session_id"`
}

// authenticationError says why a login failed.
type authenticationError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// event returns the data that authentication.sso_succeeded and authentication.sso_failed share.
func (a *LoginAttempt) event(organization model.OrganizationID) authentication {
	e := authentication{Type: "sso", Status: "failed", IPAddress: model.OrNull(a.Address),
		UserAgent: model.OrNull(a.UserAgent), Email: model.OrNull(a.Email),
		SSO: authenticationSSO{OrganizationID: model.OrganizationPrefix.ID(string(organization)),
			ConnectionID: model.ConnectionPrefix.ID(a.ConnectionID)}}
	if a.UserID != nil {
		id := model.UserPrefix.ID(*a.UserID)
		e.UserID = &id
	}
	return e
}

// passwordAuthentication is the data of authentication.password_succeeded.
type passwordAuthentication struct {
	Type      string  `json:"type"`
	Status    string  `json:"status"`
	IPAddress *string `json:"ip_address"`
	UserAgent *string `json:"user_agent"`
	UserID    string  `json:"user_id"`
	Email     string  `json:"email"`
	SessionID string  `json:"session_id"` // Rollcall's addition
}

// breakGlass is the data of break_glass.used.
type breakGlass struct {
	people.UserObject
	SessionID string  `json:"session_id"`
	IPAddress *string `json:"ip_address"`
	UserAgent *string `json:"user_agent"`
	Cause     string  `json:"cause"`
	Alert     bool    `json:"alert"`
}
