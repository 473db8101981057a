package directory

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/internal/removed"
	"rollcall/model/internal/tenant"
	"rollcall/model/people"
)

// MembersOp is what a MembersChange does.
type MembersOp uint8

// The changes of a group's members. ReplaceMembers without ids empties the group.
const (
	AddMembers MembersOp = iota
	RemoveMembers
	ReplaceMembers
)

// MembersChange is one change of a group's members. To add a member again changes nothing, nor does
// removing a user that is not a member.
type MembersChange struct {
	Op      MembersOp
	UserIDs []string // of users, and of groups of the same directory
	// PassOver passes over ids to add that the directory had and lost. An identity provider whose
	// list is older than a deletion must still be able to take the access of others away. An
	// addition that is the only change, and names nobody else, stays an error.
	PassOver bool
	alone    bool // the only change of members
}

// changeMembers applies one change to a group that the caller has locked, and returns whether it
// altered anything.
func (o Org) changeMembers(ctx context.Context, g *people.DirectoryGroup, c MembersChange) (bool, error) {
	named := make([]string, 0, len(c.UserIDs))
	for _, id := range c.UserIDs {
		switch {
		case model.IsID(id):
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
		ids, err := tenant.Encode(named)
		if err != nil {
			return false, err
		}
		if removed, err = o.removeMembers(ctx, g, c.Op == ReplaceMembers, ids); err != nil {
			return false, err
		}
		if c.Op == ReplaceMembers || removed < len(named) { // some of the ids are not of users
			groups, err := o.unnest(ctx, g, c.Op == ReplaceMembers, ids)
			if err != nil {
				return false, err
			}
			removed += groups
		}
	}
	if c.Op != RemoveMembers {
		var err error
		if added, err = o.addAll(ctx, g, named, c); err != nil {
			return false, err
		}
	}
	return added+removed > 0, nil
}

// addAll adds members in parts, and returns how many were none before. It passes over ids that are
// gone where it may.
func (o Org) addAll(ctx context.Context, g *people.DirectoryGroup, named []string, c MembersChange) (int, error) {
	added, gone := 0, 0
	for some := range slices.Chunk(named, membersAtOnce) {
		n, passed, err := o.addMembers(ctx, g, some, c.PassOver)
		if err != nil {
			return 0, err
		}
		added, gone = added+n, gone+passed
	}
	if c.Op == AddMembers && c.alone && gone > 0 && gone == len(named) {
		return 0, model.Invalidf("members", "the user or group %.64q is deleted, and its id is not used again; "+
			"create it, then add its new id to the group", named[0])
	}
	return added, nil
}

// membersAtOnce is how many users are in memory at a time, each with a document of up to 64 KiB.
const membersAtOnce = 500

// errUnknownMember is the error for an id that is not of a user or group of the directory.
func errUnknownMember(id string) error {
	return model.Invalidf("members",
		"the directory has no user or group %.64q; create it first, then add it to the group", id)
}

// removeMembers removes the users of ids from a group, or with others all but them, and returns how
// many it removed.
func (o Org) removeMembers(ctx context.Context, g *people.DirectoryGroup, others bool, ids string) (int, error) {
	condition := tenant.DialectOf(o).EachOf("directory_group_members", "user_id", "group_id")
	if others {
		condition = tenant.DialectOf(o).NoneOf("user_id") + " AND group_id = ?"
	}
	var gone []people.GroupMember
	db := tenant.DB(ctx, o).Clauses(clause.Returning{Columns: []clause.Column{{Name: "user_id"}}})
	if err := db.Where(condition, ids, g.ID).Delete(&gone).Error; err != nil {
		return 0, fmt.Errorf("delete members: %w", err)
	}
	if len(gone) == 0 {
		return 0, nil
	}
	slices.SortFunc(gone, func(a, b people.GroupMember) int { return strings.Compare(a.UserID, b.UserID) })
	for some := range slices.Chunk(gone, membersAtOnce) {
		if err := o.recordRemoved(ctx, g, some); err != nil {
			return 0, err
		}
	}
	return len(gone), nil
}

// recordRemoved records an event for each user that a group has lost.
func (o Org) recordRemoved(ctx context.Context, g *people.DirectoryGroup, gone []people.GroupMember) error {
	list := make([]string, len(gone))
	for i, m := range gone {
		list[i] = m.UserID
	}
	tenant.Affects(o, tenant.CauseDirectory, list...)
	ids, err := tenant.Encode(list)
	if err != nil {
		return err
	}
	var users []people.User
	db := tenant.DB(ctx, o).Where(tenant.DialectOf(o).OneOf("users.id"), ids).Order("users.id")
	if err := db.Find(&users).Error; err != nil {
		return fmt.Errorf("read former members: %w", err)
	}
	for i := range users {
		if err := o.recordMember(ctx, DirectoryGroupUserRemoved, g, &users[i]); err != nil {
			return err
		}
	}
	return nil
}

// candidateMember is a user whose id a request adds to a group.
type candidateMember struct {
	people.User `gorm:"embedded"`
	IsMember    bool
}

// addMembers adds the users and groups that are not members of the group yet, and returns how many
// it added. It adopts users that the directory may adopt. Where it may, it passes over ids that are
// gone, and returns how many; any other id is unknown to it.
func (o Org) addMembers(ctx context.Context, g *people.DirectoryGroup, wanted []string, mayPass bool) (
	added, passed int, err error) {
	known, groups, err := o.knownMembers(ctx, g, wanted, mayPass)
	if err != nil {
		return 0, 0, err
	}
	var rows []people.GroupMember
	var nested []string
	for _, id := range wanted {
		if isMember, isGroup := groups[id]; isGroup {
			if !isMember {
				nested = append(nested, id)
			}
			continue
		}
		c := known[id]
		if c == nil {
			passed++
			continue
		}
		if c.IsMember {
			continue
		}
		rows = append(rows, people.GroupMember{GroupID: g.ID, UserID: id})
		tenant.Affects(o, tenant.CauseDirectory, id)
		if err := o.recordMember(ctx, DirectoryGroupUserAdded, g, &c.User); err != nil {
			return 0, 0, err
		}
	}
	if len(rows) > 0 {
		if err := tenant.DB(ctx, o).CreateInBatches(&rows, tenant.DialectOf(o).Batch(3)).Error; err != nil {
			return 0, 0, fmt.Errorf("create members: %w", err)
		}
	}
	return len(rows) + len(nested), passed, o.nest(ctx, g, nested)
}

// knownMembers returns the wanted users by id, which it has adopted where the directory may, and
// the wanted groups, each with whether it is a member of g. An id in neither is gone, where the
// caller may pass over those.
func (o Org) knownMembers(ctx context.Context, g *people.DirectoryGroup, wanted []string, mayPass bool) (
	known map[string]*candidateMember, groups map[string]bool, err error) {
	ids, err := tenant.Encode(wanted)
	if err != nil {
		return nil, nil, err
	}
	var found []candidateMember
	// KEY SHARE keeps the users from being deleted before their membership is written.
	db := tenant.DB(ctx, o).Model(&people.User{}).Clauses(clause.Locking{Strength: "KEY SHARE"}).
		Select(userColumns.Selected("users")+", EXISTS (SELECT 1 FROM directory_group_members m "+
			"WHERE m.organization_id = ? AND m.group_id = ? AND m.user_id = users.id) AS is_member", o.ID, g.ID)
	err = db.Where(besideDirectory+" = ?", g.DirectoryID).
		Where(tenant.DialectOf(o).OneOf("users.id"), ids).Order("users.id").Find(&found).Error
	if err != nil {
		return nil, nil, fmt.Errorf("read new members: %w", err)
	}
	known = make(map[string]*candidateMember, len(found))
	for i := range found {
		known[found[i].ID] = &found[i]
	}
	if len(known) == len(wanted) {
		return known, nil, nil
	}
	others := slices.DeleteFunc(slices.Clone(wanted), func(id string) bool { return known[id] != nil })
	if groups, err = o.groupsAmong(ctx, g, others); err != nil {
		return nil, nil, err
	}
	others = slices.DeleteFunc(others, func(id string) bool { _, isGroup := groups[id]; return isGroup })
	if mayPass && len(others) > 0 {
		gone, err := removed.Among(ctx, o, g.DirectoryID, others)
		if err != nil {
			return nil, nil, err
		}
		others = slices.DeleteFunc(others, func(id string) bool { return gone[id] })
	}
	// The ids are sorted: two requests that adopt the same users cannot deadlock.
	for _, id := range others {
		u, err := Of(o, g.DirectoryID).UpdateUser(ctx, id, func(*people.UserDraft) error { return nil })
		if model.KindOf(err) == model.NotFound {
			return nil, nil, errUnknownMember(id)
		}
		if err != nil {
			return nil, nil, err
		}
		known[id] = &candidateMember{User: *u}
	}
	return known, groups, nil
}

// recordMember records an event about a user's membership of a group.
func (o Org) recordMember(ctx context.Context, t model.EventType, g *people.DirectoryGroup, u *people.User) error {
	user, err := u.DirectoryUserForm()
	if err != nil {
		return err
	}
	group := g.PublicForm()
	err = tenant.Record(o, t, group.ID, struct {
		DirectoryID string                      `json:"directory_id"`
		User        people.DirectoryUserObject  `json:"user"`
		Group       people.DirectoryGroupObject `json:"group"`
	}{group.DirectoryID, user, group})
	if err != nil {
		return err
	}
	return tenant.Spill(ctx, o)
}

// touchGroupsOf locks the groups that have a user as a member, and gives them a new version, as the
// user is about to be removed. It comes before the lock of the user: every transaction locks groups
// before users, or a change of a group's members and the removal of one of them could deadlock.
func (o Org) touchGroupsOf(ctx context.Context, userID string) error {
	return o.touchGroups(ctx, userID, tenant.DB(ctx, o).Model(&people.GroupMember{}).Select("group_id").
		Where("user_id = ?", userID))
}

// touchGroupsAround is touchGroupsOf for a group that is about to be removed: the groups that have
// it as a member are locked before it.
func (o Org) touchGroupsAround(ctx context.Context, groupID string) error {
	return o.touchGroups(ctx, groupID, tenant.DB(ctx, o).Model(&GroupGroup{}).Select("group_id").
		Where("member_id = ?", groupID))
}

// touchGroups locks the groups of memberships and gives them a new version.
func (o Org) touchGroups(ctx context.Context, memberID string, memberships *gorm.DB) error {
	if !model.IsID(memberID) {
		return nil
	}
	var groups []string
	// The turn of the member comes before the locks of the groups, as the event is the member's.
	db := tenant.InTurn(o, tenant.DB(ctx, o), memberID)
	err := db.Model(&people.DirectoryGroup{}).Clauses(clause.Locking{Strength: tenant.ToRemove}).
		Where(tenant.DialectOf(o).In("id", "?"), memberships).Order("id").Pluck("id", &groups).Error
	if err != nil {
		return fmt.Errorf("lock groups: %w", err)
	}
	if len(groups) == 0 {
		return nil
	}
	ids, err := tenant.Encode(groups)
	if err != nil {
		return err
	}
	err = tenant.DB(ctx, o).Model(&people.DirectoryGroup{}).Where(tenant.DialectOf(o).OneOf("id"), ids).
		UpdateColumns(map[string]any{"version": tenant.Increment("version"), "updated_at": tenant.Now(o)}).Error
	if err != nil {
		return fmt.Errorf("update groups: %w", err)
	}
	return nil
}

// DirectoryGroupsOf returns by user id the directory groups that each user is a direct member of,
// with all their fields, as events show them. all is false, and there are no groups, where the
// users have more than most groups together.
func (o Org) DirectoryGroupsOf(ctx context.Context, most int, userIDs ...string) (
	of map[string][]people.DirectoryGroup, all bool, err error) {
	memberships, all, err := people.In(o).SomeGroupsOf(ctx, most, userIDs...)
	if err != nil || !all {
		return nil, false, err
	}
	whole := map[string]people.DirectoryGroup{}
	for _, of := range memberships {
		for _, m := range of {
			whole[m.ID] = people.DirectoryGroup{}
		}
	}
	ids, err := tenant.Encode(tenant.SortedKeys(whole))
	if err != nil {
		return nil, false, err
	}
	var groups []people.DirectoryGroup
	if len(whole) > 0 {
		db := tenant.Read(ctx, o).Where(tenant.DialectOf(o).OneOf("directory_groups.id"), ids)
		if err := db.Find(&groups).Error; err != nil {
			return nil, false, tenant.Translate(o, fmt.Errorf("read groups: %w", err))
		}
	}
	for _, g := range groups {
		whole[g.ID] = g
	}
	of = make(map[string][]people.DirectoryGroup, len(memberships))
	for user, list := range memberships {
		for _, m := range list {
			if g := whole[m.ID]; !m.Indirect && g.ID != "" { // not deleted between the two reads
				of[user] = append(of[user], g)
			}
		}
	}
	return of, true, nil
}
