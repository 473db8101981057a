package tenant

import (
	"context"

	"gorm.io/gorm"

	"rollcall/model"
	"rollcall/model/internal/guard"
	"rollcall/model/internal/internal/unbounded"
)

// across returns the database without an organization.
func (s *Store) across(ctx context.Context) *gorm.DB {
	return guard.ForEveryone(s.db.WithContext(ctx), unbounded.Key{})
}

// readAcross is across for reads.
func (s *Store) readAcross(ctx context.Context) *gorm.DB {
	return guard.ForEveryone(s.read.WithContext(ctx), unbounded.Key{})
}

// unbounded is the organization's database without the predicate, for statements that name the
// organization themselves. In a transaction it is the transaction's.
func (o *Org) unbounded(ctx context.Context) *gorm.DB {
	return guard.ForEveryone(o.db().WithContext(ctx), unbounded.Key{})
}

// Across is for package across, which has the key.
func Across(ctx context.Context, h Base, _ unbounded.Key) *gorm.DB { return h.base().across(ctx) }

// ReadAcross is for package across, which has the key.
func ReadAcross(ctx context.Context, h Base, _ unbounded.Key) *gorm.DB {
	return h.base().readAcross(ctx)
}

// Unbounded is for package across, which has the key.
func Unbounded(ctx context.Context, h Bound, _ unbounded.Key) *gorm.DB {
	return h.org().unbounded(ctx)
}

// ReadUnbounded is for package across, which has the key.
func ReadUnbounded(ctx context.Context, h Bound, _ unbounded.Key) *gorm.DB {
	return guard.ForEveryone(h.org().read().WithContext(ctx), unbounded.Key{})
}

// served are the organizations that an application serves.
const served = "SELECT organization_id FROM application_organizations WHERE application_id = ?"

// Within limits a query to the organizations of a scope. The column holds their ids.
func Within(db *gorm.DB, scope model.Scope, column string) *gorm.DB {
	if scope.All() {
		return db
	}
	return db.Where(column+" IN ("+served+")", scope.Application())
}
