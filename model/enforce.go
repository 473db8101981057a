package model

import (
	"context"
	"fmt"
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

// flagLastAdmin notes that a directory has taken the organization's last active
// administrator away: that is obeyed at once, and nobody may overlook it (docs/design/identity.md,
// "Administrators").
func (o *Org) flagLastAdmin(ctx context.Context, u *User, cause EventType) error {
	if u.Role != Admin {
		return nil
	}
	// Two who leave at once must not both find the other.
	g, err := o.lockOrganization(ctx, toChange)
	if err != nil {
		return err
	}
	var others int64
	err = o.db.WithContext(ctx).Model(&User{}).Where("role = ? AND active = ? AND id <> ?", Admin, true, u.ID).Count(&others).Error
	if err != nil {
		return fmt.Errorf("count administrators: %w", err)
	}
	if others > 0 {
		return nil
	}
	if g.Domains, err = o.Domains(ctx); err != nil {
		return err
	}
	id := OrganizationPrefix.ID(string(o.ID))
	return o.record(OrganizationWithoutAdmin, id, withoutAdmin{g.PublicForm(), UserPrefix.ID(u.ID), cause, true})
}
