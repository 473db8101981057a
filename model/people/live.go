package people

import (
	"gorm.io/gorm"

	"rollcall/model/internal/tenant"
)

// LiveSessions limits a query of sessions to those that still open something.
func (o Org) LiveSessions(db *gorm.DB) *gorm.DB {
	return db.Where(`sessions.ended_at IS NULL AND sessions.expires_at > ? AND (sessions.idle_until IS NULL OR sessions.idle_until > ?) AND EXISTS (SELECT 1 FROM users
		WHERE users.organization_id = ? AND users.id = sessions.user_id AND users.active = ? AND users.epoch = sessions.epoch)`,
		tenant.Now(o), tenant.Now(o), o.ID, true)
}
