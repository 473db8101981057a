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

// Claim has a worker take the organization's task, as it reads it.
func Claim(ctx context.Context, o Org) (job *Recompute, mine bool, err error) {
	if job, err = o.Recompute(ctx); err != nil {
		return nil, false, err
	}
	mine, err = o.claim(ctx, job)
	return job, mine, err
}

// RecomputeSome carries out a part of a worker's task.
func RecomputeSome(ctx context.Context, o Org, job *Recompute, users []string) error {
	return o.recomputeSome(ctx, job, users)
}

// Rules reads the rules of an organization as a transaction does.
func Rules(ctx context.Context, o Org) error {
	_, err := o.rules(ctx)
	return err
}

// MaxGroups and MaxMappings are how many groups an account may have, and how many mappings a group.
const (
	MaxGroups   = maxGroups
	MaxMappings = maxMappings
)
