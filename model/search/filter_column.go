package search

import (
	"time"
	"unicode/utf8"

	"github.com/scim2/filter-parser/v2"
	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/internal/tenant"
)

// columnKind is the type by which a column compares.
type columnKind uint8

const (
	foldedText columnKind = iota // in any case; the column is folded
	exactText
	truth
	moment // a Time
)

// column is an attribute, or a sub-attribute, that is a column or an expression of SQL.
type column struct {
	sql      clause.Expr
	kind     columnKind
	optional bool // the empty text means that the attribute is absent
	sparse   bool // the index leaves the empty text out: a prepared plan uses it only if SQL says <> ''
}

func text(sql string) column { return column{sql: clause.Expr{SQL: sql}} }

func (c column) exact() column { c.kind = exactText; return c }

// compare compiles the comparison of a column. path is for messages.
func (c *Compiler) compare(path filter.AttributePath, col column, e *filter.AttributeExpression) (clause.Expr, error) {
	if e.Operator == filter.PR {
		if col.optional {
			return tenant.Join(col.sql, " <> ''"), nil
		}
		return tenant.SQLTrue(), nil
	}
	if e.Operator == filter.NE {
		condition, err := c.compare(path, col, equal(e))
		return tenant.Negated(condition), err
	}
	switch v := e.CompareValue.(type) {
	case bool:
		if col.kind == truth && e.Operator == filter.EQ {
			return tenant.Join(col.sql, " = ", tenant.Param(v)), nil
		}
	case string:
		switch col.kind {
		case foldedText:
			return c.compareText(col, e.Operator, model.Fold(v)), nil
		case exactText:
			return c.compareText(col, e.Operator, v), nil
		case moment:
			if at, ok := tenant.ParseMoment(v); ok && ordering(e.Operator) != "" {
				return compareTime(col.sql, e.Operator, at), nil
			}
		}
	}
	return clause.Expr{}, errCompared(path, e)
}

func (c *Compiler) compareText(col column, op filter.CompareOperator, v string) clause.Expr {
	if !model.Storable(v) {
		return tenant.SQLFalse()
	}
	present := tenant.SQLTrue()
	if col.optional {
		present = tenant.Join(col.sql, " <> ''")
	}
	if v == "" {
		// Unassigned is absent, and absent equals nothing; any text contains the empty one.
		switch op {
		case filter.CO, filter.SW, filter.EW, filter.GE, filter.GT:
			return present
		}
		return tenant.SQLFalse()
	}
	compared := compareText(c.db.Dialect, col.sql, op, v)
	if col.sparse || col.optional && (op == filter.LT || op == filter.LE) {
		return tenant.Join("(", compared, " AND ", present, ")")
	}
	return compared
}

// compareText compares a text in the order of code points.
func compareText(d tenant.Dialect, sql clause.Expr, op filter.CompareOperator, v string) clause.Expr {
	if v == "" && ordering(op) == "" {
		return tenant.SQLTrue() // any text contains the empty one
	}
	ordered, find, end := sql, "instr(", "substr("
	size := -utf8.RuneCountInString(v)
	if d == tenant.PostgresDialect {
		ordered, find, end, size = tenant.Join(sql, ` COLLATE "C"`), "strpos(", "right(", -size
	}
	switch op {
	case filter.CO:
		return tenant.Join(find, sql, ", ", tenant.Param(v), ") > 0")
	case filter.EW:
		return tenant.Join(end, sql, ", ", tenant.Param(size), ") = ", tenant.Param(v))
	case filter.SW:
		// LIKE uses no index on SQLite, nor under a prepared plan on PostgreSQL.
		from := tenant.Join(ordered, " >= ", tenant.Param(v))
		next := following(v)
		if next == "" {
			return from
		}
		return tenant.Join("(", from, " AND ", ordered, " < ", tenant.Param(next), ")")
	case filter.EQ:
		return tenant.Join(sql, " = ", tenant.Param(v))
	}
	return tenant.Join(ordered, ordering(op), tenant.Param(v))
}

// ordering is an operator that compares by order, in SQL; empty for others.
func ordering(op filter.CompareOperator) string {
	switch op {
	case filter.EQ:
		return " = "
	case filter.GT:
		return " > "
	case filter.GE:
		return " >= "
	case filter.LT:
		return " < "
	case filter.LE:
		return " <= "
	}
	return ""
}

// following is the first text, by code points, behind all that begin with prefix;
// empty where there is none.
func following(prefix string) string {
	runes := []rune(prefix)
	for i := len(runes) - 1; i >= 0; i-- {
		next := runes[i] + 1
		if next == 0xd800 { // surrogates are no characters
			next = 0xe000
		}
		if next <= utf8.MaxRune {
			return string(runes[:i]) + string(next)
		}
	}
	return ""
}

// compareTime compares a column of milliseconds with a moment that may be finer.
func compareTime(sql clause.Expr, op filter.CompareOperator, at time.Time) clause.Expr {
	ms := model.TimeOf(at)
	if finer := !at.Equal(ms.Time()); finer {
		switch op {
		case filter.EQ:
			return tenant.SQLFalse()
		case filter.GE: // between two milliseconds
			op = filter.GT
		case filter.LT:
			op = filter.LE
		}
	}
	return tenant.Join(sql, ordering(op), tenant.Param(int64(ms)))
}

// column is an attribute's own column.
func (c *Compiler) column(a attribute) column {
	return column{sql: text(c.Of.Table + "." + a.column).sql, kind: a.kind, optional: a.optional, sparse: a.sparse}
}

// meta compiles comparisons of sub-attributes of meta.
func (c *Compiler) meta(path filter.AttributePath, tree filter.Expression) (clause.Expr, error) {
	return c.within(path, tree, c.metaLeaf)
}

func (c *Compiler) metaLeaf(path filter.AttributePath, e *filter.AttributeExpression) (clause.Expr, error) {
	var col column
	switch e.AttributePath.AttributeName {
	case "created":
		col = column{sql: text(c.Of.Table + ".created_at").sql, kind: moment}
	case "lastModified":
		col = column{sql: text(c.Of.Table + ".updated_at").sql, kind: moment}
	case "resourceType":
		col = text(c.literal(resourceNames[c.Of.Table])).exact()
	case "location":
		col = c.location(c.Of.Table, c.Of.Table+".id")
	case "version":
		col = text(`('W/"' || ` + c.Of.Table + `.version || '"')`).exact()
	case "": // meta pr
		return tenant.SQLTrue(), nil
	default:
		return clause.Expr{}, errCompared(path, e)
	}
	return c.compare(path, col, e)
}

// location is the URL of a resource of the table.
func (c *Compiler) location(table, id string) column {
	return column{sql: tenant.Join("(", tenant.Param(c.base+"/"+resourceNames[table]+"s/"), " || ", id, ")"), kind: exactText}
}

// literal is a text of ours in SQL, typed, since PostgreSQL cannot tell by itself.
func (c *Compiler) literal(s string) string { return "CAST('" + s + "' AS text)" }
