package people

import (
	"rollcall/model"
)

// IdleFrom is when a session that is used now has been idle for too long; nil for never.
func (s *Session) IdleFrom(now model.Time) *model.Time {
	if s.IdleSeconds == 0 {
		return nil
	}
	until := now + model.Time(s.IdleSeconds)*1000
	return &until
}
