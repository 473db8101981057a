package search

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"

	"github.com/scim2/filter-parser/v2"
	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/internal/tenant"
)

// The SQL in the files filter*.go spans tables that GORM's predicate does not
// reach: every select names the organization itself.

// ResourceQuery asks for the users or groups that a directory sees. Filter is
// nil for all; its attribute names are SCIM's canonical ones.
type ResourceQuery struct {
	Filter filter.Expression
	Offset int // how many to leave out
	Limit  int // how many at most; 0 only counts
	Sort   *Sort
	Cursor *Cursor // pages by cursor and not by Offset
	Groups bool    // the Groups of users are wanted, too: they are read if that costs little

	// Form says how an attribute without a column compares. Without Form, each attribute
	// has a single value, whose text compares in any case.
	Form func(filter.AttributePath) Form
	// Base is the URL before /Users and /Groups in meta.location and $ref.
	Base string
}

// Form is how an attribute, or the sub-attribute that a path names, compares.
type Form struct {
	MultiValued bool // the attribute, with or without a sub-attribute
	CaseExact   bool
}

// Extent says how much there is besides a page.
type Extent struct {
	Total int     // how many resources there are in all
	Next  *Cursor // of a page by cursor, unless it is the last
}

// SearchDB is what a search needs of the store: the part of the database that one organization has.
type SearchDB struct {
	Dialect      tenant.Dialect
	Organization model.OrganizationID
	// query sends a statement and calls each with each of its rows.
	Query func(ctx context.Context, query clause.Expr, each func(*sql.Rows) error) error
	// patient returns a context that ends a search which takes too long, a condition on each row
	// that the search needs for that, if any, and a function to be called when it is over.
	Patient func(ctx context.Context, column string) (context.Context, clause.Expr, func())
}

// Shown is how the rows of a resource are read for a list: only the columns that SCIM
// shows.
type Shown[T any] struct {
	Columns clause.Expr
	Scan    func(rows *sql.Rows, row *T) error
	Created func(*T) (id string, at model.Time)
}

// Search is one query for resources. where is the condition of the resources that it may find.
type Search[T any] struct {
	*Compiler
	Query ResourceQuery
	Where clause.Expr
	Shown Shown[T]
}

func (s *Search[T]) Run(ctx context.Context) ([]T, Extent, error) {
	o, err := s.order(s.Query.Sort)
	if err != nil {
		return nil, Extent{}, err
	}
	search := ctx
	if s.Query.Filter != nil || s.Query.Sort != nil {
		var goOn clause.Expr
		var done func()
		search, goOn, done = s.db.Patient(ctx, s.Of.Table+".id")
		defer done()
		if goOn.SQL != "" {
			s.Where = tenant.Join(s.Where, " AND ", goOn)
		}
	}
	if s.Query.Filter != nil {
		condition, err := s.compile(s.Query.Filter)
		if err != nil {
			return nil, Extent{}, err
		}
		s.Where = tenant.Join(s.Where, " AND (", condition, ")")
	}
	rows, extent, err := s.page(search, o)
	if err != nil && search.Err() != nil && ctx.Err() == nil {
		return nil, Extent{}, &model.Error{Kind: model.TooLarge, Field: "filter", Err: err,
			Message: "what is asked for takes too long to find; " +
				"compare an attribute that identifies a resource, such as userName, by eq"}
	}
	if err != nil && ctx.Err() != nil { // the drivers have different errors for it
		err = fmt.Errorf("%w: %w", ctx.Err(), err)
	}
	return rows, extent, err
}

func (s *Search[T]) page(ctx context.Context, o order) ([]T, Extent, error) {
	rows, extent, more := []T{}, Extent{Total: -1}, false
	if s.Query.Limit > 0 {
		// One row more than wanted shows whether there is more to count.
		found, err := s.listed(ctx, o)
		if err != nil {
			return nil, Extent{}, err
		}
		extent.Total, more = s.Query.total(len(found)), len(found) > s.Query.Limit
		rows = found[:min(len(found), s.Query.Limit)]
	}
	if extent.Total < 0 {
		err := s.db.Query(ctx, tenant.Join("SELECT count(*)", s.from(), s.Where), func(r *sql.Rows) error {
			return r.Scan(&extent.Total)
		})
		if err != nil {
			return nil, Extent{}, fmt.Errorf("count resources: %w", err)
		}
	}
	if s.Query.Cursor != nil && more {
		id, created := s.Shown.Created(&rows[s.Query.Limit-1])
		place, err := s.place(ctx, o, id, created)
		if err != nil {
			return nil, Extent{}, err
		}
		extent.Next = &Cursor{Place: place, Total: extent.Total}
	}
	return rows, extent, nil
}

// total is the number of all resources if found, the number of rows read for a page
// and one row more, determines it, and -1 otherwise.
func (q ResourceQuery) total(found int) int {
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

// from begins the rest of a statement after its columns, up to a condition.
func (s *Search[T]) from() clause.Expr {
	return clause.Expr{
		SQL:  " FROM " + s.Of.Table + " WHERE " + s.Of.Table + ".organization_id = ? AND ",
		Vars: []any{string(s.db.Organization)},
	}
}

// deep is the offset from which a page is looked for in the index alone before its rows are read.
const deep = 1000

// listed reads a page of rows, and one row more.
func (s *Search[T]) listed(ctx context.Context, o order) ([]T, error) {
	q := s.Query
	by := tenant.Join(" ORDER BY ", o.by())
	page := tenant.Join(s.from(), s.Where)
	// With the limit as a parameter, PostgreSQL would plan for a tenth of all rows when it decides
	// whether to keep the plan.
	limit := " LIMIT " + strconv.Itoa(q.Limit+1)
	switch {
	case q.Cursor == nil:
		page = tenant.Join(page, by, " LIMIT ", tenant.Param(q.Limit+1), " OFFSET ", tenant.Param(q.Offset))
	case q.Cursor.Place != "":
		behind, err := o.behind(q.Cursor.Place)
		if err != nil {
			return nil, err
		}
		page = tenant.Join(page, " AND ", behind, by, limit)
	default:
		page = tenant.Join(page, by, limit)
	}
	query := tenant.Join("SELECT ", s.Shown.Columns, page)
	if q.Cursor == nil && q.Offset >= deep && o.byCreation {
		ids := s.among(s.Of.Table+".id", tenant.Join("SELECT "+s.Of.Table+".id", page))
		query = tenant.Join("SELECT ", s.Shown.Columns, s.from(), ids, by)
	}
	expected := q.Limit + 1
	if q.Filter != nil {
		expected = min(expected, 8)
	}
	rows := make([]T, 0, expected)
	err := s.db.Query(ctx, query, func(r *sql.Rows) error {
		rows = append(rows, *new(T))
		return s.Shown.Scan(r, &rows[len(rows)-1])
	})
	if err != nil {
		return nil, fmt.Errorf("list resources: %w", err)
	}
	return rows, nil
}

// place is the values of a row for the keys of the order. Those of the common order,
// by creation, are known already.
func (s *Search[T]) place(ctx context.Context, o order, id string, created model.Time) (string, error) {
	if o.byCreation {
		return tenant.Encode([]any{int64(created), id})
	}
	function := "json_array("
	if s.db.Dialect == tenant.PostgresDialect {
		function = "json_build_array("
	}
	keys := o.list(func(k sortKey) clause.Expr { return k.sql })
	var place string
	query := tenant.Join("SELECT CAST("+function, keys, ") AS text)", s.from(), s.Of.Table+".id = ", tenant.Param(id))
	err := s.db.Query(ctx, query, func(r *sql.Rows) error { return r.Scan(&place) })
	if err != nil {
		return "", fmt.Errorf("read place: %w", err)
	}
	if place == "" {
		return "", &model.Error{Kind: model.Busy,
			Message: "the last resource of the page has just been deleted; ask for the page again"}
	}
	return place, nil
}
