package model

import (
	"slices"
	"strings"

	"github.com/scim2/filter-parser/v2"
	"gorm.io/gorm/clause"
)

func (o *Org) newCompiler(table string, q ResourceQuery) *compiler {
	c := &compiler{org: o, table: table, form: q.Form, base: q.Base}
	if c.form == nil {
		c.form = func(filter.AttributePath) Form { return Form{} }
	}
	return c
}

func (o *Org) userCompiler(q ResourceQuery) *compiler {
	c := o.newCompiler("users", q)
	c.leaf = (*compiler).userLeaf
	return c
}

func (o *Org) groupCompiler(q ResourceQuery) *compiler {
	c := o.newCompiler("directory_groups", q)
	c.leaf = (*compiler).groupLeaf
	return c
}

// enterpriseURN is the extension of RFC 7643, section 4.3.
const enterpriseURN = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

func (c *compiler) userLeaf(path filter.AttributePath, tree filter.Expression) (clause.Expr, error) {
	core := path.URIPrefix == nil
	switch name := path.AttributeName; {
	case core && name == "emails" && looksUp(tree, "value", "type", "primary"):
		return c.values(emailsAttribute, path, tree)
	case core && name == "phoneNumbers" && looksUp(tree, "value", "type", "primary"):
		return c.values(phonesAttribute, path, tree)
	case name == "manager" && (core || *path.URIPrefix == enterpriseURN) && looksUp(tree, "value"):
		return c.manager(path, tree)
	case !core && name == "employeeNumber" && *path.URIPrefix == enterpriseURN && one(tree) != nil && one(tree).Operator == filter.EQ:
		return c.compare(path, column{sql: clause.Expr{SQL: c.org.store.dialect.employeeNumber()}}, one(tree))
	case core && name == "groups":
		return c.memberships(path, tree, "users.id", "user_id", "group_id", "directory_groups", "direct")
	}
	return c.commonLeaf(path, tree)
}

func (c *compiler) groupLeaf(path filter.AttributePath, tree filter.Expression) (clause.Expr, error) {
	if path.URIPrefix == nil && path.AttributeName == "members" {
		return c.memberships(path, tree, "directory_groups.id", "group_id", "user_id", "users", "User")
	}
	return c.commonLeaf(path, tree)
}

// The attributes with an index without the directory, each with the operators
// that it answers.
var (
	userIndexes = map[string]string{
		"id": "eq", "userName": "eq sw", "externalId": "eq", "displayName": "eq sw", "emails": "eq sw", "phoneNumbers": "eq sw",
		"manager": "eq", "employeeNumber": "eq", "groups": "eq",
	}
	groupIndexes = map[string]string{"id": "eq", "externalId": "eq", "members": "eq"}
)

// pinpoints tells whether a filter can be answered from one of the indexes, so
// that the directory's own is better left alone.
func pinpoints(e filter.Expression, indexes map[string]string) bool {
	switch x := e.(type) {
	case *filter.LogicalExpression:
		left, right := pinpoints(x.Left, indexes), pinpoints(x.Right, indexes)
		return left && right || x.Operator == filter.AND && (left || right)
	case *filter.AttributeExpression:
		if sub := x.AttributePath.SubAttribute; sub != nil && *sub != "value" {
			return false
		}
		return x.Operator != filter.PR && strings.Contains(indexes[x.AttributePath.AttributeName], string(x.Operator))
	case *filter.ValuePath:
		return pinpointsElement(x.AttributePath, x.ValueFilter, indexes)
	}
	return false
}

func pinpointsElement(path filter.AttributePath, tree filter.Expression, indexes map[string]string) bool {
	switch x := tree.(type) {
	case *filter.LogicalExpression:
		left, right := pinpointsElement(path, x.Left, indexes), pinpointsElement(path, x.Right, indexes)
		return left && right || x.Operator == filter.AND && (left || right)
	case *filter.AttributeExpression:
		path.SubAttribute = &x.AttributePath.AttributeName
		return pinpoints(&filter.AttributeExpression{AttributePath: path, Operator: x.Operator}, indexes)
	}
	return false
}

// commonLeaf compiles what users and groups have in common: columns, and the
// attributes that only the document has.
func (c *compiler) commonLeaf(path filter.AttributePath, tree filter.Expression) (clause.Expr, error) {
	e := one(tree)
	if col, ok := c.column(path); ok {
		if e == nil || e.AttributePath.AttributeName != "value" && e.AttributePath.AttributeName != "" {
			return clause.Expr{}, Invalidf("filter", "%s has no sub-attributes", path.String())
		}
		return c.compare(path, col, e)
	}
	if path.URIPrefix == nil {
		switch path.AttributeName {
		case "meta":
			return c.within(path, tree, c.meta)
		case "schemas":
			return c.within(path, tree, c.schemas)
		}
	}
	return c.json(path, tree)
}

// within compiles a tree over one value, each comparison of it by leaf.
func (c *compiler) within(path filter.AttributePath, tree filter.Expression, leaf func(filter.AttributePath, *filter.AttributeExpression) (clause.Expr, error)) (clause.Expr, error) {
	if e := one(tree); e != nil {
		return leaf(path, e)
	}
	return connected(tree, func(e filter.Expression) (clause.Expr, error) { return c.within(path, e, leaf) })
}

// looksUp tells whether a tree asks only for what the table of values holds. It
// does not hold whether a value says of itself that it is primary.
func looksUp(tree filter.Expression, names ...string) bool {
	return every(tree, func(e *filter.AttributeExpression) bool {
		name := e.AttributePath.AttributeName
		return slices.Contains(names, name) && (name != "primary" || e.Operator != filter.PR)
	})
}

// values compiles comparisons that one value of a multi-valued attribute must satisfy.
func (c *compiler) values(a valueAttribute, path filter.AttributePath, tree filter.Expression) (clause.Expr, error) {
	columns := map[string]column{
		"value":   {sql: text("v.value_folded").sql, optional: true},
		"type":    {sql: text("v.type_folded").sql, optional: true},
		"primary": {sql: text("v.is_primary").sql, kind: truth},
	}
	condition, err := c.within(path, tree, func(path filter.AttributePath, e *filter.AttributeExpression) (clause.Expr, error) {
		return c.compare(path, columns[e.AttributePath.AttributeName], e)
	})
	query := join(clause.Expr{
		SQL:  "SELECT v.user_id FROM user_values v WHERE v.organization_id = ? AND v.attribute = ? AND ",
		Vars: []any{c.org.ID, a},
	}, condition)
	return c.among("users.id", query), err
}

// manager compiles comparisons of the one manager that a user has: none at all
// differs from any.
func (c *compiler) manager(path filter.AttributePath, tree filter.Expression) (clause.Expr, error) {
	return c.within(path, tree, func(path filter.AttributePath, e *filter.AttributeExpression) (clause.Expr, error) {
		if e.Operator != filter.NE {
			return c.values(managerAttribute, path, e)
		}
		equal, err := c.values(managerAttribute, path, &filter.AttributeExpression{
			AttributePath: e.AttributePath, Operator: filter.EQ, CompareValue: e.CompareValue})
		return negated(equal), err
	})
}

// memberships compiles comparisons that one element of members or groups must
// satisfy: own is the id of the resource, which stands in the column mine of a
// membership, and the other side's in theirs.
func (c *compiler) memberships(path filter.AttributePath, tree filter.Expression, own, mine, theirs, table, kind string) (clause.Expr, error) {
	condition, err := c.within(path, tree, func(path filter.AttributePath, e *filter.AttributeExpression) (clause.Expr, error) {
		id := "m." + theirs
		switch e.AttributePath.AttributeName {
		case "value", "":
			return c.compare(path, text(id).exact(), e)
		case "type":
			return c.compare(path, text(c.literal(Fold(kind))), e)
		case "$ref":
			place := column{sql: join("(", param(c.base+"/"+resourceNames[table]+"s/"), " || "+id+")"), kind: exactText}
			return c.compare(path, place, e)
		case "display":
			named, err := c.compare(path, column{sql: text("t.display_name_folded").sql, optional: true}, e)
			query := join(clause.Expr{SQL: "SELECT t.id FROM " + table + " t WHERE t.organization_id = ? AND ", Vars: []any{c.org.ID}}, named)
			return c.among(id, query), err
		}
		return clause.Expr{}, errCompared(path, e)
	})
	query := join(clause.Expr{
		SQL: "SELECT m." + mine + " FROM directory_group_members m WHERE m.organization_id = ? AND ", Vars: []any{c.org.ID},
	}, condition)
	return c.among(own, query), err
}
