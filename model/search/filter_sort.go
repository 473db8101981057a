package search

import (
	"encoding/json"
	"strings"

	"github.com/scim2/filter-parser/v2"
	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/internal/tenant"
)

// Sort is an order of resources (RFC 7644, section 3.4.2.3): by an attribute, and
// of equal ones by id. Resources without it come last, or first when descending.
type Sort struct {
	By         filter.AttributePath // as in a filter
	Descending bool
}

// Cursor is the end of a page, behind which the next one begins. The zero Cursor
// is the beginning of the list.
type Cursor struct {
	Place string // what the last resource has of that which orders the list, as JSON
	Total int    // how many there were in all when the first page was read
}

// sortKey is one of the values that order a list. It is never NULL.
type sortKey struct {
	sql  clause.Expr
	kind keyKind
}

type keyKind uint8

const (
	textKey keyKind = iota
	truthKey
	numberKey
	anyKey // of SQLite: a number, or behind all numbers a text
)

// order is how a list is sorted.
type order struct {
	keys       []sortKey
	descending bool
	byCreation bool // the keys are created_at and id
}

func sorted(kind keyKind, parts ...any) sortKey { return sortKey{tenant.Join(parts...), kind} }

// order compiles a Sort; nil is the order of creation.
func (c *Compiler) order(s *Sort) (order, error) {
	id := sorted(textKey, c.Of.Table+".id")
	if s == nil {
		return order{keys: []sortKey{sorted(numberKey, c.Of.Table+".created_at"), id}, byCreation: true}, nil
	}
	keys, err := c.sortKeys(s.By)
	return order{keys: append(keys, id), descending: s.Descending}, err
}

func (c *Compiler) sortKeys(path filter.AttributePath) ([]sortKey, error) {
	a, known := c.Of.attribute(path)
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

// unsorted refuses to sort by a list that has no order.
func (c *Compiler) unsorted(path filter.AttributePath) ([]sortKey, error) {
	return nil, model.Invalidf("sortBy", "resources cannot be sorted by %s", path.AttributeName)
}

func (c *Compiler) metaKeys(path filter.AttributePath) ([]sortKey, error) {
	sub := ""
	if path.SubAttribute != nil {
		sub = *path.SubAttribute
	}
	switch sub {
	case "created":
		return []sortKey{sorted(numberKey, c.Of.Table+".created_at")}, nil
	case "lastModified":
		return []sortKey{sorted(numberKey, c.Of.Table+".updated_at")}, nil
	case "version":
		return []sortKey{sorted(numberKey, c.Of.Table+".version")}, nil
	case "location", "resourceType": // the order of ids, and no order at all
		return nil, nil
	}
	return nil, model.Invalidf("sortBy", "resources cannot be sorted by %s", path.String())
}

// keysPostgres are the keys of an attribute of the document: of several values
// the primary one, else the first; numbers before texts.
func (at jsonAt) keysPostgres(sub string) []sortKey {
	every, below := at.path()+"[*]", member(sub)
	paths := []string{every + ` ? (@."primary" == true)` + below, every + below}
	if sub == "value" {
		paths = append(paths, every+` ? (@.type() != "object")`)
	}
	found := clause.Expr{SQL: "COALESCE("}
	for i, p := range paths {
		if i > 0 {
			found.SQL += ", "
		}
		found = tenant.Join(found, "jsonb_path_query_first("+at.json()+", ", tenant.Param(p), ")")
	}
	found = tenant.Join(found, ")")
	number := tenant.Join("CASE WHEN jsonb_typeof(", found, ") = 'number' THEN (", found, " #>> '{}')::numeric END")
	text := tenant.Join("CASE WHEN jsonb_typeof(", found, ") <> 'number' THEN ", found, " #>> '{}' END")
	return []sortKey{
		sorted(truthKey, "(", number, ") IS NULL"), sorted(numberKey, "COALESCE(", number, ", 0)"),
		sorted(truthKey, "(", text, ") IS NULL"), sorted(textKey, "COALESCE(", text, `, '') COLLATE "C"`),
	}
}

func (at jsonAt) keysSQLite(c *Compiler, sub string) []sortKey {
	p, below := at.path(), member(sub)
	extract := func(path string) clause.Expr {
		return tenant.Join("json_extract("+at.column+", ", tenant.Param(path), ")")
	}
	primary := tenant.Join("SELECT json_extract(e.value, ", tenant.Param("$"+below), ") ",
		"FROM json_each("+at.column+", ", tenant.Param(p), ") e WHERE ", c.ours(), "e.type = 'object' AND json_extract(e.value, '$.primary') = 1 LIMIT 1")
	found := tenant.Join("COALESCE((", primary, "), ",
		extract(p+"[0]"+below), ", ", extract(p+below))
	if sub == "value" {
		for _, plain := range []string{p + "[0]", p} {
			found = tenant.Join(found, ", CASE WHEN json_type("+at.column+", ", tenant.Param(plain),
				") NOT IN ('object', 'array') THEN ", extract(plain), " END")
		}
	}
	found = tenant.Join(found, ")")
	return []sortKey{sorted(truthKey, "(", found, ") IS NULL"), sorted(anyKey, "COALESCE(", found, ", 0)")}
}

// list is the keys with a comma between them.
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

func (o order) by() clause.Expr {
	direction := ""
	if o.descending {
		direction = " DESC"
	}
	return o.list(func(k sortKey) clause.Expr { return tenant.Join(k.sql, direction) })
}

// behind is the condition that a row comes behind the place of a cursor.
func (o order) behind(place string) (clause.Expr, error) {
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

// values reads the place of a cursor, which a client may have made up.
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
