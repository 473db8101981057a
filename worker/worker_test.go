package worker_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/worker"
)

const pause = 10 * time.Second

// outcome is what one round returns.
type outcome struct {
	more bool
	err  error
}

// TestRoundsBegin runs a few rounds with the given outcomes and compares when each of them began.
func TestRoundsBegin(t *testing.T) {
	failure := errors.New("the database is away")
	for name, c := range map[string]struct {
		outcomes []outcome
		want     []time.Duration // since the start
		logged   int
	}{
		"at once, then after each pause": {[]outcome{{}, {}, {}}, []time.Duration{0, pause, 2 * pause}, 0},
		"without a pause while there is more": {[]outcome{{more: true}, {more: true}, {}, {}},
			[]time.Duration{0, 0, 0, pause}, 0},
		"again after an error": {[]outcome{{err: failure}, {}}, []time.Duration{0, pause}, 1},
		"after a pause where a round with more to do failed": {[]outcome{{true, failure}, {true, failure}, {}},
			[]time.Duration{0, pause, 2 * pause}, 1},
		"and tells of a failure that lasts once a minute": {
			[]outcome{{err: failure}, {err: failure}, {err: failure}, {err: failure}, {err: failure}, {err: failure},
				{err: failure}, {err: failure}, {}},
			[]time.Duration{0, pause, 2 * pause, 3 * pause, 4 * pause, 5 * pause, 6 * pause, 7 * pause, 8 * pause}, 2},
		"and tells of each failure that begins": {[]outcome{{err: failure}, {}, {err: failure}, {}},
			[]time.Duration{0, pause, 2 * pause, 3 * pause}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				ctx, cancel := context.WithCancel(t.Context())
				start, begun := time.Now(), []time.Duration{}
				lines := slog.New(slog.NewTextHandler(&log, nil))
				err := worker.EveryWithin(ctx, pause, worker.NoLimit, lines, "work failed",
					func(context.Context) (bool, error) {
						begun = append(begun, time.Since(start))
						o := c.outcomes[len(begun)-1]
						if len(begun) == len(c.outcomes) {
							cancel()
						}
						return o.more, o.err
					})
				if err != nil || !slices.Equal(begun, c.want) {
					t.Errorf("rounds began at %v, want %v; error %v", begun, c.want, err)
				}
				if n := strings.Count(log.String(), `msg="work failed" error="the database is away"`); n != c.logged {
					t.Errorf("%d errors are logged, want %d:\n%s", n, c.logged, &log)
				}
			})
		})
	}
}

func TestPauseLastsFromTheEndOfARound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		start, begun := time.Now(), []time.Duration{}
		log := slog.New(slog.DiscardHandler)
		_ = worker.EveryWithin(ctx, pause, worker.NoLimit, log, "", func(context.Context) (bool, error) {
			begun = append(begun, time.Since(start))
			time.Sleep(time.Minute)
			if len(begun) == 2 {
				cancel()
			}
			return false, nil
		})
		if want := []time.Duration{0, time.Minute + pause}; !slices.Equal(begun, want) {
			t.Errorf("rounds began at %v, want %v", begun, want)
		}
	})
}

func TestEndOfContextEndsThePause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), pause+pause/2)
		defer cancel()
		start, rounds := time.Now(), 0
		log := slog.New(slog.DiscardHandler)
		err := worker.EveryWithin(ctx, pause, worker.NoLimit, log, "", func(context.Context) (bool, error) {
			rounds++
			return false, nil
		})
		if took := time.Since(start); err != nil || rounds != 2 || took != pause+pause/2 {
			t.Errorf("ended after %v and %d rounds with %v", took, rounds, err)
		}
	})
}

func TestErrorOfARoundThatTheEndBrokeOffIsNotLogged(t *testing.T) {
	var log bytes.Buffer
	ctx, cancel := context.WithCancel(t.Context())
	err := worker.EveryWithin(ctx, pause, worker.NoLimit, slog.New(slog.NewTextHandler(&log, nil)), "work failed",
		func(ctx context.Context) (bool, error) {
			cancel()
			return false, ctx.Err()
		})
	if err != nil || log.Len() > 0 {
		t.Errorf("error %v, log %q", err, &log)
	}
}

// A round that hangs ends by its limit, is told of, and the next one begins.
func TestRoundsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		ctx, cancel := context.WithCancel(t.Context())
		start, begun := time.Now(), []time.Duration{}
		err := worker.EveryWithin(ctx, pause, worker.RoundTime, slog.New(slog.NewTextHandler(&log, nil)), "work failed",
			func(round context.Context) (bool, error) {
				begun = append(begun, time.Since(start))
				if len(begun) == 2 {
					cancel()
				}
				<-round.Done()
				return true, round.Err()
			})
		if want := []time.Duration{0, worker.RoundTime + pause}; err != nil || !slices.Equal(begun, want) {
			t.Errorf("rounds began at %v, want %v; error %v", begun, want, err)
		}
		if n := strings.Count(log.String(), `msg="work failed" error="context deadline exceeded"`); n != 1 {
			t.Errorf("%d errors are logged, want 1:\n%s", n, &log)
		}
	})
}
