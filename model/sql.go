package model

import (
	"strings"

	"gorm.io/gorm/clause"
)

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
