package tenant

import (
	"github.com/scim2/filter-parser/v2"
	"gorm.io/gorm/clause"

	"rollcall/model"
)

// Connected compiles and, or and not, with compile for their parts.
func Connected(e filter.Expression, compile func(filter.Expression) (clause.Expr, error)) (clause.Expr, error) {
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
		return Join("(", left, operator, right, ")"), nil
	case *filter.NotExpression:
		inner, err := compile(x.Expression)
		return Negated(inner), err
	}
	return clause.Expr{}, model.Invalidf("filter", "brackets within brackets cannot be compared")
}

func Negated(e clause.Expr) clause.Expr { return Join("(", e, ") IS NOT TRUE") }
