package model_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rollcall/model"
	"rollcall/model/modeltest"
)

func TestGuesses(t *testing.T) {
	t.Parallel()
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

// TestGuessesOfOneNetwork: whoever has an IPv6 address mostly has all of its /64.
func TestGuessesOfOneNetwork(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *model.Store) {
		guess := func(n int, address string) error {
			_, err := s.Guess(t.Context(), fmt.Sprint("account ", n), address)
			return err
		}
		for n := range 6 {
			must(t, guess(n, fmt.Sprintf("2001:db8:0:1::%x", n+1)))
		}
		wantKind(t, guess(7, "2001:db8:0:1:ffff::1"), model.Busy)
		must(t, guess(8, "2001:db8:0:2::1"))
		must(t, guess(9, "192.0.2.1"))
	})
}

// TestWhoMustWaitWritesNothing: a flood of made-up accounts must neither fill the database nor have
// those wait who write.
func TestWhoMustWaitWritesNothing(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		var counter modeltest.Statements
		s := modeltest.Open(t, db, counter.Options())
		guess := func(n int) error {
			_, err := s.Guess(t.Context(), fmt.Sprint("account ", n), "192.0.2.1")
			return err
		}
		for n := range 6 {
			must(t, guess(n))
		}
		list := counter.During(func() { wantKind(t, guess(7), model.Busy) })
		if len(list) != 1 || !strings.HasPrefix(list[0], "SELECT") {
			t.Errorf("statements: %q", list)
		}
	})
}

func TestRightPasswordIsNoGuess(t *testing.T) {
	t.Parallel()
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
	t.Parallel()
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

// TestNewPasswordsForgetGuesses: whoever tried too often had forgotten the password, and who gives them
// a new one knows who they are.
func TestNewPasswordsForgetGuesses(t *testing.T) {
	t.Parallel()
	const ada = "ada@contoso.example"
	for name, c := range map[string]struct {
		enter func(t *testing.T, s *model.Store, password, address string) error
		renew func(t *testing.T, s *model.Store, org *model.Org, u *model.User) (password string)
	}{
		"an operator": {
			func(t *testing.T, s *model.Store, password, address string) error {
				_, _, err := s.SignInOperator(t.Context(), ada, password, address)
				return err
			},
			func(t *testing.T, s *model.Store, _ *model.Org, _ *model.User) string {
				password, err := s.ResetOperatorPassword(t.Context(), ada)
				must(t, err)
				return password
			},
		},
		"an administrator": {
			func(t *testing.T, s *model.Store, password, address string) error {
				_, err := s.SignInByPassword(t.Context(), model.PasswordSignIn{Email: ada, Password: password, IPAddress: address})
				return err
			},
			func(t *testing.T, s *model.Store, org *model.Org, u *model.User) string {
				setPassword(t, s, org, u, goodPassword)
				return goodPassword
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			modeltest.Each(t, func(t *testing.T, s *model.Store) {
				org, d := contoso(t, s)
				u := createUser(t, org, d, ada)
				_, err := org.SetRole(t.Context(), u.ID, model.Admin)
				must(t, err)
				_, _, err = s.CreateOperator(t.Context(), ada)
				must(t, err)
				for n := range 6 {
					wantKind(t, c.enter(t, s, "wrong", fmt.Sprintf("192.0.2.%d", n)), model.Denied)
				}
				wantKind(t, c.enter(t, s, "wrong", "192.0.2.10"), model.Busy)
				must(t, c.enter(t, s, c.renew(t, s, org, u), "192.0.2.11"))
			})
		})
	}
}
