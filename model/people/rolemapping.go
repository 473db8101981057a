package people

import (
	"context"

	"rollcall/model"
	"rollcall/model/internal/tenant"
	"rollcall/model/organization"
)

// recordRole notes that a user has another role.
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
