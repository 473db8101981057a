package directory

import (
	"rollcall/model"
	"rollcall/model/organization"
)

// DirectoryObject is the public form of a Directory.
type DirectoryObject struct {
	Object         string         `json:"object"`
	ID             string         `json:"id"`
	OrganizationID string         `json:"organization_id"`
	ExternalKey    string         `json:"external_key"`
	Type           string         `json:"type"`
	State          DirectoryState `json:"state"`
	Name           string         `json:"name"`
	CreatedAt      model.Time     `json:"created_at"`
	UpdatedAt      model.Time     `json:"updated_at"`

	Rollcall DirectoryExtras `json:"rollcall"`
}

// DirectoryExtras is what Rollcall adds to the reference's directory.
type DirectoryExtras struct {
	Strict                  bool              `json:"strict"`
	MassChangePercent       int64             `json:"mass_change_percent"`
	MassChangeWindowSeconds int64             `json:"mass_change_window_seconds"`
	MassChange              *MassChangeObject `json:"mass_change"` // the alert that is on, if there is one
}

// PublicForm returns the object that the API shows at a moment.
func (d *Directory) PublicForm(now model.Time) DirectoryObject {
	return DirectoryObject{
		Object: "directory", ID: model.DirectoryPrefix.ID(d.ID), OrganizationID: model.OrganizationPrefix.ID(string(d.OrganizationID)),
		ExternalKey: d.ExternalKey, Type: d.Type, State: d.State, Name: d.Name, CreatedAt: d.CreatedAt, UpdatedAt: d.UpdatedAt,
		Rollcall: DirectoryExtras{d.Strict, d.MassChange.Percent, d.MassChange.WindowSeconds, d.MassChange.alert(now)},
	}
}

// directoryEvent is a directory as events show it: a linked one is "active" there.
type directoryEvent struct {
	DirectoryObject
	State    string                      `json:"state"`
	Domains  []organization.DomainObject `json:"domains,omitempty"`
	Rollcall *struct{}                   `json:"rollcall,omitempty"` // in the reference's events there is nothing else
}

// DirectoryTokenObject is the public form of a DirectoryToken; the token itself is never in it.
type DirectoryTokenObject struct {
	Object         string      `json:"object"`
	ID             string      `json:"id"`
	DirectoryID    string      `json:"directory_id"`
	OrganizationID string      `json:"organization_id"`
	Name           string      `json:"name"`
	TokenSuffix    string      `json:"token_suffix"`
	ExpiresAt      *model.Time `json:"expires_at"`
	LastUsedAt     *model.Time `json:"last_used_at"`
	CreatedAt      model.Time  `json:"created_at"`
}

// PublicForm returns the object that the API and events show.
func (t *DirectoryToken) PublicForm() DirectoryTokenObject {
	return DirectoryTokenObject{
		Object: "directory_token", ID: model.DirectoryTokenPrefix.ID(t.ID), DirectoryID: model.DirectoryPrefix.ID(t.DirectoryID),
		OrganizationID: model.OrganizationPrefix.ID(string(t.OrganizationID)), Name: t.Name, TokenSuffix: t.Suffix,
		ExpiresAt: t.ExpiresAt, LastUsedAt: t.LastUsedAt, CreatedAt: t.CreatedAt,
	}
}

// TombstoneObject is the public form of a Tombstone.
type TombstoneObject struct {
	Object         string     `json:"object"`
	ID             string     `json:"id"`
	OrganizationID string     `json:"organization_id"`
	UserID         string     `json:"user_id"`
	CreatedAt      model.Time `json:"created_at"`
}

// PublicForm returns the object that the API shows.
func (t *Tombstone) PublicForm() TombstoneObject {
	return TombstoneObject{"tombstone", model.TombstonePrefix.ID(t.ID), model.OrganizationPrefix.ID(string(t.OrganizationID)),
		model.UserPrefix.ID(t.UserID), t.CreatedAt}
}
