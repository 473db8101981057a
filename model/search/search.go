package search

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/scim2/filter-parser/v2"
	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/internal/tenant"
)

// Query is what a client asks for. Filter is nil for all resources; its attribute names are the
// canonical ones of SCIM.
type Query struct {
	Filter filter.Expression
	Offset int // how many to leave out
	Limit  int // how many at most; 0 only counts
	Sort   *Sort
	Cursor *Cursor // pages by cursor and not by Offset
	Groups bool    // the groups of users are wanted too: they are read if that costs little

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

// Extent says how many resources there are besides a page.
type Extent struct {
	Total int     // how many resources match in all
	Next  *Cursor // where the next page begins, of pages by cursor; nil after the last page
}

// DB is one organization's part of the database.
type DB struct {
	Dialect      tenant.Dialect
	Organization model.OrganizationID
	// Query sends a statement and calls each for each of its rows.
	Query func(ctx context.Context, query clause.Expr, each func(*sql.Rows) error) error
	// Patient limits the time of a search that may read many rows. It returns the context of the
	// search, a condition on each row (empty where the context suffices), and a function to be
	// called after the search.
	Patient func(ctx context.Context, column string) (context.Context, clause.Expr, func())
}

// Shown says which columns a list reads, and how a row of them becomes a T.
type Shown[T any] struct {
	Columns clause.Expr
	Scan    func(rows *sql.Rows, row *T, also ...any) error // also are the columns that a caller adds
	Created func(*T) (id string, at model.Time)
}

// Search is one query for resources of one type.
type Search[T any] struct {
	DB        DB
	Of        *ResourceType
	Query     Query
	Directory string      // the directory of the groups that are asked for
	Where     clause.Expr // the condition of the rows that may be found, filter or not
	Shown     Shown[T]
}

// Run reads one page. The error is Invalid for a filter or an order that cannot be compiled, and
// TooLarge for a search that takes too long.
func (s Search[T]) Run(ctx context.Context) ([]T, Extent, error) {
	r := run[T]{s, newCompiler(s.DB, s.Of, s.Query)}
	r.directory = s.Directory
	return r.search(ctx)
}

// run is a Search at work: search adds to its condition.
type run[T any] struct {
	Search[T]
	*compiler
}

// search adds the filter to the condition, limits the time that it may take, and reads the page.
func (r *run[T]) search(ctx context.Context) ([]T, Extent, error) {
	o, err := r.order(r.Query.Sort)
	if err != nil {
		return nil, Extent{}, err
	}
	limited := ctx
	if r.Query.Filter != nil || r.Query.Sort != nil {
		var inTime clause.Expr
		var done func()
		limited, inTime, done = r.DB.Patient(ctx, r.Of.Table+".id")
		defer done()
		if inTime.SQL != "" {
			r.Where = tenant.Join(r.Where, " AND ", inTime)
		}
	}
	if r.Query.Filter != nil {
		condition, err := r.compile(r.Query.Filter)
		if err != nil {
			return nil, Extent{}, err
		}
		r.Where = tenant.Join(r.Where, " AND (", condition, ")")
	}
	rows, extent, err := r.page(limited, o)
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		return nil, Extent{}, &model.Error{Kind: model.TooLarge, Field: "filter", Err: err,
			Message: "what is asked for takes too long to find; " +
				"compare an attribute that identifies a resource, such as userName, by eq"}
	}
	if err != nil && ctx.Err() != nil { // the drivers have different errors for it
		err = fmt.Errorf("%w: %w", ctx.Err(), err)
	}
	return rows, extent, err
}
