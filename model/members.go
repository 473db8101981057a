package model

import (
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm/clause"
)

// The SQL in this file spans tables that GORM's predicate does not reach:
// every statement names the organization for each table itself.

// groupMember is a user's membership in a directory group.
type groupMember struct {
	OrganizationID OrganizationID `gorm:"<-:create"`
	GroupID        string         `gorm:"primaryKey"`
	UserID         string         `gorm:"primaryKey"`
}

// TableName is the table of groupMember.
func (groupMember) TableName() string { return "directory_group_members" }

// MembersOp says what a MembersChange does with its users.
type MembersOp uint8

// The changes of a group's members. ReplaceMembers with nobody empties the group.
const (
	AddMembers MembersOp = iota
	RemoveMembers
	ReplaceMembers
)

// MembersChange is one change of a group's members. Adding who is in, and
// removing who is not, changes nothing.
type MembersChange struct {
	Op      MembersOp
	UserIDs []string
}

// changeMembers applies one change to a group whose lock the caller holds, and
// tells whether it altered anything.
func (o *Org) changeMembers(ctx context.Context, g *DirectoryGroup, c MembersChange) (bool, error) {
	named := make([]string, 0, len(c.UserIDs))
	for _, id := range c.UserIDs {
		switch {
		case isID(id):
			named = append(named, id)
		case c.Op != RemoveMembers:
			return false, errUnknownMember(id)
		}
	}
	if len(named) == 0 && c.Op != ReplaceMembers {
		return false, nil
	}
	slices.Sort(named)
	named = slices.Compact(named)
	added, removed := 0, 0
	if c.Op != AddMembers {
		ids, err := encode(named)
		if err != nil {
			return false, err
		}
		if removed, err = o.removeMembers(ctx, g, c.Op == ReplaceMembers, ids); err != nil {
			return false, err
		}
	}
	if c.Op != RemoveMembers {
		for some := range slices.Chunk(named, membersAtOnce) {
			n, err := o.addMembers(ctx, g, some)
			if err != nil {
				return false, err
			}
			added += n
		}
	}
	return added+removed > 0, nil
}

// membersAtOnce are how many users are in memory at a time, each with a document
// of up to documentLimit.
const membersAtOnce = 500

func errUnknownMember(id string) error {
	return Invalidf("members", "the directory has no user %.64q; create the user first, then add it to the group", id)
}

// removeMembers removes the listed users, or all but them.
func (o *Org) removeMembers(ctx context.Context, g *DirectoryGroup, others bool, ids string) (int, error) {
	condition := o.store.dialect.oneOf("user_id")
	if others {
		condition = o.store.dialect.noneOf("user_id")
	}
	var gone []groupMember
	db := o.db.WithContext(ctx).Clauses(clause.Returning{Columns: []clause.Column{{Name: "user_id"}}})
	if err := db.Where("group_id = ?", g.ID).Where(condition, ids).Delete(&gone).Error; err != nil {
		return 0, fmt.Errorf("delete members: %w", err)
	}
	if len(gone) == 0 {
		return 0, nil
	}
	for some := range slices.Chunk(gone, membersAtOnce) {
		if err := o.recordRemoved(ctx, g, some); err != nil {
			return 0, err
		}
	}
	return len(gone), nil
}

func (o *Org) recordRemoved(ctx context.Context, g *DirectoryGroup, gone []groupMember) error {
	list := make([]string, len(gone))
	for i, m := range gone {
		list[i] = m.UserID
	}
	ids, err := encode(list)
	if err != nil {
		return err
	}
	var users []User
	if err := o.db.WithContext(ctx).Where(o.store.dialect.oneOf("users.id"), ids).Find(&users).Error; err != nil {
		return fmt.Errorf("read former members: %w", err)
	}
	for i := range users {
		if err := o.recordMember(ctx, DirectoryGroupUserRemove, g, &users[i]); err != nil {
			return err
		}
	}
	return nil
}

// candidateMember is a user whom a request names as a member.
type candidateMember struct {
	User     `gorm:"embedded"`
	IsMember bool
}

// addMembers adds the listed users who are not in the group yet. Users whom the
// directory could adopt are adopted; anyone else it does not own is unknown.
func (o *Org) addMembers(ctx context.Context, g *DirectoryGroup, wanted []string) (int, error) {
	known, err := o.knownMembers(ctx, g, wanted)
	if err != nil {
		return 0, err
	}
	var rows []groupMember
	for _, id := range wanted {
		c := known[id]
		if c.IsMember {
			continue
		}
		rows = append(rows, groupMember{GroupID: g.ID, UserID: id})
		if err := o.recordMember(ctx, DirectoryGroupUserAdded, g, &c.User); err != nil {
			return 0, err
		}
	}
	if len(rows) == 0 {
		return 0, nil
	}
	if err := o.db.WithContext(ctx).CreateInBatches(&rows, o.store.dialect.batch(3)).Error; err != nil {
		return 0, fmt.Errorf("create members: %w", err)
	}
	return len(rows), nil
}

// knownMembers returns those whom a request names, by id, each of them the
// directory's by now.
func (o *Org) knownMembers(ctx context.Context, g *DirectoryGroup, wanted []string) (map[string]*candidateMember, error) {
	ids, err := encode(wanted)
	if err != nil {
		return nil, err
	}
	var found []candidateMember
	// KEY SHARE keeps the users from being deleted before their membership is written.
	db := o.db.WithContext(ctx).Model(&User{}).Clauses(clause.Locking{Strength: "KEY SHARE"}).
		Select("users.*, EXISTS (SELECT 1 FROM directory_group_members m WHERE m.organization_id = ? AND m.group_id = ? AND m.user_id = users.id) AS is_member", o.ID, g.ID)
	// COALESCE keeps PostgreSQL, while it knows little of a new table, from reading the whole directory.
	err = db.Where("COALESCE(users.directory_id, '') = ?", g.DirectoryID).Where(o.store.dialect.oneOf("users.id"), ids).Order("users.id").Find(&found).Error
	if err != nil {
		return nil, fmt.Errorf("read new members: %w", err)
	}
	known := make(map[string]*candidateMember, len(found))
	for i := range found {
		known[found[i].ID] = &found[i]
	}
	// wanted is sorted, so that two requests that adopt the same users do not wait for each other.
	for _, id := range wanted {
		if known[id] != nil {
			continue
		}
		u, err := o.UpdateDirectoryUser(ctx, g.DirectoryID, id, func(*User) error { return nil })
		if KindOf(err) == NotFound {
			return nil, errUnknownMember(id)
		}
		if err != nil {
			return nil, err
		}
		known[id] = &candidateMember{User: *u}
	}
	return known, nil
}

func (o *Org) recordMember(ctx context.Context, t EventType, g *DirectoryGroup, u *User) error {
	user, err := u.DirectoryUserForm()
	if err != nil {
		return err
	}
	group := g.PublicForm()
	err = o.record(t, group.ID, struct {
		DirectoryID string               `json:"directory_id"`
		User        DirectoryUserObject  `json:"user"`
		Group       DirectoryGroupObject `json:"group"`
	}{group.DirectoryID, user, group})
	if err != nil {
		return err
	}
	return o.spill(ctx)
}

// touchGroupsOf locks the groups that a user is in and gives them a new version,
// since they are about to lose a member. Whoever removes a user does this first:
// groups are locked before users, or a change of a group's members and the
// removal of one of them could wait for each other.
func (o *Org) touchGroupsOf(ctx context.Context, userID string) error {
	if !isID(userID) {
		return nil
	}
	var groups []string
	memberships := o.db.Model(&groupMember{}).Select("group_id").Where("user_id = ?", userID)
	db := o.inTurn(o.db.WithContext(ctx), userID) // the user's turn comes before the groups' rows, as it is the user's event
	err := db.Model(&DirectoryGroup{}).Clauses(clause.Locking{Strength: toRemove}).
		Where("id IN (?)", memberships).Order("id").Pluck("id", &groups).Error
	if err != nil {
		return fmt.Errorf("lock groups: %w", err)
	}
	if len(groups) == 0 {
		return nil
	}
	ids, err := encode(groups)
	if err != nil {
		return err
	}
	err = o.db.WithContext(ctx).Model(&DirectoryGroup{}).Where(o.store.dialect.oneOf("id"), ids).
		UpdateColumns(map[string]any{"version": increment("version"), "updated_at": o.now()}).Error
	if err != nil {
		return fmt.Errorf("update groups: %w", err)
	}
	return nil
}

// MemberOf is one membership, seen from either side: the id and display name of
// the other side.
type MemberOf struct {
	ID          string
	DisplayName string
}

// GroupMembers returns the members of each of the groups, by group id, in one statement.
func (o *Org) GroupMembers(ctx context.Context, groupIDs ...string) (map[string][]MemberOf, error) {
	return o.memberships(ctx, groupIDs, "group_id", "users", "user_id")
}

// GroupsOf returns the directory groups of each of the users, by user id, in one statement.
func (o *Org) GroupsOf(ctx context.Context, userIDs ...string) (map[string][]MemberOf, error) {
	return o.memberships(ctx, userIDs, "user_id", "directory_groups", "group_id")
}

// DirectoryGroupsOf returns the directory groups of each of the users whole, by user id.
func (o *Org) DirectoryGroupsOf(ctx context.Context, userIDs ...string) (map[string][]DirectoryGroup, error) {
	memberships, err := o.GroupsOf(ctx, userIDs...)
	if err != nil {
		return nil, err
	}
	whole := map[string]DirectoryGroup{}
	for _, of := range memberships {
		for _, m := range of {
			whole[m.ID] = DirectoryGroup{}
		}
	}
	ids, err := encode(sortedKeys(whole))
	if err != nil {
		return nil, err
	}
	var groups []DirectoryGroup
	if len(whole) > 0 {
		if err := o.read.WithContext(ctx).Where(o.store.dialect.oneOf("directory_groups.id"), ids).Find(&groups).Error; err != nil {
			return nil, o.store.translate(fmt.Errorf("read groups: %w", err))
		}
	}
	for _, g := range groups {
		whole[g.ID] = g
	}
	out := make(map[string][]DirectoryGroup, len(memberships))
	for user, of := range memberships {
		for _, m := range of {
			if g := whole[m.ID]; g.ID != "" { // not deleted between the two reads
				out[user] = append(out[user], g)
			}
		}
	}
	return out, nil
}

func (o *Org) memberships(ctx context.Context, ids []string, side, table, other string) (map[string][]MemberOf, error) {
	out := map[string][]MemberOf{}
	if len(ids) == 0 {
		return out, nil
	}
	column := "directory_group_members." + side
	condition, value := column+" = ?", ids[0] // for one alone the planner knows better what to expect
	if len(ids) > 1 {
		list, err := encode(ids)
		if err != nil {
			return nil, err
		}
		condition, value = o.store.dialect.oneOf(column), list
	}
	var rows []struct{ Side, ID, DisplayName string }
	err := o.read.WithContext(ctx).Model(&groupMember{}).
		Select(column+" AS side, t.id, t.display_name").
		Joins("JOIN "+table+" t ON t.organization_id = directory_group_members.organization_id AND t.id = directory_group_members."+other).
		Where(condition, value).
		Order("t.id").Scan(&rows).Error
	if err != nil {
		return nil, o.store.translate(fmt.Errorf("read memberships: %w", err))
	}
	for _, r := range rows {
		out[r.Side] = append(out[r.Side], MemberOf{r.ID, r.DisplayName})
	}
	return out, nil
}
