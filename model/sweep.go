package model

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	// keptAfterEnd is how long logins, sessions and tokens are kept once they open nothing any more.
	keptAfterEnd = 24 * time.Hour
	// codeKept is how long a code is remembered, so that its second use is recognized.
	codeKept = 24 * time.Hour
	// sweepBatch is how many rows go at once. Anybody can begin logins, as many as they like: what a
	// flood leaves behind must not outlast PostgreSQL's time for one statement, which would end every
	// sweep from then on, nor keep SQLite's only writer from those who sign in.
	sweepBatch = 1000
)

// Sweep deletes what opens nothing any more: logins, logouts and codes a day after they
// expired, assertions once their age alone refuses them, sessions with their
// codes and tokens a day after they ended, counted guesses a day after the last,
// login attempts after 90 days and what came with them when the organization wants, and all but the last 1,000 requests of a directory. It tells how many rows went.
// Nothing depends on when it runs, and what cannot go does not keep the rest.
func (s *Store) Sweep(ctx context.Context) (swept int64, err error) {
	now := TimeOf(s.now())
	ended := now - Time(keptAfterEnd.Milliseconds())
	var errs []error
	for _, old := range []struct {
		rows       any
		key, where string
		than       Time
	}{
		{&Login{}, "id", "expires_at < ?", ended},
		{&SingleLogout{}, "id", "expires_at < ?", ended},
		{&assertion{}, "connection_id, hash", "expires_at < ?", now},
		{&authorizationCode{}, "hash", "expires_at < ?", now - Time(codeKept.Milliseconds())},
		{&accessToken{}, "hash", "expires_at < ?", ended},
		{&Session{}, "id", "expires_at < ?", ended},
		{&Session{}, "id", "ended_at < ?", ended},
		{&departure{}, "directory_id, user_id", "departed_at < ?", now - Time(1000*mostMassChangeWindow)},
		{&OperatorSession{}, "hash", "expires_at < ?", now},
		{&PasswordSetup{}, "user_id", "expires_at < ?", now},
		{&PendingAuthorization{}, "id", "expires_at < ?", now},
		{&guess{}, "hash", "last_at < ?", now - Time(guessesForgotten.Milliseconds())},
		{&LoginResponse{}, "attempt_id", "expires_at <= ?", now},
		{&LoginAttempt{}, "id", "created_at < ?", now - Time(attemptTime.Milliseconds())},
	} {
		for n := int64(sweepBatch); n == sweepBatch; swept += n {
			some := s.across(ctx).Model(old.rows).Select(old.key).Where(old.where, old.than).Limit(sweepBatch)
			r := s.across(ctx).Where("("+old.key+") IN (?)", some).Delete(old.rows)
			if n = r.RowsAffected; r.Error != nil {
				errs = append(errs, s.translate(fmt.Errorf("sweep: %w", r.Error)))
				break
			}
		}
	}
	requests, err := s.sweepRequests(ctx)
	return swept + requests, errors.Join(append(errs, err)...)
}
