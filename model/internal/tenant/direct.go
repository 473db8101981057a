package tenant

import (
	"context"
	"database/sql"
	"strconv"
	"strings"

	"gorm.io/gorm/clause"
)

// The statements that identity providers cause by the thousand go to the driver
// without GORM, whose reflection costs more than they do. GORM's predicate does
// not reach them: each names the organization itself, for every table.

// Direct sends a query and calls each with each of its rows.
func Direct(ctx context.Context, h Bound, query clause.Expr, each func(*sql.Rows) error) error {
	o := h.org()
	rows, err := o.read.Statement.ConnPool.QueryContext(ctx, o.store.dialect.numbered(query.SQL), query.Vars...)
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
	b := make([]byte, 0, len(query)+2*strings.Count(query, "?"))
	for n := 1; ; n++ {
		before, after, found := strings.Cut(query, "?")
		b = append(b, before...)
		if !found {
			return string(b)
		}
		b = strconv.AppendInt(append(b, '$'), int64(n), 10)
		query = after
	}
}
