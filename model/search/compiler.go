package search

import (
	"github.com/scim2/filter-parser/v2"
	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/internal/tenant"
)

// compiler turns a filter into SQL with its values as parameters. A condition may be NULL where an
// attribute is absent; its negation is therefore IS NOT TRUE.
type compiler struct {
	db        DB
	of        *ResourceType
	form      func(filter.AttributePath) Form
	base      string
	directory string // of the groups that are asked for
}

// newCompiler returns a compiler for the filters and orders of q.
func newCompiler(db DB, of *ResourceType, q Query) *compiler {
	c := &compiler{db: db, of: of, form: q.Form, base: q.Base}
	if c.form == nil {
		c.form = func(filter.AttributePath) Form { return Form{} }
	}
	return c
}

// compile compiles a whole filter.
func (c *compiler) compile(e filter.Expression) (clause.Expr, error) {
	switch x := e.(type) {
	case *filter.AttributeExpression:
		name := "value"
		if x.AttributePath.SubAttribute != nil {
			name = *x.AttributePath.SubAttribute
		} else if x.Operator == filter.PR {
			name = ""
		}
		return c.leaf(x.AttributePath, &filter.AttributeExpression{
			AttributePath: filter.AttributePath{AttributeName: name},
			Operator:      x.Operator,
			CompareValue:  x.CompareValue,
		})
	case *filter.ValuePath:
		return c.leaf(x.AttributePath, x.ValueFilter)
	}
	return tenant.Connected(e, c.compile)
}

// leaf compiles conditions on one attribute: all of tree is about one and the
// same value of it, and names sub-attributes, or "value" for the value itself, or
// nothing with pr for whether there is any.
func (c *compiler) leaf(path filter.AttributePath, tree filter.Expression) (clause.Expr, error) {
	a, known := c.of.attribute(path)
	switch {
	case !known:
		return c.json(path, tree)
	case a.compile != nil:
		return a.compile(c, path, tree)
	}
	e := single(tree)
	if e == nil || e.AttributePath.AttributeName != "value" && e.AttributePath.AttributeName != "" {
		return clause.Expr{}, model.Invalidf("filter", "%s has no sub-attributes", path.String())
	}
	return c.compare(path, c.column(a), e)
}

// comparing compiles one comparison.
type comparing func(filter.AttributePath, *filter.AttributeExpression) (clause.Expr, error)

// within compiles a tree over one value, with leaf for its comparisons.
func (c *compiler) within(path filter.AttributePath, tree filter.Expression, leaf comparing) (clause.Expr, error) {
	if e := single(tree); e != nil {
		return leaf(path, e)
	}
	return tenant.Connected(tree, func(e filter.Expression) (clause.Expr, error) { return c.within(path, e, leaf) })
}

// equal is a comparison by ne as one by eq, which is then negated.
func equal(e *filter.AttributeExpression) *filter.AttributeExpression {
	return &filter.AttributeExpression{
		AttributePath: e.AttributePath, Operator: filter.EQ, CompareValue: e.CompareValue,
	}
}

// among is the condition that column is among the rows of a sub-select.
func (c *compiler) among(column string, query clause.Expr) clause.Expr {
	return clause.Expr{SQL: c.db.Dialect.In(column, query.SQL), Vars: query.Vars}
}

// rows is the beginning of a sub-select with the organization.
func (c *compiler) rows(sql string) clause.Expr {
	return clause.Expr{SQL: sql, Vars: []any{c.db.Organization}}
}

// single is the comparison that a tree consists of, or nil if it has several.
func single(tree filter.Expression) *filter.AttributeExpression {
	x, _ := tree.(*filter.AttributeExpression)
	return x
}

// every returns whether all comparisons of a tree satisfy ok.
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

// errCompared is the error of a comparison that the attribute's type does not have.
func errCompared(path filter.AttributePath, e *filter.AttributeExpression) error {
	return model.Invalidf("filter", "%s cannot be compared by %q with such a value", path.String(), e.Operator)
}
