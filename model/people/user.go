package people

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"gorm.io/gorm"

	"rollcall/model"
	"rollcall/model/internal/tenant"
	"rollcall/model/organization"
)

// Role is what a user may do in their organization.
type Role string

// The roles. Everybody begins as a member; no directory and no login makes an admin by itself.
const (
	Member Role = "member"
	Admin  Role = "admin"
)

// InactiveReason is why a user is inactive; empty while active.
type InactiveReason string

// The reasons of inactivity. Only DirectoryRemoved can be undone by a login.
const (
	Deprovisioned    InactiveReason = "deprovisioned"
	DirectoryRemoved InactiveReason = "directory_deleted"
)

// User is a person in one organization. Document is the SCIM resource as sent,
// without id, meta, schemas, groups, active and password; the columns from
// UserName to Email follow from it, see SetDocument.
type User struct {
	ID                string               `gorm:"primaryKey"`
	OrganizationID    model.OrganizationID `gorm:"<-:create"`
	DirectoryID       *string              // nil while no directory owns the user
	UserName          string               `model:"derived"`
	UserNameFolded    string               `model:"derived"`
	ExternalID        string               `model:"derived"` // empty when unassigned; compared exactly
	DisplayName       string               `model:"derived"`
	DisplayNameFolded string               `model:"derived"`
	Email             string               `model:"derived"` // the primary e-mail as sent, else the first
	EmailFolded       string               `model:"derived"` // empty when it can match nobody
	EmailDomain       string               `model:"derived"` // the domain of EmailFolded
	Active            bool
	InactiveReason    InactiveReason
	Role              Role
	Epoch             int64    // sessions, codes and tokens of another epoch are dead
	AdoptionConfirmed bool     // an administrator let a directory take this user over
	ProfileIDs        []string `gorm:"serializer:json"` // the identities linked to the user
	Version           int64    // the SCIM ETag
	ConnectionID      *string  // where the user signed in last
	RoleMapped        bool     // a mapping alone makes the user an administrator
	// EntitlementVersion grows with each change of the user's licenses and groups of accounts.
	EntitlementVersion int64
	Document           string
	DocumentFolded     foldedDocument `model:"derived"` // written for filters
	CreatedAt          model.Time     `gorm:"autoCreateTime:false"`
	UpdatedAt          model.Time     `gorm:"autoUpdateTime:false"`
	// Groups are those of GroupsOf where they are known already; nil means that they are not.
	Groups []MemberOf `gorm:"-"`
}

// User returns one user of the organization, whoever owns it.
func (o Org) User(ctx context.Context, id string) (*User, error) {
	return o.FindUser(ctx, id, false)
}

func (o Org) FindUser(ctx context.Context, id string, lock bool) (*User, error) {
	db := tenant.Read(o).WithContext(ctx)
	if lock {
		db = tenant.ForChange(o, db, id)
	}
	var u User
	return &u, tenant.ByID(o, db, &u, "user", id)
}

// UserQuery asks for users of an organization, for its own staff and the API.
type UserQuery struct {
	model.Page
	IDs         []string // only these users; nil for all
	DirectoryID string   // only those whom this directory owns
	GroupID     string   // only members of this directory group
	Email       string   // only those with this e-mail address, folded (docs/design/identity.md, "Folding")
	IdpID       string   // only those whom their identity provider calls so: by externalId, else by id
	Owned       bool     // only those whom some directory owns
	Awaiting    bool     // only administrators whose adoption waits for ConfirmAdoption
}

// Users lists users of the organization, and what stands before and after the page.
func (o Org) Users(ctx context.Context, q UserQuery) ([]User, model.PageInfo, error) {
	db := tenant.Read(o).WithContext(ctx).Model(&User{})
	if q.IDs != nil {
		db = db.Where("id IN ?", q.IDs)
	}
	if q.DirectoryID != "" {
		db = db.Where("directory_id = ?", q.DirectoryID)
	}
	if q.Owned {
		db = db.Where("directory_id IS NOT NULL")
	}
	if q.Email != "" {
		folded, _ := model.FoldEmail(q.Email)
		db = db.Where("email_folded = ? AND email_folded <> ''", folded)
	}
	if q.IdpID != "" {
		db = db.Where("(external_id = ? AND external_id <> '' OR external_id = '' AND id = ?)", q.IdpID, q.IdpID)
	}
	if q.Awaiting {
		verified := tenant.Read(o).Model(&organization.Domain{}).Select("domain").Where("state = ?", organization.DomainStateVerified)
		db = db.Where("directory_id IS NULL AND role = ? AND adoption_confirmed = ? AND email_domain IN (?)", Admin, false, verified)
	}
	if q.GroupID != "" {
		db = db.Where("id IN (?)", tenant.Read(o).Model(&GroupMember{}).Select("user_id").Where("group_id = ?", q.GroupID))
	}
	return tenant.Paged(o, db, q.Page, func(u User) string { return u.ID })
}

// CreateUser makes a user that no directory owns, from a document such as a
// login or an operator gives. It answers Conflict when the userName is taken; an
// e-mail address may be shared.
func (o Org) CreateUser(ctx context.Context, document map[string]any) (*User, error) {
	u := &User{Active: true, Role: Member}
	if err := u.SetDocument(document); err != nil {
		return nil, err
	}
	err := o.Tx(ctx, func(org Org) error {
		if err := org.InsertUser(ctx, u); err != nil {
			return err
		}
		c := ConsequencesOf(nil, u, ByPerson)
		return org.RecordChange(ctx, &c)
	})
	if err != nil {
		return nil, err
	}
	return u, nil
}

// InsertUser writes a new user and the values that filters look up.
func (o Org) InsertUser(ctx context.Context, u *User) error {
	u.Begin(tenant.Now(o))
	if err := tenant.DB(o).WithContext(ctx).Create(u).Error; err != nil {
		return userNameTaken(fmt.Errorf("create user: %w", err))
	}
	return o.insertValues(ctx, u)
}

// Begin sets what a new row begins with.
func (u *User) Begin(now model.Time) {
	u.ID, u.Version, u.Epoch = model.NewID(), 1, 1
	u.CreatedAt, u.UpdatedAt = now, now
	if u.ProfileIDs == nil {
		u.ProfileIDs = []string{}
	}
	if !u.Active {
		u.InactiveReason = Deprovisioned
	}
}

// userNameTaken says what a violated unique index means for a user: only the one of userNames can be.
func userNameTaken(err error) error {
	if errors.Is(err, gorm.ErrDuplicatedKey) {
		return &model.Error{Kind: model.Conflict, Field: "userName", Err: err,
			Message: "a user with this userName exists in the organization; a userName filter finds it, unless another " +
				"directory of the organization owns it: then remove it there, or send another userName"}
	}
	return err
}

func (o Org) insertValues(ctx context.Context, u *User) error {
	values, err := u.Values()
	if err != nil || len(values) == 0 {
		return err
	}
	if err := tenant.DB(o).WithContext(ctx).CreateInBatches(&values, tenant.DialectOf(o).Batch(7)).Error; err != nil {
		return fmt.Errorf("create user values: %w", err)
	}
	return nil
}

// WriteUser stores what changed between before and after: the columns, and the
// values that filters look up when they changed. It bumps the version.
func (o Org) WriteUser(ctx context.Context, before, after *User) error {
	after.Follow(before, tenant.Now(o))
	db := tenant.DB(o).WithContext(ctx).Model(&User{}).Where("id = ?", after.ID)
	if err := db.Select(Changed(before, after)).UpdateColumns(after).Error; err != nil {
		return userNameTaken(fmt.Errorf("update user: %w", err))
	}
	if before.Document == after.Document {
		return nil
	}
	old, err := before.Values()
	if err != nil {
		return err
	}
	now, err := after.Values()
	if err != nil || slices.Equal(old, now) {
		return err
	}
	if len(old) > 0 {
		if err := tenant.DB(o).WithContext(ctx).Where("user_id = ?", after.ID).Delete(&UserValue{}).Error; err != nil {
			return fmt.Errorf("delete user values: %w", err)
		}
	}
	return o.insertValues(ctx, after)
}

// Follow gives a row that replaces another the version after it, and the moment of the change.
func (u *User) Follow(before *User, now model.Time) {
	u.Version, u.UpdatedAt = before.Version+1, now
}

// Changed names the fields that differ between two rows of one type, and those
// that are written with them.
func Changed[T any](before, after *T) []string {
	return changedFields(reflect.ValueOf(before).Elem(), reflect.ValueOf(after).Elem())
}

func changedFields(b, a reflect.Value) (names []string) {
	for i := range b.NumField() {
		f := b.Type().Field(i)
		if f.Type == reflect.TypeFor[foldedDocument]() || f.Tag.Get("gorm") == "-" {
			continue // the former follows from Document, the latter is no column
		}
		if f.Anonymous {
			names = append(names, changedFields(b.Field(i), a.Field(i))...)
			continue
		}
		if !reflect.DeepEqual(b.Field(i).Interface(), a.Field(i).Interface()) {
			names = append(names, f.Name)
			if f.Name == "Document" {
				names = append(names, "DocumentFolded")
			}
		}
	}
	return names
}

// SetRole gives a user a role. Taking admin away also ends the user's access,
// since what was opened as an admin must not live on, and removes their password.
// It answers Conflict for the last active administrator.
func (o Org) SetRole(ctx context.Context, id string, role Role) (*User, error) {
	if role != Member && role != Admin {
		return nil, model.Invalidf("role", "the role is %q or %q", Member, Admin)
	}
	return o.ChangeUser(ctx, id, func(org Org, u *User) error {
		if u.RoleMapped && role == Member {
			return model.Conflictf("role", "a directory group makes this user an administrator; take them out of it, or change the role mapping")
		}
		u.RoleMapped = false // from now on it is by a person's word
		if u.Role == role {
			return nil
		}
		return org.ChangeRole(ctx, u, role, ByPerson, tenant.CauseManual)
	})
}

// RevokeSessions ends everything that the user is signed in to. The user stays
// active and may sign in again.
func (o Org) RevokeSessions(ctx context.Context, id string) (*User, error) {
	return o.ChangeUser(ctx, id, func(org Org, u *User) error {
		return org.revokeAccess(ctx, u, EndedRevoked)
	})
}

// ConfirmAdoption lets a directory take over an administrator that no directory
// owns, once it sends that person (docs/design/identity.md, "Adoption").
func (o Org) ConfirmAdoption(ctx context.Context, id string) (*User, error) {
	return o.ChangeUser(ctx, id, func(_ Org, u *User) error {
		if u.DirectoryID != nil {
			return model.Conflictf("user_id", "a directory owns this user already; there is nothing to confirm")
		}
		if u.Role != Admin {
			return model.Conflictf("user_id", "this user is no administrator; a directory may take them over without being confirmed")
		}
		u.AdoptionConfirmed = true
		return nil
	})
}

// ChangeUser reads and locks a user, lets change alter it, and writes what changed.
func (o Org) ChangeUser(ctx context.Context, id string, change func(org Org, u *User) error) (*User, error) {
	var after *User
	err := o.Tx(ctx, func(org Org) error {
		before, err := org.FindUser(ctx, id, true)
		if err != nil {
			return err
		}
		u := *before
		u.UpdatedAt = tenant.Now(org) // already, for the events that change records
		if err := change(org, &u); err != nil {
			return err
		}
		after = before
		if changes := Changed(before, &u); len(changes) == 0 || slices.Equal(changes, []string{"UpdatedAt"}) {
			return nil
		}
		after = &u
		return org.WriteUser(ctx, before, after)
	})
	if err != nil {
		return nil, err
	}
	return after, nil
}
