package people

import (
	"context"

	"rollcall/model"
	"rollcall/model/internal/tenant"
	"rollcall/model/organization"
)

// withoutAdmin is the data of organization.without_admin.
type withoutAdmin struct {
	organization.OrganizationObject
	UserID string          `json:"user_id"` // the last one
	Cause  model.EventType `json:"cause"`
	Alert  bool            `json:"alert"`
}

// FlagLastAdmin records, where it is so, that a directory has taken the last active
// administrator away. The change is carried out all the same, and nobody may overlook it.
func (o Org) FlagLastAdmin(ctx context.Context, u *User, cause model.EventType) error {
	others, err := o.otherAdmins(ctx, u.ID)
	if err != nil || others > 0 {
		return err
	}
	g, err := organization.In(o).Organization(ctx)
	if err != nil {
		return err
	}
	id := model.OrganizationPrefix.ID(string(o.ID))
	return tenant.Record(o, OrganizationWithoutAdmin, id, withoutAdmin{g.PublicForm(), model.UserPrefix.ID(u.ID), cause, true})
}
