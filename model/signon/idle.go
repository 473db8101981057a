package signon

import (
	"context"
	"fmt"

	"rollcall/model"
	"rollcall/model/internal/tenant"
	"rollcall/model/people"
)

// idleStep is how much later a session's idle time must end before that is written: a session in use
// costs one write a minute and no statement besides.
const idleStep = model.Time(60_000)

// idle tells whether nobody has used a session for too long.
func (r *signedInRow) idle(now model.Time) bool { return r.IdleUntil != nil && *r.IdleUntil <= now }

// used notes that a session is in use. A note that cannot be written does not keep anybody out.
func (s Store) used(ctx context.Context, in *SignedIn) *SignedIn {
	now := model.TimeOf(s.Now())
	until := in.Session.IdleFrom(now)
	if until == nil || in.Session.IdleUntil != nil && *until-*in.Session.IdleUntil < idleStep {
		return in
	}
	in.Session.IdleUntil = until
	if err := In(s.Org(in.Session.OrganizationID, model.System)).noteSessionUse(ctx, &in.Session); err != nil {
		tenant.Log(s).WarnContext(ctx, "use of session not noted", "error", err)
	}
	return in
}

// noteSessionUse writes no earlier time over a later one: several replicas do it at once.
func (o Org) noteSessionUse(ctx context.Context, s *people.Session) error {
	err := tenant.DB(o).WithContext(ctx).Model(&people.Session{}).Where("id = ? AND idle_until < ?", s.ID, *s.IdleUntil).UpdateColumn("idle_until", *s.IdleUntil).Error
	if err != nil {
		return fmt.Errorf("note use of session: %w", err)
	}
	return nil
}

// SetIdle gives the sessions that are open another idle time, from now on: one that is switched on
// must not spare whoever signed in before.
func (o Org) SetIdle(ctx context.Context, seconds int) error {
	s := people.Session{IdleSeconds: int64(seconds)}
	s.IdleUntil = s.IdleFrom(tenant.Now(o))
	err := people.In(o).LiveSessions(tenant.DB(o).WithContext(ctx).Model(&people.Session{})).Select("IdleSeconds", "IdleUntil").UpdateColumns(&s).Error
	if err != nil {
		return fmt.Errorf("set idle time: %w", err)
	}
	return nil
}
