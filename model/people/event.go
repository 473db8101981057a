package people

import (
	"context"
	"encoding/json"

	"rollcall/model"
	"rollcall/model/internal/tenant"
	"rollcall/model/organization"
)

// The events of users and their access.
const (
	DirectoryUserCreated     model.EventType = "dsync.user.created"
	DirectoryUserUpdated     model.EventType = "dsync.user.updated"
	DirectoryUserDeleted     model.EventType = "dsync.user.deleted"
	UserCreated              model.EventType = "user.created"
	UserUpdated              model.EventType = "user.updated"
	UserDeleted              model.EventType = "user.deleted"
	UserAdopted              model.EventType = "user.adopted"
	UserIdentityLinked       model.EventType = "user.identity_linked"
	UserRoleChanged          model.EventType = "user.role_changed"
	UserAccessEnded          model.EventType = "user.access_ended"
	UserPasswordSetup        model.EventType = "user.password_setup_created"
	UserPasswordSet          model.EventType = "user.password_set"
	UserPasswordRemoved      model.EventType = "user.password_removed"
	OrganizationWithoutAdmin model.EventType = "organization.without_admin"
)

// RecordUser records an event about a member of the organization.
func (o Inner) RecordUser(ctx context.Context, t model.EventType, u *User) error {
	form, err := o.UserForm(ctx, u)
	if err != nil {
		return err
	}
	return tenant.Record(o, t, form.ID, form)
}

// UserForm is a member of the organization as events show it.
func (o Inner) UserForm(ctx context.Context, u *User) (UserObject, error) {
	domains, err := organization.In(o).Domains(ctx)
	if err != nil {
		return UserObject{}, err
	}
	form, err := u.UserForm(domains)
	form.OrganizationID = model.OrganizationPrefix.ID(string(o.ID))
	return form, err
}

// recordUserBecause is RecordUser with the cause, where there is one.
func (o Org) recordUserBecause(ctx context.Context, t model.EventType, u *User, cause passwordCause) error {
	form, err := o.inner().UserForm(ctx, u)
	if err != nil {
		return err
	}
	return tenant.Record(o, t, form.ID, struct {
		UserObject
		Cause passwordCause `json:"cause,omitempty"`
	}{form, cause})
}

// recordRole records that a user has another role.
func (o Org) recordRole(ctx context.Context, u *User, cause tenant.Cause, last bool) error {
	domains, err := organization.In(o).Domains(ctx)
	if err != nil {
		return err
	}
	form, err := u.UserForm(domains)
	if err != nil {
		return err
	}
	form.OrganizationID = model.OrganizationPrefix.ID(string(o.ID))
	return tenant.Record(o, UserRoleChanged, form.ID, struct {
		UserObject
		Cause     tenant.Cause `json:"cause"`
		LastAdmin bool         `json:"last_admin"` // the organization has no administrator now
	}{form, cause, last})
}

// recordDirectoryUser records an event about a user of a directory; before, where
// given, is what it was.
func (o Org) recordDirectoryUser(t model.EventType, u, before *User) error {
	d, err := u.Parse()
	if err != nil {
		return err
	}
	form := u.directoryUserForm(d)
	data := struct {
		DirectoryUserObject
		PreviousAttributes map[string]json.RawMessage `json:"previous_attributes,omitempty"`
	}{DirectoryUserObject: form}
	if before != nil {
		if before.Document != u.Document { // most changes are of active
			if d, err = before.Parse(); err != nil {
				return err
			}
		}
		old := before.directoryUserForm(d)
		if data.PreviousAttributes, err = tenant.Previous(old, form); err != nil {
			return err
		}
	}
	return tenant.Record(o, t, form.ID, data)
}
