package search

import (
	"encoding/json"
	"strings"

	"github.com/scim2/filter-parser/v2"
	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/internal/tenant"
)

// Sort is an order of resources by an attribute and then by id (RFC 7644, section 3.4.2.3).
// Resources without the attribute come last, or first when descending.
type Sort struct {
	By         filter.AttributePath // as in a filter
	Descending bool
}

// Cursor is the end of a page, after which the next one begins. The zero Cursor is the beginning of
// the list.
type Cursor struct {
	Place string // the values of the last resource that order the list, as JSON
	Total int    // Extent.Total of the first page
}

// sortKey is one of the values that order a list. It is never NULL.
type sortKey struct {
	sql  clause.Expr
	kind keyKind
}

// keyKind is the type of a sort key.
type keyKind uint8

const (
	textKey keyKind = iota
	truthKey
	numberKey
	anyKey // SQLite only: a number, or a text, which sorts after all numbers
)

// order is how a list is sorted.
type order struct {
	keys       []sortKey
	descending bool
	byCreation bool // the keys are created_at and id
}

// sorted is a sort key made of parts of SQL.
func sorted(kind keyKind, parts ...any) sortKey { return sortKey{tenant.Join(parts...), kind} }

// order compiles a Sort. Without one, resources are in the order of their creation.
func (c *compiler) order(s *Sort) (order, error) {
	id := sorted(textKey, c.of.Table+".id")
	if s == nil {
		return order{keys: []sortKey{sorted(numberKey, c.of.Table+".created_at"), id}, byCreation: true}, nil
	}
	keys, err := c.sortKeys(s.By)
	return order{keys: append(keys, id), descending: s.Descending}, err
}

// sortKeys returns the keys of an attribute.
func (c *compiler) sortKeys(path filter.AttributePath) ([]sortKey, error) {
	a, known := c.of.attribute(path)
	if known && a.sort != nil {
		return a.sort(c, path)
	}
	if known && a.column != "" {
		col := c.column(a)
		switch {
		case col.kind == truth:
			return []sortKey{sorted(truthKey, col.sql)}, nil
		case col.optional:
			return []sortKey{sorted(truthKey, "(", col.sql, " = '')"), sorted(textKey, col.sql)}, nil
		}
		return []sortKey{sorted(textKey, col.sql)}, nil
	}
	at, sub := c.at(path, c.form(path)), "value"
	if path.SubAttribute != nil {
		sub = at.key(*path.SubAttribute)
	}
	if c.db.Dialect == tenant.PostgresDialect {
		return at.keysPostgres(sub), nil
	}
	return at.keysSQLite(c, sub), nil
}

// unsorted refuses to sort by an attribute whose values have no order.
func (c *compiler) unsorted(path filter.AttributePath) ([]sortKey, error) {
	return nil, model.Invalidf("sortBy", "resources cannot be sorted by %s", path.AttributeName)
}

// metaKeys returns the keys of a sub-attribute of meta.
func (c *compiler) metaKeys(path filter.AttributePath) ([]sortKey, error) {
	sub := ""
	if path.SubAttribute != nil {
		sub = *path.SubAttribute
	}
	switch sub {
	case "created":
		return []sortKey{sorted(numberKey, c.of.Table+".created_at")}, nil
	case "lastModified":
		return []sortKey{sorted(numberKey, c.of.Table+".updated_at")}, nil
	case "version":
		return []sortKey{sorted(numberKey, c.of.Table+".version")}, nil
	case "location", "resourceType": // the order of ids, and one value for all
		return nil, nil
	}
	return nil, model.Invalidf("sortBy", "resources cannot be sorted by %s", path.String())
}

// keysPostgres returns the keys of an attribute in the document: of several values those of the
// primary one, or else of the first (RFC 7644, section 3.4.2.3), whether it has the sub-attribute
// or not. Numbers come before texts.
func (at jsonAt) keysPostgres(sub string) []sortKey {
	every := at.path() + "[*]"
	first := func(from any, path string) clause.Expr {
		return tenant.Join("jsonb_path_query_first(", from, ", ", tenant.Param(path), ")")
	}
	element := tenant.Join("COALESCE(", first(at.json(), every+` ? (@."primary" == true)`), ", ",
		first(at.json(), every), ")")
	path := "$" + member(sub)
	if sub == "value" { // an element that is no object is its own value
		path = `$ ? (@.type() != "object")`
		element = tenant.Join("COALESCE(", first(element, "$"+member(sub)), ", ", element, ")")
	}
	found := first(element, path)
	number := tenant.Join("CASE WHEN jsonb_typeof(", found, ") = 'number' THEN (", found, " #>> '{}')::numeric END")
	text := tenant.Join("CASE WHEN jsonb_typeof(", found, ") <> 'number' THEN ", found, " #>> '{}' END")
	return []sortKey{
		sorted(truthKey, "(", number, ") IS NULL"), sorted(numberKey, "COALESCE(", number, ", 0)"),
		sorted(truthKey, "(", text, ") IS NULL"), sorted(textKey, "COALESCE(", text, `, '') COLLATE "C"`),
	}
}

// keysSQLite returns the same order as keysPostgres.
func (at jsonAt) keysSQLite(c *compiler, sub string) []sortKey {
	plain := "NULL"
	if sub == "value" {
		plain = "e.atom"
	}
	found := tenant.Join("(SELECT CASE e.type WHEN 'object' THEN json_extract(e.value, ", tenant.Param("$"+member(sub)),
		") ELSE "+plain+" END FROM ", at.elementsSQLite(), " e WHERE ", c.scopedRow(), "true "+
			"ORDER BY CASE e.type WHEN 'object' THEN json_extract(e.value, '$.primary') = 1 ELSE false END "+
			"DESC NULLS LAST, e.id LIMIT 1)")
	return []sortKey{sorted(truthKey, "(", found, ") IS NULL"), sorted(anyKey, "COALESCE(", found, ", 0)")}
}

// list returns what each makes of the keys, with commas between them.
func (o order) list(each func(sortKey) clause.Expr) clause.Expr {
	var parts []any
	for i, k := range o.keys {
		if i > 0 {
			parts = append(parts, ", ")
		}
		parts = append(parts, each(k))
	}
	return tenant.Join(parts...)
}

// by is what ORDER BY has.
func (o order) by() clause.Expr {
	direction := ""
	if o.descending {
		direction = " DESC"
	}
	return o.list(func(k sortKey) clause.Expr { return tenant.Join(k.sql, direction) })
}

// after is the condition that a row comes after the place of a cursor.
func (o order) after(place string) (clause.Expr, error) {
	values, err := o.values(place)
	if err != nil {
		return clause.Expr{}, err
	}
	comparison := ") > ("
	if o.descending {
		comparison = ") < ("
	}
	marks := strings.TrimSuffix(strings.Repeat("?, ", len(values)), ", ")
	keys := o.list(func(k sortKey) clause.Expr { return k.sql })
	return tenant.Join("(", keys, comparison, clause.Expr{SQL: marks, Vars: values}, ")"), nil
}

// values reads the place of a cursor, which a client may have changed.
func (o order) values(place string) ([]any, error) {
	var values []any
	err := tenant.DecodeExact(place, &values)
	if err != nil || len(values) != len(o.keys) {
		return nil, model.Invalidf("cursor", "the cursor is not one of this list")
	}
	for i, k := range o.keys {
		ok := false
		switch v := values[i].(type) {
		case string:
			ok = (k.kind == textKey || k.kind == anyKey) && model.Storable(v)
		case bool:
			ok = k.kind == truthKey
		case json.Number:
			ok = k.kind != textKey
			if n, err := v.Int64(); err == nil {
				values[i] = n
				break
			}
			f, err := v.Float64()
			values[i], ok = f, ok && err == nil && k.kind != truthKey
		}
		if !ok {
			return nil, model.Invalidf("cursor", "the cursor is not one of this list")
		}
	}
	return values, nil
}
