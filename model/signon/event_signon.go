package signon

import (
	"rollcall/model"
)

// The events of logins.
const (
	LoginResponseRead model.EventType = "connection.login_response_read"
	SSOSucceeded      model.EventType = "authentication.sso_succeeded"
	SSOFailed         model.EventType = "authentication.sso_failed"
	PasswordSucceeded model.EventType = "authentication.password_succeeded"
	BreakGlassUsed    model.EventType = "break_glass.used"
)
