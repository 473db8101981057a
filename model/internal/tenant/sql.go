package tenant

import (
	"strings"

	"gorm.io/gorm/clause"
)

// Join makes one piece of SQL of texts and pieces with parameters.
func Join(parts ...any) clause.Expr {
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

// Param is a value as a parameter.
func Param(v any) clause.Expr { return clause.Expr{SQL: "?", Vars: []any{v}} }

func Always() clause.Expr { return clause.Expr{SQL: "1 = 1"} }
func Never() clause.Expr  { return clause.Expr{SQL: "1 = 0"} }
