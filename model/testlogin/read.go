package testlogin

import (
	"context"
	"fmt"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/internal/across"
	"rollcall/model/internal/tenant"
)

// Test returns one test of the organization.
func (o Org) Test(ctx context.Context, id string) (*Test, error) {
	var t Test
	live := tenant.Read(ctx, o).Where("expires_at > ?", tenant.Now(o))
	if err := tenant.ByID(o, live, &t, "test", id); err != nil {
		return nil, err
	}
	return &t, o.open(&t)
}

// Tests lists the newest tests of a connection, the newest first.
func (o Org) Tests(ctx context.Context, connectionID string, limit int) ([]Test, error) {
	if _, err := connection.In(o).Connection(ctx, connectionID); err != nil {
		return nil, err
	}
	var found []Test
	err := tenant.Read(ctx, o).Where("connection_id = ? AND expires_at > ?", connectionID, tenant.Now(o)).
		Order("id DESC").Limit(min(limit, MaxListed)).Find(&found).Error
	if err != nil {
		return nil, tenant.Translate(o, fmt.Errorf("read tests: %w", err))
	}
	for i := range found {
		if err := o.open(&found[i]); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// Proof returns the newest test that proves that the connection works as it is set up now, or nil.
// A test of an earlier version of its settings proves nothing, and none proves it for long.
func (o Org) Proof(ctx context.Context, c *connection.Connection) (*Test, error) {
	since := tenant.Now(o) - model.Time(proofTime.Milliseconds())
	var found []Test
	err := tenant.Read(ctx, o).
		Where("connection_id = ? AND trust_version = ? AND answered_at > ? AND result IN ?",
			c.ID, c.TrustVersion, since, []Result{Green, Amber}).
		Order("id DESC").Limit(1).Find(&found).Error
	if err != nil {
		return nil, tenant.Translate(o, fmt.Errorf("read proof: %w", err))
	}
	if len(found) == 0 {
		return nil, nil
	}
	return &found[0], o.open(&found[0])
}

// open opens the report of a test.
func (o Org) open(t *Test) error {
	if t.Result == Pending {
		return nil
	}
	text, err := tenant.SealerOf(o).Open(t.Sealed, t.purpose())
	if err != nil {
		return fmt.Errorf("open test: %w", err)
	}
	t.Report = &Report{}
	return tenant.Decode(string(text), t.Report)
}

// Test returns a test of any organization: the path of a browser's request has only its id. Its
// report is not opened; Test of its organization does that.
func (s Store) Test(ctx context.Context, id string) (*Test, error) {
	var found []Test
	if model.IsID(id) {
		err := across.Read(ctx, s).Where("id = ? AND expires_at > ?", id, model.TimeOf(s.Now())).Find(&found).Error
		if err != nil {
			return nil, tenant.Translate(s, fmt.Errorf("read test: %w", err))
		}
	}
	if len(found) == 0 {
		return nil, model.NotFoundf("there is no test %s", Prefix.ID(id))
	}
	return &found[0], nil
}
