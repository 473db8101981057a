package search

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/scim2/filter-parser/v2"
	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/internal/tenant"
)

// json compiles conditions on an attribute that only the document has, whatever its
// shape: one value counts as a list of one, and a value is compared with values of
// the same JSON type only.
func (c *Compiler) json(path filter.AttributePath, tree filter.Expression) (clause.Expr, error) {
	form := c.form(path)
	if e := single(tree); e != nil {
		sub := path
		if name := e.AttributePath.AttributeName; name != "value" && name != "" {
			sub.SubAttribute = &name
			form = c.form(sub)
		}
		// An absent attribute differs from any value (RFC 7643 §2.5: it is null). Of several
		// values one must differ.
		if e.Operator == filter.NE && !form.MultiValued {
			condition, err := c.json(path, equal(e))
			return tenant.Negated(condition), err
		}
	}
	at := c.at(path, form)
	if c.db.Dialect == tenant.PostgresDialect {
		return c.jsonPostgres(at, tree)
	}
	return c.jsonSQLite(at, tree)
}

// jsonAt is the place of an attribute in a column.
type jsonAt struct {
	column string
	keys   []string
	key    func(string) string // how the column spells texts: folded, or as they are
}

func (c *Compiler) at(path filter.AttributePath, form Form) jsonAt {
	at := jsonAt{column: c.Of.Table + ".document_folded", key: tenant.FoldText}
	if form.CaseExact {
		at = jsonAt{column: c.Of.Table + ".document", key: func(s string) string { return s }}
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

// member is the step of a path to each of the names, which hold no quotes.
func member(names ...string) string {
	var b strings.Builder
	for _, name := range names {
		fmt.Fprintf(&b, `."%s"`, name)
	}
	return b.String()
}

// jsonLeaf is one comparison with the value of a document, prepared.
type jsonLeaf struct {
	op      filter.CompareOperator
	value   any
	targets []string // where it is looked for below an element; "" is the element itself
}

func (at jsonAt) leaf(e *filter.AttributeExpression) (jsonLeaf, error) {
	name := at.key(e.AttributePath.AttributeName)
	l := jsonLeaf{op: e.Operator, value: e.CompareValue, targets: []string{name}}
	if name == "value" { // the value of an element is the element where that is no object
		l.targets = []string{name, ""}
	}
	switch v := l.value.(type) {
	case string:
		l.value = at.key(v)
	case bool:
		if l.op != filter.EQ && l.op != filter.NE {
			return l, errCompared(e.AttributePath, e)
		}
		// RFC 7643 §2.4: primary is false where it is not given.
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

// jsonPostgres compiles to SQL/JSON path: the path and its variables are
// parameters, so that all filters share a statement.
func (c *Compiler) jsonPostgres(at jsonAt, tree filter.Expression) (clause.Expr, error) {
	vars := map[string]any{}
	condition, err := jsonCondition(at, tree, vars)
	if err != nil {
		return clause.Expr{}, err
	}
	given, err := tenant.Encode(vars)
	if err != nil {
		return clause.Expr{}, err
	}
	return clause.Expr{
		SQL:  "jsonb_path_exists(" + at.json() + ", ?, ?)",
		Vars: []any{at.path() + "[*] ? (" + condition + ")", given},
	}, nil
}

// jsonCondition is a tree in the path language, about the element @.
func jsonCondition(at jsonAt, tree filter.Expression, vars map[string]any) (string, error) {
	switch x := tree.(type) {
	case *filter.LogicalExpression:
		left, err := jsonCondition(at, x.Left, vars)
		if err != nil {
			return "", err
		}
		right, err := jsonCondition(at, x.Right, vars)
		if x.Operator == filter.OR {
			return "(" + left + " || " + right + ")", err
		}
		return "(" + left + " && " + right + ")", err
	case *filter.NotExpression:
		inner, err := jsonCondition(at, x.Expression, vars)
		return "!(" + inner + ")", err
	case *filter.AttributeExpression:
		l, err := at.leaf(x)
		if err != nil {
			return "", err
		}
		return l.postgres(vars)
	}
	return "", model.Invalidf("filter", "brackets within brackets cannot be compared")
}

// postgres is the leaf in the path language. What exists( ) asks is true or false,
// never unknown, whatever types meet, so that it can be negated.
func (l jsonLeaf) postgres(vars map[string]any) (string, error) {
	condition := ""
	name := fmt.Sprint("v", len(vars))
	text, _ := l.value.(string)
	switch l.op {
	case filter.PR: // null is unassigned (RFC 7643 §2.5)
		condition = " ? (@ != null)"
	case filter.CO:
		quoted, err := tenant.Encode(text)
		if err != nil {
			return "", err
		}
		condition = " ? (@ like_regex " + quoted + ` flag "q")`
	case filter.EW:
		quoted, err := tenant.Encode(regexp.QuoteMeta(text) + "$")
		if err != nil {
			return "", err
		}
		condition = " ? (@ like_regex " + quoted + ")"
	case filter.SW:
		vars[name] = l.value
		condition = " ? (@ starts with $" + name + ")"
	case filter.EQ, filter.NE:
		vars[name] = l.value
		condition = " ? (@ == $" + name + ")"
	default:
		vars[name] = l.value
		condition = " ? (@" + ordering(l.op) + "$" + name + ")"
	}
	var found []string
	for _, t := range l.targets {
		switch {
		case t != "":
			found = append(found, "exists(@"+member(t)+"[*]"+condition+")")
		case l.op == filter.PR && len(l.targets) > 1:
			found = append(found, `(@.type() != "object" && @ != null)`)
		default:
			found = append(found, "exists(@"+condition+")")
		}
	}
	either := "(" + strings.Join(found, " || ") + ")"
	if l.op == filter.NE {
		either = "!" + either
	}
	return either, nil
}

// jsonSQLite compiles to a walk through the elements of the attribute.
func (c *Compiler) jsonSQLite(at jsonAt, tree filter.Expression) (clause.Expr, error) {
	leaf := func(_ filter.AttributePath, e *filter.AttributeExpression) (clause.Expr, error) {
		l, err := at.leaf(e)
		if err != nil {
			return clause.Expr{}, err
		}
		return l.sqlite(), nil
	}
	condition, err := c.within(filter.AttributePath{}, tree, leaf)
	if err != nil {
		return clause.Expr{}, err
	}
	p := tenant.Param(at.path())
	elements := tenant.Join("json_each(CASE json_type("+at.column+", ", p, ") WHEN 'object' "+
		"THEN json_array(json_extract("+at.column+", ", p, ")) ELSE "+at.column+" -> ", p, " END)")
	return tenant.Join("EXISTS (SELECT 1 FROM ", elements, " e WHERE ", c.ours(), condition, ")"), nil
}

// ours begins the condition of a sub-select over one document with the organization.
func (c *Compiler) ours() clause.Expr { return c.rows(c.Of.Table + ".organization_id = ? AND ") }

func (l jsonLeaf) sqlite() clause.Expr {
	var found []any
	for i, t := range l.targets {
		kind, value := clause.Expr{SQL: "e.type"}, clause.Expr{SQL: "e.atom"}
		if t != "" {
			const object = "(CASE e.type WHEN 'object' THEN e.value END, "
			p := tenant.Param("$" + member(t))
			kind, value = tenant.Join("json_type"+object, p, ")"), tenant.Join("json_extract"+object, p, ")")
		}
		if i > 0 {
			found = append(found, " OR ")
		}
		if t == "" && i > 0 && l.op == filter.PR {
			found = append(found, "e.type NOT IN ('object', 'null')")
			continue
		}
		found = append(found, l.sqliteAt(kind, value))
	}
	either := tenant.Join("(", tenant.Join(found...), ")")
	if l.op == filter.NE {
		return tenant.Negated(either)
	}
	return either
}

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

// employeeNumber compiles comparisons of a user's employee number, which has an index for eq.
func (c *Compiler) employeeNumber(path filter.AttributePath, tree filter.Expression) (clause.Expr, error) {
	e := single(tree)
	if e == nil || e.Operator != filter.EQ {
		return c.json(path, tree)
	}
	number := text("users.document_folded ->> '$" + member(employeeNumberKeys...) + "'")
	if c.db.Dialect == tenant.PostgresDialect {
		number = text("users.document_folded #>> '{" + strings.Join(employeeNumberKeys, ",") + "}'")
	}
	return c.compare(path, number, e)
}

// employeeNumberKeys is the path to the number in a folded document.
var employeeNumberKeys = []string{tenant.FoldText(enterpriseURN), tenant.FoldText("employeeNumber")}

// schemas compiles comparisons of the URNs of a resource: the URN of its core schema
// and those of the extensions that it has.
func (c *Compiler) schemas(path filter.AttributePath, tree filter.Expression) (clause.Expr, error) {
	return c.within(path, tree, c.schemasLeaf)
}

func (c *Compiler) schemasLeaf(path filter.AttributePath, e *filter.AttributeExpression) (clause.Expr, error) {
	if e.Operator == filter.PR {
		return tenant.SQLTrue(), nil
	}
	if _, ok := e.CompareValue.(string); !ok || e.AttributePath.AttributeName != "value" {
		return clause.Expr{}, errCompared(path, e)
	}
	core := text(c.literal(tenant.FoldText("urn:ietf:params:scim:schemas:core:2.0:" + resourceNames[c.Of.Table])))
	isCore, err := c.compare(path, core, e)
	if err != nil {
		return clause.Expr{}, err
	}
	at := jsonAt{column: c.Of.Table + ".document_folded", key: tenant.FoldText}
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
		return tenant.Join("(", isCore, " OR jsonb_path_exists("+at.column+", ", tenant.Param(path), ", ", tenant.Param(given), "))"), err
	}
	// Members of a document with a colon are extensions.
	key, kind := clause.Expr{SQL: "e.key"}, clause.Expr{SQL: "'text'"}
	extension := l.sqliteAt(kind, key)
	if l.op == filter.NE {
		extension = tenant.Negated(extension)
	}
	return tenant.Join("(", isCore, " OR EXISTS (SELECT 1 FROM json_each("+at.column+") e WHERE ", c.ours(),
		"instr(e.key, ':') > 0 AND ", extension, "))"), nil
}
