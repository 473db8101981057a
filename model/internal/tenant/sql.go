package tenant

import (
	"slices"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// Join makes one piece of SQL of its parts: texts, and pieces with parameters.
func Join(parts ...any) clause.Expr {
	length, n := 0, 0
	for _, p := range parts {
		switch x := p.(type) {
		case string:
			length += len(x)
		case clause.Expr:
			length, n = length+len(x.SQL), n+len(x.Vars)
		}
	}
	var sql strings.Builder
	sql.Grow(length)
	vars := make([]any, 0, n)
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

// Param is a parameter with its value.
func Param(v any) clause.Expr { return clause.Expr{SQL: "?", Vars: []any{v}} }

// SQLTrue is the condition that holds for every row.
func SQLTrue() clause.Expr { return clause.Expr{SQL: "1 = 1"} }

// SQLFalse is the condition that holds for no row.
func SQLFalse() clause.Expr { return clause.Expr{SQL: "1 = 0"} }

// Increment is a column's value plus one, computed by the database.
func Increment(column string) clause.Expr { return gorm.Expr(column + " + 1") }

// OneOfIDs returns what follows a column in the condition that it is one of ids, and the value of
// the parameter. One id alone gets a condition of its own, because the planner estimates that
// better.
func OneOfIDs(h Bound, ids []string) (condition string, value any, err error) {
	if len(ids) == 1 {
		return " = ?", ids[0], nil
	}
	value, err = Encode(ids)
	return h.base().dialect.OneOf(""), value, err
}

// Named turns the parameters of a part of a statement from names into positions, because the parts
// that are shared with GORM have positions. Each @name in the text is one of values. The database
// refuses the statement when a name has no value, and the driver refuses it when a value has no
// name.
func Named(text string, values map[string]any) clause.Expr {
	var b strings.Builder
	var seen []string
	e := clause.Expr{Vars: make([]any, 0, len(values))}
	for rest := text; ; {
		before, after, found := strings.Cut(rest, "@")
		b.WriteString(before)
		if !found {
			break
		}
		rest = strings.TrimLeft(after, "abcdefghijklmnopqrstuvwxyz_")
		name := after[:len(after)-len(rest)]
		value, ok := values[name]
		if !ok {
			b.WriteString("@" + name)
			continue
		}
		if !slices.Contains(seen, name) {
			seen = append(seen, name)
		}
		b.WriteByte('?')
		e.Vars = append(e.Vars, value)
	}
	for range len(values) - len(seen) {
		e.Vars = append(e.Vars, nil)
	}
	e.SQL = b.String()
	return e
}
