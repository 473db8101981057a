package search

import (
	"github.com/scim2/filter-parser/v2"
	"gorm.io/gorm/clause"

	"rollcall/model"
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
	return connected(e, c.compile)
}

// leaf compiles conditions on one attribute. One value of the attribute must satisfy all of tree,
// whose comparisons name a sub-attribute, "value" for the value itself, or "" with pr for whether
// there is a value.
func (c *compiler) leaf(path filter.AttributePath, tree filter.Expression) (clause.Expr, error) {
	a, known := c.of.attribute(path)
	switch {
	case !known:
		return c.json(path, tree)
	case a.compile != nil:
		return a.compile(c, path, tree)
	}
	e := onlyComparison(tree)
	if e == nil || e.AttributePath.AttributeName != "value" && e.AttributePath.AttributeName != "" {
		return clause.Expr{}, model.Invalidf("filter", "%s has no sub-attributes", path.String())
	}
	return c.compare(path, c.column(a), e)
}

// comparing is a function that compiles one comparison.
type comparing func(filter.AttributePath, *filter.AttributeExpression) (clause.Expr, error)

// within compiles a tree, and its comparisons by leaf.
func (c *compiler) within(path filter.AttributePath, tree filter.Expression, leaf comparing) (clause.Expr, error) {
	if e := onlyComparison(tree); e != nil {
		return leaf(path, e)
	}
	return connected(tree, func(e filter.Expression) (clause.Expr, error) { return c.within(path, e, leaf) })
}

// asEqual returns a comparison by ne as one by eq, for the caller to negate.
func asEqual(e *filter.AttributeExpression) *filter.AttributeExpression {
	return &filter.AttributeExpression{
		AttributePath: e.AttributePath, Operator: filter.EQ, CompareValue: e.CompareValue,
	}
}

// inSelect is the condition that column is in the rows of a sub-select.
func (c *compiler) inSelect(column string, query clause.Expr) clause.Expr {
	return clause.Expr{SQL: c.db.Dialect.In(column, query.SQL), Vars: query.Vars}
}

// scoped is the beginning of a sub-select; its one parameter is the organization.
func (c *compiler) scoped(sql string) clause.Expr {
	return clause.Expr{SQL: sql, Vars: []any{c.db.Organization}}
}

// onlyComparison returns the comparison that a tree consists of, or nil if it has several.
func onlyComparison(tree filter.Expression) *filter.AttributeExpression {
	x, _ := tree.(*filter.AttributeExpression)
	return x
}

// allComparisons returns whether all comparisons of a tree satisfy ok.
func allComparisons(tree filter.Expression, ok func(*filter.AttributeExpression) bool) bool {
	switch x := tree.(type) {
	case *filter.LogicalExpression:
		return allComparisons(x.Left, ok) && allComparisons(x.Right, ok)
	case *filter.NotExpression:
		return allComparisons(x.Expression, ok)
	case *filter.AttributeExpression:
		return ok(x)
	}
	return false
}

// errCompared is the error for a comparison that the type of the attribute does not allow.
func errCompared(path filter.AttributePath, e *filter.AttributeExpression) error {
	return model.Invalidf("filter", "%s cannot be compared by %q with such a value", path.String(), e.Operator)
}
