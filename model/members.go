package model

import (
	"context"
	"fmt"

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
	if len(c.UserIDs) == 0 && c.Op != ReplaceMembers {
		return false, nil
	}
	ids, err := encode(append([]string{}, c.UserIDs...))
	if err != nil {
		return false, err
	}
	added, removed := 0, 0
	if c.Op != AddMembers {
		if removed, err = o.removeMembers(ctx, g, c.Op == ReplaceMembers, ids); err != nil {
			return false, err
		}
	}
	if c.Op != RemoveMembers && len(c.UserIDs) > 0 {
		if added, err = o.addMembers(ctx, g, c.UserIDs, ids); err != nil {
			return false, err
		}
	}
	return added+removed > 0, nil
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
	list := make([]string, len(gone))
	for i, m := range gone {
		list[i] = m.UserID
	}
	ids, err := encode(list)
	if err != nil {
		return 0, err
	}
	var users []User
	if err := o.db.WithContext(ctx).Where(o.store.dialect.oneOf("users.id"), ids).Find(&users).Error; err != nil {
		return 0, fmt.Errorf("read former members: %w", err)
	}
	for i := range users {
		if err := o.recordMember(DirectoryGroupUserRemove, g, &users[i]); err != nil {
			return 0, err
		}
	}
	return len(gone), nil
}

// candidateMember is a user whom a request names as a member.
type candidateMember struct {
	User     `gorm:"embedded"`
	IsMember bool
}

// addMembers adds the listed users who are not in the group yet. Users whom the
// directory could adopt are adopted; anyone else it does not own is unknown.
func (o *Org) addMembers(ctx context.Context, g *DirectoryGroup, wanted []string, ids string) (int, error) {
	var found []candidateMember
	// KEY SHARE keeps the users from being deleted before their membership is written.
	db := o.db.WithContext(ctx).Model(&User{}).Clauses(clause.Locking{Strength: "KEY SHARE"}).
		Select("users.*, EXISTS (SELECT 1 FROM directory_group_members m WHERE m.organization_id = ? AND m.group_id = ? AND m.user_id = users.id) AS is_member", o.ID, g.ID)
	if err := o.visible(db, g.DirectoryID).Where(o.store.dialect.oneOf("users.id"), ids).Find(&found).Error; err != nil {
		return 0, fmt.Errorf("read new members: %w", err)
	}
	known := make(map[string]*candidateMember, len(found))
	for i := range found {
		known[found[i].ID] = &found[i]
	}
	var rows []groupMember
	for _, id := range wanted {
		c := known[id]
		if c == nil {
			return 0, Invalidf("members", "the directory has no user %.64q; create the user first, then add it to the group", id)
		}
		if c.IsMember {
			continue
		}
		c.IsMember = true // named twice in one request
		rows = append(rows, groupMember{GroupID: g.ID, UserID: id})
		u := &c.User
		if u.DirectoryID == nil {
			adopted, err := o.UpdateDirectoryUser(ctx, g.DirectoryID, id, func(*User) error { return nil })
			if err != nil {
				return 0, err
			}
			u = adopted
		}
		if err := o.recordMember(DirectoryGroupUserAdded, g, u); err != nil {
			return 0, err
		}
	}
	if len(rows) == 0 {
		return 0, nil
	}
	if err := o.db.WithContext(ctx).CreateInBatches(&rows, memberBatch).Error; err != nil {
		return 0, fmt.Errorf("create members: %w", err)
	}
	return len(rows), nil
}

// memberBatch keeps one INSERT below the drivers' limits of parameters.
const memberBatch = 5000

func (o *Org) recordMember(t EventType, g *DirectoryGroup, u *User) error {
	user, err := u.DirectoryUserForm()
	if err != nil {
		return err
	}
	group := g.PublicForm()
	return o.record(t, group.ID, struct {
		DirectoryID string               `json:"directory_id"`
		User        DirectoryUserObject  `json:"user"`
		Group       DirectoryGroupObject `json:"group"`
	}{group.DirectoryID, user, group})
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

func (o *Org) memberships(ctx context.Context, ids []string, side, table, other string) (map[string][]MemberOf, error) {
	out := map[string][]MemberOf{}
	if len(ids) == 0 {
		return out, nil
	}
	list, err := encode(ids)
	if err != nil {
		return nil, err
	}
	var rows []struct{ Side, ID, DisplayName string }
	err = o.read.WithContext(ctx).Model(&groupMember{}).
		Select("directory_group_members."+side+" AS side, t.id, t.display_name").
		Joins("JOIN "+table+" t ON t.organization_id = directory_group_members.organization_id AND t.id = directory_group_members."+other).
		Where(o.store.dialect.oneOf("directory_group_members."+side), list).
		Order("t.id").Scan(&rows).Error
	if err != nil {
		return nil, o.store.translate(fmt.Errorf("read memberships: %w", err))
	}
	for _, r := range rows {
		out[r.Side] = append(out[r.Side], MemberOf{r.ID, r.DisplayName})
	}
	return out, nil
}
