package testlogin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/internal/tenant"
	"rollcall/model/refusal"
	"rollcall/model/signon"
)

// errTooMany is the error of a test beyond MaxTests.
var errTooMany = &model.Error{Kind: model.Full, Message: fmt.Sprintf(
	"This connection was tested %d times in the last hour. Wait a little, then test again.", MaxTests)}

// room refuses one more test by those with a set-up link, or by the others.
func (o Org) room(ctx context.Context, connectionID string, invited bool) error {
	since := tenant.Now(o) - model.Time(time.Hour.Milliseconds())
	var recent []string
	err := tenant.DB(ctx, o).Model(&Test{}).
		Where("connection_id = ? AND created_at > ? AND (actor <> '') = ?", connectionID, since, invited).
		Limit(MaxTests).Pluck("id", &recent).Error
	if err != nil {
		return fmt.Errorf("count tests: %w", err)
	}
	if len(recent) >= MaxTests {
		return errTooMany
	}
	return nil
}

// Begin notes that the actor of the organization begins a test of a connection. The error is Full
// when the hour has too many.
func (o Org) Begin(ctx context.Context, connectionID string) (*Test, error) {
	var t *Test
	err := o.Tx(ctx, func(org *tenant.Org) error {
		in := In(org)
		// The lock makes sure that two tests at once do not both take the last place.
		c, err := connection.Inside(tenant.Inside(org)).LockConnection(ctx, connectionID, tenant.ToChange)
		if err != nil {
			return err
		}
		if err := in.room(ctx, c.ID, true); err != nil {
			return err
		}
		t = in.newTest(c.ID, model.NewID())
		t.Actor, t.TrustVersion = tenant.By(org), c.TrustVersion
		if err := tenant.DB(ctx, org).Create(t).Error; err != nil {
			return fmt.Errorf("note test: %w", err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return t, nil
}

// MayBegin refuses a test at the login address of a draft when the hour has too many. It writes
// nothing.
func (o Org) MayBegin(ctx context.Context, connectionID string) error {
	return tenant.Translate(o, o.room(ctx, connectionID, false))
}

func (o Org) newTest(connectionID, id string) *Test {
	now := tenant.Now(o)
	return &Test{ID: id, ConnectionID: connectionID, Result: Pending, CreatedAt: now, ExpiresAt: *now.Later(Kept)}
}

// Answer is what came back to a test.
type Answer struct {
	Connection *connection.Connection // as it was when the answer was read
	Login      *signon.Login          // of the test; without an ID where the login could not begin
	// AssertionID and ReplayUntil are those of signon.SignIn. They are empty for an answer that was
	// not verified.
	AssertionID string
	ReplayUntil model.Time
	Result      Result
	Reason      string
	Report      Report
}

// refuse makes the answer one by which nobody would be signed in.
func (a *Answer) refuse(r *refusal.Error) {
	a.AssertionID, a.Result, a.Reason = "", Red, string(r.Reason)
	a.Report.Expected, a.Report.Received, a.Report.Outcome = r.Expected, r.Received, Outcome{}
}

// Finish notes the answer to a test. The first answer counts: for another one, Finish returns the
// test as it is. An assertion that was accepted before, by a test or by a login, makes the test
// Red, and one that a test has accepted is accepted by no login. The error is Full when a test at
// the login address of a draft has no room any more.
func (o Org) Finish(ctx context.Context, a Answer) (*Test, error) {
	t, err := o.finish(ctx, a)
	if r, ok := errors.AsType[*refusal.Error](err); ok {
		a.refuse(r)
		t, err = o.finish(ctx, a)
	}
	return t, err
}

// finish is one try of Finish. A refusal has written nothing.
func (o Org) finish(ctx context.Context, a Answer) (t *Test, err error) {
	err = o.Tx(ctx, func(org *tenant.Org) error {
		in, inner := In(org), tenant.Inside(org)
		c, err := connection.Inside(inner).LockConnection(ctx, a.Connection.ID, tenant.ToChange)
		if err != nil {
			return err
		}
		if t, err = in.awaited(ctx, &a); err != nil || t.AnsweredAt != nil {
			return err
		}
		if a.Login.ID != "" && a.Login.ExpiresAt > tenant.Now(org) {
			if err := signon.Inside(inner).UseLogin(ctx, a.Login); err != nil {
				return err
			}
		}
		if a.AssertionID != "" {
			err := signon.In(org).RememberAssertion(ctx, c.ID, a.AssertionID, a.ReplayUntil)
			if err != nil {
				return err
			}
		}
		if err := in.write(ctx, t, &a); err != nil {
			return err
		}
		if !t.Passed() || c.TrustVersion != t.TrustVersion {
			return nil
		}
		return connection.Inside(inner).RecordTested(ctx, c)
	})
	if err != nil {
		return nil, err
	}
	return t, o.open(t)
}

// awaited returns the row of a test. A test at the login address of a draft gets it now.
func (o Org) awaited(ctx context.Context, a *Answer) (*Test, error) {
	var found []Test
	err := tenant.DB(ctx, o).Where("id = ? AND connection_id = ?", a.Login.TestID, a.Connection.ID).
		Clauses(clause.Locking{Strength: tenant.ToChange}).Limit(1).Find(&found).Error
	if err != nil {
		return nil, fmt.Errorf("read test: %w", err)
	}
	if len(found) > 0 {
		return &found[0], nil
	}
	if err := o.room(ctx, a.Connection.ID, false); err != nil {
		return nil, err
	}
	t := o.newTest(a.Connection.ID, a.Login.TestID)
	t.BrowserHash = a.Login.BrowserHash
	if err := tenant.DB(ctx, o).Create(t).Error; err != nil {
		return nil, fmt.Errorf("note test: %w", err)
	}
	return t, nil
}

// write writes the answer into the row of a test.
func (o Org) write(ctx context.Context, t *Test, a *Answer) error {
	now := tenant.Now(o)
	a.Report.limit()
	text, err := tenant.Encode(a.Report)
	if err != nil {
		return err
	}
	t.Result, t.Reason, t.AnsweredAt, t.TrustVersion = a.Result, a.Reason, &now, a.Connection.TrustVersion
	t.Sealed = tenant.SealerOf(o).Seal([]byte(text), t.purpose())
	row := tenant.DB(ctx, o).Model(&Test{}).Where("id = ?", t.ID)
	err = row.Select("Result", "Reason", "AnsweredAt", "TrustVersion", "Sealed").UpdateColumns(t).Error
	if err != nil {
		return fmt.Errorf("note answer: %w", err)
	}
	return nil
}

// limit shortens what a stranger may have sent.
func (r *Report) limit() {
	for _, text := range []*string{&r.Expected, &r.Received} {
		*text = tenant.Clipped(*text)
	}
	for i := range r.Checks {
		r.Checks[i].Expected, r.Checks[i].Received = tenant.Clipped(r.Checks[i].Expected),
			tenant.Clipped(r.Checks[i].Received)
	}
	for i := range r.Notes {
		r.Notes[i] = tenant.Clipped(r.Notes[i])
	}
}
