package organization

import (
	"context"

	"rollcall/model/internal/across"
)

// ServedBy tells whether an application serves the organization.
func (o Org) ServedBy(ctx context.Context, application string) (bool, error) {
	return Across(o).serves(across.ReadIn(ctx, o), application, o.ID)
}
