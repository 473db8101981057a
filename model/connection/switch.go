package connection

import (
	"context"
	"fmt"

	"rollcall/model"
	"rollcall/model/internal/tenant"
	"rollcall/model/people"
)

// SwitchConnection sets the state of a connection. An inactive connection signs nobody in: whoever
// signed in by it is signed out, and only another call makes it active again. A draft becomes
// active only after a test or a login has succeeded.
func (o Org) SwitchConnection(ctx context.Context, id string, to ConnectionState) (*Connection, error) {
	var c *Connection
	err := o.Tx(ctx, func(org Org) error {
		before, err := org.inner().LockConnection(ctx, id, tenant.ToChange)
		if err != nil {
			return err
		}
		after := *before
		c = &after
		if _, err := org.inner().WithDomains(ctx, c); err != nil {
			return err
		}
		if before.State == to {
			return nil
		}
		if err := before.mayBecome(to); err != nil {
			return err
		}
		c.State, c.UpdatedAt = to, tenant.Now(org)
		row := tenant.DB(ctx, org).Model(&Connection{}).Where("id = ?", id).Select("State", "UpdatedAt")
		if err := row.UpdateColumns(c).Error; err != nil {
			return fmt.Errorf("switch connection: %w", err)
		}
		tenant.RuleInputChanged(org) // rules can depend on which connections are active
		if to == ConnectionActive {
			return org.inner().RecordActivated(c)
		}
		if err := org.recordDeactivated(before, c); err != nil {
			return err
		}
		return people.Inside(tenant.Inside(org)).SignOut(ctx, id)
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}

// mayBecome refuses a state that the connection cannot be switched to.
func (c *Connection) mayBecome(to ConnectionState) error {
	switch {
	case to == ConnectionInactive:
		return nil
	case to != ConnectionActive:
		return model.Invalidf("state", "state can be set to %q and to %q", ConnectionActive, ConnectionInactive)
	case !c.HasProvider():
		return model.Invalidf("state",
			"the connection does not know its identity provider yet; send saml or oidc first")
	case c.State == ConnectionDraft && c.TestedAt == nil:
		return model.Invalidf("state", "no test of this draft has succeeded as it is set up now; sign in once at its "+
			"login address, then set state to %q", ConnectionActive)
	}
	return nil
}

// RecordActivated records that people can sign in at a connection from now on.
func (o Inner) RecordActivated(c *Connection) error {
	e := ConnectionEvent{c.PublicForm(), model.ConnectionPrefix.ID(c.ID)}
	return tenant.Record(o, ConnectionActivated, e.ID, e)
}

// RecordTested notes that a login at a connection, whose row is locked, succeeded as it is set up.
func (o Inner) RecordTested(ctx context.Context, c *Connection) error {
	now := tenant.Now(o)
	c.TestedAt, c.UpdatedAt = &now, now
	row := tenant.DB(ctx, o).Model(&Connection{}).Where("id = ?", c.ID).Select("TestedAt", "UpdatedAt")
	if err := row.UpdateColumns(c).Error; err != nil {
		return fmt.Errorf("note test: %w", err)
	}
	return nil
}
