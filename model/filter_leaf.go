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
	case name == "manager" && (core || *path.URIPrefix == enterpriseURN) && looksUp(tree, "value"):
		return c.manager(path, tree)
	case !core && name == "employeeNumber" && *path.URIPrefix == enterpriseURN && one(tree) != nil && one(tree).Operator == filter.EQ:
		return c.compare(path, column{sql: clause.Expr{SQL: c.org.store.dialect.employeeNumber()}}, one(tree))
	case core && name == "groups":
		return c.groups(path, tree)
	}
	return c.commonLeaf(path, tree)
}

func (c *compiler) groupLeaf(path filter.AttributePath, tree filter.Expression) (clause.Expr, error) {
	if path.URIPrefix == nil && path.AttributeName == "members" {
		return c.members(path, tree)
	}
	return c.commonLeaf(path, tree)
}

// The attributes with an index without the directory, each with the operators
// that it answers.
var (
	userIndexes = map[string]string{
		"id": "eq", "userName": "eq sw", "externalId": "eq", "displayName": "eq sw", "emails": "eq sw",
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

// membership is one of the ways in which members and groups belong together.
type membership struct {
	theirs string // the column of what its elements are
	others string // the table of what they are
	kind   string // the type of each element
}

// members compiles comparisons that one member of a group must satisfy: a user or a group.
func (c *compiler) members(path filter.AttributePath, tree filter.Expression) (clause.Expr, error) {
	user, err := c.element(path, tree, membership{"user_id", "users", "User"})
	if err != nil {
		return clause.Expr{}, err
	}
	group, err := c.element(path, tree, membership{"member_id", "directory_groups", "Group"})
	return c.among("directory_groups.id", join(
		c.rows("SELECT m.group_id FROM directory_group_members m WHERE m.organization_id = ? AND "), user, " UNION ALL ",
		c.rows("SELECT m.group_id FROM directory_group_groups m WHERE m.organization_id = ? AND "), group)), err
}

// groups compiles comparisons that one group of a user must satisfy: one that the
// user is a member of, or one above such a group. Below those, all are found first.
func (c *compiler) groups(path filter.AttributePath, tree filter.Expression) (clause.Expr, error) {
	direct, err := c.element(path, tree, membership{"group_id", "directory_groups", "direct"})
	if err != nil {
		return clause.Expr{}, err
	}
	indirect, err := c.element(path, tree, membership{"group_id", "directory_groups", "indirect"})
	// CROSS JOIN and CAST have SQLite go from the few groups below to their rows, by index.
	return c.among("users.id", join(
		c.rows("WITH RECURSIVE below (id) AS (SELECT m.member_id FROM directory_group_groups m WHERE m.organization_id = ? AND "), indirect,
		c.rows(" UNION SELECT m.member_id FROM below CROSS JOIN directory_group_groups m WHERE m.organization_id = ? AND m.group_id = CAST(below.id AS text))"),
		c.rows(" SELECT m.user_id FROM directory_group_members m WHERE m.organization_id = ? AND "), direct,
		c.rows(" UNION ALL SELECT m.user_id FROM below CROSS JOIN directory_group_members m WHERE m.organization_id = ? AND m.group_id = CAST(below.id AS text)"))), err
}

// rows is the beginning of a sub-select with the organization.
func (c *compiler) rows(sql string) clause.Expr { return clause.Expr{SQL: sql, Vars: []any{c.org.ID}} }

// element compiles comparisons of one element of members or groups, a row m of the membership.
func (c *compiler) element(path filter.AttributePath, tree filter.Expression, m membership) (clause.Expr, error) {
	id := "m." + m.theirs
	return c.within(path, tree, func(path filter.AttributePath, e *filter.AttributeExpression) (clause.Expr, error) {
		switch e.AttributePath.AttributeName {
		case "value", "":
			return c.compare(path, text(id).exact(), e)
		case "type":
			return c.compare(path, text(c.literal(Fold(m.kind))), e)
		case "$ref":
			place := column{sql: join("(", param(c.base+"/"+resourceNames[m.others]+"s/"), " || "+id+")"), kind: exactText}
			return c.compare(path, place, e)
		case "display":
			named, err := c.compare(path, column{sql: text("t.display_name_folded").sql, optional: true}, e)
			others := c.rows("SELECT t.id FROM " + m.others + " t WHERE t.organization_id = ? AND ")
			if m.theirs == "member_id" { // of the same directory, whose index has the names
				others = join(others, "t.directory_id = ", param(c.directory), " AND ")
			}
			return c.among(id, join(others, named)), err
		}
		return clause.Expr{}, errCompared(path, e)
	})
}
