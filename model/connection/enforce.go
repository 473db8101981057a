package connection

import (
	"context"

	"rollcall/model/organization"
)

// CheckEnforcement refuses to require single sign-on before somebody has signed in
// by it (docs/design/identity.md, "Administrators"): a connection becomes active by its first
// login.
func (o Org) CheckEnforcement(ctx context.Context, before, after organization.Settings) error {
	if before.SSORequired || !after.SSORequired {
		return nil
	}
	active, err := o.ActiveConnections(ctx)
	if err == nil && len(active) == 0 {
		err = organization.ErrUntestedSSO()
	}
	return err
}
