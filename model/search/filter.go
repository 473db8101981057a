package search

import (
	"github.com/scim2/filter-parser/v2"
	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/internal/tenant"
)

// Compiler turns a filter into SQL with its values as parameters. A condition may
// be NULL if an attribute is absent, so that its negation is IS NOT TRUE.
type Compiler struct {
	db        SearchDB
	Of        *filterable
	form      func(filter.AttributePath) Form
	base      string
	Directory string // of a group that is asked for
}

func NewCompiler(db SearchDB, of *filterable, q ResourceQuery) *Compiler {
	c := &Compiler{db: db, Of: of, form: q.Form, base: q.Base}
	if c.form == nil {
		c.form = func(filter.AttributePath) Form { return Form{} }
	}
	return c
}

func (c *Compiler) compile(e filter.Expression) (clause.Expr, error) {
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

// equal is a comparison by ne as one by eq, which is then negated.
func equal(e *filter.AttributeExpression) *filter.AttributeExpression {
	return &filter.AttributeExpression{
		AttributePath: e.AttributePath, Operator: filter.EQ, CompareValue: e.CompareValue,
	}
}

// among is the condition that column is among the rows of a sub-select.
func (c *Compiler) among(column string, query clause.Expr) clause.Expr {
	return clause.Expr{SQL: c.db.Dialect.In(column, query.SQL), Vars: query.Vars}
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
