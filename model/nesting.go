package model

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"gorm.io/gorm/clause"
)

// The SQL in this file spans tables that GORM's predicate does not reach:
// every statement names the organization for each table itself.

// groupGroup is a directory group's membership in another one of the same directory.
type groupGroup struct {
	OrganizationID OrganizationID `gorm:"<-:create"`
	GroupID        string         `gorm:"primaryKey"`
	MemberID       string         `gorm:"primaryKey"`
}

// TableName is the table of groupGroup.
func (groupGroup) TableName() string { return "directory_group_groups" }

// groupsAmong tells which of the ids are groups of g's directory, and whether
// each is a member of g already.
func (o *Org) groupsAmong(ctx context.Context, g *DirectoryGroup, ids []string) (map[string]bool, error) {
	list, err := encode(ids)
	if err != nil {
		return nil, err
	}
	var found []struct {
		ID       string
		IsMember bool
	}
	// KEY SHARE keeps the groups from being deleted before their membership is written.
	err = o.db.WithContext(ctx).Model(&DirectoryGroup{}).Clauses(clause.Locking{Strength: "KEY SHARE"}).
		Select("directory_groups.id, EXISTS (SELECT 1 FROM directory_group_groups n WHERE n.organization_id = ? AND n.group_id = ? AND n.member_id = directory_groups.id) AS is_member", o.ID, g.ID).
		// For COALESCE see knownMembers.
		Where("COALESCE(directory_groups.directory_id, '') = ?", g.DirectoryID).Where(o.store.dialect.oneOf("directory_groups.id"), list).
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

// nest makes groups members of g, none of which is one yet. It answers Invalid
// where g would come to be a member of itself.
func (o *Org) nest(ctx context.Context, g *DirectoryGroup, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	// Two requests that each nest one group in the other's must not both find no circle: they queue here.
	var d Directory
	if err := o.one(o.db.WithContext(ctx).Clauses(clause.Locking{Strength: toChange}), &d, "directory", g.DirectoryID); err != nil {
		return err
	}
	list, err := encode(ids)
	if err != nil {
		return err
	}
	var circle []string
	err = o.db.WithContext(ctx).Model(&DirectoryGroup{}).Where(o.store.dialect.oneOf("directory_groups.id"), list).
		Where("directory_groups.id IN (WITH RECURSIVE up (id) AS (SELECT CAST(? AS text) UNION "+
			"SELECT n.group_id FROM directory_group_groups n JOIN up ON n.member_id = up.id WHERE n.organization_id = ?) SELECT id FROM up)", g.ID, o.ID).
		Order("directory_groups.id").Limit(1).Pluck("directory_groups.id", &circle).Error
	if err != nil {
		return fmt.Errorf("look for a circle of groups: %w", err)
	}
	if len(circle) > 0 {
		return Invalidf("members", "the group %q is this group or has it as a member, directly or by way of others; no group can be a member of itself", circle[0])
	}
	rows := make([]groupGroup, len(ids))
	for i, id := range ids {
		rows[i] = groupGroup{GroupID: g.ID, MemberID: id}
	}
	if err := o.db.WithContext(ctx).CreateInBatches(&rows, o.store.dialect.batch(3)).Error; err != nil {
		return fmt.Errorf("create member groups: %w", err)
	}
	if err := o.affectsGroups(ctx, ids...); err != nil {
		return err
	}
	return o.recordNesting(g, ids, nil)
}

// unnest removes the listed groups from the members of g, or all but them, and
// tells how many those were.
func (o *Org) unnest(ctx context.Context, g *DirectoryGroup, others bool, ids string) (int, error) {
	condition := o.store.dialect.oneOf("member_id")
	if others {
		condition = o.store.dialect.noneOf("member_id")
	}
	var gone []groupGroup
	db := o.db.WithContext(ctx).Clauses(clause.Returning{Columns: []clause.Column{{Name: "member_id"}}})
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
	if err := o.affectsGroups(ctx, list...); err != nil {
		return 0, err
	}
	return len(gone), o.recordNesting(g, nil, list)
}

// recordNesting notes that groups became members of g, or no longer are. There is
// no type of event for that in the reference: it is a change of the group.
func (o *Org) recordNesting(g *DirectoryGroup, added, removed []string) error {
	public := func(ids []string) []string {
		out := make([]string, len(ids))
		for i, id := range ids {
			out[i] = DirectoryGroupPrefix.ID(id)
		}
		return out
	}
	group := g.PublicForm()
	return o.record(DirectoryGroupUpdated, group.ID, struct {
		DirectoryGroupObject
		PreviousAttributes struct{} `json:"previous_attributes"`
		Rollcall           nesting  `json:"rollcall"`
	}{DirectoryGroupObject: group, Rollcall: nesting{public(added), public(removed)}})
}

// nesting is what an event tells of groups that became members of its group, or ceased to be.
type nesting struct {
	GroupsAdded   []string `json:"groups_added"`
	GroupsRemoved []string `json:"groups_removed"`
}

// GroupMembers returns the members of each of the groups by group id, first the
// users, then the groups, in one statement. It names the organization for the groups and for
// the users and not for the rows between them, so that these are read from their
// index alone.
func (o *Org) GroupMembers(ctx context.Context, groupIDs ...string) (map[string][]MemberOf, error) {
	out := map[string][]MemberOf{}
	if len(groupIDs) == 0 {
		return out, nil
	}
	condition, list, err := o.amongst(groupIDs)
	if err != nil {
		return nil, err
	}
	rows, err := o.read.WithContext(ctx).Model(&DirectoryGroup{}).
		Select("t.side, t.id, t.display_name, t.is_group").
		Joins("JOIN (SELECT m.group_id AS side, u.id, u.display_name, false AS is_group FROM directory_group_members m "+
			"JOIN users u ON u.organization_id = ? AND u.id = m.user_id WHERE m.group_id"+condition+
			" UNION ALL SELECT n.group_id, g.id, g.display_name, true FROM directory_group_groups n "+
			"JOIN directory_groups g ON g.organization_id = n.organization_id AND g.id = n.member_id WHERE n.organization_id = ? AND n.group_id"+condition+
								") t ON t.side = directory_groups.id", o.ID, list, o.ID, list).
		Where("directory_groups.id"+condition, list). // so that each group is looked up once, and not for each of its members
		Rows()
	if err == nil {
		err = eachMember(rows, func(group string, m MemberOf, isGroup bool) {
			m.IsGroup = isGroup
			out[group] = append(out[group], m)
		})
	}
	if err != nil {
		return nil, o.store.translate(fmt.Errorf("read members: %w", err))
	}
	for _, members := range out { // which costs the database more
		slices.SortFunc(members, usersFirst)
	}
	return out, nil
}

// usersFirst orders members by kind and then by id.
func usersFirst(a, b MemberOf) int {
	switch {
	case a.IsGroup == b.IsGroup:
		return strings.Compare(a.ID, b.ID)
	case b.IsGroup:
		return -1
	}
	return 1
}

// eachMember reads rows of one side's id, the other's id and display name, and a
// boolean. There may be a hundred thousand, which GORM's reflection would take
// longer to read than all the rest takes.
func eachMember(rows *sql.Rows, take func(side string, m MemberOf, is bool)) error {
	defer rows.Close()
	var text sql.RawBytes
	side := ""
	for rows.Next() {
		var m MemberOf
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

// amongst is what makes a column a condition that it is one of ids, and the value
// for it. For one alone the planner knows better what to expect.
func (o *Org) amongst(ids []string) (condition string, value any, err error) {
	if len(ids) == 1 {
		return " = ?", ids[0], nil
	}
	value, err = encode(ids)
	return o.store.dialect.oneOf(""), value, err
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
func (o *Org) groupsAbove(ctx context.Context, ids []string) (map[string][]MemberOf, error) {
	condition, list, err := o.amongst(ids)
	if err != nil {
		return nil, err
	}
	var rows []struct{ Side, ID, DisplayName string }
	err = o.read.WithContext(ctx).Model(&DirectoryGroup{}).
		Select("t.side, directory_groups.id, directory_groups.display_name").
		Joins(strings.Join([]string{
			"JOIN (WITH RECURSIVE up (side, id) AS (SELECT n.member_id, n.group_id FROM directory_group_groups n WHERE n.organization_id = ? AND n.member_id" + condition,
			"UNION SELECT up.side, n.group_id FROM directory_group_groups n JOIN up ON n.member_id = up.id WHERE n.organization_id = ?)",
			"SELECT side, id FROM up) t ON t.id = directory_groups.id"}, " "), o.ID, list, o.ID).
		Order("directory_groups.id").Scan(&rows).Error
	if err != nil {
		return nil, o.store.translate(fmt.Errorf("read groups of groups: %w", err))
	}
	out := map[string][]MemberOf{}
	for _, r := range rows {
		out[r.Side] = append(out[r.Side], MemberOf{ID: r.ID, DisplayName: r.DisplayName, Indirect: true})
	}
	return out, nil
}
