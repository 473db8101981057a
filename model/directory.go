package model

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
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
	ID             string         `gorm:"primaryKey"`
	OrganizationID OrganizationID `gorm:"<-:create"`
	Name           string
	Type           string // one of DirectoryTypes
	State          DirectoryState
	ExternalKey    string
	Strict         bool       // the RFC's words only, for conformance runs
	MassChange     MassChange `gorm:"embedded"`
	CreatedAt      Time       `gorm:"autoCreateTime:false"`
	UpdatedAt      Time       `gorm:"autoUpdateTime:false"`
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
func (d *Directory) Actor() Actor { return Actor("directory:" + DirectoryPrefix.ID(d.ID)) }

// Directory returns one directory of the organization.
func (o *Org) Directory(ctx context.Context, id string) (*Directory, error) {
	var d Directory
	return &d, o.one(o.read.WithContext(ctx), &d, "directory", id)
}

// CreateDirectory adds a directory with its first bearer token, which is
// returned this once and cannot be read again.
func (o *Org) CreateDirectory(ctx context.Context, name, kind string) (d *Directory, token string, err error) {
	if err := validName(name); err != nil {
		return nil, "", err
	}
	if !slices.Contains(DirectoryTypes, kind) {
		return nil, "", Invalidf("type", "type is one of %s", strings.Join(DirectoryTypes, ", "))
	}
	err = o.Tx(ctx, func(org *Org) error {
		d = &Directory{ID: newID(), Name: name, Type: kind, State: DirectoryValidating, ExternalKey: rand.Text(),
			MassChange: MassChange{Percent: defaultMassChangePercent, WindowSeconds: defaultMassChangeWindow},
			CreatedAt:  org.now(), UpdatedAt: org.now()}
		if _, err := org.Organization(ctx); err != nil {
			return err
		}
		if err := org.db.WithContext(ctx).Create(d).Error; err != nil {
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

func validName(name string) error {
	if strings.TrimSpace(name) == "" || utf8.RuneCountInString(name) > 200 {
		return Invalidf("name", "name is required and has at most 200 characters")
	}
	if !storable(name) {
		return Invalidf("name", "name is text in UTF-8 without U+0000")
	}
	return nil
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
func (o *Org) UpdateDirectory(ctx context.Context, id string, change func(*DirectoryFields) error) (*Directory, error) {
	var d *Directory
	err := o.Tx(ctx, func(org *Org) error {
		before, err := org.lockDirectory(ctx, id, toChange)
		if err != nil {
			return err
		}
		fields := before.fields()
		if err := change(&fields); err != nil {
			return err
		}
		after := *before
		after.setFields(fields)
		if err := cmp.Or(validName(after.Name), after.MassChange.validate()); err != nil {
			return err
		}
		if d = &after; fields == before.fields() {
			return nil
		}
		d.UpdatedAt = org.now()
		org.committed(tokensOf(o.store).clear)
		err = org.db.WithContext(ctx).Model(&Directory{}).Where("id = ?", id).Select("Name", "Strict", "Percent", "WindowSeconds", "UpdatedAt").UpdateColumns(d).Error
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
func (o *Org) lockDirectory(ctx context.Context, id, strength string) (*Directory, error) {
	var d Directory
	db := o.inTurn(o.db.WithContext(ctx), id).Clauses(clause.Locking{Strength: strength})
	err := o.one(db, &d, "directory", id)
	if err != nil {
		return nil, err
	}
	return &d, nil
}

// activateDirectory notes the first authenticated SCIM request of a directory.
func (o *Org) activateDirectory(ctx context.Context, id string) error {
	return o.Tx(ctx, func(org *Org) error {
		r := org.db.WithContext(ctx).Model(&Directory{}).Where("id = ? AND state = ?", id, DirectoryValidating).
			UpdateColumns(map[string]any{"state": DirectoryLinked, "updated_at": org.now()})
		if r.Error != nil || r.RowsAffected == 0 {
			return r.Error
		}
		d, err := org.Directory(ctx, id)
		if err != nil {
			return err
		}
		domains, err := org.Domains(ctx)
		if err != nil {
			return err
		}
		e := directoryEvent{DirectoryObject: d.PublicForm(org.now()), State: "active", Domains: []DomainObject{}}
		for i := range domains {
			e.Domains = append(e.Domains, domains[i].PublicForm())
		}
		return org.record(DirectoryActivated, e.ID, e)
	})
}

// DirectoryCounts says how much is in a directory.
type DirectoryCounts struct{ ActiveUsers, InactiveUsers, Groups int64 }

// DirectoryCounts counts the users and groups of a directory.
func (o *Org) DirectoryCounts(ctx context.Context, id string) (DirectoryCounts, error) {
	var c DirectoryCounts
	users := o.read.WithContext(ctx).Model(&User{}).Where("directory_id = ?", id)
	groups := o.read.WithContext(ctx).Model(&DirectoryGroup{}).Where("directory_id = ?", id)
	err := users.Session(&gorm.Session{}).Where("active = ?", true).Count(&c.ActiveUsers).Error
	if err == nil {
		err = users.Session(&gorm.Session{}).Where("active = ?", false).Count(&c.InactiveUsers).Error
	}
	if err == nil {
		err = groups.Count(&c.Groups).Error
	}
	if err != nil {
		return c, o.store.translate(fmt.Errorf("count directory: %w", err))
	}
	return c, nil
}

// DeleteDirectory removes a directory with its tokens and groups. Its active
// users become unowned and inactive, and their access ends; those who were
// inactive become unowned and keep their reason (docs/design/identity.md, "Leaving").
func (o *Org) DeleteDirectory(ctx context.Context, id string) error {
	return o.remove(ctx, func(org *Org, last bool) error {
		// First, so that nobody creates users and groups in it meanwhile.
		d, err := org.lockDirectory(ctx, id, toRemove)
		if err != nil {
			return err
		}
		if err := org.lockPeople(ctx, id, last); err != nil {
			return err
		}
		db := org.db.WithContext(ctx)
		people := org.db.Model(&User{}).Select("id").Where("directory_id = ?", id)
		live := org.liveSessions(org.db.Model(&Session{}).Select("user_id")).Where("user_id IN (?)", people)
		if err := org.endAccessOf(ctx, live, EndedDirectoryDeleted); err != nil {
			return err
		}
		if err := org.voidPasswordSetups(ctx, people); err != nil {
			return err
		}
		var admins []User
		if err := db.Where("directory_id = ? AND role = ? AND active = ?", id, Admin, true).Limit(1).Find(&admins).Error; err != nil {
			return fmt.Errorf("read administrators: %w", err)
		}
		for _, active := range []bool{true, false} {
			users := db.Model(&User{}).Where("directory_id = ? AND active = ?", id, active)
			if err := users.UpdateColumns(releasedColumns(active, org.now())).Error; err != nil {
				return fmt.Errorf("release users: %w", err)
			}
		}
		if err := db.Where("directory_id = ?", id).Delete(&DirectoryGroup{}).Error; err != nil {
			return fmt.Errorf("delete groups: %w", err)
		}
		if err := db.Where("id = ?", id).Delete(&Directory{}).Error; err != nil {
			return fmt.Errorf("delete directory: %w", err)
		}
		org.committed(tokensOf(o.store).clear)
		org.ruleInputChanged() // groups of it may be mapped
		e := directoryEvent{DirectoryObject: d.PublicForm(org.now()), State: "deleting"}
		if err := org.record(DirectoryDeleted, e.ID, e); err != nil || len(admins) == 0 {
			return err
		}
		return org.flagLastAdmin(ctx, &admins[0], DirectoryDeleted)
	})
}
