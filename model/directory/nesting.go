package directory

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/entitle"
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
	if err := around.check(); err != nil {
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
		PreviousAttributes struct{} `json:"previous_attributes"`
		Rollcall           nesting  `json:"rollcall"`
	}{DirectoryGroupObject: group, Rollcall: nesting{public(added), public(removed)}})
}

// nesting is the part of a group's event with the groups that became members, or ceased to be.
type nesting struct {
	GroupsAdded   []string `json:"groups_added"`
	GroupsRemoved []string `json:"groups_removed"`
}

// GroupMembers returns the members of each of the groups by group id, users before groups. It is
// one statement, which has the condition of the organization on groups and users and not on the
// rows of memberships: PostgreSQL then reads those from their index alone.
func (o Org) GroupMembers(ctx context.Context, groupIDs ...string) (map[string][]people.MemberOf, error) {
	out := map[string][]people.MemberOf{}
	if len(groupIDs) == 0 {
		return out, nil
	}
	condition, list, err := tenant.OneOfIDs(o, groupIDs)
	if err != nil {
		return nil, err
	}
	rows, err := tenant.Read(ctx, o).Model(&people.DirectoryGroup{}).
		Select("t.side, t.id, t.display_name, t.is_group").
		Joins("JOIN (SELECT m.group_id AS side, u.id, u.display_name, false AS is_group "+
			"FROM directory_group_members m "+
			"JOIN users u ON u.organization_id = ? AND u.id = m.user_id WHERE m.group_id"+condition+
			" UNION ALL SELECT n.group_id, g.id, g.display_name, true FROM directory_group_groups n "+
			"JOIN directory_groups g ON g.organization_id = n.organization_id AND g.id = n.member_id "+
			"WHERE n.organization_id = ? AND n.group_id"+condition+
			") t ON t.side = directory_groups.id", o.ID, list, o.ID, list).
		// Each group is then looked up once, and not once per member.
		Where("directory_groups.id"+condition, list).
		Rows()
	if err == nil {
		err = eachMember(rows, func(group string, m people.MemberOf, isGroup bool) {
			m.IsGroup = isGroup
			out[group] = append(out[group], m)
		})
	}
	if err != nil {
		return nil, tenant.Translate(o, fmt.Errorf("read members: %w", err))
	}
	for _, members := range out { // to sort costs the database more
		slices.SortFunc(members, usersFirst)
	}
	return out, nil
}

// usersFirst orders members by kind and then by id.
func usersFirst(a, b people.MemberOf) int {
	switch {
	case a.IsGroup == b.IsGroup:
		return strings.Compare(a.ID, b.ID)
	case b.IsGroup:
		return -1
	}
	return 1
}

// eachMember reads rows of a group's id, a member's id and display name, and whether the member is
// a group. There may be a hundred thousand rows: for these, GORM's reflection would take longer
// than everything else.
func eachMember(rows *sql.Rows, take func(side string, m people.MemberOf, is bool)) error {
	defer rows.Close()
	var text sql.RawBytes
	side := ""
	for rows.Next() {
		var m people.MemberOf
		var is bool
		if err := rows.Scan(&text, &m.ID, &m.DisplayName, &is); err != nil {
			return err
		}
		if side != string(text) {
			side = string(text)
		}
		take(side, m, is)
	}
	return rows.Err()
}
