package people

import (
	"context"

	"rollcall/model/internal/tenant"
)

// Leaving is how many users are signed out by one read and one write.
const Leaving = 500

// SignOut ends the access of everybody who is signed in by a connection.
func (o Org) SignOut(ctx context.Context, connection string) error {
	live := o.LiveSessions(tenant.DB(o).Model(&Session{}).Select("user_id")).Where("connection_id = ?", connection)
	return o.EndAccessOf(ctx, live, EndedConnectionChanged)
}
