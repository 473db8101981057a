package webhook

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"rollcall/model/store"
	"rollcall/model/webhook"
	"rollcall/web"
	"rollcall/worker"
)

// Sender sends deliveries until its context ends. Any number of replicas may run one: each event is
// added once for each endpoint, and each delivery is sent by one of them. A delivery whose replica
// dies is sent by another one a minute later, so that a receiver may get one twice, with the same
// webhook-id.
type Sender struct {
	Store    *store.Store
	Outbound *web.Outbound
	Log      *slog.Logger

	landed chan struct{} // is told when a delivery is not in flight any more; nil without Run

	mu   sync.Mutex
	busy map[string]int // deliveries in flight, by endpoint and by owner of endpoints
}

const (
	// every is the pause between looks for events and for deliveries that are due.
	every = 200 * time.Millisecond
	// sweepEvery is the pause between two sweeps.
	sweepEvery = 10 * time.Minute
	// sweepTime is how long a sweep may take. It deletes by batches, so that the next one goes on
	// where this one ended.
	sweepTime = 10 * time.Minute
	// mostOfEndpoint, mostOfOwner and most are how many deliveries are in flight at once. A
	// receiver that is slow holds up its own only, and so does an application with many of them.
	mostOfEndpoint = 16
	// fewest is how many places of an endpoint must be free for a claim: each costs some
	// statements.
	fewest      = 4
	mostOfOwner = 128
	most        = 256
)

// Run sends until ctx ends, and then waits for what is in flight, which is cut off and tried again
// later.
func (s *Sender) Run(ctx context.Context) error {
	stored := webhook.Across(s.Store)
	s.landed = make(chan struct{}, 1)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return worker.Every(ctx, every, s.Log, "events not handed to webhooks", stored.FanOut) })
	g.Go(func() error {
		sweep := func(ctx context.Context) (bool, error) { _, err := stored.Sweep(ctx); return false, err }
		return worker.EveryWithin(ctx, sweepEvery, sweepTime, s.Log, "deliveries not swept", sweep)
	})
	g.Go(func() error {
		var flights errgroup.Group
		flights.SetLimit(most)
		send := func(ctx context.Context) (bool, error) { return s.round(ctx, stored, &flights) }
		// What a round sends goes on after the round, and has deadlines of its own.
		err := worker.EveryWithin(ctx, every, worker.NoLimit, s.Log, "webhooks not sent", send)
		_ = flights.Wait() // they return no error
		return err
	})
	return g.Wait()
}

// RunOnce hands over all events that there are, and sends what is due, until nothing is. It returns
// how many deliveries it tried. Tests use it.
func (s *Sender) RunOnce(ctx context.Context) (tried int, err error) {
	stored := webhook.Across(s.Store)
	for more := true; more; {
		if more, err = stored.FanOut(ctx); err != nil {
			return tried, err
		}
	}
	for {
		endpoints, err := stored.Waiting(ctx)
		if err != nil {
			return tried, err
		}
		before := tried
		for i := range endpoints {
			claimed, err := stored.Claim(ctx, &endpoints[i], mostOfEndpoint)
			if err != nil {
				return tried, err
			}
			for j := range claimed {
				s.deliver(ctx, stored, &endpoints[i], &claimed[j])
			}
			tried += len(claimed)
		}
		if tried == before {
			return tried, nil
		}
	}
}

// round claims what each endpoint has room for, and lets it fly. It returns true where there may be
// more: where something was claimed, the next of its lane may be due as soon as it has landed.
func (s *Sender) round(ctx context.Context, stored webhook.Store, flights *errgroup.Group) (more bool, err error) {
	asking, done := context.WithTimeout(ctx, worker.RoundTime)
	endpoints, err := stored.Waiting(asking)
	done()
	if err != nil {
		return false, err
	}
	full := false
	for i := range endpoints {
		e := endpoints[i]
		room := s.room(&e)
		if room < fewest {
			full = true
			continue
		}
		asking, done := context.WithTimeout(ctx, worker.RoundTime)
		claimed, err := stored.Claim(asking, &e, room)
		done()
		if err != nil {
			return false, err
		}
		more = more || len(claimed) > 0
		s.flying(&e, len(claimed))
		for j := range claimed {
			d := claimed[j]
			flights.Go(func() error { // waits while too many fly
				defer s.flying(&e, -1)
				s.lane(ctx, stored, &e, d)
				return nil
			})
		}
	}
	if full && !more {
		s.wait(ctx)
	}
	return more || full, nil
}

// wait waits until a delivery has landed, at most until the next look is due anyway.
func (s *Sender) wait(ctx context.Context) {
	select {
	case <-s.landed:
	case <-time.After(every):
	case <-ctx.Done():
	}
}

// owner is whose endpoint it is, as a key of busy. No id of an endpoint is one.
func owner(e *webhook.Endpoint) string {
	if e.ApplicationID == nil {
		return "operator"
	}
	return "application " + *e.ApplicationID
}

// room is how many deliveries of an endpoint may be added to those in flight.
func (s *Sender) room(e *webhook.Endpoint) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return min(mostOfEndpoint-s.busy[e.ID], mostOfOwner-s.busy[owner(e)])
}

// flying counts deliveries in flight.
func (s *Sender) flying(e *webhook.Endpoint, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy == nil {
		s.busy = map[string]int{}
	}
	if n < 0 {
		select {
		case s.landed <- struct{}{}:
		default: // it is told already, or nobody listens
		}
	}
	for _, key := range []string{e.ID, owner(e)} {
		if s.busy[key] += n; s.busy[key] == 0 {
			delete(s.busy, key)
		}
	}
}

// lane sends a delivery, and then what waits behind it.
func (s *Sender) lane(ctx context.Context, stored webhook.Store, e *webhook.Endpoint, d webhook.Claimed) {
	for s.deliver(ctx, stored, e, &d) && ctx.Err() == nil {
		next, err := stored.ClaimNext(ctx, e, d.Lane)
		if err != nil || len(next) == 0 {
			return // the next round takes what there is
		}
		d = next[0]
	}
}

// recordTime is how long it may take to record how an attempt went when the server ends.
const recordTime = 5 * time.Second

// deliver sends one delivery and records how that went. taken is true where the receiver took it.
func (s *Sender) deliver(ctx context.Context, stored webhook.Store, e *webhook.Endpoint, d *webhook.Claimed) (
	taken bool) {
	record, done := context.WithTimeout(context.WithoutCancel(ctx), answerTime+recordTime)
	defer done()
	endpoint := webhook.EndpointPrefix.ID(e.ID)
	o := webhook.Outcome{Withdrawn: true,
		Error: "the event is gone, or the application does not serve its organization"}
	if d.Event != nil {
		secrets, err := stored.Secrets(e)
		if err != nil {
			s.Log.ErrorContext(ctx, "secret of webhook endpoint not opened", "endpoint", endpoint, "error", err)
			return false // the lease ends, and another replica may have the key
		}
		client := Client{HTTP: s.Outbound.Webhooks(), Now: s.Store.Now, Log: s.Log}
		o = client.Send(ctx, e, d.Event, secrets)
		if ctx.Err() != nil && o.Status == 0 {
			if err := stored.Release(record, &d.Delivery); err != nil {
				s.Log.WarnContext(ctx, "delivery not given back", "endpoint", endpoint, "error", err)
			}
			return false
		}
	}
	disabled, err := stored.Finish(record, &d.Delivery, o)
	switch {
	case err != nil:
		s.Log.WarnContext(ctx, "delivery not recorded; it is sent again", "endpoint", endpoint, "error", err)
	case disabled != "":
		s.Log.WarnContext(ctx, "webhook endpoint disabled", "endpoint", endpoint, "reason", disabled)
	}
	return err == nil && o.Taken()
}
