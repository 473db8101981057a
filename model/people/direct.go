package people

import (
	"context"
	"database/sql"
	"fmt"

	"gorm.io/gorm/clause"

	"rollcall/model/internal/tenant"
)

// GroupsOf returns the directory groups of each of the users, by user id: first the
// groups that the user is a member of, then the groups above those. It takes one
// statement, and a second one if any group is in another.
func (o Org) GroupsOf(ctx context.Context, userIDs ...string) (map[string][]MemberOf, error) {
	out := map[string][]MemberOf{}
	if len(userIDs) == 0 {
		return out, nil
	}
	condition, list, err := tenant.OneOfIDs(o, userIDs)
	if err != nil {
		return nil, err
	}
	nested := map[string]bool{}
	err = tenant.Direct(ctx, o, clause.Expr{
		// For EXISTS instead of the last column, PostgreSQL might read all nested groups.
		SQL: "SELECT m.user_id, t.id, t.display_name, " +
			"(SELECT n.group_id FROM directory_group_groups n " +
			"WHERE n.organization_id = t.organization_id AND n.member_id = t.id LIMIT 1) IS NOT NULL " +
			"FROM directory_group_members m " +
			"JOIN directory_groups t ON t.organization_id = m.organization_id AND t.id = m.group_id " +
			"WHERE m.user_id" + condition + " AND m.organization_id = ? ORDER BY t.id",
		Vars: []any{list, string(o.ID)},
	}, func(rows *sql.Rows) error {
		var user string
		var m MemberOf
		var isNested bool
		err := rows.Scan(&user, &m.ID, &m.DisplayName, &isNested)
		out[user] = append(out[user], m)
		if isNested {
			nested[m.ID] = true
		}
		return err
	})
	if err != nil {
		return nil, tenant.Translate(o, fmt.Errorf("read memberships: %w", err))
	}
	if len(nested) == 0 {
		return out, nil
	}
	above, err := o.groupsAbove(ctx, tenant.SortedKeys(nested))
	if err != nil {
		return nil, err
	}
	for user, direct := range out {
		out[user] = withIndirect(direct, above)
	}
	return out, nil
}
