package tenant

import (
	"context"
	"errors"

	"gorm.io/gorm"

	"rollcall/model"
	"rollcall/model/internal/pool"
)

// Again runs fn until it succeeds, or fails with an error for which another try is of no use, but
// not more often than tries.
func Again(tries int, useful func(error) bool, fn func(try int) error) error {
	for try := 1; ; try++ {
		if err := fn(try); err == nil || try == tries || !useful(err) {
			return err
		}
	}
}

// changeTries are how often a write starts again that the locks of others have ended.
const changeTries = 5

// Change is Tx for a write that starts again when PostgreSQL has ended it for the locks of others.
// Of two transactions that wait for each other, only one can go on. A Change within a transaction
// joins it, and the outermost one starts again. What fn sets outside itself, it must set in each
// try.
func Change(ctx context.Context, h Bound, fn func(org *Org) error) error {
	o := h.org()
	if o.tx != nil {
		return o.Tx(ctx, fn)
	}
	return Again(changeTries, collided, func(int) error { return o.Tx(ctx, fn) })
}

// collided tells whether err is a deadlock, a serialization failure, a statement of before a
// migration, or ErrOvertaken.
func collided(err error) bool {
	code := pool.Code(err)
	return errors.Is(err, ErrOvertaken) ||
		code == deadlockDetected || code == serializationFailure || code == planChanged
}

// removalTries are how often the removal of a directory or an organization starts because of
// writers that came in between. The last tries go on regardless of those that only overtook it, and
// start again for a deadlock alone: whoever deletes a user holds its row and refers to the
// organization, which the removal holds.
const (
	removalTries = 5
	lastTries    = 8
)

// ErrOvertaken is the error of a transaction that another one has overtaken.
var ErrOvertaken = &model.Error{Kind: model.Busy, Message: "the directory is being written to; try again"}

// Remove runs fn in a transaction, and again when other writers came in between.
func Remove(ctx context.Context, h Bound, fn func(org *Org, last bool) error) error {
	o := h.org()
	first, tries := removalTries, removalTries+lastTries
	if o.tx != nil {
		first, tries = 0, 1
	}
	overtaken := func(err error) bool {
		return errors.Is(err, ErrOvertaken) || errors.Is(err, gorm.ErrForeignKeyViolated) ||
			pool.Code(err) == deadlockDetected
	}
	return Again(tries, overtaken, func(try int) error {
		return o.Tx(ctx, func(org *Org) error { return fn(org, try > first) })
	})
}

// Overtook tells whether an age is that of a transaction which began after this one. Ages wrap
// around, so that rows older than two thousand million transactions seem to be of the far future.
// Those do not count.
func Overtook(age int64) bool { return -1_000_000 < age && age < 0 }
