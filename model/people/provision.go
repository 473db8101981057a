package people

import (
	"context"
	"encoding/json"

	"rollcall/model"
	"rollcall/model/internal/tenant"
	"rollcall/model/organization"
)

// Confirmed refuses the adoption of an administrator that nobody has confirmed:
// a directory would otherwise gain the powers of whoever it can name.
func (u *User) Confirmed() error {
	if u.Role == Admin && !u.AdoptionConfirmed {
		return model.Conflictf("userName", "an administrator must confirm that the directory may take over this user")
	}
	return nil
}

// RecordUser notes an event about a member of the organization.
func (o Org) RecordUser(ctx context.Context, t model.EventType, u *User) error {
	form, err := o.UserForm(ctx, u)
	if err != nil {
		return err
	}
	return tenant.Record(o, t, form.ID, form)
}

// UserForm is a member of the organization as events show it.
func (o Org) UserForm(ctx context.Context, u *User) (UserObject, error) {
	domains, err := organization.In(o).Domains(ctx)
	if err != nil {
		return UserObject{}, err
	}
	form, err := u.UserForm(domains)
	form.OrganizationID = model.OrganizationPrefix.ID(string(o.ID))
	return form, err
}

// recordDirectoryUser notes an event about a user of a directory; before, where
// given, is what it was.
func (o Org) recordDirectoryUser(t model.EventType, u, before *User) error {
	form, err := u.DirectoryUserForm()
	if err != nil {
		return err
	}
	data := struct {
		DirectoryUserObject
		PreviousAttributes map[string]json.RawMessage `json:"previous_attributes,omitempty"`
	}{DirectoryUserObject: form}
	if before != nil {
		old, err := before.DirectoryUserForm()
		if err != nil {
			return err
		}
		if data.PreviousAttributes, err = tenant.Previous(old, form); err != nil {
			return err
		}
	}
	return tenant.Record(o, t, form.ID, data)
}
