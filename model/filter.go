package model

import (
	"github.com/scim2/filter-parser/v2"
	"gorm.io/gorm/clause"
)

// compiler turns a filter into SQL with its values as parameters. A condition may
// be NULL if an attribute is absent, so that its negation is IS NOT TRUE.
type compiler struct {
	db        searchDB
	of        *filterable
	form      func(filter.AttributePath) Form
	base      string
	directory string // of a group that is asked for
}

func newCompiler(db searchDB, of *filterable, q ResourceQuery) *compiler {
	c := &compiler{db: db, of: of, form: q.Form, base: q.Base}
	if c.form == nil {
		c.form = func(filter.AttributePath) Form { return Form{} }
	}
	return c
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

// connected compiles and, or and not, with compile for their parts.
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

// equal is a comparison by ne as one by eq, which is then negated.
func equal(e *filter.AttributeExpression) *filter.AttributeExpression {
	return &filter.AttributeExpression{
		AttributePath: e.AttributePath, Operator: filter.EQ, CompareValue: e.CompareValue,
	}
}

// among is the condition that column is among the rows of a sub-select.
func (c *compiler) among(column string, query clause.Expr) clause.Expr {
	return clause.Expr{SQL: c.db.dialect.in(column, query.SQL), Vars: query.Vars}
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
	return Invalidf("filter", "%s cannot be compared by %q with such a value", path.String(), e.Operator)
}
