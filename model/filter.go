package model

import (
	"context"
	"fmt"
	"strings"

	"github.com/scim2/filter-parser/v2"
	"gorm.io/gorm/clause"
)

// The SQL in this file and its neighbors spans tables that GORM's predicate does
// not reach: every sub-select names the organization itself.

// ResourceQuery asks for the users or groups that a directory sees. Filter is
// nil for all; its attribute names are SCIM's canonical ones.
type ResourceQuery struct {
	Filter filter.Expression
	Offset int // how many to leave out
	Limit  int // how many at most; 0 only counts
	Sort   *Sort
	Cursor *Cursor // pages by cursor and not by Offset
	Groups bool    // the Groups of users are wanted, too: they are read where they cost little

	// Form says how an attribute compares that has no column of its own. Without
	// it each is a single one, whose texts compare in any case.
	Form func(filter.AttributePath) Form
	// Base is what precedes /Users and /Groups in meta.location and $ref.
	Base string
}

// Form is how an attribute, or the sub-attribute that a path names, compares.
type Form struct {
	MultiValued bool // the attribute, with or without a sub-attribute
	CaseExact   bool
}

// Extent is what stands around a page.
type Extent struct {
	Total int     // how many resources there are in all
	Next  *Cursor // of a page by cursor, unless it is the last
}

// adoptable are the users that no directory owns and that one may take over:
// under a verified domain, and no unconfirmed administrator (docs/design/identity.md, "Adoption").
func (o *Org) adoptable() clause.Expr {
	return clause.Expr{
		SQL: "users.directory_id IS NULL AND (users.role = ? OR users.adoption_confirmed = ?) AND " +
			o.store.dialect.in("users.email_domain", "SELECT domain FROM organization_domains WHERE organization_id = ? AND state = ?"),
		Vars: []any{Member, true, o.ID, DomainStateVerified},
	}
}

// DirectoryUsers lists the users of a directory in the order of their creation,
// and how many there are in all. Of each there is what lists show: ID, UserName,
// Version, Active, Document and the times. Users whom the directory could adopt are shown
// only to a filter that names one exactly, so that no client that reconciles
// what it sees deletes them. It answers Invalid for what a filter cannot ask, and
// TooLarge for one that takes too long.
func (o *Org) DirectoryUsers(ctx context.Context, directoryID string, q ResourceQuery) ([]User, Extent, error) {
	s := search[User]{compiler: o.userCompiler(q), query: q, shown: shownUsers,
		born: func(u *User) (string, Time) { return u.ID, u.CreatedAt }}
	if namesOne(q.Filter) {
		s.where = o.visibleTo(directoryID)
		if q.Groups {
			s.shown = o.shownAlone()
		}
	} else {
		s.where = join(o.store.dialect.beside("users.directory_id", pinpoints(q.Filter, userIndexes)), " = ", param(directoryID))
	}
	return s.run(ctx)
}

// DirectoryGroups lists the groups of a directory, like DirectoryUsers, with
// DisplayName.
func (o *Org) DirectoryGroups(ctx context.Context, directoryID string, q ResourceQuery) ([]DirectoryGroup, Extent, error) {
	s := search[DirectoryGroup]{compiler: o.groupCompiler(q), query: q, shown: shownGroups,
		born: func(g *DirectoryGroup) (string, Time) { return g.ID, g.CreatedAt }}
	s.compiler.directory = directoryID
	s.where = join(o.store.dialect.beside("directory_groups.directory_id", pinpoints(q.Filter, groupIndexes)), " = ", param(directoryID))
	return s.run(ctx)
}

// search is one question for resources.
type search[T any] struct {
	*compiler
	query ResourceQuery
	where clause.Expr
	shown shown[T]
	born  func(*T) (string, Time)
}

func (s *search[T]) run(ctx context.Context) ([]T, Extent, error) {
	o, err := s.order(s.query.Sort)
	if err != nil {
		return nil, Extent{}, err
	}
	search := ctx
	if s.query.Filter != nil || s.query.Sort != nil {
		var goOn clause.Expr
		var done func()
		search, goOn, done = s.org.store.patient(ctx, s.table+".id")
		defer done()
		if goOn.SQL != "" {
			s.where = join(s.where, " AND ", goOn)
		}
	}
	if s.query.Filter != nil {
		condition, err := s.compile(s.query.Filter)
		if err != nil {
			return nil, Extent{}, err
		}
		s.where = join(s.where, " AND (", condition, ")")
	}
	rows, extent, err := s.page(search, o)
	if err != nil && search.Err() != nil && ctx.Err() == nil {
		return nil, Extent{}, &Error{Kind: TooLarge, Field: "filter", Err: err,
			Message: "what is asked for takes too long to find; compare an attribute that identifies a resource, such as userName, by eq"}
	}
	if err != nil && ctx.Err() != nil { // whatever the driver calls it
		err = fmt.Errorf("%w: %w", ctx.Err(), err)
	}
	return rows, extent, s.org.store.translate(err)
}

func (s *search[T]) page(ctx context.Context, o order) ([]T, Extent, error) {
	rows, extent, more := []T{}, Extent{Total: -1}, false
	if s.query.Limit > 0 {
		// One row more than wanted tells whether there is more to count.
		found, err := s.listed(ctx, o)
		if err != nil {
			return nil, Extent{}, err
		}
		extent.Total, more = s.query.total(len(found)), len(found) > s.query.Limit
		rows = found[:min(len(found), s.query.Limit)]
	}
	if extent.Total < 0 {
		var total int64
		if err := s.org.read.WithContext(ctx).Model(new(T)).Where(s.where).Count(&total).Error; err != nil {
			return nil, Extent{}, fmt.Errorf("count resources: %w", err)
		}
		extent.Total = int(total)
	}
	if s.query.Cursor != nil && more {
		id, created := s.born(&rows[s.query.Limit-1])
		place, err := o.place(ctx, s.org, new(T), id, created)
		if err != nil {
			return nil, Extent{}, err
		}
		extent.Next = &Cursor{Place: place, Total: extent.Total}
	}
	return rows, extent, nil
}

// total is how many resources there are when that much of a page and one more was
// found, or -1 where that does not tell.
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

// compiler turns a filter into SQL with its values as parameters. A condition may
// be NULL where an attribute is absent; what negates it says IS NOT TRUE.
type compiler struct {
	org   *Org
	table string
	form  func(filter.AttributePath) Form
	// leaf compiles conditions on one attribute: all of tree is about one and the
	// same value of it, and names sub-attributes, or "value" for the value itself, or
	// nothing with pr for whether there is any.
	leaf      func(c *compiler, path filter.AttributePath, tree filter.Expression) (clause.Expr, error)
	base      string
	directory string // of a group that is asked for
}

func (c *compiler) compile(e filter.Expression) (clause.Expr, error) {
	switch x := e.(type) {
	case *filter.AttributeExpression:
		name := "value"
		if x.AttributePath.SubAttribute != nil {
			name = *x.AttributePath.SubAttribute
		} else if x.Operator == filter.PR {
			name = ""
		}
		return c.leaf(c, x.AttributePath, &filter.AttributeExpression{
			AttributePath: filter.AttributePath{AttributeName: name}, Operator: x.Operator, CompareValue: x.CompareValue,
		})
	case *filter.ValuePath:
		return c.leaf(c, x.AttributePath, x.ValueFilter)
	}
	return connected(e, c.compile)
}

// connected compiles and, or and not, whose parts compile turns into SQL.
func connected(e filter.Expression, compile func(filter.Expression) (clause.Expr, error)) (clause.Expr, error) {
	switch x := e.(type) {
	case *filter.LogicalExpression:
		left, err := compile(x.Left)
		if err != nil {
			return clause.Expr{}, err
		}
		right, err := compile(x.Right)
		if err != nil {
			return clause.Expr{}, err
		}
		operator := " AND "
		if x.Operator == filter.OR {
			operator = " OR "
		}
		return join("(", left, operator, right, ")"), nil
	case *filter.NotExpression:
		inner, err := compile(x.Expression)
		return negated(inner), err
	}
	return clause.Expr{}, Invalidf("filter", "brackets within brackets cannot be compared")
}

func negated(e clause.Expr) clause.Expr { return join("(", e, ") IS NOT TRUE") }

// join makes one piece of SQL of texts and pieces with parameters.
func join(parts ...any) clause.Expr {
	var sql strings.Builder
	var vars []any
	for _, p := range parts {
		switch x := p.(type) {
		case string:
			sql.WriteString(x)
		case clause.Expr:
			sql.WriteString(x.SQL)
			vars = append(vars, x.Vars...)
		}
	}
	return clause.Expr{SQL: sql.String(), Vars: vars}
}

// param is a value as a parameter.
func param(v any) clause.Expr { return clause.Expr{SQL: "?", Vars: []any{v}} }

func always() clause.Expr { return clause.Expr{SQL: "1 = 1"} }
func never() clause.Expr  { return clause.Expr{SQL: "1 = 0"} }

// among is the condition that column is among the rows of a sub-select.
func (c *compiler) among(column string, query clause.Expr) clause.Expr {
	return clause.Expr{SQL: c.org.store.dialect.in(column, query.SQL), Vars: query.Vars}
}

// one is the comparison that a tree consists of, or nil where it is several.
func one(tree filter.Expression) *filter.AttributeExpression {
	x, _ := tree.(*filter.AttributeExpression)
	return x
}

// every tells whether all comparisons of a tree satisfy ok.
func every(tree filter.Expression, ok func(*filter.AttributeExpression) bool) bool {
	switch x := tree.(type) {
	case *filter.LogicalExpression:
		return every(x.Left, ok) && every(x.Right, ok)
	case *filter.NotExpression:
		return every(x.Expression, ok)
	case *filter.AttributeExpression:
		return ok(x)
	}
	return false
}

// namesOne tells whether a filter can only match whom it names: an eq on
// userName, externalId or an e-mail address, alone or joined by and.
func namesOne(e filter.Expression) bool {
	switch x := e.(type) {
	case *filter.LogicalExpression:
		return x.Operator == filter.AND && (namesOne(x.Left) || namesOne(x.Right))
	case *filter.AttributeExpression:
		if x.Operator != filter.EQ || x.AttributePath.URIPrefix != nil {
			return false
		}
		switch x.AttributePath.AttributeName {
		case "userName", "externalId":
			return true
		case "emails":
			return x.AttributePath.SubAttribute == nil || *x.AttributePath.SubAttribute == "value"
		}
	case *filter.ValuePath:
		return x.AttributePath.URIPrefix == nil && x.AttributePath.AttributeName == "emails" && namesValue(x.ValueFilter)
	}
	return false
}

// namesValue is namesOne within brackets.
func namesValue(tree filter.Expression) bool {
	switch x := tree.(type) {
	case *filter.LogicalExpression:
		return x.Operator == filter.AND && (namesValue(x.Left) || namesValue(x.Right))
	case *filter.AttributeExpression:
		return x.Operator == filter.EQ && x.AttributePath.AttributeName == "value"
	}
	return false
}

// errCompared says that an attribute cannot be compared so.
func errCompared(path filter.AttributePath, e *filter.AttributeExpression) error {
	return Invalidf("filter", "%s cannot be compared by %q with such a value", path.String(), e.Operator)
}
