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

// Every calls round at once and then repeatedly until ctx ends. It waits for pause after each
// round, except after a round that succeeded and left more to do. It starts no goroutine, and two
// rounds never overlap.
//
// An error of a round does not end the loop. It is logged with the message failed, and the next
// round follows after the pause. The error of a round during which ctx ended is not logged. Every
// always returns nil, so that an errgroup can run it.
func Every(ctx context.Context, pause time.Duration, log *slog.Logger, failed string, round Round) error {
	for {
		more, err := round(ctx)
		if err != nil && ctx.Err() == nil {
			log.WarnContext(ctx, failed, "error", err)
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
