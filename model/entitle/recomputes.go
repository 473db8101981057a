package entitle

import (
	"context"
	"fmt"

	"rollcall/model"
	"rollcall/model/internal/across"
	"rollcall/model/internal/tenant"
)

// recomputesAtOnce are how many organizations one round of the worker looks at.
const recomputesAtOnce = 20

// LearnRules learns which organizations have got rules since it was last called.
func (s Store) LearnRules(ctx context.Context) error {
	since := tenant.RuledOf(s).Since()
	var recent []Recompute
	err := across.Read(ctx, s).Select("organization_id", "version", "updated_at").
		Where("updated_at >= ?", since-model.Time(clockSkew.Milliseconds())).Find(&recent).Error
	if err != nil {
		return tenant.Translate(s, fmt.Errorf("read recomputations: %w", err))
	}
	for _, r := range recent {
		tenant.RuledOf(s).Note(r.OrganizationID, r.Version)
		since = max(since, r.UpdatedAt)
	}
	tenant.RuledOf(s).Saw(since)
	return nil
}

// dueRecomputes are those that somebody should carry out now.
func (s Store) dueRecomputes(ctx context.Context) (due []Recompute, err error) {
	now := model.TimeOf(s.Now())
	// Written out, the state is that of the index.
	err = across.Read(ctx, s).Where("state <> 'done' AND due_at <= ? AND lease_until <= ?", now, now).Order("due_at, organization_id").
		Limit(recomputesAtOnce).Find(&due).Error
	if err != nil {
		return nil, tenant.Translate(s, fmt.Errorf("read due recomputations: %w", err))
	}
	return due, nil
}
