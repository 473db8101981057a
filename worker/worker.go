// Package worker repeats the work that a server does in the background.
package worker

import (
	"context"
	"log/slog"
	"time"
)

// A Round does the work that is due now. It reports whether more of it is waiting.
type Round func(ctx context.Context) (more bool, err error)

// Every calls round at once and then again and again until ctx ends. It waits for pause after each
// round, except after one that succeeded and left more to do. It starts no goroutine, and two
// rounds never overlap.
//
// An error of a round does not end the work: it is logged under the message failed, and the next
// round, after the pause, tries again. The error of a round that ctx broke off is not logged.
// Every always returns nil, so that it can be handed to an errgroup as it is.
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
