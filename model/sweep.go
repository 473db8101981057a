package model

import (
	"context"
	"fmt"
	"time"
)

const (
	// keptAfterEnd is how long logins, sessions and tokens are kept once they open nothing any more.
	keptAfterEnd = 24 * time.Hour
	// codeKept is how long a code is remembered, so that its second use is recognized.
	codeKept = 24 * time.Hour
)

// Sweep deletes what opens nothing any more: logins and codes a day after they
// expired, assertions once their age alone refuses them, sessions with their
// codes and tokens a day after they ended, login attempts after 90 days, and all
// but the last 1,000 requests of a directory. It tells how many rows went. Nothing depends on when it runs.
func (s *Store) Sweep(ctx context.Context) (swept int64, err error) {
	now := TimeOf(s.now())
	ended := now - Time(keptAfterEnd.Milliseconds())
	for _, old := range []struct {
		rows  any
		where string
		than  Time
	}{
		{&Login{}, "expires_at < ?", ended},
		{&assertion{}, "expires_at < ?", now},
		{&authorizationCode{}, "expires_at < ?", now - Time(codeKept.Milliseconds())},
		{&accessToken{}, "expires_at < ?", ended},
		{&Session{}, "expires_at < ?", ended},
		{&Session{}, "ended_at < ?", ended},
		{&departure{}, "departed_at < ?", now - Time(1000*mostMassChangeWindow)},
		{&LoginAttempt{}, "created_at < ?", now - Time(attemptTime.Milliseconds())},
	} {
		r := s.across(ctx).Where(old.where, old.than).Delete(old.rows)
		if r.Error != nil {
			return swept, s.translate(fmt.Errorf("sweep: %w", r.Error))
		}
		swept += r.RowsAffected
	}
	requests, err := s.sweepRequests(ctx)
	return swept + requests, err
}
