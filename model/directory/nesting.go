package directory

import (
	"context"
	"database/sql"
	"fmt"

	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/entitle"
	"rollcall/model/internal/nesting"
	"rollcall/model/internal/tenant"
	"rollcall/model/people"
)

// GroupGroup is a directory group's membership in another one of the same directory.
type GroupGroup struct {
	OrganizationID model.OrganizationID `gorm:"<-:create"`
	GroupID        string               `gorm:"primaryKey"`
	MemberID       string               `gorm:"primaryKey"`
}

// TableName is the table of GroupGroup.
func (GroupGroup) TableName() string { return "directory_group_groups" }

// groupsAmong returns which of the ids are groups of g's directory, each with whether it is a
// member of g.
func (o Org) groupsAmong(ctx context.Context, g *people.DirectoryGroup, ids []string) (map[string]bool, error) {
	list, err := tenant.Encode(ids)
	if err != nil {
		return nil, err
	}
	var found []struct {
		ID       string
		IsMember bool
	}
	// KEY SHARE keeps the groups from being deleted before their membership is written.
	err = tenant.DB(ctx, o).Model(&people.DirectoryGroup{}).Clauses(clause.Locking{Strength: "KEY SHARE"}).
		Select("directory_groups.id, EXISTS (SELECT 1 FROM directory_group_groups n "+
			"WHERE n.organization_id = ? AND n.group_id = ? AND n.member_id = directory_groups.id) AS is_member",
			o.ID, g.ID).
		// See knownMembers for COALESCE.
		Where("COALESCE(directory_groups.directory_id, '') = ?", g.DirectoryID).
		Where(tenant.DialectOf(o).OneOf("directory_groups.id"), list).
		Order("directory_groups.id").Find(&found).Error
	if err != nil {
		return nil, fmt.Errorf("read new member groups: %w", err)
	}
	groups := make(map[string]bool, len(found))
	for _, f := range found {
		groups[f.ID] = f.IsMember
	}
	return groups, nil
}

// nest makes groups, none of which is a member of g yet, members of g. It answers Invalid where g
// would become a member of itself, and where groups would be nested past a limit.
func (o Org) nest(ctx context.Context, g *people.DirectoryGroup, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	// The lock of the directory serializes all nesting: of two requests that nest two groups in
	// each other, the second then finds the circle.
	var d Directory
	lock := tenant.DB(ctx, o).Clauses(clause.Locking{Strength: tenant.ToChange})
	if err := tenant.ByID(o, lock, &d, "directory", g.DirectoryID); err != nil {
		return err
	}
	around, err := o.nestingsAround(ctx, g, ids)
	if err != nil {
		return err
	}
	if err := around.Check(); err != nil {
		return err
	}
	rows := make([]GroupGroup, len(ids))
	for i, id := range ids {
		rows[i] = GroupGroup{GroupID: g.ID, MemberID: id}
	}
	if err := tenant.DB(ctx, o).CreateInBatches(&rows, tenant.DialectOf(o).Batch(3)).Error; err != nil {
		return fmt.Errorf("create member groups: %w", err)
	}
	if err := entitle.Inside(tenant.Inside(o)).AffectsGroups(ctx, ids...); err != nil {
		return err
	}
	return o.recordNesting(g, ids, nil)
}

// nestingsAround reads the memberships of groups above g, and above all groups that are in any of
// ids, directly or by way of others.
func (o Org) nestingsAround(ctx context.Context, g *people.DirectoryGroup, ids []string) (*nesting.Graph, error) {
	condition, list, err := tenant.OneOfIDs(o, ids)
	if err != nil {
		return nil, err
	}
	n, found := nesting.New(g.ID, ids), 0
	organization := string(o.ID)
	err = tenant.Direct(ctx, o, clause.Expr{
		SQL: "WITH RECURSIVE down (id) AS (SELECT g.id FROM directory_groups g " +
			"WHERE g.organization_id = ? AND g.id" + condition +
			" UNION SELECT n.member_id FROM directory_group_groups n JOIN down ON n.group_id = down.id " +
			"WHERE n.organization_id = ?), " +
			"up (id) AS (SELECT id FROM (SELECT id FROM down UNION SELECT CAST(? AS text)) s " +
			"UNION SELECT n.group_id FROM directory_group_groups n JOIN up ON n.member_id = up.id " +
			"WHERE n.organization_id = ?) " +
			"SELECT n.member_id, n.group_id FROM directory_group_groups n JOIN up ON n.member_id = up.id " +
			"WHERE n.organization_id = ? LIMIT ?",
		Vars: []any{organization, list, organization, g.ID, organization, organization, nesting.Most + 1},
	}, func(rows *sql.Rows) error {
		var member, group string
		err := rows.Scan(&member, &group)
		n.Add(member, group)
		found++
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read nested groups: %w", err)
	}
	if found > nesting.Most {
		return nil, model.Invalidf("members", "the groups around this one have more than %d groups as members, "+
			"which is the limit; make users members instead of groups", nesting.Most)
	}
	return n, nil
}

// unnest removes the groups of ids from the members of g, or with others all but them, and returns
// how many it removed.
func (o Org) unnest(ctx context.Context, g *people.DirectoryGroup, others bool, ids string) (int, error) {
	condition := tenant.DialectOf(o).OneOf("member_id")
	if others {
		condition = tenant.DialectOf(o).NoneOf("member_id")
	}
	var gone []GroupGroup
	db := tenant.DB(ctx, o).Clauses(clause.Returning{Columns: []clause.Column{{Name: "member_id"}}})
	if err := db.Where("group_id = ?", g.ID).Where(condition, ids).Delete(&gone).Error; err != nil {
		return 0, fmt.Errorf("delete member groups: %w", err)
	}
	if len(gone) == 0 {
		return 0, nil
	}
	list := make([]string, len(gone))
	for i, m := range gone {
		list[i] = m.MemberID
	}
	if err := entitle.Inside(tenant.Inside(o)).AffectsGroups(ctx, list...); err != nil {
		return 0, err
	}
	return len(gone), o.recordNesting(g, nil, list)
}

// recordNesting records that groups became members of g, or ceased to be. This has no type of event
// of its own: it is an update of the group.
func (o Org) recordNesting(g *people.DirectoryGroup, added, removed []string) error {
	public := func(ids []string) []string {
		out := make([]string, len(ids))
		for i, id := range ids {
			out[i] = model.DirectoryGroupPrefix.ID(id)
		}
		return out
	}
	group := g.PublicForm()
	return tenant.Record(o, DirectoryGroupUpdated, group.ID, struct {
		people.DirectoryGroupObject
		PreviousAttributes struct{}     `json:"previous_attributes"`
		Rollcall           nestedGroups `json:"rollcall"`
	}{DirectoryGroupObject: group, Rollcall: nestedGroups{public(added), public(removed)}})
}

// nestedGroups is the part of a group's event with the groups that became members, or ceased to be.
type nestedGroups struct {
	GroupsAdded   []string `json:"groups_added"`
	GroupsRemoved []string `json:"groups_removed"`
}
