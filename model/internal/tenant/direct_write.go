package tenant

import (
	"context"
	"database/sql"

	"gorm.io/gorm/clause"
)

// On PostgreSQL the commonest writes are one statement each, which is its own
// transaction: a new user, a change of a user's attributes, one new member of a
// group. Each looks at what the change depends on and writes nothing where that
// is not as expected; then the change goes the long way, through a transaction
// and its locks. The round trips between BEGIN and COMMIT are most of what a
// write costs, and as long as they take, its locks keep others waiting.

// AtOnce tells whether a write can be a statement of its own. Where there are rules of who has which
// license and group, a transaction ends with carrying them out.
func AtOnce(h Bound) bool {
	o := h.org()
	return o.tx == nil && o.store.dialect == PostgresDialect && !HasRules(o)
}

// InsertEvents is the part of a WITH statement that inserts the events recorded so far, once per row of from.
func InsertEvents(h Bound, from string) clause.Expr {
	o := h.org()
	n := len(o.tx.events)
	ids, types, subjects, data := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	for i, e := range o.tx.events {
		ids[i], types[i], subjects[i], data[i] = e.ID, string(e.Type), e.Subject, e.Data
	}
	return Named("told AS (INSERT INTO events (id, organization_id, type, actor, subject, data, restore, created_at) "+
		"SELECT e.id, @organization, e.type, @actor, e.subject, e.data, @restore::bigint, @at::bigint FROM "+from+", "+
		"unnest(@ids::text[], @types::text[], @subjects::text[], @data::text[]) AS e (id, type, subject, data))",
		map[string]any{"organization": string(o.ID), "actor": string(o.by), "restore": o.store.restore, "at": int64(o.tx.at),
			"ids": ids, "types": types, "subjects": subjects, "data": data})
}

// Write sends a write of a recorder that answers with a row if it was carried out. What others
// were quicker with is not carried out, and no error: the long way finds out what it is.
func Write(ctx context.Context, h Bound, query clause.Expr, answer any) (done bool, err error) {
	o := h.org()
	if o.tx.unruled && HasRules(o) { // since it was asked whether to write at once
		return false, nil
	}
	if err := o.dropped(); err != nil {
		return false, err
	}
	err = Direct(ctx, o, query, func(rows *sql.Rows) error {
		done = true
		return rows.Scan(answer)
	})
	switch code := postgresCode(err); {
	case code == uniqueViolation || code == foreignKeyViolation || collided(err):
		return false, nil
	case err != nil:
		return false, Translate(o.store, err)
	}
	return done, nil
}
