package people

import (
	"context"

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

// UserQuery asks for users of an organization, for its own staff and the API.
type UserQuery struct {
	model.Page
	IDs         []string // only these users; nil for all
	DirectoryID string   // only those that this directory owns
	GroupID     string   // only members of this directory group
	Email       string   // only those with this e-mail address, folded (docs/design/identity.md, "Folding")
	IdpID       string   // only those with this externalId, or without one and with this id
	Owned       bool     // only those that some directory owns
	Awaiting    bool     // only administrators whose adoption waits for ConfirmAdoption
	Admins      bool     // only active administrators
	Outside     bool     // only active ones whose address is under no verified domain
}

// User returns a user of the organization, with or without a directory.
func (o Org) User(ctx context.Context, id string) (*User, error) {
	return o.inner().FindUser(ctx, id, false)
}

// FindUser is User, with a lock on the row on request.
func (o Inner) FindUser(ctx context.Context, id string, lock bool) (*User, error) {
	db := tenant.Read(ctx, o)
	if lock {
		db = tenant.ForChange(o, db, id)
	}
	var u User
	return &u, tenant.ByID(o, db, &u, "user", id)
}

// Users lists users of the organization, and tells what is before and after the page.
func (o Org) Users(ctx context.Context, q UserQuery) ([]User, model.PageInfo, error) {
	db := tenant.Read(ctx, o).Model(&User{})
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
	verified := tenant.Read(ctx, o).Model(&organization.Domain{}).Select("domain").
		Where("state = ?", organization.DomainStateVerified)
	if q.Admins {
		db = db.Where("role = ? AND active = ?", Admin, true)
	}
	if q.Outside {
		db = db.Where("active = ? AND email_domain NOT IN (?)", true, verified)
	}
	if q.Awaiting {
		db = db.Where("directory_id IS NULL AND role = ? AND adoption_confirmed = ? AND email_domain IN (?)",
			Admin, false, verified)
	}
	if q.GroupID != "" {
		members := tenant.Read(ctx, o).Model(&GroupMember{}).Select("user_id").Where("group_id = ?", q.GroupID)
		db = db.Where(tenant.DialectOf(o).In("id", "?"), members)
	}
	return tenant.Paged(o, db, q.Page, func(u User) string { return u.ID })
}

// EmailUnder tells whether the user's e-mail address is under a verified one of the domains.
func (u *User) EmailUnder(domains []organization.Domain) bool {
	return organization.UnderVerified(domains, u.EmailDomain)
}
