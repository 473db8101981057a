package model

import (
	"context"
)

// errUntestedSSO keeps an organization from locking itself out.
func errUntestedSSO() error {
	return Invalidf("sso_required", "sso_required needs an active connection: create one, and sign in once at its login address to test it")
}

// checkEnforcement refuses to require single sign-on before somebody has signed in
// by it (docs/design/identity.md, "Administrators"): a connection becomes active by its first
// login.
func (o *Org) checkEnforcement(ctx context.Context, before, after Settings) error {
	if before.SSORequired || !after.SSORequired {
		return nil
	}
	active, err := o.ActiveConnections(ctx)
	if err == nil && len(active) == 0 {
		err = errUntestedSSO()
	}
	return err
}

// withoutAdmin is the data of organization.without_admin.
type withoutAdmin struct {
	OrganizationObject
	UserID string    `json:"user_id"` // the last one
	Cause  EventType `json:"cause"`
	Alert  bool      `json:"alert"`
}

// flagLastAdmin records, where it is so, that a directory has taken the last active
// administrator away. The change is carried out all the same, and nobody may overlook it.
func (o *Org) flagLastAdmin(ctx context.Context, u *User, cause EventType) error {
	others, err := o.otherAdmins(ctx, u.ID)
	if err != nil || others > 0 {
		return err
	}
	g, err := o.Organization(ctx)
	if err != nil {
		return err
	}
	id := OrganizationPrefix.ID(string(o.ID))
	return o.record(OrganizationWithoutAdmin, id, withoutAdmin{g.PublicForm(), UserPrefix.ID(u.ID), cause, true})
}
