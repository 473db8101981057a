package model

// The events of logins.
const (
	LoginResponseRead EventType = "connection.login_response_read"
	SSOSucceeded      EventType = "authentication.sso_succeeded"
	SSOFailed         EventType = "authentication.sso_failed"
	PasswordSucceeded EventType = "authentication.password_succeeded"
	BreakGlassUsed    EventType = "break_glass.used"
)
