package people

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/internal/tenant"
)

// The SQL in this file spans tables that GORM's predicate does not reach: each statement names the
// organization for each table itself.

// GroupMember is a user's membership in a directory group.
type GroupMember struct {
	OrganizationID model.OrganizationID `gorm:"<-:create"`
	GroupID        string               `gorm:"primaryKey"`
	UserID         string               `gorm:"primaryKey"`
}

// TableName is the table of GroupMember.
func (GroupMember) TableName() string { return "directory_group_members" }

// MemberOf is one membership, seen from either side: the id and display name of
// the other side.
type MemberOf struct {
	ID          string
	DisplayName string
	IsGroup     bool // of a member: it is a group
	Indirect    bool // of a group: the user is in it by way of another
}

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
			"FROM directory_group_members m" +
			tenant.DialectOf(o).Join("JOIN", "directory_groups", "t", "t.id, t.organization_id, t.display_name",
				"t.organization_id = m.organization_id AND t.id = m.group_id") +
			" WHERE m.user_id" + condition + " AND m.organization_id = ? ORDER BY t.id",
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

// withIndirect adds to the groups that a user is a member of those above them.
func withIndirect(direct []MemberOf, above map[string][]MemberOf) []MemberOf {
	known := make(map[string]bool, len(direct))
	for _, m := range direct {
		known[m.ID] = true
	}
	all := direct
	for _, m := range direct {
		for _, up := range above[m.ID] {
			if !known[up.ID] {
				known[up.ID] = true
				all = append(all, up)
			}
		}
	}
	return all
}

// groupsAbove returns the groups that each of the groups is in, directly or by
// way of others.
func (o Org) groupsAbove(ctx context.Context, ids []string) (map[string][]MemberOf, error) {
	condition, list, err := tenant.OneOfIDs(o, ids)
	if err != nil {
		return nil, err
	}
	var rows []struct{ Side, ID, DisplayName string }
	err = tenant.Read(ctx, o).Model(&DirectoryGroup{}).
		Select("t.side, directory_groups.id, directory_groups.display_name").
		Joins(strings.Join([]string{
			"JOIN (WITH RECURSIVE up (side, id) AS (SELECT n.member_id, n.group_id FROM directory_group_groups n " +
				"WHERE n.organization_id = ? AND n.member_id" + condition,
			"UNION SELECT up.side, n.group_id FROM directory_group_groups n JOIN up ON n.member_id = up.id " +
				"WHERE n.organization_id = ?)",
			"SELECT side, id FROM up) t ON t.id = directory_groups.id"}, " "), o.ID, list, o.ID).
		Order("directory_groups.id").Scan(&rows).Error
	if err != nil {
		return nil, tenant.Translate(o, fmt.Errorf("read groups of groups: %w", err))
	}
	out := map[string][]MemberOf{}
	for _, r := range rows {
		out[r.Side] = append(out[r.Side], MemberOf{ID: r.ID, DisplayName: r.DisplayName, Indirect: true})
	}
	return out, nil
}
