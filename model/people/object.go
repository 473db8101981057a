package people

import (
	"encoding/json"
	"slices"

	"rollcall/model"
	"rollcall/model/internal/tenant"
	"rollcall/model/organization"
)

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
	CreatedAt        model.Time      `json:"created_at"`
	UpdatedAt        model.Time      `json:"updated_at"`
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
	d, err := u.Parse()
	if err != nil {
		return DirectoryUserObject{}, err
	}
	o := DirectoryUserObject{
		Object: "directory_user", ID: model.DirectoryUserPrefix.ID(u.ID), OrganizationID: model.OrganizationPrefix.ID(string(u.OrganizationID)),
		IdpID: u.ExternalID, Email: tenant.OrNull(u.Email), FirstName: tenant.OrNull(d.Name.GivenName), LastName: tenant.OrNull(d.Name.FamilyName),
		Name: tenant.OrNull(d.FormattedName()), Emails: []EmailObject{}, JobTitle: tenant.OrNull(d.Title), Username: tenant.OrNull(u.UserName),
		State: "inactive", RawAttributes: json.RawMessage(u.Document), CustomAttributes: map[string]any{},
		Role: RoleObject{u.Role}, Roles: []RoleObject{{u.Role}}, CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt,
	}
	if u.DirectoryID != nil {
		o.DirectoryID = model.DirectoryPrefix.ID(*u.DirectoryID)
	}
	if u.Active {
		o.State = "active"
	}
	if o.IdpID == "" {
		o.IdpID = u.ID
	}
	for _, e := range d.Emails {
		o.Emails = append(o.Emails, EmailObject{e.Primary, e.Type, tenant.OrNull(e.Value)})
	}
	if d.Enterprise.Department != "" {
		o.CustomAttributes["department"] = d.Enterprise.Department
	}
	if d.Title != "" {
		o.CustomAttributes["job_title"] = d.Title
	}
	return o, nil
}

// UserObject is a member of an organization as the API and user.* events show it.
type UserObject struct {
	Object            string     `json:"object"`
	ID                string     `json:"id"`
	OrganizationID    string     `json:"organization_id"`
	DirectoryID       *string    `json:"directory_id"`
	Email             string     `json:"email"`
	EmailVerified     bool       `json:"email_verified"`
	FirstName         *string    `json:"first_name"`
	LastName          *string    `json:"last_name"`
	ProfilePictureURL *string    `json:"profile_picture_url"`
	Role              Role       `json:"role"`
	State             string     `json:"state"`
	InactiveReason    *string    `json:"inactive_reason"`
	AdoptionConfirmed bool       `json:"adoption_confirmed"`
	CreatedAt         model.Time `json:"created_at"`
	UpdatedAt         model.Time `json:"updated_at"`
}

// UserForm returns the user as a member of the organization. domains are the
// organization's; the e-mail counts as verified under a verified one.
func (u *User) UserForm(domains []organization.Domain) (UserObject, error) {
	d, err := u.Parse()
	if err != nil {
		return UserObject{}, err
	}
	o := UserObject{
		Object: "user", ID: model.UserPrefix.ID(u.ID), OrganizationID: model.OrganizationPrefix.ID(string(u.OrganizationID)),
		Email: u.Email, EmailVerified: u.EmailUnder(domains), FirstName: tenant.OrNull(d.Name.GivenName), LastName: tenant.OrNull(d.Name.FamilyName),
		Role: u.Role, State: "inactive", InactiveReason: tenant.OrNull(string(u.InactiveReason)),
		AdoptionConfirmed: u.AdoptionConfirmed, CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt,
	}
	if u.Active {
		o.State = "active"
	}
	if u.DirectoryID != nil {
		id := model.DirectoryPrefix.ID(*u.DirectoryID)
		o.DirectoryID = &id
	}
	return o, nil
}

// EmailUnder tells whether the user's e-mail stands under a verified one of the domains.
func (u *User) EmailUnder(domains []organization.Domain) bool {
	return UnderVerified(domains, u.EmailDomain)
}

// UnderVerified tells whether a folded name is a verified one of the domains.
func UnderVerified(domains []organization.Domain, name string) bool {
	return slices.ContainsFunc(domains, func(d organization.Domain) bool {
		return d.State == organization.DomainStateVerified && d.Domain == name
	})
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
		Object: "directory_group", ID: model.DirectoryGroupPrefix.ID(g.ID), IdpID: g.ExternalID,
		DirectoryID: model.DirectoryPrefix.ID(g.DirectoryID), OrganizationID: model.OrganizationPrefix.ID(string(g.OrganizationID)),
		Name: g.DisplayName, RawAttributes: json.RawMessage(g.Document), CreatedAt: g.CreatedAt, UpdatedAt: g.UpdatedAt,
	}
	if o.IdpID == "" {
		o.IdpID = g.ID
	}
	return o
}
