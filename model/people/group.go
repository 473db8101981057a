package people

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"rollcall/model"
	"rollcall/model/internal/tenant"
)

// DirectoryGroup is a group that a directory pushes. Document is the SCIM
// resource as sent, without id, meta, schemas and members.
type DirectoryGroup struct {
	ID                string               `gorm:"primaryKey"`
	OrganizationID    model.OrganizationID `gorm:"<-:create"`
	DirectoryID       string
	DisplayName       string
	DisplayNameFolded string // unique in the directory
	ExternalID        string // empty when unassigned; compared exactly
	Version           int64  // the SCIM ETag
	Document          string
	DocumentFolded    foldedDocument // written for filters
	CreatedAt         model.Time     `gorm:"autoCreateTime:false"`
	UpdatedAt         model.Time     `gorm:"autoUpdateTime:false"`
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
	if err := tenant.Decode(text, &d); err != nil {
		return errDocument(err)
	}
	if strings.TrimSpace(d.DisplayName) == "" {
		return model.Invalidf("displayName", "displayName is required and must not be empty")
	}
	folded := model.Fold(d.DisplayName)
	if err := errors.Join(checkIndexed("displayName", folded), checkIndexed("externalId", d.ExternalID)); err != nil {
		return err
	}
	g.Document, g.DisplayName, g.DisplayNameFolded, g.ExternalID = text, d.DisplayName, folded, d.ExternalID
	return nil
}

// DirectoryGroupObject is the public form of a DirectoryGroup.
type DirectoryGroupObject struct {
	Object         string          `json:"object"`
	ID             string          `json:"id"`
	IdpID          string          `json:"idp_id"`
	DirectoryID    string          `json:"directory_id"`
	OrganizationID string          `json:"organization_id"`
	Name           string          `json:"name"`
	RawAttributes  json.RawMessage `json:"raw_attributes"`
	CreatedAt      model.Time      `json:"created_at"`
	UpdatedAt      model.Time      `json:"updated_at"`
}

// PublicForm returns the object that the API and events show.
func (g *DirectoryGroup) PublicForm() DirectoryGroupObject {
	o := DirectoryGroupObject{
		Object:         "directory_group",
		ID:             model.DirectoryGroupPrefix.ID(g.ID),
		IdpID:          g.ExternalID,
		DirectoryID:    model.DirectoryPrefix.ID(g.DirectoryID),
		OrganizationID: model.OrganizationPrefix.ID(string(g.OrganizationID)),
		Name:           g.DisplayName,
		RawAttributes:  json.RawMessage(g.Document),
		CreatedAt:      g.CreatedAt,
		UpdatedAt:      g.UpdatedAt,
	}
	if o.IdpID == "" {
		o.IdpID = g.ID
	}
	return o
}

// DirectoryGroup returns a group of a directory; directoryID may be empty for any.
func (o Org) DirectoryGroup(ctx context.Context, directoryID, id string) (*DirectoryGroup, error) {
	db := tenant.Read(ctx, o)
	if directoryID != "" {
		db = db.Where(tenant.IsBeside("directory_id"), directoryID)
	}
	var g DirectoryGroup
	return &g, tenant.ByID(o, db, &g, "group", id)
}
