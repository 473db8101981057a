package people

import (
	"context"
	"fmt"
	"strings"

	"rollcall/model"
	"rollcall/model/internal/tenant"
)

// The SQL in this file spans tables that GORM's predicate does not reach:
// every statement names the organization for each table itself.

// GroupGroup is a directory group's membership in another one of the same directory.
type GroupGroup struct {
	OrganizationID model.OrganizationID `gorm:"<-:create"`
	GroupID        string               `gorm:"primaryKey"`
	MemberID       string               `gorm:"primaryKey"`
}

// TableName is the table of GroupGroup.
func (GroupGroup) TableName() string { return "directory_group_groups" }

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
	err = tenant.Read(o).WithContext(ctx).Model(&DirectoryGroup{}).
		Select("t.side, directory_groups.id, directory_groups.display_name").
		Joins(strings.Join([]string{
			"JOIN (WITH RECURSIVE up (side, id) AS (SELECT n.member_id, n.group_id FROM directory_group_groups n WHERE n.organization_id = ? AND n.member_id" + condition,
			"UNION SELECT up.side, n.group_id FROM directory_group_groups n JOIN up ON n.member_id = up.id WHERE n.organization_id = ?)",
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
