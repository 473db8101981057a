package search

import (
	"fmt"

	"github.com/scim2/filter-parser/v2"
	"gorm.io/gorm/clause"

	"rollcall/model/internal/tenant"
)

// jsonSQLite compiles to a sub-select over the elements of the attribute: e is an element as the
// folded document has it, x the same one of the document as sent. Only those are read that a
// comparison needs.
func (c *compiler) jsonSQLite(forms forms, tree filter.Expression) (clause.Expr, error) {
	condition, err := c.within(filter.AttributePath{}, tree,
		func(_ filter.AttributePath, e *filter.AttributeExpression) (clause.Expr, error) {
			at, row := forms.of(e)
			l, err := at.leaf(e)
			if err != nil {
				return clause.Expr{}, err
			}
			return l.sqlite(row), nil
		})
	if err != nil {
		return clause.Expr{}, err
	}
	var from clause.Expr
	switch {
	case forms.mixed:
		from = tenant.Join(forms.folded.elementsSQLite(), " e JOIN ",
			forms.exact.elementsSQLite(), " x ON x.key IS e.key")
	case forms.allExact:
		from = tenant.Join(forms.exact.elementsSQLite(), " x")
	default:
		from = tenant.Join(forms.folded.elementsSQLite(), " e")
	}
	return tenant.Join("EXISTS (SELECT 1 FROM ", from, " WHERE ", c.scopedRow(), condition, ")"), nil
}

// elementsSQLite are the elements of an attribute as a table. A value that is no list is the only
// element.
func (at jsonAt) elementsSQLite() clause.Expr {
	p := tenant.Param(at.path())
	return tenant.Join("json_each(CASE json_type("+at.column+", ", p, ") WHEN 'object' "+
		"THEN json_array(json_extract("+at.column+", ", p, ")) ELSE "+at.column+" -> ", p, " END)")
}

// scopedRow is the beginning of the condition of a sub-select over one document.
func (c *compiler) scopedRow() clause.Expr { return c.scoped(c.of.Table + ".organization_id = ? AND ") }

// sqlite returns the comparison as a condition on a row of json_each.
func (l jsonLeaf) sqlite(row string) clause.Expr {
	var found []any
	for i, t := range l.targets {
		kind, value := clause.Expr{SQL: row + ".type"}, clause.Expr{SQL: row + ".atom"}
		if t != "" {
			object := "(CASE " + row + ".type WHEN 'object' THEN " + row + ".value END, "
			p := tenant.Param("$" + member(t))
			kind, value = tenant.Join("json_type"+object, p, ")"), tenant.Join("json_extract"+object, p, ")")
		}
		if i > 0 {
			found = append(found, " OR ")
		}
		if t == "" && i > 0 && l.op == filter.PR {
			found = append(found, row+".type NOT IN ('object', 'null')")
			continue
		}
		found = append(found, l.sqliteAt(kind, value))
	}
	either := tenant.Join("(", tenant.Join(found...), ")")
	if l.op == filter.NE {
		return negated(either)
	}
	return either
}

// sqliteAt returns the comparison with a value of a JSON type. The caller negates ne.
func (l jsonLeaf) sqliteAt(kind, value clause.Expr) clause.Expr {
	op := l.op
	switch op {
	case filter.PR:
		return tenant.Join(kind, " <> 'null'")
	case filter.NE:
		op = filter.EQ
	}
	switch v := l.value.(type) {
	case bool:
		return tenant.Join(kind, " = ", tenant.Param(fmt.Sprint(v)))
	case string:
		return tenant.Join("(", kind, " = 'text' AND ", compareText(tenant.SqliteDialect, value, op, v), ")")
	}
	return tenant.Join("(", kind, " IN ('integer', 'real') AND ", value, ordering(op), tenant.Param(l.value), ")")
}
