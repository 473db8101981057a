package people

import (
	"encoding/json"

	"rollcall/model"
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
	Emails           []emailObject   `json:"emails"`
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

// emailObject is one e-mail address of a DirectoryUserObject.
type emailObject struct {
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
	return u.directoryUserForm(d), nil
}

// directoryUserForm is DirectoryUserForm with the user's document as Parse reads it.
func (u *User) directoryUserForm(d *userDocument) DirectoryUserObject {
	o := DirectoryUserObject{
		Object:           "directory_user",
		ID:               model.DirectoryUserPrefix.ID(u.ID),
		OrganizationID:   model.OrganizationPrefix.ID(string(u.OrganizationID)),
		IdpID:            u.ExternalID,
		Email:            model.OrNull(u.Email),
		FirstName:        model.OrNull(d.Name.GivenName),
		LastName:         model.OrNull(d.Name.FamilyName),
		Name:             model.OrNull(d.FormattedName()),
		Emails:           []emailObject{},
		JobTitle:         model.OrNull(d.Title),
		Username:         model.OrNull(u.UserName),
		State:            "inactive",
		RawAttributes:    json.RawMessage(u.Document),
		CustomAttributes: map[string]any{},
		Role:             RoleObject{u.Role},
		Roles:            []RoleObject{{u.Role}},
		CreatedAt:        u.CreatedAt,
		UpdatedAt:        u.UpdatedAt,
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
		o.Emails = append(o.Emails, emailObject{e.Primary, e.Type, model.OrNull(e.Value)})
	}
	if d.Enterprise.Department != "" {
		o.CustomAttributes["department"] = d.Enterprise.Department
	}
	if d.Title != "" {
		o.CustomAttributes["job_title"] = d.Title
	}
	return o
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
		Object:            "user",
		ID:                model.UserPrefix.ID(u.ID),
		OrganizationID:    model.OrganizationPrefix.ID(string(u.OrganizationID)),
		Email:             u.Email,
		EmailVerified:     u.EmailUnder(domains),
		FirstName:         model.OrNull(d.Name.GivenName),
		LastName:          model.OrNull(d.Name.FamilyName),
		Role:              u.Role,
		State:             "inactive",
		InactiveReason:    model.OrNull(string(u.InactiveReason)),
		AdoptionConfirmed: u.AdoptionConfirmed,
		CreatedAt:         u.CreatedAt,
		UpdatedAt:         u.UpdatedAt,
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
