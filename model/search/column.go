package search

import (
	"time"
	"unicode/utf8"

	"github.com/scim2/filter-parser/v2"
	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/internal/tenant"
)

// columnKind says how a column compares.
type columnKind uint8

const (
	foldedText columnKind = iota // compares in any case: the column is folded
	foldedName                   // foldedText of a userName
	exactText
	truth
	moment // a Time
)

// column is an attribute or a sub-attribute as a column or another expression of SQL.
type column struct {
	sql      clause.Expr
	kind     columnKind
	optional bool // the empty text means that the attribute is absent
	sparse   bool // the index leaves the empty text out: a prepared plan uses it only if SQL says <> ''
}

// text is a column of folded text.
func text(sql string) column { return column{sql: clause.Expr{SQL: sql}} }

// exact is the column with text that is not folded.
func (c column) exact() column { c.kind = exactText; return c }

// compare compiles a comparison with a column. path names the attribute in errors.
func (c *compiler) compare(path filter.AttributePath, col column, e *filter.AttributeExpression) (clause.Expr, error) {
	if e.Operator == filter.PR {
		if col.optional {
			return tenant.Join(col.sql, " <> ''"), nil
		}
		return tenant.SQLTrue(), nil
	}
	if e.Operator == filter.NE {
		condition, err := c.compare(path, col, asEqual(e))
		return negated(condition), err
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
		case foldedName:
			return c.compareText(col, e.Operator, tenant.FoldName(v)), nil
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

// compareText compiles a comparison of text, which is absent where an optional column is empty.
func (c *compiler) compareText(col column, op filter.CompareOperator, v string) clause.Expr {
	if !model.Storable(v) {
		return tenant.SQLFalse()
	}
	present := tenant.SQLTrue()
	if col.optional {
		present = tenant.Join(col.sql, " <> ''")
	}
	if v == "" {
		// An absent attribute equals nothing, and any other text contains the empty one.
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

// compareText compiles a comparison of text, in the order of code points.
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
		next := afterPrefix(v)
		if next == "" {
			return from
		}
		return tenant.Join("(", from, " AND ", ordered, " < ", tenant.Param(next), ")")
	case filter.EQ:
		return tenant.Join(sql, " = ", tenant.Param(v))
	}
	return tenant.Join(ordered, ordering(op), tenant.Param(v))
}

// ordering returns an operator that compares by order in SQL, and "" for other operators.
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

// afterPrefix returns the first text, by code points, after all texts that begin with prefix, or ""
// if there is none.
func afterPrefix(prefix string) string {
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

// compareTime compares a column of milliseconds with a moment, which may be between two
// milliseconds.
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

// column returns the column of an attribute that has one.
func (c *compiler) column(a attribute) column {
	return column{sql: text(c.of.Table + "." + a.column).sql, kind: a.kind, optional: a.optional, sparse: a.sparse}
}

// meta compiles comparisons of sub-attributes of meta.
func (c *compiler) meta(path filter.AttributePath, tree filter.Expression) (clause.Expr, error) {
	return c.within(path, tree, c.metaLeaf)
}

// metaLeaf compiles one comparison of a sub-attribute of meta.
func (c *compiler) metaLeaf(path filter.AttributePath, e *filter.AttributeExpression) (clause.Expr, error) {
	var col column
	switch e.AttributePath.AttributeName {
	case "created":
		col = column{sql: text(c.of.Table + ".created_at").sql, kind: moment}
	case "lastModified":
		col = column{sql: text(c.of.Table + ".updated_at").sql, kind: moment}
	case "resourceType":
		col = text(c.literal(resourceNames[c.of.Table])).exact()
	case "location":
		col = c.location(c.of.Table, c.of.Table+".id")
	case "version":
		col = text(`('W/"' || ` + c.of.Table + `.version || '"')`).exact()
	case "": // meta pr
		return tenant.SQLTrue(), nil
	default:
		return clause.Expr{}, errCompared(path, e)
	}
	return c.compare(path, col, e)
}

// location is the URL of a resource, whose id is an expression of SQL.
func (c *compiler) location(table, id string) column {
	return column{
		sql: tenant.Join("(", tenant.Param(c.base+"/"+resourceNames[table]+"s/"), " || ", id, ")"), kind: exactText,
	}
}

// literal is a constant of this package in SQL. It has a type, which PostgreSQL could not infer.
func (c *compiler) literal(s string) string { return "CAST('" + s + "' AS text)" }
