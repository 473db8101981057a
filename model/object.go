package model

import (
	"encoding/json"
	"slices"
)

// The objects of the API, of events and of webhooks (docs/design/store.md, "Public form"): the
// public form of what this package stores, in one place because all three show the same.

// OrganizationObject is the public form of an Organization.
type OrganizationObject struct {
	Object                           string             `json:"object"`
	ID                               string             `json:"id"`
	Name                             string             `json:"name"`
	Domains                          []DomainObject     `json:"domains"`
	Metadata                         map[string]string  `json:"metadata"`
	ExternalID                       *string            `json:"external_id"`
	AllowProfilesOutsideOrganization bool               `json:"allow_profiles_outside_organization"`
	CreatedAt                        Time               `json:"created_at"`
	UpdatedAt                        Time               `json:"updated_at"`
	Rollcall                         OrganizationExtras `json:"rollcall"`
}

// OrganizationExtras is what Rollcall adds to the reference's organization.
type OrganizationExtras struct {
	Slug string `json:"slug"`
	Settings
}

// PublicForm returns the object that the API and events show, with the organization's domains.
func (g *Organization) PublicForm() OrganizationObject {
	o := OrganizationObject{
		Object: "organization", ID: OrganizationPrefix.ID(string(g.ID)), Name: g.Name, Domains: []DomainObject{},
		Metadata: g.Metadata, ExternalID: g.ExternalID, AllowProfilesOutsideOrganization: g.AllowProfilesOutsideOrganization,
		CreatedAt: g.CreatedAt, UpdatedAt: g.UpdatedAt, Rollcall: OrganizationExtras{g.Slug, g.Settings},
	}
	for i := range g.Domains {
		o.Domains = append(o.Domains, g.Domains[i].PublicForm())
	}
	return o
}

// DomainObject is the public form of a Domain.
type DomainObject struct {
	Object               string      `json:"object"`
	ID                   string      `json:"id"`
	OrganizationID       string      `json:"organization_id"`
	Domain               string      `json:"domain"`
	State                DomainState `json:"state"`
	VerificationStrategy string      `json:"verification_strategy"`
	VerificationPrefix   string      `json:"verification_prefix"`
	VerificationToken    string      `json:"verification_token"`
	CreatedAt            Time        `json:"created_at"`
	UpdatedAt            Time        `json:"updated_at"`
}

// PublicForm returns the object that the API and events show.
func (d *Domain) PublicForm() DomainObject {
	return DomainObject{
		Object: "organization_domain", ID: OrganizationDomainPrefix.ID(d.ID),
		OrganizationID: OrganizationPrefix.ID(string(d.OrganizationID)), Domain: d.Domain, State: d.State,
		VerificationStrategy: d.VerificationStrategy, VerificationPrefix: VerificationPrefix, VerificationToken: d.VerificationToken,
		CreatedAt: d.CreatedAt, UpdatedAt: d.UpdatedAt,
	}
}

// DomainDetail is a domain with how far its proof is.
type DomainDetail struct {
	DomainObject
	Rollcall DomainExtras `json:"rollcall"`
}

// DomainExtras is what Rollcall adds to the reference's domain.
type DomainExtras struct {
	RecordName   string  `json:"record_name"`   // of the TXT record
	RecordValue  string  `json:"record_value"`  // its whole text
	CheckedAt    *Time   `json:"checked_at"`    // when DNS was asked last
	Finding      *string `json:"finding"`       // what it said: found, missing or unknown
	NextCheckAt  *Time   `json:"next_check_at"` // null where DNS is not asked any more
	PendingUntil *Time   `json:"pending_until"` // a pending domain fails then
	ProvenAt     *Time   `json:"proven_at"`     // a pending domain is proven, and waits for another organization's
	TrustedUntil *Time   `json:"trusted_until"` // a verified domain fails then, unless its record comes back or the other claim ends
}

// DetailedForm returns the object that the API shows of one domain.
func (d *Domain) DetailedForm() DomainDetail {
	x := DomainExtras{RecordName: VerificationPrefix + "." + d.Domain, RecordValue: d.VerificationToken, CheckedAt: d.CheckedAt,
		Finding: orNull(string(d.Finding)), NextCheckAt: d.NextCheckAt, PendingUntil: d.PendingUntil, ProvenAt: d.ProvenAt, TrustedUntil: d.ContestedUntil}
	if d.MissingSince != nil {
		if gone := later(*d.MissingSince, graceTime); x.TrustedUntil == nil || *gone < *x.TrustedUntil {
			x.TrustedUntil = gone
		}
	}
	return DomainDetail{d.PublicForm(), x}
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
	CreatedAt      Time           `json:"created_at"`
	UpdatedAt      Time           `json:"updated_at"`

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
func (d *Directory) PublicForm(now Time) DirectoryObject {
	return DirectoryObject{
		Object: "directory", ID: DirectoryPrefix.ID(d.ID), OrganizationID: OrganizationPrefix.ID(string(d.OrganizationID)),
		ExternalKey: d.ExternalKey, Type: d.Type, State: d.State, Name: d.Name, CreatedAt: d.CreatedAt, UpdatedAt: d.UpdatedAt,
		Rollcall: DirectoryExtras{d.Strict, d.MassChange.Percent, d.MassChange.WindowSeconds, d.MassChange.alert(now)},
	}
}

// directoryEvent is a directory as events show it: a linked one is "active" there.
type directoryEvent struct {
	DirectoryObject
	State    string         `json:"state"`
	Domains  []DomainObject `json:"domains,omitempty"`
	Rollcall *struct{}      `json:"rollcall,omitempty"` // in the reference's events there is nothing else
}

// DirectoryTokenObject is the public form of a DirectoryToken; the token itself is never in it.
type DirectoryTokenObject struct {
	Object         string `json:"object"`
	ID             string `json:"id"`
	DirectoryID    string `json:"directory_id"`
	OrganizationID string `json:"organization_id"`
	Name           string `json:"name"`
	TokenSuffix    string `json:"token_suffix"`
	ExpiresAt      *Time  `json:"expires_at"`
	LastUsedAt     *Time  `json:"last_used_at"`
	CreatedAt      Time   `json:"created_at"`
}

// PublicForm returns the object that the API and events show.
func (t *DirectoryToken) PublicForm() DirectoryTokenObject {
	return DirectoryTokenObject{
		Object: "directory_token", ID: DirectoryTokenPrefix.ID(t.ID), DirectoryID: DirectoryPrefix.ID(t.DirectoryID),
		OrganizationID: OrganizationPrefix.ID(string(t.OrganizationID)), Name: t.Name, TokenSuffix: t.Suffix,
		ExpiresAt: t.ExpiresAt, LastUsedAt: t.LastUsedAt, CreatedAt: t.CreatedAt,
	}
}

// DirectoryUserObject is a user as its directory's side of the API shows it.
type DirectoryUserObject struct {
	Object           string          `json:"object"`
	ID               string          `json:"id"`
	DirectoryID      string          `json:"directory_id"`
	OrganizationID   string          `json:"organization_id"`
	IdpID            string          `json:"idp_id"`
	Email            *string         `json:"email"`
	FirstName        *string         `json:"first_name"`
	LastName         *string         `json:"last_name"`
	Name             *string         `json:"name"`
	Emails           []EmailObject   `json:"emails"`
	JobTitle         *string         `json:"job_title"`
	Username         *string         `json:"username"`
	State            string          `json:"state"`
	RawAttributes    json.RawMessage `json:"raw_attributes"`
	CustomAttributes map[string]any  `json:"custom_attributes"`
	Role             RoleObject      `json:"role"`
	Roles            []RoleObject    `json:"roles"`
	CreatedAt        Time            `json:"created_at"`
	UpdatedAt        Time            `json:"updated_at"`
}

// EmailObject is one e-mail address of a DirectoryUserObject.
type EmailObject struct {
	Primary bool    `json:"primary"`
	Type    string  `json:"type,omitempty"`
	Value   *string `json:"value"`
}

// RoleObject is a role in the reference's form.
type RoleObject struct {
	Slug Role `json:"slug"`
}

// DirectoryUserForm returns the user as its directory's side of the API and
// dsync.user.* events show it.
func (u *User) DirectoryUserForm() (DirectoryUserObject, error) {
	d, err := u.parse()
	if err != nil {
		return DirectoryUserObject{}, err
	}
	o := DirectoryUserObject{
		Object: "directory_user", ID: DirectoryUserPrefix.ID(u.ID), OrganizationID: OrganizationPrefix.ID(string(u.OrganizationID)),
		IdpID: u.ExternalID, Email: orNull(u.Email), FirstName: orNull(d.Name.GivenName), LastName: orNull(d.Name.FamilyName),
		Name: orNull(d.formattedName()), Emails: []EmailObject{}, JobTitle: orNull(d.Title), Username: orNull(u.UserName),
		State: "inactive", RawAttributes: json.RawMessage(u.Document), CustomAttributes: map[string]any{},
		Role: RoleObject{u.Role}, Roles: []RoleObject{{u.Role}}, CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt,
	}
	if u.DirectoryID != nil {
		o.DirectoryID = DirectoryPrefix.ID(*u.DirectoryID)
	}
	if u.Active {
		o.State = "active"
	}
	if o.IdpID == "" {
		o.IdpID = u.ID
	}
	for _, e := range d.Emails {
		o.Emails = append(o.Emails, EmailObject{e.Primary, e.Type, orNull(e.Value)})
	}
	if d.Enterprise.Department != "" {
		o.CustomAttributes["department"] = d.Enterprise.Department
	}
	if d.Title != "" {
		o.CustomAttributes["job_title"] = d.Title
	}
	return o, nil
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// UserObject is a member of an organization as the API and user.* events show it.
type UserObject struct {
	Object            string  `json:"object"`
	ID                string  `json:"id"`
	OrganizationID    string  `json:"organization_id"`
	DirectoryID       *string `json:"directory_id"`
	Email             string  `json:"email"`
	EmailVerified     bool    `json:"email_verified"`
	FirstName         *string `json:"first_name"`
	LastName          *string `json:"last_name"`
	ProfilePictureURL *string `json:"profile_picture_url"`
	Role              Role    `json:"role"`
	State             string  `json:"state"`
	InactiveReason    *string `json:"inactive_reason"`
	AdoptionConfirmed bool    `json:"adoption_confirmed"`
	CreatedAt         Time    `json:"created_at"`
	UpdatedAt         Time    `json:"updated_at"`
}

// UserForm returns the user as a member of the organization. domains are the
// organization's; the e-mail counts as verified under a verified one.
func (u *User) UserForm(domains []Domain) (UserObject, error) {
	d, err := u.parse()
	if err != nil {
		return UserObject{}, err
	}
	o := UserObject{
		Object: "user", ID: UserPrefix.ID(u.ID), OrganizationID: OrganizationPrefix.ID(string(u.OrganizationID)),
		Email: u.Email, EmailVerified: u.emailUnder(domains), FirstName: orNull(d.Name.GivenName), LastName: orNull(d.Name.FamilyName),
		Role: u.Role, State: "inactive", InactiveReason: orNull(string(u.InactiveReason)),
		AdoptionConfirmed: u.AdoptionConfirmed, CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt,
	}
	if u.Active {
		o.State = "active"
	}
	if u.DirectoryID != nil {
		id := DirectoryPrefix.ID(*u.DirectoryID)
		o.DirectoryID = &id
	}
	return o, nil
}

// emailUnder tells whether the user's e-mail stands under a verified one of the domains.
func (u *User) emailUnder(domains []Domain) bool { return underVerified(domains, u.EmailDomain) }

// underVerified tells whether a folded name is a verified one of the domains.
func underVerified(domains []Domain, name string) bool {
	return slices.ContainsFunc(domains, func(d Domain) bool { return d.State == DomainStateVerified && d.Domain == name })
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
	CreatedAt      Time            `json:"created_at"`
	UpdatedAt      Time            `json:"updated_at"`
}

// PublicForm returns the object that the API and events show.
func (g *DirectoryGroup) PublicForm() DirectoryGroupObject {
	o := DirectoryGroupObject{
		Object: "directory_group", ID: DirectoryGroupPrefix.ID(g.ID), IdpID: g.ExternalID,
		DirectoryID: DirectoryPrefix.ID(g.DirectoryID), OrganizationID: OrganizationPrefix.ID(string(g.OrganizationID)),
		Name: g.DisplayName, RawAttributes: json.RawMessage(g.Document), CreatedAt: g.CreatedAt, UpdatedAt: g.UpdatedAt,
	}
	if o.IdpID == "" {
		o.IdpID = g.ID
	}
	return o
}

// TombstoneObject is the public form of a Tombstone.
type TombstoneObject struct {
	Object         string `json:"object"`
	ID             string `json:"id"`
	OrganizationID string `json:"organization_id"`
	UserID         string `json:"user_id"`
	CreatedAt      Time   `json:"created_at"`
}

// PublicForm returns the object that the API shows.
func (t *Tombstone) PublicForm() TombstoneObject {
	return TombstoneObject{"tombstone", TombstonePrefix.ID(t.ID), OrganizationPrefix.ID(string(t.OrganizationID)),
		UserPrefix.ID(t.UserID), t.CreatedAt}
}
