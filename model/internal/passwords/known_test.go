package passwords_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"rollcall/model"
	"rollcall/model/internal/passwords"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/store"
)

// keeps is what a browser keeps that is known to some accounts.
func keeps(s *store.Store, accounts ...string) func(name string) string {
	kept := map[string]string{}
	for _, account := range accounts {
		kept[passwords.KnownName(account)] = passwords.Known(s, account)
	}
	return func(name string) string { return kept[name] }
}

// TestStrangersDoNotHoldUpAKnownBrowser guesses at an account from many addresses, without an end.
func TestStrangersDoNotHoldUpAKnownBrowser(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		clock := modeltest.NewClock()
		s := modeltest.Open(t, db, store.Options{Now: clock.Now})
		from := func(known func(string) string, address string) error {
			a, err := passwords.Begin(t.Context(), s, "ada", passwords.Sender{Address: address, Known: known})
			if err == nil {
				a.Leave()
			}
			return err
		}
		for n := range 40 {
			_ = from(nil, fmt.Sprintf("192.0.2.%d", n))
		}
		storetest.WantKind(t, from(nil, "198.51.100.1"), model.Busy)
		hers := keeps(s, "ada")
		storetest.Must(t, from(hers, "192.0.2.1"))
		for name, known := range map[string]func(string) string{
			"of another account":                        keeps(s, "bob"),
			"of another account, under this one's name": func(string) string { return passwords.Known(s, "bob") },
			"forged":  func(string) string { return "AAAA" },
			"damaged": func(name string) string { return hers(name)[1:] },
		} {
			if err := from(known, "198.51.100.1"); model.KindOf(err) != model.Busy {
				t.Errorf("%s: %v", name, err)
			}
		}
		// A stolen cookie has the guesses of one browser, and then those of a stranger.
		clock.Advance(25 * time.Hour)
		for range 12 {
			storetest.Must(t, from(hers, "203.0.113.1"))
		}
		storetest.WantKind(t, from(hers, "203.0.113.1"), model.Busy)
		storetest.Must(t, from(keeps(s, "ada"), "203.0.113.1")) // another browser of hers
		clock.Advance(passwords.KnownTime)
		for n := range 6 {
			storetest.Must(t, from(nil, fmt.Sprintf("192.0.2.%d", n)))
		}
		storetest.WantKind(t, from(hers, "198.51.100.7"), model.Busy) // it is known for a year
	})
}

// TestARightPasswordOfAKnownBrowser forgets that browser's guesses, and not those of strangers.
func TestARightPasswordOfAKnownBrowser(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		for n := range 6 {
			_, err := begin(t.Context(), s, "ada", fmt.Sprintf("192.0.2.%d", n))
			storetest.Must(t, err)
		}
		hers := keeps(s, "ada")
		for range 20 {
			a, err := passwords.Begin(t.Context(), s, "ada", passwords.Sender{Address: "192.0.2.1", Known: hers})
			storetest.Must(t, err)
			storetest.Must(t, a.Succeed(t.Context()))
			a.Leave()
		}
		_, err := begin(t.Context(), s, "ada", "198.51.100.1")
		storetest.WantKind(t, err, model.Busy)
	})
}

// TestLargeNetworksHaveSomeMoreGuesses walks through a /48: each /64 of it is somebody else.
func TestLargeNetworksHaveSomeMoreGuesses(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		free := func(address func(n int) string) (n int) {
			for ; n < 1000; n++ {
				if _, err := begin(t.Context(), s, fmt.Sprint("account ", address(n)), address(n)); err != nil {
					storetest.WantKind(t, err, model.Busy)
					return n
				}
			}
			return n
		}
		if n := free(func(n int) string { return fmt.Sprintf("2001:db8:0:%x::1", n) }); n != 21 {
			t.Errorf("a /56 has %d guesses before it waits", n)
		}
		if n := free(func(n int) string { return fmt.Sprintf("2001:db8:1:%x::1", n<<8) }); n != 81 {
			t.Errorf("a /48 has %d guesses before it waits", n)
		}
		if n := free(func(n int) string { return fmt.Sprintf("2001:db8:%x::1", n+16) }); n != 1000 {
			t.Errorf("strangers in other networks wait after %d", n)
		}
	})
}

// TestOnlyTheBeginningOfALongPasswordIsEstimated: the work of an estimate grows with the cube of
// the length.
func TestOnlyTheBeginningOfALongPasswordIsEstimated(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		_, err := passwords.Hash(ctx, s, storetest.GoodPassword+strings.Repeat("a", 60))
		storetest.Must(t, err)
		_, err = passwords.Hash(ctx, s, strings.Repeat("a", 64)+storetest.GoodPassword)
		storetest.WantKind(t, err, model.Invalid)
	})
}
