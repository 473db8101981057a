package directory

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"rollcall/model"
	"rollcall/model/entitle"
	"rollcall/model/internal/removed"
	"rollcall/model/internal/tenant"
	"rollcall/model/people"
)

// GroupQuery selects the directory groups of an organization; empty fields select all.
type GroupQuery struct {
	model.Page
	DirectoryID string // only those of this directory
	UserID      string // only those with this member
}

// GroupPage lists directory groups of the organization.
func (o Org) GroupPage(ctx context.Context, q GroupQuery) ([]people.DirectoryGroup, model.PageInfo, error) {
	db := tenant.Read(ctx, o).Model(&people.DirectoryGroup{})
	if q.DirectoryID != "" {
		db = db.Where("directory_id = ?", q.DirectoryID)
	}
	if q.UserID != "" {
		memberships := tenant.Read(ctx, o).Model(&people.GroupMember{}).Select("group_id").
			Where("user_id = ?", q.UserID)
		db = db.Where(tenant.DialectOf(o).In("id", "?"), memberships)
	}
	return tenant.Paged(o, db, q.Page, func(g people.DirectoryGroup) string { return g.ID })
}

// Group returns one group of the directory.
func (c Contents) Group(ctx context.Context, id string) (*people.DirectoryGroup, error) {
	g := people.DirectoryGroup{OrganizationID: c.org.ID}
	return &g, c.read(ctx, "group", id,
		tenant.Join("SELECT "+readGroupColumns.Selected("directory_groups")+", ", c.tokenThere(),
			" FROM directory_groups WHERE organization_id = ", tenant.Param(string(c.org.ID)),
			" AND id = ", tenant.Param(id), " AND directory_id = ", tenant.Param(c.id)),
		readGroupColumns.Pointers(&g))
}

// CreateGroup creates a group with its first members. It answers Conflict where the directory has
// a group of that name, and Invalid for an unknown member.
func (c Contents) CreateGroup(ctx context.Context, document map[string]any, members []string) (
	*people.DirectoryGroup, error) {
	g := &people.DirectoryGroup{ID: model.NewID(), DirectoryID: c.id, Version: 1}
	if err := g.SetDocument(document); err != nil {
		return nil, err
	}
	err := c.change(ctx, func(c Contents) error {
		g.CreatedAt, g.UpdatedAt = tenant.Now(c.org), tenant.Now(c.org)
		if err := tenant.DB(ctx, c.org).Create(g).Error; err != nil {
			return groupTaken(fmt.Errorf("create group: %w", err))
		}
		group := g.PublicForm()
		if err := tenant.Record(c.org, DirectoryGroupCreated, group.ID, group); err != nil {
			return err
		}
		_, err := c.org.changeMembers(ctx, g, MembersChange{Op: AddMembers, UserIDs: members})
		return err
	})
	if err != nil {
		return nil, err
	}
	return g, nil
}

// groupTaken explains a violated unique index of groups, which can only be that of the names.
func groupTaken(err error) error {
	if errors.Is(err, gorm.ErrDuplicatedKey) {
		return &model.Error{Kind: model.Conflict, Field: "displayName", Err: err,
			Message: "a group with this displayName exists in the directory; " +
				"find it with a displayName filter, or send another name"}
	}
	return err
}

// lockGroup locks the row of a group of the directory for a change, and reads it.
func (c Contents) lockGroup(ctx context.Context, id string) (*people.DirectoryGroup, error) {
	var g people.DirectoryGroup
	db := tenant.ForChange(c.org, tenant.DB(ctx, c.org), id).Where(tenant.IsBeside("directory_id"), c.id)
	if err := c.lock(ctx, db, &g, "group", id); err != nil {
		return nil, err
	}
	return &g, nil
}

// errUnchanged rolls back an update that turned out to alter nothing.
var errUnchanged = errors.New("nothing changed")

// GroupDraft is the group that the callback of UpdateGroup gets: only its document can change.
type GroupDraft struct {
	group   people.DirectoryGroup
	version int64
}

// Version is the version of the group before the change.
func (d *GroupDraft) Version() int64 { return d.version }

// DocumentMap returns the group's document, see DirectoryGroup.DocumentMap.
func (d *GroupDraft) DocumentMap() (map[string]any, error) { return d.group.DocumentMap() }

// SetDocument replaces the group's document, see DirectoryGroup.SetDocument.
func (d *GroupDraft) SetDocument(document map[string]any) error { return d.group.SetDocument(document) }

// UpdateGroup has change alter the group's document, and then applies the changes of its members
// in their order. The group is locked meanwhile, and its members are never all in memory. An
// update that alters nothing writes nothing and keeps the version.
func (c Contents) UpdateGroup(
	ctx context.Context, id string, change func(*GroupDraft) error, members ...MembersChange,
) (*people.DirectoryGroup, error) {
	if !model.IsID(id) {
		return nil, model.NotFoundf("there is no group %.64q here", id)
	}
	if tenant.InTx(c.org) {
		return c.updateGroupJoined(ctx, id, change, members)
	}
	g, err := c.addAtOnce(ctx, id, change, members)
	if g != nil || err != nil {
		return g, err
	}
	err = c.change(ctx, func(c Contents) (err error) {
		var altered bool
		if g, altered, err = c.updateGroup(ctx, id, change, members); err == nil && !altered {
			err = errUnchanged
		}
		return err
	})
	if errors.Is(err, errUnchanged) {
		return c.Group(ctx, id)
	}
	if err != nil {
		return nil, err
	}
	return g, nil
}

// updateGroupJoined is UpdateGroup within a transaction of the caller: where nothing is altered,
// it restores the version that updateGroup wrote.
func (c Contents) updateGroupJoined(
	ctx context.Context, id string, change func(*GroupDraft) error, members []MembersChange,
) (g *people.DirectoryGroup, err error) {
	err = c.tx(ctx, func(c Contents) error {
		before, err := c.lockGroup(ctx, id)
		if err != nil {
			return err
		}
		var altered bool
		if g, altered, err = c.updateGroup(ctx, id, change, members); err != nil || altered {
			return err
		}
		g = before
		err = tenant.DB(ctx, c.org).Model(&people.DirectoryGroup{}).Where("id = ?", id).
			Select("Version", "UpdatedAt").UpdateColumns(before).Error
		if err != nil {
			return fmt.Errorf("restore group: %w", err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return g, nil
}

// updateGroup gives the group a new version, applies the changes, and returns whether they altered
// anything. Almost every update does, so that the write of the version is also the lock: this
// saves a statement.
func (c Contents) updateGroup(
	ctx context.Context, id string, change func(*GroupDraft) error, members []MembersChange,
) (*people.DirectoryGroup, bool, error) {
	var g people.DirectoryGroup
	r := tenant.InTurn(c.org, tenant.DB(ctx, c.org), id).Model(&g).Clauses(groupColumns.Returning()).
		Where("id = ? AND "+tenant.IsBeside("directory_id"), id, c.id).Where(c.tokenThere()).
		UpdateColumns(map[string]any{"version": tenant.Increment("version"), "updated_at": tenant.Now(c.org)})
	if r.Error != nil {
		return nil, false, fmt.Errorf("lock group: %w", r.Error)
	}
	if r.RowsAffected == 0 {
		return nil, false, model.NotFoundf("there is no group %.64q here", id)
	}
	if err := c.saw(true); err != nil {
		return nil, false, err
	}
	before := g
	draft := GroupDraft{group: g, version: g.Version - 1}
	if err := change(&draft); err != nil {
		return nil, false, err
	}
	g = draft.group
	altered := before != g
	if altered {
		if err := c.org.writeGroup(ctx, &before, &g); err != nil {
			return nil, false, err
		}
	}
	for _, m := range members {
		m.alone = len(members) == 1
		any, err := c.org.changeMembers(ctx, &g, m)
		if err != nil {
			return nil, false, err
		}
		altered = altered || any
	}
	return &g, altered, nil
}

// writeGroup stores what changed of a group, with its event.
func (o Org) writeGroup(ctx context.Context, before, after *people.DirectoryGroup) error {
	err := tenant.DB(ctx, o).Model(&people.DirectoryGroup{}).Where("id = ?", after.ID).
		Select(people.Changed(before, after)).UpdateColumns(after).Error
	if err != nil {
		return groupTaken(fmt.Errorf("update group: %w", err))
	}
	if before.DisplayNameFolded != after.DisplayNameFolded { // a rule may name the group by it
		if err := entitle.Inside(tenant.Inside(o)).AffectsGroups(ctx, after.ID); err != nil {
			return err
		}
	}
	data := struct {
		people.DirectoryGroupObject
		PreviousAttributes any `json:"previous_attributes"`
	}{DirectoryGroupObject: after.PublicForm()}
	if data.PreviousAttributes, err = tenant.Previous(before.PublicForm(), data.DirectoryGroupObject); err != nil {
		return err
	}
	return tenant.Record(o, DirectoryGroupUpdated, data.ID, data)
}

// DeleteGroup removes a group with its memberships. Each of allow gets the locked group and may
// refuse.
func (c Contents) DeleteGroup(ctx context.Context, id string, allow ...func(*people.DirectoryGroup) error) error {
	return c.change(ctx, func(c Contents) error {
		if err := c.org.touchGroupsAround(ctx, id); err != nil {
			return err
		}
		g, err := c.lockGroup(ctx, id)
		if err != nil {
			return err
		}
		for _, allows := range allow {
			if err := allows(g); err != nil {
				return err
			}
		}
		if err := entitle.Inside(tenant.Inside(c.org)).AffectsGroups(ctx, id); err != nil {
			return err
		}
		tenant.RuleInputChanged(c.org) // a rule may name the group
		err = tenant.DB(ctx, c.org).Where("id = ?", id).Delete(&people.DirectoryGroup{}).Error
		if err != nil {
			return fmt.Errorf("delete group: %w", err)
		}
		if err := removed.Remember(ctx, c.org, c.id, id); err != nil {
			return err
		}
		return tenant.Record(c.org, DirectoryGroupDeleted, model.DirectoryGroupPrefix.ID(id), g.PublicForm())
	})
}
