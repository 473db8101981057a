package model

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// removalTries are how often the removal of a directory or an organization
// starts anew for writers who got in between, before it goes on regardless.
const removalTries = 5

// errOvertaken is what a removal gets that another transaction has overtaken.
var errOvertaken = &Error{Kind: Busy, Message: "the directory is being written to; try again"}

// remove runs fn in a transaction, and again when others got in between.
func (o *Org) remove(ctx context.Context, fn func(org *Org, last bool) error) error {
	tries := removalTries
	if o.tx != nil {
		tries = 1
	}
	overtaken := func(err error) bool {
		return errors.Is(err, errOvertaken) || errors.Is(err, gorm.ErrForeignKeyViolated) || postgresCode(err) == deadlockDetected
	}
	return again(tries, overtaken, func(try int) error {
		return o.Tx(ctx, func(org *Org) error { return fn(org, try == tries) })
	})
}

// lockPeople locks the groups and users of a directory, or of the whole
// organization when directoryID is empty. New rows may still name the users.
//
// On PostgreSQL a transaction that locks many rows has its place in the feed
// from the first of them on. Another one may take a later place, change a row
// that is not locked yet, and commit: its event would stand after the removal,
// and tell of a user who is gone. Unless it is the last try, that is refused.
func (o *Org) lockPeople(ctx context.Context, directoryID string, last bool) error {
	if o.store.dialect != postgresDialect {
		return nil
	}
	for _, rows := range []struct {
		of       any
		strength string
	}{{&DirectoryGroup{}, toRemove}, {&User{}, toChange}} {
		db := o.db.WithContext(ctx).Model(rows.of).Clauses(clause.Locking{Strength: rows.strength})
		if directoryID != "" {
			db = db.Where("directory_id = ?", directoryID)
		}
		// The age of a row's last writer, in transactions, is negative when it began after this one.
		var ages []int64
		if err := db.Order("id").Pluck("age(xmin)", &ages).Error; err != nil {
			return fmt.Errorf("lock users and groups: %w", err)
		}
		if !last && slices.ContainsFunc(ages, overtook) {
			return errOvertaken
		}
	}
	return nil
}

// overtook tells whether an age is that of a writer who began after this
// transaction. Ages wrap around, so that rows older than two thousand million
// transactions seem to be of the far future: those are not meant.
func overtook(age int64) bool { return -1_000_000 < age && age < 0 }
