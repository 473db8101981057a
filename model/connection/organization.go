package connection

import (
	"context"

	"rollcall/model"
	"rollcall/model/organization"
)

// CheckDefaultConnection refuses a connection that the organization does not have.
func (o Org) CheckDefaultConnection(ctx context.Context, r organization.ConnectionRef) error {
	if r == "" {
		return nil
	}
	_, err := o.Connection(ctx, string(r))
	if model.KindOf(err) == model.NotFound {
		return organization.ErrDefaultConnection()
	}
	return err
}
