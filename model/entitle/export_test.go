package entitle

import (
	"context"

	"rollcall/model/internal/tenant"
)

// RecomputeUsers recomputes users by the Go code, without asking the SQL which users would change,
// and returns how many it changed.
func RecomputeUsers(ctx context.Context, o Org, ids []string) (changed int, err error) {
	err = o.Tx(ctx, func(org Org) error {
		changed, err = org.recompute(ctx, ids, recomputeMode{cause: tenant.CauseConfiguration})
		return err
	})
	return changed, err
}
