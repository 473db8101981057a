package webhook

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/internal/across"
	"rollcall/model/internal/tenant"
)

// backOff are the pauses after each failed attempt. The last one repeats.
var backOff = []time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 4 * time.Hour, 6 * time.Hour}

const (
	// triedFor is how long a delivery is tried, and how long an endpoint may fail.
	triedFor = 72 * time.Hour
	// mostFailures in a row make a failing endpoint: one delivery at a time is tried from then on,
	// and the others wait without an attempt.
	mostFailures = 10
	// lease is how long who claims a delivery has for it.
	lease = time.Minute
	// mostRetryAfter is the longest pause that a receiver may ask for.
	mostRetryAfter = time.Hour
)

// pause is how long to wait after so many attempts that failed, a fifth shorter or longer:
// receivers that come back are not met by all at once.
func pause(attempts int64) time.Duration {
	d := backOff[min(max(attempts, 1), int64(len(backOff)))-1]
	return time.Duration(float64(d) * (0.8 + 0.4*rand.Float64()))
}

// Claimed is a delivery that its holder sends now, with its event.
type Claimed struct {
	Delivery
	Event *model.Event // nil when it is gone, or when the application does not hear of it any more
}

var deliveryColumns = tenant.ColumnsOf[Delivery]()

// Claim takes up to most deliveries of an endpoint that may be sent now: the first of each lane. No
// other replica gets them for a minute. Of a failing endpoint it takes one, when a probe is due.
func (s Store) Claim(ctx context.Context, e *Endpoint, most int) ([]Claimed, error) {
	now := model.TimeOf(s.Now())
	dueBy := now
	if e.FailingSince != nil {
		r := across.DB(ctx, s).Model(&Endpoint{}).
			Where("id = ? AND probe_at = ? AND probe_at <= ?", e.ID, e.ProbeAt, now).
			UpdateColumn("probe_at", now+model.Time(lease.Milliseconds()))
		if r.Error != nil || r.RowsAffected == 0 {
			return nil, tenant.Translate(s, r.Error)
		}
		// The probe is whatever comes first, although its own next attempt may be hours away.
		most, dueBy = 1, now+model.Time(triedFor.Milliseconds())
	}
	return s.claim(ctx, e, "", dueBy, most)
}

// ClaimNext takes the next delivery of a lane, after one of it was taken by the receiver. There is
// none, or one.
func (s Store) ClaimNext(ctx context.Context, e *Endpoint, lane string) ([]Claimed, error) {
	return s.claim(ctx, e, lane, model.TimeOf(s.Now()), 1)
}

// claim takes deliveries of one lane, or of all.
func (s Store) claim(ctx context.Context, e *Endpoint, lane string, dueBy model.Time, most int) ([]Claimed, error) {
	now := model.TimeOf(s.Now())
	until := now + model.Time(lease.Milliseconds())
	values := []any{until, e.ID, dueBy, now, e.UpdatedAt}
	if lane != "" {
		values = append(values, lane)
	}
	var ds []Delivery
	err := across.DB(ctx, s).Transaction(func(db *gorm.DB) error {
		return db.Raw(claimSQL(tenant.DialectOf(s), lane != ""), append(values, most)...).Scan(&ds).Error
	})
	if err != nil {
		return nil, tenant.Translate(s, fmt.Errorf("claim deliveries: %w", err))
	}
	return s.withEvents(ctx, e, ds)
}

// claimSQL is the statement of Claim. Another transaction may hold the first of a lane: it is
// passed over, and the next one of that lane is not the first. Nothing is found once the endpoint
// was changed: it is disabled then, or has another address or secret than its reader knows.
func claimSQL(d tenant.Dialect, ofLane bool) string {
	locked, lane := "", ""
	if ofLane {
		lane = "AND d.lane = ? "
	}
	if d == tenant.PostgresDialect {
		locked = " FOR UPDATE OF d SKIP LOCKED"
	}
	return "UPDATE webhook_deliveries SET lease_until = ? WHERE id IN (SELECT d.id FROM webhook_deliveries d " +
		"WHERE d.endpoint_id = ? AND d.state = 'pending' AND d.next_at <= ? AND d.lease_until <= ? " +
		"AND EXISTS (SELECT 1 FROM webhook_endpoints w " +
		"WHERE w.id = d.endpoint_id AND w.status = 'enabled' AND w.updated_at = ?) " + lane +
		"AND NOT EXISTS (SELECT 1 FROM webhook_deliveries f WHERE f.endpoint_id = d.endpoint_id AND f.lane = d.lane " +
		"AND f.state = 'pending' AND (f.restore, f.tx, f.event_id) < (d.restore, d.tx, d.event_id)) " +
		"ORDER BY d.restore, d.tx, d.event_id LIMIT ?" + locked + ") RETURNING " + deliveryColumns.Names()
}

// withEvents reads the events of deliveries, as far as the endpoint's application hears of them.
func (s Store) withEvents(ctx context.Context, e *Endpoint, ds []Delivery) ([]Claimed, error) {
	out, place := make([]Claimed, len(ds)), map[string]int{}
	for i, d := range ds {
		out[i].Delivery, place[d.EventID] = d, i
	}
	if len(ds) == 0 {
		return out, nil
	}
	events, err := s.eventsFor(ctx, e, tenant.SortedKeys(place))
	if err != nil {
		return nil, err
	}
	for i := range events {
		out[place[events[i].ID]].Event = &events[i]
	}
	return out, nil
}

// Outcome is how an attempt to send a delivery went.
type Outcome struct {
	Status     int           // of the answer, 0 without one
	Error      string        // why it failed, for the log of deliveries; empty when it was taken
	Duration   time.Duration // of the attempt
	RetryAfter time.Duration // what the receiver asked for, 0 without
	// Withdrawn says that there is nothing to send any more, and that nobody was asked.
	Withdrawn bool
}

// Taken tells whether the receiver has taken the delivery.
func (o Outcome) Taken() bool { return o.Error == "" && o.Status >= 200 && o.Status < 300 }

// Finish records how an attempt went, unless the holder took too long and somebody else has the
// delivery by now. A receiver that answers 410 Gone, or fails for three days, is disabled; the
// result says why, and is empty otherwise.
func (s Store) Finish(ctx context.Context, d *Delivery, o Outcome) (disabled string, err error) {
	now := model.TimeOf(s.Now())
	err = across.DB(ctx, s).Transaction(func(db *gorm.DB) (err error) {
		// Every transaction locks the endpoint before its deliveries.
		dead := false
		switch {
		case o.Taken():
			err = s.recovered(db, d.EndpointID, now)
		case !o.Withdrawn:
			disabled, dead, err = s.failed(db, d.EndpointID, o, now)
		}
		if err != nil {
			return err
		}
		r := db.Model(&Delivery{}).Where("id = ? AND lease_until = ?", d.ID, d.LeaseUntil).
			UpdateColumns(d.after(o, dead, now))
		if r.Error == nil && r.RowsAffected == 0 {
			return errLate
		}
		return r.Error
	})
	if errors.Is(err, errLate) {
		return "", nil
	}
	if err != nil {
		return "", tenant.Translate(s, fmt.Errorf("finish delivery: %w", err))
	}
	return disabled, nil
}

// errLate undoes what a holder reports who took too long: the failure counts for nothing.
var errLate = errors.New("somebody else has the delivery")

// after is what an attempt changes in the row of a delivery. One to a dead endpoint is not given
// up: it is not the delivery that is at fault.
func (d *Delivery) after(o Outcome, dead bool, now model.Time) map[string]any {
	if o.Withdrawn {
		return map[string]any{"state": Failed, "lease_until": 0, "last_error": o.Error, "finished_at": now}
	}
	change := map[string]any{"attempts": d.Attempts + 1, "lease_until": 0, "last_status": o.Status,
		"last_error": o.Error, "last_duration": o.Duration.Milliseconds()}
	switch {
	case o.Taken():
		change["state"], change["finished_at"] = Delivered, now
	case !dead && now >= d.DueAt+model.Time(triedFor.Milliseconds()):
		change["state"], change["finished_at"] = Failed, now
	default:
		wait := max(pause(d.Attempts+1), min(o.RetryAfter, mostRetryAfter))
		change["next_at"] = now + model.Time(wait.Milliseconds())
	}
	return change
}

// Release gives a delivery back that was not tried.
func (s Store) Release(ctx context.Context, d *Delivery) error {
	err := across.DB(ctx, s).Model(&Delivery{}).Where("id = ? AND lease_until = ?", d.ID, d.LeaseUntil).
		UpdateColumn("lease_until", 0).Error
	return tenant.Translate(s, err)
}

// recovered forgets the failures of an endpoint, and has what waited for it sent.
func (s Store) recovered(db *gorm.DB, endpoint string, now model.Time) error {
	r := db.Model(&Endpoint{}).Where("id = ? AND failures > 0 AND failing_since IS NULL", endpoint).
		UpdateColumn("failures", 0)
	if r.Error != nil || r.RowsAffected > 0 {
		return r.Error
	}
	r = db.Model(&Endpoint{}).Where("id = ? AND failing_since IS NOT NULL", endpoint).
		UpdateColumns(map[string]any{"failures": 0, "failing_since": nil, "probe_at": 0})
	if r.Error != nil || r.RowsAffected == 0 {
		return r.Error
	}
	return s.hurry(db, endpoint, now)
}

// failed counts a failure of an endpoint, and disables one that has failed for too long. dead tells
// whether it has failed so often that it is probed only.
func (s Store) failed(db *gorm.DB, endpoint string, o Outcome, now model.Time) (
	disabled string, dead bool, err error) {
	var e Endpoint
	r := db.Clauses(clause.Locking{Strength: tenant.ToChange}).Where("id = ?", endpoint).Limit(1).Find(&e)
	if r.Error != nil || r.RowsAffected == 0 {
		return "", false, r.Error
	}
	e.Failures++
	change := map[string]any{"failures": e.Failures}
	if e.Failures >= mostFailures {
		if e.FailingSince == nil {
			e.FailingSince = &now
		}
		change["failing_since"] = *e.FailingSince
		change["probe_at"] = now + model.Time(pause(e.Failures-mostFailures+1).Milliseconds())
	}
	switch {
	case o.Status == http.StatusGone:
		disabled = "the receiver answered 410 Gone"
	case e.FailingSince != nil && now >= *e.FailingSince+model.Time(triedFor.Milliseconds()):
		disabled = "the receiver has failed for three days"
	}
	if disabled != "" && e.Status == Enabled {
		change["status"], change["disabled_reason"] = Disabled, disabled
	}
	err = db.Model(&Endpoint{}).Where("id = ?", endpoint).UpdateColumns(change).Error
	return disabled, e.FailingSince != nil, err
}
