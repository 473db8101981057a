package search

import (
	"slices"

	"github.com/scim2/filter-parser/v2"
	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/internal/tenant"
)

// looksUp returns whether the table user_values can answer a tree. The table does not
// say whether a value has a sub-attribute primary at all.
func looksUp(tree filter.Expression, names ...string) bool {
	return every(tree, func(e *filter.AttributeExpression) bool {
		name := e.AttributePath.AttributeName
		return slices.Contains(names, name) && (name != "primary" || e.Operator != filter.PR)
	})
}

// emails compiles comparisons that one e-mail address of a user must satisfy.
func (c *compiler) emails(path filter.AttributePath, tree filter.Expression) (clause.Expr, error) {
	if !looksUp(tree, "value", "type", "primary") {
		return c.json(path, tree)
	}
	return c.values(tenant.EmailsAttribute, path, tree)
}

// values compiles comparisons that one value of a multi-valued attribute must satisfy.
func (c *compiler) values(
	a tenant.ValueAttribute, path filter.AttributePath, tree filter.Expression,
) (clause.Expr, error) {
	columns := map[string]column{
		"value":   {sql: text("v.value_folded").sql, optional: true},
		"type":    {sql: text("v.type_folded").sql, optional: true},
		"primary": {sql: text("v.is_primary").sql, kind: truth},
	}
	leaf := func(path filter.AttributePath, e *filter.AttributeExpression) (clause.Expr, error) {
		return c.compare(path, columns[e.AttributePath.AttributeName], e)
	}
	condition, err := c.within(path, tree, leaf)
	query := tenant.Join(clause.Expr{
		SQL:  "SELECT v.user_id FROM user_values v WHERE v.organization_id = ? AND v.attribute = ? AND ",
		Vars: []any{c.db.Organization, a},
	}, condition)
	return c.among("users.id", query), err
}

// manager compiles comparisons of the one manager that a user has. A user without a
// manager differs from any value.
func (c *compiler) manager(path filter.AttributePath, tree filter.Expression) (clause.Expr, error) {
	if !looksUp(tree, "value") {
		return c.json(path, tree)
	}
	return c.within(path, tree, func(path filter.AttributePath, e *filter.AttributeExpression) (clause.Expr, error) {
		if e.Operator != filter.NE {
			return c.values(tenant.ManagerAttribute, path, e)
		}
		condition, err := c.values(tenant.ManagerAttribute, path, equal(e))
		return tenant.Negated(condition), err
	})
}

// membership is one of the ways in which members and groups are connected.
type membership struct {
	theirs string // the column with the ids of the elements
	others string // the table of the elements
	kind   string // the type of each element
}

// members compiles comparisons that one member of a group must satisfy: a user or a group.
func (c *compiler) members(path filter.AttributePath, tree filter.Expression) (clause.Expr, error) {
	user, err := c.element(path, tree, membership{"user_id", "users", "User"})
	if err != nil {
		return clause.Expr{}, err
	}
	group, err := c.element(path, tree, membership{"member_id", "directory_groups", "Group"})
	return c.among("directory_groups.id", tenant.Join(
		c.rows("SELECT m.group_id FROM directory_group_members m WHERE m.organization_id = ? AND "), user,
		" UNION ALL ",
		c.rows("SELECT m.group_id FROM directory_group_groups m WHERE m.organization_id = ? AND "), group)), err
}

// groups compiles comparisons that one group of a user must satisfy: one that the
// user is a member of, or one above such a group. All groups below those above are found first.
func (c *compiler) groups(path filter.AttributePath, tree filter.Expression) (clause.Expr, error) {
	direct, err := c.element(path, tree, membership{"group_id", "directory_groups", "direct"})
	if err != nil {
		return clause.Expr{}, err
	}
	indirect, err := c.element(path, tree, membership{"group_id", "directory_groups", "indirect"})
	// CROSS JOIN and CAST have SQLite go from the few groups below to their rows, by index.
	return c.among("users.id", tenant.Join(
		c.rows("WITH RECURSIVE below (id) AS ("+
			"SELECT m.member_id FROM directory_group_groups m WHERE m.organization_id = ? AND "), indirect,
		c.rows(" UNION SELECT m.member_id FROM below CROSS JOIN directory_group_groups m "+
			"WHERE m.organization_id = ? AND m.group_id = CAST(below.id AS text))"),
		c.rows(" SELECT m.user_id FROM directory_group_members m WHERE m.organization_id = ? AND "), direct,
		c.rows(" UNION ALL SELECT m.user_id FROM below CROSS JOIN directory_group_members m "+
			"WHERE m.organization_id = ? AND m.group_id = CAST(below.id AS text)"))), err
}

// element compiles comparisons of one element of members or groups, a row m of the membership.
func (c *compiler) element(path filter.AttributePath, tree filter.Expression, m membership) (clause.Expr, error) {
	id := "m." + m.theirs
	return c.within(path, tree, func(path filter.AttributePath, e *filter.AttributeExpression) (clause.Expr, error) {
		switch e.AttributePath.AttributeName {
		case "value", "":
			return c.compare(path, text(id).exact(), e)
		case "type":
			return c.compare(path, text(c.literal(model.Fold(m.kind))), e)
		case "$ref":
			return c.compare(path, c.location(m.others, id), e)
		case "display":
			named, err := c.compare(path, column{sql: text("t.display_name_folded").sql, optional: true}, e)
			others := c.rows("SELECT t.id FROM " + m.others + " t WHERE t.organization_id = ? AND ")
			if m.theirs == "member_id" { // of the same directory, whose index has the names
				others = tenant.Join(others, "t.directory_id = ", tenant.Param(c.directory), " AND ")
			}
			return c.among(id, tenant.Join(others, named)), err
		}
		return clause.Expr{}, errCompared(path, e)
	})
}
