package tenant

import (
	"encoding/binary"

	"github.com/google/uuid"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// Rows are locked in one order: groups, then users, then the organization, and several of one kind
// in the order of their ids. Two transactions with different orders could wait for each other until
// PostgreSQL ends one of them, which starts again. There are two exceptions, because neither knows
// the other rows earlier: nesting groups locks the directory after a group, and removing a
// directory locks it before its groups.

// The strengths of a row's lock. Under ToChange, other transactions may still create rows that
// refer to the row.
const (
	ToChange = "NO KEY UPDATE"
	ToRemove = "UPDATE"
)

// ForChange makes a query by id lock the row that it finds until the transaction ends.
func ForChange(h Bound, db *gorm.DB, id string) *gorm.DB {
	return InTurn(h, db, id).Clauses(clause.Locking{Strength: ToRemove})
}

// InTurn makes a statement wait until no other transaction changes the row with this id.
//
// On PostgreSQL the feed of events has the order of transaction ids, and a transaction that waits
// for a row may get its id before it gets the row. Of three that change one user, the second and
// the third could be in the feed in the wrong order. The wait for this lock comes first and needs
// no id. The statement that looks for the row takes the lock, which must be the transaction's
// first.
func InTurn(h Bound, db *gorm.DB, id string) *gorm.DB {
	if h.base().dialect != PostgresDialect {
		return db
	}
	return db.Where(Turn(id))
}

// Turn is the condition by which a statement of PostgreSQL waits, see InTurn.
func Turn(id string) clause.Expr {
	u, err := uuid.Parse(id)
	if err != nil {
		return SQLTrue()
	}
	// The second half of a UUIDv7 is random.
	return Join("pg_advisory_xact_lock(", Param(int64(binary.BigEndian.Uint64(u[8:]))), ") IS NOT NULL")
}
