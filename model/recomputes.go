package model

import (
	"context"
	"fmt"
)

// recomputesAtOnce are how many organizations one round of the worker looks at.
const recomputesAtOnce = 20

// learnRules learns which organizations have got rules since it was last called.
func (s *Store) learnRules(ctx context.Context) error {
	since := s.ruled.since()
	var recent []Recompute
	err := s.readAcross(ctx).Select("organization_id", "version", "updated_at").
		Where("updated_at >= ?", since-Time(clockSkew.Milliseconds())).Find(&recent).Error
	if err != nil {
		return s.translate(fmt.Errorf("read recomputations: %w", err))
	}
	for _, r := range recent {
		s.ruled.note(r.OrganizationID, r.Version)
		since = max(since, r.UpdatedAt)
	}
	s.ruled.saw(since)
	return nil
}

// dueRecomputes are those that somebody should carry out now.
func (s *Store) dueRecomputes(ctx context.Context) (due []Recompute, err error) {
	now := TimeOf(s.now())
	// Written out, the state is that of the index.
	err = s.readAcross(ctx).Where("state <> 'done' AND due_at <= ? AND lease_until <= ?", now, now).Order("due_at, organization_id").
		Limit(recomputesAtOnce).Find(&due).Error
	if err != nil {
		return nil, s.translate(fmt.Errorf("read due recomputations: %w", err))
	}
	return due, nil
}
