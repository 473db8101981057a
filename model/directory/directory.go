package directory

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"

	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/internal/across"
	"rollcall/model/internal/removed"
	"rollcall/model/internal/tenant"
	"rollcall/model/organization"
	"rollcall/model/people"
)

// Directory is a SCIM source of an organization: an identity provider that provisions its users.
type Directory struct {
	ID             string               `gorm:"primaryKey"`
	OrganizationID model.OrganizationID `gorm:"<-:create"`
	Name           string
	Type           string // one of directoryTypes
	State          DirectoryState
	ExternalKey    string
	Strict         bool       // answers by RFC 7644 alone, for conformance tests
	MassChange     MassChange `gorm:"embedded"`
	CreatedAt      model.Time `gorm:"autoCreateTime:false"`
	UpdatedAt      model.Time `gorm:"autoUpdateTime:false"`
}

// DirectoryState says whether the identity provider has reached the directory yet.
type DirectoryState string

// The states of a directory.
const (
	DirectoryValidating DirectoryState = "validating"
	DirectoryLinked     DirectoryState = "linked"
)

// The types of directories whose identity providers get answers of their own where SCIM leaves
// the choice.
const (
	EntraDirectory = "azure scim v2.0"
	OktaDirectory  = "okta scim v2.0"
)

// directoryTypes are the types that a directory can have. A type selects the guide that an
// administrator sees, and changes few of the server's answers.
var directoryTypes = []string{
	EntraDirectory, "cyberark scim v2.0", "generic scim v2.0", "jump cloud scim v2.0", OktaDirectory,
	"onelogin scim v2.0", "pingfederate scim v2.0", "rippling scim v2.0", "sailpoint scim v2.0",
}

// Actor returns the directory as the actor of events.
func (d *Directory) Actor() model.Actor {
	return model.Actor("directory:" + model.DirectoryPrefix.ID(d.ID))
}

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

	Rollcall directoryExtras `json:"rollcall"`
}

// directoryExtras are the fields of a directory that are Rollcall's own.
type directoryExtras struct {
	Strict                  bool              `json:"strict"`
	MassChangePercent       int64             `json:"mass_change_percent"`
	MassChangeWindowSeconds int64             `json:"mass_change_window_seconds"`
	MassChange              *MassChangeObject `json:"mass_change"` // the current alert, or nil
}

// PublicForm returns the object that the API shows at the time now.
func (d *Directory) PublicForm(now model.Time) DirectoryObject {
	return DirectoryObject{
		Object:         "directory",
		ID:             model.DirectoryPrefix.ID(d.ID),
		OrganizationID: model.OrganizationPrefix.ID(string(d.OrganizationID)),
		ExternalKey:    d.ExternalKey,
		Type:           d.Type,
		State:          d.State,
		Name:           d.Name,
		CreatedAt:      d.CreatedAt,
		UpdatedAt:      d.UpdatedAt,
		Rollcall: directoryExtras{d.Strict, d.MassChange.Percent, d.MassChange.WindowSeconds,
			d.MassChange.alert(now)},
	}
}

// directoryEvent is the data of an event of a directory, in which a linked directory is "active".
type directoryEvent struct {
	DirectoryObject
	State   string                      `json:"state"`
	Domains []organization.DomainObject `json:"domains,omitzero"` // nil where the event has none
	// Rollcall hides that of DirectoryObject, which is not part of events.
	Rollcall *struct{} `json:"rollcall,omitempty"`
}

// DirectoryQuery selects directories; empty fields select all.
type DirectoryQuery struct {
	model.Page
	OrganizationID model.OrganizationID
	Domain         string // only those of organizations with this domain
	Search         string // only those whose name contains this, in any case
}

// Directories lists the directories of a scope.
func (s Store) Directories(ctx context.Context, scope model.Scope, q DirectoryQuery) (
	[]Directory, model.PageInfo, error) {
	db := across.Read(ctx, s).Model(&Directory{})
	db = organization.InsideStore(tenant.InsideStore(s)).Narrowed(ctx, db, scope, q.OrganizationID, q.Domain, q.Search)
	ds, info, err := tenant.ReadPage(db, q.Page, func(d Directory) string { return d.ID })
	return ds, info, tenant.Translate(s, err)
}

// Directory returns one directory of the organization.
func (o Org) Directory(ctx context.Context, id string) (*Directory, error) {
	var d Directory
	return &d, tenant.ByID(o, tenant.Read(ctx, o), &d, "directory", id)
}

// CreateDirectory adds a directory with its first bearer token. It alone returns that token,
// which cannot be read later.
func (o Org) CreateDirectory(ctx context.Context, name, kind string) (d *Directory, token string, err error) {
	if err := model.ValidName(name); err != nil {
		return nil, "", err
	}
	if !slices.Contains(directoryTypes, kind) {
		return nil, "", model.Invalidf("type", "type is one of %s", strings.Join(directoryTypes, ", "))
	}
	err = o.Tx(ctx, func(org Org) error {
		d = &Directory{ID: model.NewID(), Name: name, Type: kind, State: DirectoryValidating, ExternalKey: rand.Text(),
			MassChange: MassChange{Percent: defaultMassChangePercent, WindowSeconds: defaultMassChangeWindow},
			CreatedAt:  tenant.Now(org), UpdatedAt: tenant.Now(org)}
		if _, err := organization.In(org).Organization(ctx); err != nil {
			return err
		}
		if err := tenant.DB(ctx, org).Create(d).Error; err != nil {
			return fmt.Errorf("create directory: %w", err)
		}
		_, token, err = Of(org, d.ID).CreateToken(ctx, "first token", nil)
		return err
	})
	if err != nil {
		return nil, "", err
	}
	return d, token, nil
}

// DirectoryFields are the fields of a directory that UpdateDirectory may change.
type DirectoryFields struct {
	Name                    string
	Strict                  bool
	MassChangePercent       int64
	MassChangeWindowSeconds int64
}

// fields are the fields that a change may alter.
func (d *Directory) fields() DirectoryFields {
	return DirectoryFields{d.Name, d.Strict, d.MassChange.Percent, d.MassChange.WindowSeconds}
}

// setFields sets what a change has altered.
func (d *Directory) setFields(f DirectoryFields) {
	d.Name, d.Strict = f.Name, f.Strict
	d.MassChange.Percent, d.MassChange.WindowSeconds = f.MassChangePercent, f.MassChangeWindowSeconds
}

// UpdateDirectory locks a directory, has change alter its fields and stores them. They apply in
// this process at once, in another replica within a second.
func (o Org) UpdateDirectory(ctx context.Context, id string, change func(*DirectoryFields) error) (*Directory, error) {
	var d *Directory
	err := o.Tx(ctx, func(org Org) error {
		before, err := org.lockDirectory(ctx, id, tenant.ToChange)
		if err != nil {
			return err
		}
		fields := before.fields()
		if err := change(&fields); err != nil {
			return err
		}
		after := *before
		after.setFields(fields)
		if err := cmp.Or(model.ValidName(after.Name), after.MassChange.validate()); err != nil {
			return err
		}
		if d = &after; fields == before.fields() {
			return nil
		}
		d.UpdatedAt = tenant.Now(org)
		tenant.Committed(org, Across(o).inner().ForgetTokens)
		err = tenant.DB(ctx, org).Model(&Directory{}).Where("id = ?", id).
			Select("Name", "Strict", "Percent", "WindowSeconds", "UpdatedAt").UpdateColumns(d).Error
		if err != nil {
			return fmt.Errorf("update directory: %w", err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return d, nil
}

// lockDirectory locks a directory's row, to change or to remove it, and reads it.
func (o Org) lockDirectory(ctx context.Context, id, strength string) (*Directory, error) {
	var d Directory
	db := tenant.InTurn(o, tenant.DB(ctx, o), id).Clauses(clause.Locking{Strength: strength})
	err := tenant.ByID(o, db, &d, "directory", id)
	if err != nil {
		return nil, err
	}
	return &d, nil
}

// activateDirectory links a directory whose identity provider has sent its first valid request.
func (o Org) activateDirectory(ctx context.Context, id string) error {
	return o.Tx(ctx, func(org Org) error {
		r := tenant.DB(ctx, org).Model(&Directory{}).Where("id = ? AND state = ?", id, DirectoryValidating).
			UpdateColumns(map[string]any{"state": DirectoryLinked, "updated_at": tenant.Now(org)})
		if r.Error != nil || r.RowsAffected == 0 {
			return r.Error
		}
		d, err := org.Directory(ctx, id)
		if err != nil {
			return err
		}
		domains, err := organization.In(org).Domains(ctx)
		if err != nil {
			return err
		}
		e := directoryEvent{DirectoryObject: d.PublicForm(tenant.Now(org)), State: "active",
			Domains: []organization.DomainObject{}}
		for i := range domains {
			e.Domains = append(e.Domains, domains[i].PublicForm())
		}
		return tenant.Record(org, DirectoryActivated, e.ID, e)
	})
}

// DeleteDirectory removes a directory with its tokens and groups. Its active users become unowned
// and inactive, and their access ends. Its inactive users become unowned and keep the reason why
// they are inactive (docs/design/identity.md, "Leaving").
func (o Org) DeleteDirectory(ctx context.Context, id string) error {
	return o.remove(ctx, func(org Org, last bool) error {
		// The lock comes first: no request can create users or groups in the directory meanwhile.
		d, err := org.lockDirectory(ctx, id, tenant.ToRemove)
		if err != nil {
			return err
		}
		if err := people.Inside(tenant.Inside(org)).LockPeople(ctx, id, last); err != nil {
			return err
		}
		db := tenant.DB(ctx, org)
		admin, err := people.Inside(tenant.Inside(org)).ReleaseUsers(ctx, id)
		if err != nil {
			return err
		}
		if err := db.Where("directory_id = ?", id).Delete(&people.DirectoryGroup{}).Error; err != nil {
			return fmt.Errorf("delete groups: %w", err)
		}
		if err := removed.Forget(ctx, org, id); err != nil {
			return err
		}
		if err := db.Where("id = ?", id).Delete(&Directory{}).Error; err != nil {
			return fmt.Errorf("delete directory: %w", err)
		}
		tenant.Committed(org, Across(o).inner().ForgetTokens)
		tenant.RuleInputChanged(org) // a rule may name a group of the directory
		e := directoryEvent{DirectoryObject: d.PublicForm(tenant.Now(org)), State: "deleting"}
		if err := tenant.Record(org, DirectoryDeleted, e.ID, e); err != nil || admin == nil {
			return err
		}
		return people.Inside(tenant.Inside(org)).FlagLastAdmin(ctx, admin, DirectoryDeleted)
	})
}
