package tenant

import (
	"context"
	"database/sql"
	"strconv"
	"strings"

	"gorm.io/gorm/clause"

	"rollcall/model/internal/pool"
	"rollcall/model/lasting"
)

// What identity providers cause by the thousand goes to the driver without GORM, whose reflection
// costs more than the statement does. The predicate of GORM does not reach these statements. Each
// names the organization itself, for every table.

// Direct sends a query and calls each with each of its rows.
func Direct(ctx context.Context, h Bound, query clause.Expr, each func(*sql.Rows) error) error {
	o := h.org()
	from := o.in
	if from == nil {
		from = o.store.read
	}
	rows, err := from.Statement.ConnPool.QueryContext(ctx, o.store.dialect.numbered(query.SQL), query.Vars...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := each(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// numbered writes the parameters of a query in the form of the database.
func (d Dialect) numbered(query string) string {
	if d != PostgresDialect {
		return query
	}
	var b strings.Builder
	b.Grow(len(query) + 2*strings.Count(query, "?"))
	for n := 1; ; n++ {
		before, after, found := strings.Cut(query, "?")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(n))
		query = after
	}
}

// On PostgreSQL the commonest writes are one statement each, which is its own transaction: a new
// user, a change of a user's attributes, one new member of a group. The statement checks what the
// change depends on, and writes nothing when that is not as expected. Then the change is made by a
// transaction with its locks. The round trips between BEGIN and COMMIT are most of the cost of a
// write, and others wait for its locks during them.

// AtOnce tells whether a write can be one statement. With rules of licenses and groups it cannot,
// because the end of the transaction carries them out.
func AtOnce(h Bound) bool {
	o := h.org()
	return o.tx == nil && o.store.dialect == PostgresDialect && !HasRules(o)
}

// Write sends a statement of a Recorder. The statement returns a row if it has written, and answer
// gets the row's column. When another transaction came in between, nothing is written, and that is
// no error: the caller tries again in a transaction, which finds the reason.
func Write(ctx context.Context, h Bound, query clause.Expr, answer any) (done bool, err error) {
	o := h.org()
	if o.tx.unruled && HasRules(o) { // the rules came after AtOnce
		return false, nil
	}
	if err := o.dropped(); err != nil {
		return false, err
	}
	request := lasting.Of(ctx)
	before := request.Mark()
	err = Direct(ctx, o, query, func(rows *sql.Rows) error {
		done = true
		return rows.Scan(answer)
	})
	if done && err == nil {
		request.Replicated(before + 1) // with the statement's own
	}
	switch code := pool.Code(err); {
	case code == uniqueViolation || code == foreignKeyViolation || collided(err):
		return false, nil
	case err != nil:
		return false, Translate(o.store, err)
	}
	return done, nil
}
