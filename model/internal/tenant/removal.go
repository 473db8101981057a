package tenant

import (
	"context"
	"errors"

	"gorm.io/gorm"

	"rollcall/model"
)

// removalTries are how often the removal of a directory or an organization
// starts anew for writers who got in between, before it goes on regardless.
const removalTries = 5

// ErrOvertaken is what a removal gets that another transaction has overtaken.
var ErrOvertaken = &model.Error{Kind: model.Busy, Message: "the directory is being written to; try again"}

// Remove runs fn in a transaction, and again when others got in between.
func Remove(ctx context.Context, h Bound, fn func(org *Org, last bool) error) error {
	o := h.org()
	tries := removalTries
	if o.tx != nil {
		tries = 1
	}
	overtaken := func(err error) bool {
		return errors.Is(err, ErrOvertaken) || errors.Is(err, gorm.ErrForeignKeyViolated) || postgresCode(err) == deadlockDetected
	}
	return Again(tries, overtaken, func(try int) error {
		return o.Tx(ctx, func(org *Org) error { return fn(org, try == tries) })
	})
}

// Overtook tells whether an age is that of a writer who began after this
// transaction. Ages wrap around, so that rows older than two thousand million
// transactions seem to be of the far future: those are not meant.
func Overtook(age int64) bool { return -1_000_000 < age && age < 0 }
