package directory

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/entitle"
	"rollcall/model/internal/tenant"
	"rollcall/model/people"
)

// GroupQuery asks for directory groups of an organization, for the API.
type GroupQuery struct {
	model.Page
	DirectoryID string // only those of this directory
	UserID      string // only those with this member
}

// GroupPage lists directory groups of the organization.
func (o Org) GroupPage(ctx context.Context, q GroupQuery) ([]people.DirectoryGroup, model.PageInfo, error) {
	db := tenant.Read(o).WithContext(ctx).Model(&people.DirectoryGroup{})
	if q.DirectoryID != "" {
		db = db.Where("directory_id = ?", q.DirectoryID)
	}
	if q.UserID != "" {
		db = db.Where("id IN (?)", tenant.Read(o).Model(&people.GroupMember{}).Select("group_id").Where("user_id = ?", q.UserID))
	}
	return tenant.Paged(o, db, q.Page, func(g people.DirectoryGroup) string { return g.ID })
}

// CreateDirectoryGroup makes a group with its first members. It answers Conflict
// when the directory has a group of that name, Invalid for an unknown member.
func (o Org) CreateDirectoryGroup(ctx context.Context, directoryID string, document map[string]any, members []string) (*people.DirectoryGroup, error) {
	g := &people.DirectoryGroup{ID: model.NewID(), DirectoryID: directoryID, Version: 1}
	if err := g.SetDocument(document); err != nil {
		return nil, err
	}
	err := o.change(ctx, func(org Org) error {
		g.CreatedAt, g.UpdatedAt = tenant.Now(org), tenant.Now(org)
		if err := tenant.DB(org).WithContext(ctx).Create(g).Error; err != nil {
			return groupTaken(fmt.Errorf("create group: %w", err))
		}
		if err := tenant.Record(org, DirectoryGroupCreated, model.DirectoryGroupPrefix.ID(g.ID), g.PublicForm()); err != nil {
			return err
		}
		_, err := org.changeMembers(ctx, g, MembersChange{Op: AddMembers, UserIDs: members})
		return err
	})
	if err != nil {
		return nil, err
	}
	return g, nil
}

// groupTaken says what a violated unique index means for a group: only the one of names can be.
func groupTaken(err error) error {
	if errors.Is(err, gorm.ErrDuplicatedKey) {
		return &model.Error{Kind: model.Conflict, Field: "displayName", Err: err,
			Message: "a group with this displayName exists in the directory; find it with a displayName filter, or send another name"}
	}
	return err
}

// lockGroup reads a group of a directory for a change that nobody else makes meanwhile.
func (o Org) lockGroup(ctx context.Context, directoryID, id string) (*people.DirectoryGroup, error) {
	var g people.DirectoryGroup
	db := tenant.ForChange(o, tenant.DB(o).WithContext(ctx), id).Where("directory_id = ?", directoryID)
	if err := tenant.ByID(o, db, &g, "group", id); err != nil {
		return nil, err
	}
	return &g, nil
}

// errUnchanged rolls back an update that turned out to alter nothing.
var errUnchanged = errors.New("nothing changed")

// GroupDraft is a group of a directory as UpdateDirectoryGroup has it changed: by its document only.
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

// UpdateDirectoryGroup lets change alter a group's document and then applies the
// changes of its members in order, all under the group's lock and without ever loading the
// group's members. What alters nothing writes nothing and keeps the version.
func (o Org) UpdateDirectoryGroup(
	ctx context.Context, directoryID, id string, change func(*GroupDraft) error, members ...MembersChange,
) (*people.DirectoryGroup, error) {
	if !model.IsID(id) {
		return nil, model.NotFoundf("there is no group %.64q here", id)
	}
	if tenant.InTx(o) {
		return o.updateGroupJoined(ctx, directoryID, id, change, members)
	}
	g, err := o.addAtOnce(ctx, directoryID, id, change, members)
	if g != nil || err != nil {
		return g, err
	}
	err = o.change(ctx, func(org Org) (err error) {
		var altered bool
		if g, altered, err = org.updateGroup(ctx, directoryID, id, change, members); err == nil && !altered {
			err = errUnchanged
		}
		return err
	})
	if errors.Is(err, errUnchanged) {
		return people.In(o).DirectoryGroup(ctx, directoryID, id)
	}
	if err != nil {
		return nil, err
	}
	return g, nil
}

// updateGroupJoined is UpdateDirectoryGroup within a transaction that goes on:
// where nothing is altered it takes its first write back itself.
func (o Org) updateGroupJoined(
	ctx context.Context, directoryID, id string, change func(*GroupDraft) error, members []MembersChange,
) (g *people.DirectoryGroup, err error) {
	err = o.Tx(ctx, func(org Org) error {
		before, err := org.lockGroup(ctx, directoryID, id)
		if err != nil {
			return err
		}
		var altered bool
		if g, altered, err = org.updateGroup(ctx, directoryID, id, change, members); err != nil || altered {
			return err
		}
		g = before
		err = tenant.DB(org).WithContext(ctx).Model(&people.DirectoryGroup{}).Where("id = ?", id).Select("Version", "UpdatedAt").UpdateColumns(before).Error
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

// updateGroup gives a group a new version and applies the changes to it. Whether
// they altered anything it tells only afterwards: taking the lock by the write
// that almost always follows saves a statement.
func (o Org) updateGroup(
	ctx context.Context, directoryID, id string, change func(*GroupDraft) error, members []MembersChange,
) (*people.DirectoryGroup, bool, error) {
	var g people.DirectoryGroup
	r := tenant.InTurn(o, tenant.DB(o).WithContext(ctx), id).Model(&g).Clauses(clause.Returning{}).Where("id = ? AND directory_id = ?", id, directoryID).
		UpdateColumns(map[string]any{"version": tenant.Increment("version"), "updated_at": tenant.Now(o)})
	if r.Error != nil {
		return nil, false, fmt.Errorf("lock group: %w", r.Error)
	}
	if r.RowsAffected == 0 {
		return nil, false, model.NotFoundf("there is no group %.64q here", id)
	}
	before := g
	draft := GroupDraft{group: g, version: g.Version - 1}
	if err := change(&draft); err != nil {
		return nil, false, err
	}
	g = draft.group
	altered := before != g
	if altered {
		if err := o.writeGroup(ctx, &before, &g); err != nil {
			return nil, false, err
		}
	}
	for _, m := range members {
		any, err := o.changeMembers(ctx, &g, m)
		if err != nil {
			return nil, false, err
		}
		altered = altered || any
	}
	return &g, altered, nil
}

func (o Org) writeGroup(ctx context.Context, before, after *people.DirectoryGroup) error {
	err := tenant.DB(o).WithContext(ctx).Model(&people.DirectoryGroup{}).Where("id = ?", after.ID).Select(people.Changed(before, after)).UpdateColumns(after).Error
	if err != nil {
		return groupTaken(fmt.Errorf("update group: %w", err))
	}
	if before.DisplayNameFolded != after.DisplayNameFolded { // by which a rule may know it
		if err := entitle.In(o).AffectsGroups(ctx, after.ID); err != nil {
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

// DeleteDirectoryGroup removes a group with its memberships. Each of allow sees
// the group under the lock and may refuse.
func (o Org) DeleteDirectoryGroup(ctx context.Context, directoryID, id string, allow ...func(*people.DirectoryGroup) error) error {
	return o.change(ctx, func(org Org) error {
		if err := org.touchGroupsAround(ctx, id); err != nil {
			return err
		}
		g, err := org.lockGroup(ctx, directoryID, id)
		if err != nil {
			return err
		}
		for _, allows := range allow {
			if err := allows(g); err != nil {
				return err
			}
		}
		if err := entitle.In(org).AffectsGroups(ctx, id); err != nil {
			return err
		}
		tenant.RuleInputChanged(org) // which may name it
		if err := tenant.DB(org).WithContext(ctx).Where("id = ?", id).Delete(&people.DirectoryGroup{}).Error; err != nil {
			return fmt.Errorf("delete group: %w", err)
		}
		return tenant.Record(org, DirectoryGroupDeleted, model.DirectoryGroupPrefix.ID(id), g.PublicForm())
	})
}
