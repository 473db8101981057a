package operator

import (
	"context"
	"errors"
	"fmt"
	"rollcall/model/internal/passwords"
	"time"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/grant"
	"rollcall/model/internal/across"
	"rollcall/model/internal/tenant"
	"rollcall/model/people"
	"rollcall/model/requestlog"
	"rollcall/model/setup"
	"rollcall/model/signon"
	"rollcall/model/testlogin"
)

const (
	// keptAfterEnd is how long logins, sessions and tokens are kept after their end.
	keptAfterEnd = 24 * time.Hour
	// codeKept is how long an expired code is kept, so that its second use is recognized.
	codeKept = 24 * time.Hour
	// linksKept is how long a set-up link is kept after it expired, with who opened it.
	linksKept = 90 * 24 * time.Hour
	// sweepBatch is how many rows one statement deletes. Anybody can begin any number of logins.
	// One statement for all of them could take longer than PostgreSQL lets a statement run, and
	// every later sweep would fail the same way. On SQLite it would block the only writer for as
	// long.
	sweepBatch = 1000
)

// Sweep deletes rows that have no use any more, and returns how many it deleted: logouts
// and codes a day after they expired, assertions that are too old to be accepted, sessions with
// their codes and tokens a day after they ended, wrong passwords a day after the last one, login
// attempts and set-up links after 90 days, their responses as long as the organization wants them,
// test logins, and what the request log of each directory has too much of. It may run at any time.
// An error about some rows does not keep the others.
func (s Store) Sweep(ctx context.Context) (swept int64, err error) {
	var errs []error
	for _, old := range expired(model.TimeOf(s.Now())) {
		for n := int64(sweepBatch); n == sweepBatch; swept += n {
			some := across.DB(ctx, s).Model(old.rows).Select(old.key).Where(old.where, old.than).Limit(sweepBatch)
			r := across.DB(ctx, s).Where("("+old.key+") IN (?)", some).Delete(old.rows)
			if n = r.RowsAffected; r.Error != nil {
				errs = append(errs, tenant.Translate(s, fmt.Errorf("sweep: %w", r.Error)))
				break
			}
		}
	}
	requests, err := requestlog.InsideStore(tenant.InsideStore(s)).Sweep(ctx)
	return swept + requests, errors.Join(append(errs, err)...)
}

// oldRows are the rows of a table that are older than a time.
type oldRows struct {
	rows       any
	key, where string
	than       model.Time
}

// expired returns the rows that have no use any more.
func expired(now model.Time) []oldRows {
	ended := now - model.Time(keptAfterEnd.Milliseconds())
	return []oldRows{
		{&signon.UsedToken{}, "organization_id, id", "expires_at + 0 < ?", now},
		{&signon.SingleLogout{}, "id", "expires_at + 0 < ?", ended},
		{&signon.Assertion{}, "connection_id, hash", "expires_at + 0 < ?", now},
		{&signon.AuthorizationCode{}, "hash", "expires_at + 0 < ?", now - model.Time(codeKept.Milliseconds())},
		{&signon.AccessToken{}, "hash", "expires_at + 0 < ?", ended},
		{&grant.TokenFamily{}, "id", "expires_at + 0 < ?", ended},
		// Before their sessions, so that nobody is told of the end of a session that was over.
		{&grant.SessionApplication{}, "session_id, application_id", "expires_at + 0 < ?", ended},
		{&people.Session{}, "id", "expires_at + 0 < ?", ended},
		{&people.Session{}, "id", "ended_at < ?", ended},
		{&directory.Departure{}, "directory_id, user_id", "departed_at < ?",
			now - model.Time(1000*directory.MostMassChangeWindow)},
		{&OperatorSession{}, "hash", "expires_at + 0 < ?", now},
		{&people.PasswordSetup{}, "user_id", "expires_at + 0 < ?", now},
		{&passwords.Guess{}, "hash", "last_at < ?", now - model.Time(passwords.GuessesForgotten.Milliseconds())},
		{&signon.LoginResponse{}, "attempt_id", "expires_at + 0 <= ?", now},
		{&setup.Link{}, "id", "expires_at + 0 < ?", now - model.Time(linksKept.Milliseconds())},
		{&testlogin.Test{}, "id", "expires_at + 0 <= ?", now},
		{&signon.LoginAttempt{}, "id", "created_at < ?", now - model.Time(signon.AttemptTime.Milliseconds())},
	}
}
