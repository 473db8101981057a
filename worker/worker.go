// Package worker repeats the work that a server does in the background.
//
// Every is the loop of all background work. The work itself is a Round.
package worker

import (
	"context"
	"log/slog"
	"time"
)

// A Round does the work that is due now. It returns true if it left some of it for the next round.
type Round func(ctx context.Context) (more bool, err error)

// tellEvery is the pause between lines about rounds that go on failing.
const tellEvery = time.Minute

// RoundTime is how long a round may take that asks the database a few times: a database that does
// not answer must not hold a worker for ever.
const RoundTime = 30 * time.Second

// NoLimit is for rounds that limit each of their steps themselves.
const NoLimit = time.Duration(0)

// Every calls round at once and then repeatedly until ctx ends. It waits for pause after each
// round, except after a round that succeeded and left more to do. The context of a round ends after
// RoundTime. Every starts no goroutine, and two rounds never overlap.
//
// An error of a round does not end the loop. It is logged with the message failed, and the next
// round follows after the pause. Of rounds that fail one after the other, the first is logged, then
// one for each minute of pauses, and the first that succeeds. The error of a round during which ctx
// ended is not logged. Every always returns nil, so that an errgroup can run it.
func Every(ctx context.Context, pause time.Duration, log *slog.Logger, failed string, round Round) error {
	return EveryWithin(ctx, pause, RoundTime, log, failed, round)
}

// EveryWithin is Every for rounds of another length.
func EveryWithin(ctx context.Context, pause, limit time.Duration, log *slog.Logger, failed string, round Round) error {
	failures, silent := 0, time.Duration(0)
	for {
		more, err := limited(ctx, limit, round)
		switch {
		case ctx.Err() != nil:
		case err == nil && failures > 0:
			log.InfoContext(ctx, "succeeded again", "after", failed, "failures", failures)
			failures = 0
		case err != nil:
			failures++
			if silent += pause; failures == 1 || silent >= tellEvery {
				log.WarnContext(ctx, failed, "error", err, "failures", failures)
				silent = 0
			}
		}
		wait := pause
		if err == nil && more {
			wait = 0
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

// limited runs a round within its limit.
func limited(ctx context.Context, limit time.Duration, round Round) (more bool, err error) {
	if limit != NoLimit {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	return round(ctx)
}
