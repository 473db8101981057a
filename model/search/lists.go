package search

import (
	"slices"

	"github.com/scim2/filter-parser/v2"
	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/internal/tenant"
)

// looksUp returns whether the table user_values can answer a tree: all its comparisons are of these
// sub-attributes. The table does not have whether a value has a sub-attribute primary at all.
func looksUp(tree filter.Expression, names ...string) bool {
	return allComparisons(tree, func(e *filter.AttributeExpression) bool {
		name := e.AttributePath.AttributeName
		return slices.Contains(names, name) && (name != "primary" || e.Operator != filter.PR)
	})
}

// emails compiles a tree that one e-mail address of a user must satisfy.
func (c *compiler) emails(path filter.AttributePath, tree filter.Expression) (clause.Expr, error) {
	if !looksUp(tree, "value", "type", "primary") {
		return c.json(path, tree)
	}
	return c.values(tenant.EmailsAttribute, path, tree)
}

// values compiles a tree that one row of user_values must satisfy.
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
	return c.inSelect("users.id", query), err
}

// manager compiles comparisons with the one manager of a user. A user without a manager differs
// from any value.
func (c *compiler) manager(path filter.AttributePath, tree filter.Expression) (clause.Expr, error) {
	if !looksUp(tree, "value") {
		return c.json(path, tree)
	}
	return c.within(path, tree, func(path filter.AttributePath, e *filter.AttributeExpression) (clause.Expr, error) {
		if e.Operator != filter.NE {
			return c.values(tenant.ManagerAttribute, path, e)
		}
		condition, err := c.values(tenant.ManagerAttribute, path, asEqual(e))
		return negated(condition), err
	})
}

// membership says how the elements of members or groups are found from a row that connects them.
type membership struct {
	theirs string // the column with the ids of the elements
	others string // the table of the elements
	kind   string // the type of each element
}

// members compiles a tree that one member of a group, a user or a group, must satisfy.
func (c *compiler) members(path filter.AttributePath, tree filter.Expression) (clause.Expr, error) {
	user, err := c.element(path, tree, membership{"user_id", "users", "User"})
	if err != nil {
		return clause.Expr{}, err
	}
	group, err := c.element(path, tree, membership{"member_id", "directory_groups", "Group"})
	return c.inSelect("directory_groups.id", tenant.Join(
		c.scoped("SELECT m.group_id FROM directory_group_members m WHERE m.organization_id = ? AND "), user,
		" UNION ALL ",
		c.scoped("SELECT m.group_id FROM directory_group_groups m WHERE m.organization_id = ? AND "), group)), err
}

// groups compiles a tree that one group of a user must satisfy: a group that has the user as its
// member, or a group above such a group. The statement finds all groups below the matching ones
// first.
func (c *compiler) groups(path filter.AttributePath, tree filter.Expression) (clause.Expr, error) {
	direct, err := c.element(path, tree, membership{"group_id", "directory_groups", "direct"})
	if err != nil {
		return clause.Expr{}, err
	}
	indirect, err := c.element(path, tree, membership{"group_id", "directory_groups", "indirect"})
	// CROSS JOIN and CAST make SQLite begin with the few groups below and read their rows by an
	// index.
	return c.inSelect("users.id", tenant.Join(
		c.scoped("WITH RECURSIVE below (id) AS ("+
			"SELECT m.member_id FROM directory_group_groups m WHERE m.organization_id = ? AND "), indirect,
		c.scoped(" UNION SELECT m.member_id FROM below CROSS JOIN directory_group_groups m "+
			"WHERE m.organization_id = ? AND m.group_id = CAST(below.id AS text))"),
		c.scoped(" SELECT m.user_id FROM directory_group_members m WHERE m.organization_id = ? AND "), direct,
		c.scoped(" UNION ALL SELECT m.user_id FROM below CROSS JOIN directory_group_members m "+
			"WHERE m.organization_id = ? AND m.group_id = CAST(below.id AS text)"))), err
}

// element compiles a tree that one element of members or groups must satisfy. The element is the
// row m that connects it.
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
			others := c.scoped("SELECT t.id FROM " + m.others + " t WHERE t.organization_id = ? AND ")
			if m.theirs == "member_id" { // the index on names begins with the directory
				others = tenant.Join(others, "t.directory_id = ", tenant.Param(c.directory), " AND ")
			}
			return c.inSelect(id, tenant.Join(others, named)), err
		}
		return clause.Expr{}, errCompared(path, e)
	})
}
