package search

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"

	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/internal/tenant"
)

// page reads the rows of a page and counts all rows that match, where the page does not tell.
func (r *run[T]) page(ctx context.Context, o order) ([]T, Extent, error) {
	rows, extent, more := []T{}, Extent{Total: -1}, false
	if r.Query.Limit > 0 {
		// One row more than wanted shows whether there is more to count.
		found, err := r.listed(ctx, o)
		if err != nil {
			return nil, Extent{}, err
		}
		extent.Total, more = r.Query.total(len(found)), len(found) > r.Query.Limit
		rows = found[:min(len(found), r.Query.Limit)]
	}
	if extent.Total < 0 {
		err := r.DB.Query(ctx, tenant.Join("SELECT count(*)", r.from(), r.Where), func(row *sql.Rows) error {
			return row.Scan(&extent.Total)
		})
		if err != nil {
			return nil, Extent{}, fmt.Errorf("count resources: %w", err)
		}
	}
	if r.Query.Cursor != nil && more {
		id, created := r.Shown.Created(&rows[r.Query.Limit-1])
		place, err := r.place(ctx, o, id, created)
		if err != nil {
			return nil, Extent{}, err
		}
		extent.Next = &Cursor{Place: place, Total: extent.Total}
	}
	return rows, extent, nil
}

// total returns how many resources match in all, or -1 where that has to be counted. found is the
// number of rows that a statement for one row more than the page returned.
func (q Query) total(found int) int {
	switch {
	case q.Cursor != nil && q.Cursor.Place != "":
		return q.Cursor.Total // counted for the first page
	case found > q.Limit:
		return -1
	case q.Cursor != nil:
		return found
	case found > 0 || q.Offset == 0:
		return q.Offset + found
	}
	return -1
}

// from is the part of a statement between its columns and a condition.
func (r *run[T]) from() clause.Expr {
	return clause.Expr{
		SQL:  " FROM " + r.Of.Table + " WHERE " + r.Of.Table + ".organization_id = ? AND ",
		Vars: []any{string(r.DB.Organization)},
	}
}

// deep is the offset from which a page is first looked for in the index alone, and its rows are
// read afterwards.
const deep = 1000

// listed reads the rows of a page and the row after them.
func (r *run[T]) listed(ctx context.Context, o order) ([]T, error) {
	q := r.Query
	by := tenant.Join(" ORDER BY ", o.by())
	page := tenant.Join(r.from(), r.Where)
	// With the limit as a parameter, PostgreSQL would plan for a tenth of all rows when it decides
	// whether to keep the plan.
	limit := " LIMIT " + strconv.Itoa(q.Limit+1)
	// Where one row is expected, to sort costs more than to find it.
	alone := q.Cursor == nil && q.Offset == 0 && o.byCreation && r.Of.NamesOne(q.Filter)
	switch {
	case alone:
		page = tenant.Join(page, limit)
	case q.Cursor == nil:
		page = tenant.Join(page, by, " LIMIT ", tenant.Param(q.Limit+1), " OFFSET ", tenant.Param(q.Offset))
	case q.Cursor.Place != "":
		after, err := o.after(q.Cursor.Place)
		if err != nil {
			return nil, err
		}
		page = tenant.Join(page, " AND ", after, by, limit)
	default:
		page = tenant.Join(page, by, limit)
	}
	query := tenant.Join("SELECT ", r.Shown.Columns, page)
	if q.Cursor == nil && q.Offset >= deep && o.byCreation {
		ids := r.inSelect(r.Of.Table+".id", tenant.Join("SELECT "+r.Of.Table+".id", page))
		query = tenant.Join("SELECT ", r.Shown.Columns, r.from(), ids, by)
	}
	expected := q.Limit + 1
	switch {
	case r.Of.NamesOne(q.Filter):
		expected = 1
	case q.Filter != nil:
		expected = min(expected, 8)
	}
	rows, err := r.rows(ctx, query, expected)
	if alone && len(rows) > q.Limit { // which of them are on the page goes by the order
		query = tenant.Join("SELECT ", r.Shown.Columns, r.from(), r.Where, by, limit)
		rows, err = r.rows(ctx, query, expected)
	} else if alone {
		r.sortByCreation(rows)
	}
	return rows, err
}

// rows reads the rows of a statement. expected is how many there may be.
func (r *run[T]) rows(ctx context.Context, query clause.Expr, expected int) ([]T, error) {
	rows := make([]T, 0, expected)
	err := r.DB.Query(ctx, query, func(row *sql.Rows) error {
		rows = append(rows, *new(T))
		return r.Shown.Scan(row, &rows[len(rows)-1])
	})
	if err != nil {
		return nil, fmt.Errorf("list resources: %w", err)
	}
	return rows, nil
}

// sortByCreation sorts rows as the database sorts them without a Sort.
func (r *run[T]) sortByCreation(rows []T) {
	slices.SortFunc(rows, func(a, b T) int {
		idOfA, createdA := r.Shown.Created(&a)
		idOfB, createdB := r.Shown.Created(&b)
		return cmp.Or(cmp.Compare(createdA, createdB), cmp.Compare(idOfA, idOfB))
	})
}

// place returns the values by which the order sorts a row, as JSON. Without a Sort, these are its
// id and the time of its creation, which the page has.
func (r *run[T]) place(ctx context.Context, o order, id string, created model.Time) (string, error) {
	if o.byCreation {
		return tenant.Encode([]any{int64(created), id})
	}
	function := "json_array("
	if r.DB.Dialect == tenant.PostgresDialect {
		function = "json_build_array("
	}
	keys := o.list(func(k sortKey) clause.Expr { return k.sql })
	var place string
	query := tenant.Join("SELECT CAST("+function, keys, ") AS text)", r.from(), r.Of.Table+".id = ", tenant.Param(id))
	err := r.DB.Query(ctx, query, func(row *sql.Rows) error { return row.Scan(&place) })
	if err != nil {
		return "", fmt.Errorf("read place: %w", err)
	}
	if place == "" {
		return "", &model.Error{Kind: model.Busy,
			Message: "the last resource of the page has just been deleted; ask for the page again"}
	}
	return place, nil
}
