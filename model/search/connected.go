package search

import (
	"github.com/scim2/filter-parser/v2"
	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/internal/tenant"
)

// connected compiles the and, or and not of a filter, and its parts by compile.
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
		return tenant.Join("(", left, operator, right, ")"), nil
	case *filter.NotExpression:
		inner, err := compile(x.Expression)
		return negated(inner), err
	}
	return clause.Expr{}, model.Invalidf("filter", "brackets within brackets cannot be compared")
}

// negated holds where e is false, or NULL.
func negated(e clause.Expr) clause.Expr { return tenant.Join("(", e, ") IS NOT TRUE") }
