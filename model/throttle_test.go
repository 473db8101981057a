package model_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rollcall/model"
	"rollcall/model/modeltest"
)

func TestGuesses(t *testing.T) {
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		ctx := t.Context()
		clock := modeltest.NewClock()
		s := modeltest.Open(t, db, model.Options{Now: clock.Now})
		guess := func(account, address string) error { _, err := s.Guess(ctx, account, address); return err }
		for range 5 {
			must(t, guess("ada", "192.0.2.1"))
		}
		for n, wait := range []time.Duration{2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900} {
			must(t, guess("ada", "192.0.2.1"))
			clock.Advance(wait*time.Second - time.Millisecond)
			for range 3 { // asking does not make it longer
				if err := guess("ada", fmt.Sprintf("192.0.2.%d", 10+n)); model.KindOf(err) != model.Busy {
					t.Fatalf("guess %d: the account need not wait %ds: %v", n+6, wait, err)
				}
				if err := guess("bob", "192.0.2.1"); model.KindOf(err) != model.Busy {
					t.Fatalf("guess %d: the address need not wait %ds: %v", n+6, wait, err)
				}
			}
			clock.Advance(time.Millisecond)
		}
		must(t, guess("bob", "192.0.2.2"))
		clock.Advance(24*time.Hour + time.Second)
		for range 5 {
			must(t, guess("ada", "192.0.2.1"))
		}
	})
}

func TestRightPasswordIsNoGuess(t *testing.T) {
	modeltest.Each(t, func(t *testing.T, s *model.Store) {
		ctx := t.Context()
		for range 4 {
			_, err := s.Guess(ctx, "ada", "192.0.2.1")
			must(t, err)
		}
		for range 20 {
			g, err := s.Guess(ctx, "ada", "192.0.2.1")
			must(t, err)
			must(t, g.Right(ctx))
		}
		g, err := s.Guess(ctx, "bob", "192.0.2.1")
		must(t, err)
		// One who signs in does not wipe out what the address has guessed at others.
		if _, err := s.Guess(ctx, "eve", "192.0.2.1"); err != nil {
			t.Fatal(err)
		}
		must(t, g.Right(ctx))
		if _, err := s.Guess(ctx, "eve", "192.0.2.1"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Guess(ctx, "eve", "192.0.2.1"); model.KindOf(err) != model.Busy {
			t.Errorf("the address may go on: %v", err)
		}
	})
}

func TestGuessesAtOnce(t *testing.T) {
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		clock := modeltest.NewClock()
		s := modeltest.Open(t, db, model.Options{Now: clock.Now})
		var let atomic.Int64
		var all sync.WaitGroup
		for n := range 40 {
			all.Go(func() {
				if _, err := s.Guess(t.Context(), "ada", fmt.Sprintf("192.0.2.%d", n)); err == nil {
					let.Add(1)
				} else if model.KindOf(err) != model.Busy {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := let.Load(); n != 6 {
			t.Errorf("%d of 40 guesses at once were let through; 5 are free, and one more begins the wait", n)
		}
	})
}
