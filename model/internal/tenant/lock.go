package tenant

import (
	"context"
	"encoding/binary"
	"errors"

	"github.com/google/uuid"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// Locks are taken in one order: groups, then users, then the organization;
// several of one kind in the order of their ids. Transactions that did otherwise
// could wait for each other until PostgreSQL ends one of them, which starts anew.
// Two do otherwise, since neither knows better: who nests groups locks the
// directory after a group, and who removes a directory before its groups.

// The strengths of a row's lock: while it is to change only, others may still
// create rows that refer to it.
const (
	ToChange = "NO KEY UPDATE"
	ToRemove = "UPDATE"
)

// ForChange makes a query by id lock the row that it finds until the transaction ends.
func ForChange(h Bound, db *gorm.DB, id string) *gorm.DB {
	o := h.org()
	return InTurn(o, db, id).Clauses(clause.Locking{Strength: ToRemove})
}

// InTurn makes a statement wait until no other transaction changes the thing
// with this id.
//
// PostgreSQL's feed of events has the order of transaction ids, and whoever
// waits for a row may get an id before the row: of three who change one user,
// the second and the third could stand in the feed the wrong way round. The wait
// for this lock comes first and needs no id. The lock is taken while the row is
// looked for, by the same statement, and must be the transaction's first.
func InTurn(h Bound, db *gorm.DB, id string) *gorm.DB {
	o := h.org()
	if o.store.dialect != PostgresDialect {
		return db
	}
	return db.Where(Turn(o, id))
}

// Turn is the condition that waits, of PostgreSQL.
func Turn(h Bound, id string) clause.Expr {
	u, err := uuid.Parse(id)
	if err != nil {
		return Always()
	}
	// The second half of a UUIDv7 is random.
	return Join("pg_advisory_xact_lock(", Param(int64(binary.BigEndian.Uint64(u[8:]))), ") IS NOT NULL")
}

// Again runs fn until it ends well, or with an error for which another try is of no use, but not more
// often than tries.
func Again(tries int, useful func(error) bool, fn func(try int) error) error {
	for try := 1; ; try++ {
		if err := fn(try); err == nil || try == tries || !useful(err) {
			return err
		}
	}
}

// changeTries are how often a write starts again that the locks of others have ended.
const changeTries = 5

// Change is Tx for a write that starts anew when PostgreSQL has ended it for
// those of others: of two that wait for each other one can go on only so. One
// that has joined a transaction is left to whoever began that. What fn sets
// outside itself, it must set anew each time.
func Change(ctx context.Context, h Bound, fn func(org *Org) error) error {
	o := h.org()
	if o.tx != nil {
		return o.Tx(ctx, fn)
	}
	return Again(changeTries, collided, func(int) error { return o.Tx(ctx, fn) })
}

// collided tells of a deadlock, of a serialization failure, or of a user whom
// somebody has recomputed in between.
func collided(err error) bool {
	code := postgresCode(err)
	return errors.Is(err, ErrOvertaken) || code == deadlockDetected || code == serializationFailure
}
