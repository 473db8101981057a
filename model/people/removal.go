package people

import (
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm/clause"

	"rollcall/model/internal/tenant"
)

// LockPeople locks the groups and users of a directory, or of the whole
// organization when directoryID is empty. New rows may still name the users.
//
// On PostgreSQL a transaction that locks many rows has its place in the feed
// from the first of them on. Another one may take a later place, change a row
// that is not locked yet, and commit: its event would stand after the removal,
// and tell of a user who is gone. Unless it is the last try, that is refused.
func (o Org) LockPeople(ctx context.Context, directoryID string, last bool) error {
	if tenant.DialectOf(o) != tenant.PostgresDialect {
		return nil
	}
	for _, rows := range []struct {
		of       any
		strength string
	}{{&DirectoryGroup{}, tenant.ToRemove}, {&User{}, tenant.ToChange}} {
		db := tenant.DB(o).WithContext(ctx).Model(rows.of).Clauses(clause.Locking{Strength: rows.strength})
		if directoryID != "" {
			db = db.Where("directory_id = ?", directoryID)
		}
		// The age of a row's last writer, in transactions, is negative when it began after this one.
		var ages []int64
		if err := db.Order("id").Pluck("age(xmin)", &ages).Error; err != nil {
			return fmt.Errorf("lock users and groups: %w", err)
		}
		if !last && slices.ContainsFunc(ages, tenant.Overtook) {
			return tenant.ErrOvertaken
		}
	}
	return nil
}
