package search

import (
	"fmt"
	"strings"

	"github.com/scim2/filter-parser/v2"
	"gorm.io/gorm/clause"

	"rollcall/model/internal/tenant"
)

// json compiles conditions on an attribute that only the document has, whatever its shape: a single
// value counts as a list of one. A value compares with values of the same JSON type only.
func (c *compiler) json(path filter.AttributePath, tree filter.Expression) (clause.Expr, error) {
	form := c.form(path)
	if e := onlyComparison(tree); e != nil {
		sub := path
		if name := e.AttributePath.AttributeName; name != "value" && name != "" {
			sub.SubAttribute = &name
			form = c.form(sub)
		}
		// An absent attribute differs from any value (RFC 7643 §2.5: it is null). Of a list, one
		// value has to differ.
		if e.Operator == filter.NE && !form.MultiValued {
			condition, err := c.json(path, asEqual(e))
			return negated(condition), err
		}
	}
	forms := c.forms(path, tree)
	if c.db.Dialect == tenant.PostgresDialect {
		return c.jsonPostgres(forms, tree)
	}
	return c.jsonSQLite(forms, tree)
}

// forms is an attribute in the two columns that have it: the comparisons of one element's
// sub-attributes may need either.
type forms struct {
	folded, exact jsonAt
	isExact       func(*filter.AttributeExpression) bool // whether a comparison of text is case-exact
	allExact      bool                                   // all comparisons of text are
	mixed         bool                                   // some are, and some are not
}

// forms returns the forms for comparisons of an attribute.
func (c *compiler) forms(path filter.AttributePath, tree filter.Expression) forms {
	f := forms{folded: c.at(path, Form{}), exact: c.at(path, Form{CaseExact: true})}
	own := c.form(path).CaseExact
	f.isExact = func(e *filter.AttributeExpression) bool {
		sub := path
		if sub.SubAttribute = &e.AttributePath.AttributeName; *sub.SubAttribute == "" {
			return own
		}
		return own || c.form(sub).CaseExact
	}
	all := func(exact bool) bool {
		return allComparisons(tree, func(e *filter.AttributeExpression) bool {
			_, ofText := e.CompareValue.(string)
			return !ofText || f.isExact(e) == exact
		})
	}
	f.allExact = !all(false) && all(true)
	f.mixed = !all(false) && !all(true)
	return f
}

// of returns the form that a comparison needs, and the name of the row that has its elements.
func (f forms) of(e *filter.AttributeExpression) (at jsonAt, row string) {
	if f.allExact || f.mixed && f.isExact(e) {
		return f.exact, "x"
	}
	return f.folded, "e"
}

// jsonAt is the place of an attribute in a column.
type jsonAt struct {
	column string
	keys   []string
	key    func(string) string // how the column stores text: folded, or unchanged
}

// at returns where an attribute is: in the folded document, unless it compares case-exactly.
func (c *compiler) at(path filter.AttributePath, form Form) jsonAt {
	at := jsonAt{column: c.of.Table + ".document_folded", key: tenant.FoldText}
	if form.CaseExact {
		at = jsonAt{column: c.of.Table + ".document", key: func(s string) string { return s }}
	}
	if path.URIPrefix != nil {
		at.keys = append(at.keys, at.key(*path.URIPrefix))
	}
	at.keys = append(at.keys, at.key(path.AttributeName))
	return at
}

// json is the column as PostgreSQL's jsonb.
func (at jsonAt) json() string {
	if strings.HasSuffix(at.column, "_folded") {
		return at.column
	}
	return at.column + "::jsonb"
}

// path is the place in the path language of both databases.
func (at jsonAt) path() string { return "$" + member(at.keys...) }

// member is the part of a path for these names, one below the other. They have no quotes.
func member(names ...string) string {
	var b strings.Builder
	for _, name := range names {
		fmt.Fprintf(&b, `."%s"`, name)
	}
	return b.String()
}

// jsonLeaf is one comparison with the elements of an attribute in a document.
type jsonLeaf struct {
	op      filter.CompareOperator
	value   any
	targets []string // the members of an element to compare; "" is the element itself
}

// leaf returns a comparison as the column stores its value.
func (at jsonAt) leaf(e *filter.AttributeExpression) (jsonLeaf, error) {
	name := at.key(e.AttributePath.AttributeName)
	l := jsonLeaf{op: e.Operator, value: e.CompareValue, targets: []string{name}}
	if name == "value" { // an element that is no object is its own value
		l.targets = []string{name, ""}
	}
	switch v := l.value.(type) {
	case string:
		l.value = at.key(v)
	case bool:
		if l.op != filter.EQ && l.op != filter.NE {
			return l, errCompared(e.AttributePath, e)
		}
		// RFC 7643 §2.4: an absent primary is false.
		if name == "primary" && !v {
			l.value = true
			if l.op == filter.EQ {
				l.op = filter.NE
			} else {
				l.op = filter.EQ
			}
		}
	case int, float64, nil:
	default:
		return l, errCompared(e.AttributePath, e)
	}
	return l, nil
}

// employeeNumber compiles comparisons of a user's employee number, which has an index for eq.
func (c *compiler) employeeNumber(path filter.AttributePath, tree filter.Expression) (clause.Expr, error) {
	e := onlyComparison(tree)
	if e == nil || e.Operator != filter.EQ {
		return c.json(path, tree)
	}
	number := text("users.document_folded ->> '$" + member(employeeNumberKeys...) + "'")
	if c.db.Dialect == tenant.PostgresDialect {
		number = text("users.document_folded #>> '{" + strings.Join(employeeNumberKeys, ",") + "}'")
	}
	return c.compare(path, number, e)
}

// employeeNumberKeys is the path to the employee number in a folded document.
var employeeNumberKeys = []string{tenant.FoldText(enterpriseURN), tenant.FoldText("employeeNumber")}

// schemas compiles comparisons of the URNs of a resource: the URN of its core schema
// and those of the extensions that it has.
func (c *compiler) schemas(path filter.AttributePath, tree filter.Expression) (clause.Expr, error) {
	return c.within(path, tree, c.schemasLeaf)
}

// schemasLeaf compiles one comparison of the URNs.
func (c *compiler) schemasLeaf(path filter.AttributePath, e *filter.AttributeExpression) (clause.Expr, error) {
	if e.Operator == filter.PR {
		return tenant.SQLTrue(), nil
	}
	if _, ok := e.CompareValue.(string); !ok || e.AttributePath.AttributeName != "value" {
		return clause.Expr{}, errCompared(path, e)
	}
	core := text(c.literal(tenant.FoldText("urn:ietf:params:scim:schemas:core:2.0:" + resourceNames[c.of.Table])))
	isCore, err := c.compare(path, core, e)
	if err != nil {
		return clause.Expr{}, err
	}
	at := jsonAt{column: c.of.Table + ".document_folded", key: tenant.FoldText}
	l, err := at.leaf(e)
	if err != nil {
		return clause.Expr{}, err
	}
	if c.db.Dialect == tenant.PostgresDialect {
		l.targets = []string{"key"}
		vars := map[string]any{}
		condition, err := l.postgres(vars)
		if err != nil {
			return clause.Expr{}, err
		}
		given, err := tenant.Encode(vars)
		path := `$.keyvalue() ? (@.key like_regex ":" && ` + condition + ")"
		extension := tenant.Join("jsonb_path_exists("+at.column+", ",
			tenant.Param(path), ", ", tenant.Param(given), ")")
		return tenant.Join("(", isCore, " OR ", extension, ")"), err
	}
	// Extensions are the members of a document that have a colon in their names.
	key, kind := clause.Expr{SQL: "e.key"}, clause.Expr{SQL: "'text'"}
	extension := l.sqliteAt(kind, key)
	if l.op == filter.NE {
		extension = negated(extension)
	}
	return tenant.Join("(", isCore, " OR EXISTS (SELECT 1 FROM json_each("+at.column+") e WHERE ", c.scopedRow(),
		"instr(e.key, ':') > 0 AND ", extension, "))"), nil
}
