package model

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// DirectoryGroup is a group that a directory pushes. Document is the SCIM
// resource as sent, without id, meta, schemas and members.
type DirectoryGroup struct {
	ID                string         `gorm:"primaryKey"`
	OrganizationID    OrganizationID `gorm:"<-:create"`
	DirectoryID       string
	DisplayName       string
	DisplayNameFolded string // unique in the directory
	ExternalID        string // empty when unassigned; compared exactly
	Version           int64  // the SCIM ETag
	Document          string
	DocumentFolded    foldedDocument // written for filters
	CreatedAt         Time           `gorm:"autoCreateTime:false"`
	UpdatedAt         Time           `gorm:"autoUpdateTime:false"`
}

// DocumentMap returns the group's document as canonical SCIM attributes, a copy
// that may be changed and handed to SetDocument.
func (g *DirectoryGroup) DocumentMap() (map[string]any, error) { return documentMap(g.Document) }

// SetDocument replaces the group's document and what follows from it. It answers
// Invalid, with the attribute's name, for a missing displayName and for values too long.
func (g *DirectoryGroup) SetDocument(document map[string]any) error {
	rest := make(map[string]any, len(document))
	for k, v := range document {
		if k != "members" {
			rest[k] = v
		}
	}
	text, err := encodeDocument(rest, g.Document)
	if err != nil || text == g.Document {
		return err
	}
	var d struct {
		DisplayName string `json:"displayName"`
		ExternalID  string `json:"externalId"`
	}
	if err := decode(text, &d); err != nil {
		return errDocument(err)
	}
	if strings.TrimSpace(d.DisplayName) == "" {
		return Invalidf("displayName", "displayName is required and must not be empty")
	}
	folded := Fold(d.DisplayName)
	if err := errors.Join(checkIndexed("displayName", folded), checkIndexed("externalId", d.ExternalID)); err != nil {
		return err
	}
	g.Document, g.DisplayName, g.DisplayNameFolded, g.ExternalID = text, d.DisplayName, folded, d.ExternalID
	return nil
}

// DirectoryGroup returns a group of a directory; directoryID may be empty for any.
func (o *Org) DirectoryGroup(ctx context.Context, directoryID, id string) (*DirectoryGroup, error) {
	db := o.read.WithContext(ctx)
	if directoryID != "" {
		db = db.Where("directory_id = ?", directoryID)
	}
	var g DirectoryGroup
	return &g, o.one(db, &g, "group", id)
}

// GroupQuery asks for directory groups of an organization, for the API.
type GroupQuery struct {
	Page
	DirectoryID string // only those of this directory
	UserID      string // only those with this member
}

// GroupPage lists directory groups of the organization.
func (o *Org) GroupPage(ctx context.Context, q GroupQuery) ([]DirectoryGroup, PageInfo, error) {
	db := o.read.WithContext(ctx).Model(&DirectoryGroup{})
	if q.DirectoryID != "" {
		db = db.Where("directory_id = ?", q.DirectoryID)
	}
	if q.UserID != "" {
		db = db.Where("id IN (?)", o.read.Model(&groupMember{}).Select("group_id").Where("user_id = ?", q.UserID))
	}
	return paged(o, db, q.Page, func(g DirectoryGroup) string { return g.ID })
}

// CreateDirectoryGroup makes a group with its first members. It answers Conflict
// when the directory has a group of that name, Invalid for an unknown member.
func (o *Org) CreateDirectoryGroup(ctx context.Context, directoryID string, document map[string]any, members []string) (*DirectoryGroup, error) {
	g := &DirectoryGroup{ID: newID(), DirectoryID: directoryID, Version: 1}
	if err := g.SetDocument(document); err != nil {
		return nil, err
	}
	err := o.change(ctx, func(org *Org) error {
		g.CreatedAt, g.UpdatedAt = org.now(), org.now()
		if err := org.db.WithContext(ctx).Create(g).Error; err != nil {
			return groupTaken(fmt.Errorf("create group: %w", err))
		}
		if err := org.record(DirectoryGroupCreated, DirectoryGroupPrefix.ID(g.ID), g.PublicForm()); err != nil {
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
		return &Error{Kind: Conflict, Field: "displayName", Err: err,
			Message: "a group with this displayName exists in the directory; find it with a displayName filter, or send another name"}
	}
	return err
}

// lockGroup reads a group of a directory for a change that nobody else makes meanwhile.
func (o *Org) lockGroup(ctx context.Context, directoryID, id string) (*DirectoryGroup, error) {
	var g DirectoryGroup
	db := o.forChange(o.db.WithContext(ctx), id).Where("directory_id = ?", directoryID)
	if err := o.one(db, &g, "group", id); err != nil {
		return nil, err
	}
	return &g, nil
}

// errUnchanged rolls back an update that turned out to alter nothing.
var errUnchanged = errors.New("nothing changed")

// GroupDraft is a group of a directory as UpdateDirectoryGroup has it changed: by its document only.
type GroupDraft struct {
	group   DirectoryGroup
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
func (o *Org) UpdateDirectoryGroup(
	ctx context.Context, directoryID, id string, change func(*GroupDraft) error, members ...MembersChange,
) (*DirectoryGroup, error) {
	if !isID(id) {
		return nil, NotFoundf("there is no group %.64q here", id)
	}
	if o.inTx() {
		return o.updateGroupJoined(ctx, directoryID, id, change, members)
	}
	g, err := o.addAtOnce(ctx, directoryID, id, change, members)
	if g != nil || err != nil {
		return g, err
	}
	err = o.change(ctx, func(org *Org) (err error) {
		var altered bool
		if g, altered, err = org.updateGroup(ctx, directoryID, id, change, members); err == nil && !altered {
			err = errUnchanged
		}
		return err
	})
	if errors.Is(err, errUnchanged) {
		return o.DirectoryGroup(ctx, directoryID, id)
	}
	if err != nil {
		return nil, err
	}
	return g, nil
}

// updateGroupJoined is UpdateDirectoryGroup within a transaction that goes on:
// where nothing is altered it takes its first write back itself.
func (o *Org) updateGroupJoined(
	ctx context.Context, directoryID, id string, change func(*GroupDraft) error, members []MembersChange,
) (g *DirectoryGroup, err error) {
	err = o.Tx(ctx, func(org *Org) error {
		before, err := org.lockGroup(ctx, directoryID, id)
		if err != nil {
			return err
		}
		var altered bool
		if g, altered, err = org.updateGroup(ctx, directoryID, id, change, members); err != nil || altered {
			return err
		}
		g = before
		err = org.db.WithContext(ctx).Model(&DirectoryGroup{}).Where("id = ?", id).Select("Version", "UpdatedAt").UpdateColumns(before).Error
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
func (o *Org) updateGroup(
	ctx context.Context, directoryID, id string, change func(*GroupDraft) error, members []MembersChange,
) (*DirectoryGroup, bool, error) {
	var g DirectoryGroup
	r := o.inTurn(o.db.WithContext(ctx), id).Model(&g).Clauses(clause.Returning{}).Where("id = ? AND directory_id = ?", id, directoryID).
		UpdateColumns(map[string]any{"version": increment("version"), "updated_at": o.now()})
	if r.Error != nil {
		return nil, false, fmt.Errorf("lock group: %w", r.Error)
	}
	if r.RowsAffected == 0 {
		return nil, false, NotFoundf("there is no group %.64q here", id)
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

func (o *Org) writeGroup(ctx context.Context, before, after *DirectoryGroup) error {
	err := o.db.WithContext(ctx).Model(&DirectoryGroup{}).Where("id = ?", after.ID).Select(changed(before, after)).UpdateColumns(after).Error
	if err != nil {
		return groupTaken(fmt.Errorf("update group: %w", err))
	}
	if before.DisplayNameFolded != after.DisplayNameFolded { // by which a rule may know it
		if err := o.affectsGroups(ctx, after.ID); err != nil {
			return err
		}
	}
	data := struct {
		DirectoryGroupObject
		PreviousAttributes any `json:"previous_attributes"`
	}{DirectoryGroupObject: after.PublicForm()}
	if data.PreviousAttributes, err = previous(before.PublicForm(), data.DirectoryGroupObject); err != nil {
		return err
	}
	return o.record(DirectoryGroupUpdated, data.ID, data)
}

// DeleteDirectoryGroup removes a group with its memberships. Each of allow sees
// the group under the lock and may refuse.
func (o *Org) DeleteDirectoryGroup(ctx context.Context, directoryID, id string, allow ...func(*DirectoryGroup) error) error {
	return o.change(ctx, func(org *Org) error {
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
		if err := org.affectsGroups(ctx, id); err != nil {
			return err
		}
		org.ruleInputChanged() // which may name it
		if err := org.db.WithContext(ctx).Where("id = ?", id).Delete(&DirectoryGroup{}).Error; err != nil {
			return fmt.Errorf("delete group: %w", err)
		}
		return org.record(DirectoryGroupDeleted, DirectoryGroupPrefix.ID(id), g.PublicForm())
	})
}

// increment is a column's value plus one, computed by the database.
func increment(column string) clause.Expr { return gorm.Expr(column + " + 1") }
