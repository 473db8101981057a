package passwords_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rollcall/model"
	"rollcall/model/internal/passwords"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/operator"
	"rollcall/model/people"
	"rollcall/model/signon"
	"rollcall/model/store"
)

// begin begins an attempt whose password is not compared.
func begin(ctx context.Context, s *store.Store, account, address string) (*passwords.Attempt, error) {
	a, err := passwords.Begin(ctx, s, account, passwords.Sender{Address: address})
	if err == nil {
		a.Leave()
	}
	return a, err
}

func TestGuesses(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		ctx := t.Context()
		clock := modeltest.NewClock()
		s := modeltest.Open(t, db, store.Options{Now: clock.Now})
		guess := func(account, address string) error {
			_, err := begin(ctx, s, account, address)
			return err
		}
		for range 5 {
			storetest.Must(t, guess("ada", "192.0.2.1"))
		}
		for n, wait := range []time.Duration{2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900} {
			storetest.Must(t, guess("ada", "192.0.2.1"))
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
		storetest.Must(t, guess("bob", "192.0.2.2"))
		clock.Advance(24*time.Hour + time.Second)
		for range 5 {
			storetest.Must(t, guess("ada", "192.0.2.1"))
		}
	})
}

// Somebody who has an IPv6 address mostly has all of its /64.
func TestGuessesOfOneNetwork(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		guess := func(n int, address string) error {
			_, err := begin(t.Context(), s, fmt.Sprint("account ", n), address)
			return err
		}
		for n := range 6 {
			storetest.Must(t, guess(n, fmt.Sprintf("2001:db8:0:1::%x", n+1)))
		}
		storetest.WantKind(t, guess(7, "2001:db8:0:1:ffff::1"), model.Busy)
		storetest.Must(t, guess(8, "2001:db8:0:2::1"))
		storetest.Must(t, guess(9, "192.0.2.1"))
	})
}

// A flood of made-up accounts must neither fill the database nor hold up other writers.
func TestAttemptsThatHaveToWaitWriteNothing(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		var counter modeltest.Statements
		s := modeltest.Open(t, db, counter.Options())
		guess := func(n int) error {
			_, err := begin(t.Context(), s, fmt.Sprint("account ", n), "192.0.2.1")
			return err
		}
		for n := range 6 {
			storetest.Must(t, guess(n))
		}
		list := counter.During(func() { storetest.WantKind(t, guess(7), model.Busy) })
		if len(list) != 1 || !strings.HasPrefix(list[0], "SELECT") {
			t.Errorf("statements: %q", list)
		}
	})
}

func TestRightPasswordIsNoGuess(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		for range 4 {
			_, err := begin(ctx, s, "ada", "192.0.2.1")
			storetest.Must(t, err)
		}
		for range 20 {
			g, err := begin(ctx, s, "ada", "192.0.2.1")
			storetest.Must(t, err)
			storetest.Must(t, g.Succeed(ctx))
		}
		g, err := begin(ctx, s, "bob", "192.0.2.1")
		storetest.Must(t, err)
		// One who signs in does not wipe out what the address has guessed at others.
		if _, err := begin(ctx, s, "eve", "192.0.2.1"); err != nil {
			t.Fatal(err)
		}
		storetest.Must(t, g.Succeed(ctx))
		if _, err := begin(ctx, s, "eve", "192.0.2.1"); err != nil {
			t.Fatal(err)
		}
		if _, err := begin(ctx, s, "eve", "192.0.2.1"); model.KindOf(err) != model.Busy {
			t.Errorf("the address may go on: %v", err)
		}
	})
}

func TestGuessesAtOnce(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		clock := modeltest.NewClock()
		s := modeltest.Open(t, db, store.Options{Now: clock.Now})
		var let atomic.Int64
		var all sync.WaitGroup
		for n := range 20 { // there are places for as many in the line
			all.Go(func() {
				if _, err := begin(t.Context(), s, "ada", fmt.Sprintf("192.0.2.%d", n)); err == nil {
					let.Add(1)
				} else if model.KindOf(err) != model.Busy {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := let.Load(); n != 6 {
			t.Errorf("%d of 20 guesses at once were let through; 5 are free, and one more begins the wait", n)
		}
	})
}

// A person who tried too often has mostly forgotten the password, and is known to the one who gives
// them a new one.
func TestNewPasswordsForgetGuesses(t *testing.T) {
	t.Parallel()
	const ada = "ada@contoso.example"
	for name, c := range map[string]struct {
		enter func(t *testing.T, s *store.Store, password, address string) error
		renew func(t *testing.T, s *store.Store, org *store.Org, u *people.User) (password string)
	}{
		"an operator": {
			func(t *testing.T, s *store.Store, password, address string) error {
				_, _, err := operator.Across(s).SignInOperator(t.Context(), ada, password,
					operator.Browser{Address: address})
				return err
			},
			func(t *testing.T, s *store.Store, _ *store.Org, _ *people.User) string {
				password, err := operator.Across(s).ResetOperatorPassword(t.Context(), ada)
				storetest.Must(t, err)
				return password
			},
		},
		"an administrator": {
			func(t *testing.T, s *store.Store, password, address string) error {
				_, err := signon.Across(s).SignInByPassword(t.Context(),
					signon.PasswordSignIn{Email: ada, Password: password, IPAddress: address})
				return err
			},
			func(t *testing.T, s *store.Store, org *store.Org, u *people.User) string {
				storetest.SetPassword(t, s, org, u, storetest.GoodPassword)
				return storetest.GoodPassword
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			modeltest.Each(t, func(t *testing.T, s *store.Store) {
				org, d := storetest.Contoso(t, s)
				u := storetest.CreateUser(t, org, d, ada)
				_, err := people.In(org).SetRole(t.Context(), u.ID, people.Admin)
				storetest.Must(t, err)
				_, _, err = operator.Across(s).CreateOperator(t.Context(), ada)
				storetest.Must(t, err)
				for n := range 6 {
					storetest.WantKind(t, c.enter(t, s, "wrong", fmt.Sprintf("192.0.2.%d", n)), model.Denied)
				}
				storetest.WantKind(t, c.enter(t, s, "wrong", "192.0.2.10"), model.Busy)
				storetest.Must(t, c.enter(t, s, c.renew(t, s, org, u), "192.0.2.11"))
			})
		})
	}
}
