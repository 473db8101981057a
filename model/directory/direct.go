package directory

import (
	"gorm.io/gorm/clause"
)

// inAGroup is a column that is true if a row of users is a member of any group.
func (o Org) inAGroup() clause.Expr {
	// For EXISTS, PostgreSQL might read all memberships.
	return clause.Expr{
		SQL: "(SELECT m.group_id FROM directory_group_members m " +
			"WHERE m.organization_id = ? AND m.user_id = users.id LIMIT 1) IS NOT NULL",
		Vars: []any{string(o.ID)},
	}
}
