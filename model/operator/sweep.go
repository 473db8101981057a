package operator

import (
	"context"
	"errors"
	"fmt"
	"time"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/internal/across"
	"rollcall/model/internal/passwords"
	"rollcall/model/internal/tenant"
	"rollcall/model/people"
	"rollcall/model/signon"
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
func (s Store) Sweep(ctx context.Context) (swept int64, err error) {
	now := model.TimeOf(s.Now())
	ended := now - model.Time(keptAfterEnd.Milliseconds())
	var errs []error
	for _, old := range []struct {
		rows       any
		key, where string
		than       model.Time
	}{
		{&signon.Login{}, "id", "expires_at < ?", ended},
		{&signon.SingleLogout{}, "id", "expires_at < ?", ended},
		{&signon.Assertion{}, "connection_id, hash", "expires_at < ?", now},
		{&signon.AuthorizationCode{}, "hash", "expires_at < ?", now - model.Time(codeKept.Milliseconds())},
		{&signon.AccessToken{}, "hash", "expires_at < ?", ended},
		{&people.Session{}, "id", "expires_at < ?", ended},
		{&people.Session{}, "id", "ended_at < ?", ended},
		{&directory.Departure{}, "directory_id, user_id", "departed_at < ?", now - model.Time(1000*directory.MostMassChangeWindow)},
		{&OperatorSession{}, "hash", "expires_at < ?", now},
		{&people.PasswordSetup{}, "user_id", "expires_at < ?", now},
		{&signon.PendingAuthorization{}, "id", "expires_at < ?", now},
		{&passwords.Guess{}, "hash", "last_at < ?", now - model.Time(passwords.GuessesForgotten.Milliseconds())},
		{&signon.LoginResponse{}, "attempt_id", "expires_at <= ?", now},
		{&signon.LoginAttempt{}, "id", "created_at < ?", now - model.Time(signon.AttemptTime.Milliseconds())},
	} {
		for n := int64(sweepBatch); n == sweepBatch; swept += n {
			some := across.DB(ctx, s).Model(old.rows).Select(old.key).Where(old.where, old.than).Limit(sweepBatch)
			r := across.DB(ctx, s).Where("("+old.key+") IN (?)", some).Delete(old.rows)
			if n = r.RowsAffected; r.Error != nil {
				errs = append(errs, tenant.Translate(s, fmt.Errorf("sweep: %w", r.Error)))
				break
			}
		}
	}
	requests, err := directory.Across(s).SweepRequests(ctx)
	return swept + requests, errors.Join(append(errs, err)...)
}
