package directory

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/internal/tenant"
	"rollcall/model/organization"
	"rollcall/model/people"
)

// DirectoryState says whether the identity provider has reached the directory yet.
type DirectoryState string

// The states of a directory.
const (
	DirectoryValidating DirectoryState = "validating"
	DirectoryLinked     DirectoryState = "linked"
)

// Directory is a SCIM source of an organization.
type Directory struct {
	ID             string               `gorm:"primaryKey"`
	OrganizationID model.OrganizationID `gorm:"<-:create"`
	Name           string
	Type           string // one of DirectoryTypes
	State          DirectoryState
	ExternalKey    string
	Strict         bool       // the RFC's words only, for conformance runs
	MassChange     MassChange `gorm:"embedded"`
	CreatedAt      model.Time `gorm:"autoCreateTime:false"`
	UpdatedAt      model.Time `gorm:"autoUpdateTime:false"`
}

// The types of directories whose identity providers are answered in their own way
// where SCIM leaves the choice.
const (
	EntraDirectory = "azure scim v2.0"
	OktaDirectory  = "okta scim v2.0"
)

// DirectoryTypes are the SCIM sources that a directory can be of. They differ in
// the guide that an administrator is shown, and little in what the server answers.
var DirectoryTypes = []string{
	EntraDirectory, "cyberark scim v2.0", "generic scim v2.0", "jump cloud scim v2.0", OktaDirectory,
	"onelogin scim v2.0", "pingfederate scim v2.0", "rippling scim v2.0", "sailpoint scim v2.0",
}

// Actor is the directory as the one who acts.
func (d *Directory) Actor() model.Actor {
	return model.Actor("directory:" + model.DirectoryPrefix.ID(d.ID))
}

// Directory returns one directory of the organization.
func (o Org) Directory(ctx context.Context, id string) (*Directory, error) {
	var d Directory
	return &d, tenant.ByID(o, tenant.Read(o).WithContext(ctx), &d, "directory", id)
}

// CreateDirectory adds a directory with its first bearer token, which is
// returned this once and cannot be read again.
func (o Org) CreateDirectory(ctx context.Context, name, kind string) (d *Directory, token string, err error) {
	if err := model.ValidName(name); err != nil {
		return nil, "", err
	}
	if !slices.Contains(DirectoryTypes, kind) {
		return nil, "", model.Invalidf("type", "type is one of %s", strings.Join(DirectoryTypes, ", "))
	}
	err = o.Tx(ctx, func(org Org) error {
		d = &Directory{ID: model.NewID(), Name: name, Type: kind, State: DirectoryValidating, ExternalKey: rand.Text(),
			MassChange: MassChange{Percent: defaultMassChangePercent, WindowSeconds: defaultMassChangeWindow},
			CreatedAt:  tenant.Now(org), UpdatedAt: tenant.Now(org)}
		if _, err := organization.In(org).Organization(ctx); err != nil {
			return err
		}
		if err := tenant.DB(org).WithContext(ctx).Create(d).Error; err != nil {
			return fmt.Errorf("create directory: %w", err)
		}
		_, token, err = org.CreateDirectoryToken(ctx, d.ID, "first token", nil)
		return err
	})
	if err != nil {
		return nil, "", err
	}
	return d, token, nil
}

// DirectoryFields are what UpdateDirectory changes of a directory.
type DirectoryFields struct {
	Name                    string
	Strict                  bool
	MassChangePercent       int64
	MassChangeWindowSeconds int64
}

func (d *Directory) fields() DirectoryFields {
	return DirectoryFields{d.Name, d.Strict, d.MassChange.Percent, d.MassChange.WindowSeconds}
}

func (d *Directory) setFields(f DirectoryFields) {
	d.Name, d.Strict = f.Name, f.Strict
	d.MassChange.Percent, d.MassChange.WindowSeconds = f.MassChangePercent, f.MassChangeWindowSeconds
}

// UpdateDirectory lets change alter a directory under a lock and stores it. This
// process goes by the new values from then on, another replica within a second.
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
		tenant.Committed(org, TokensOf(Across(o)).Clear)
		err = tenant.DB(org).WithContext(ctx).Model(&Directory{}).Where("id = ?", id).Select("Name", "Strict", "Percent", "WindowSeconds", "UpdatedAt").UpdateColumns(d).Error
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

// lockDirectory reads a directory's row and locks it, to change or to remove it.
func (o Org) lockDirectory(ctx context.Context, id, strength string) (*Directory, error) {
	var d Directory
	db := tenant.InTurn(o, tenant.DB(o).WithContext(ctx), id).Clauses(clause.Locking{Strength: strength})
	err := tenant.ByID(o, db, &d, "directory", id)
	if err != nil {
		return nil, err
	}
	return &d, nil
}

// activateDirectory notes the first authenticated SCIM request of a directory.
func (o Org) activateDirectory(ctx context.Context, id string) error {
	return o.Tx(ctx, func(org Org) error {
		r := tenant.DB(org).WithContext(ctx).Model(&Directory{}).Where("id = ? AND state = ?", id, DirectoryValidating).
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
		e := directoryEvent{DirectoryObject: d.PublicForm(tenant.Now(org)), State: "active", Domains: []organization.DomainObject{}}
		for i := range domains {
			e.Domains = append(e.Domains, domains[i].PublicForm())
		}
		return tenant.Record(org, DirectoryActivated, e.ID, e)
	})
}

// DirectoryCounts says how much is in a directory.
type DirectoryCounts struct{ ActiveUsers, InactiveUsers, Groups int64 }

// DirectoryCounts counts the users and groups of a directory.
func (o Org) DirectoryCounts(ctx context.Context, id string) (DirectoryCounts, error) {
	var c DirectoryCounts
	users := tenant.Read(o).WithContext(ctx).Model(&people.User{}).Where("directory_id = ?", id)
	groups := tenant.Read(o).WithContext(ctx).Model(&people.DirectoryGroup{}).Where("directory_id = ?", id)
	err := users.Session(&gorm.Session{}).Where("active = ?", true).Count(&c.ActiveUsers).Error
	if err == nil {
		err = users.Session(&gorm.Session{}).Where("active = ?", false).Count(&c.InactiveUsers).Error
	}
	if err == nil {
		err = groups.Count(&c.Groups).Error
	}
	if err != nil {
		return c, tenant.Translate(o, fmt.Errorf("count directory: %w", err))
	}
	return c, nil
}

// DeleteDirectory removes a directory with its tokens and groups. Its active
// users become unowned and inactive, and their access ends; those who were
// inactive become unowned and keep their reason (docs/design/identity.md, "Leaving").
func (o Org) DeleteDirectory(ctx context.Context, id string) error {
	return o.remove(ctx, func(org Org, last bool) error {
		// First, so that nobody creates users and groups in it meanwhile.
		d, err := org.lockDirectory(ctx, id, tenant.ToRemove)
		if err != nil {
			return err
		}
		if err := people.In(org).LockPeople(ctx, id, last); err != nil {
			return err
		}
		db := tenant.DB(org).WithContext(ctx)
		population := tenant.DB(org).Model(&people.User{}).Select("id").Where("directory_id = ?", id)
		live := people.In(org).LiveSessions(tenant.DB(org).Model(&people.Session{}).Select("user_id")).Where("user_id IN (?)", population)
		if err := people.In(org).EndAccessOf(ctx, live, people.EndedDirectoryDeleted); err != nil {
			return err
		}
		if err := people.In(org).VoidPasswordSetups(ctx, population); err != nil {
			return err
		}
		var admins []people.User
		if err := db.Where("directory_id = ? AND role = ? AND active = ?", id, people.Admin, true).Limit(1).Find(&admins).Error; err != nil {
			return fmt.Errorf("read administrators: %w", err)
		}
		for _, active := range []bool{true, false} {
			users := db.Model(&people.User{}).Where("directory_id = ? AND active = ?", id, active)
			if err := users.UpdateColumns(people.ReleasedColumns(active, tenant.Now(org))).Error; err != nil {
				return fmt.Errorf("release users: %w", err)
			}
		}
		if err := db.Where("directory_id = ?", id).Delete(&people.DirectoryGroup{}).Error; err != nil {
			return fmt.Errorf("delete groups: %w", err)
		}
		if err := db.Where("id = ?", id).Delete(&Directory{}).Error; err != nil {
			return fmt.Errorf("delete directory: %w", err)
		}
		tenant.Committed(org, TokensOf(Across(o)).Clear)
		tenant.RuleInputChanged(org) // groups of it may be mapped
		e := directoryEvent{DirectoryObject: d.PublicForm(tenant.Now(org)), State: "deleting"}
		if err := tenant.Record(org, DirectoryDeleted, e.ID, e); err != nil || len(admins) == 0 {
			return err
		}
		return people.In(org).FlagLastAdmin(ctx, &admins[0], DirectoryDeleted)
	})
}
