package model

import (
	"context"
	"fmt"
)

// idleStep is how much later a session's idle time must end before that is written: a session in use
// costs one write a minute and no statement besides.
const idleStep = Time(60_000)

const (
	minIdleSeconds = 300
	maxIdleSeconds = 30 * 86400
)

func (s Settings) validateIdle() error {
	if n := s.SessionIdleSeconds; n != 0 && (n < minIdleSeconds || n > maxIdleSeconds) {
		return Invalidf("session_idle_seconds", "session_idle_seconds is between %d and %d, or 0 for sessions that may be idle", minIdleSeconds, maxIdleSeconds)
	}
	return nil
}

// idleFrom is when a session that is used now has been idle for too long; nil for never.
func (s *Session) idleFrom(now Time) *Time {
	if s.IdleSeconds == 0 {
		return nil
	}
	until := now + Time(s.IdleSeconds)*1000
	return &until
}

// idle tells whether nobody has used a session for too long.
func (r *signedInRow) idle(now Time) bool { return r.IdleUntil != nil && *r.IdleUntil <= now }

// used notes that a session is in use. A note that cannot be written does not keep anybody out.
func (s *Store) used(ctx context.Context, in *SignedIn) *SignedIn {
	now := TimeOf(s.now())
	until := in.Session.idleFrom(now)
	if until == nil || in.Session.IdleUntil != nil && *until-*in.Session.IdleUntil < idleStep {
		return in
	}
	in.Session.IdleUntil = until
	if err := s.Org(in.Session.OrganizationID, System).noteSessionUse(ctx, &in.Session); err != nil {
		s.log.WarnContext(ctx, "use of session not noted", "error", err)
	}
	return in
}

// noteSessionUse writes no earlier time over a later one: several replicas do it at once.
func (o *Org) noteSessionUse(ctx context.Context, s *Session) error {
	err := o.db.WithContext(ctx).Model(&Session{}).Where("id = ? AND idle_until < ?", s.ID, *s.IdleUntil).UpdateColumn("idle_until", *s.IdleUntil).Error
	if err != nil {
		return fmt.Errorf("note use of session: %w", err)
	}
	return nil
}

// setIdle gives the sessions that are open another idle time, from now on: one that is switched on
// must not spare whoever signed in before.
func (o *Org) setIdle(ctx context.Context, seconds int) error {
	s := Session{IdleSeconds: int64(seconds)}
	s.IdleUntil = s.idleFrom(o.now())
	err := o.liveSessions(o.db.WithContext(ctx).Model(&Session{})).Select("IdleSeconds", "IdleUntil").UpdateColumns(&s).Error
	if err != nil {
		return fmt.Errorf("set idle time: %w", err)
	}
	return nil
}
