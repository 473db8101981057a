package organization

import (
	"rollcall/model"
)

const (
	minIdleSeconds = 300
	maxIdleSeconds = 30 * 86400
)

func (s Settings) validateIdle() error {
	if n := s.SessionIdleSeconds; n != 0 && (n < minIdleSeconds || n > maxIdleSeconds) {
		return model.Invalidf("session_idle_seconds", "session_idle_seconds is between %d and %d, or 0 for sessions that may be idle", minIdleSeconds, maxIdleSeconds)
	}
	return nil
}
