package signon_test

import (
	"strings"
	"testing"
	"time"

	"rollcall/model"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/operator"
	"rollcall/model/organization"
	"rollcall/model/signon"
	"rollcall/model/store"
)

// A session ends after the idle time of the organization, and each use begins the time again.
func TestUnusedSessionsEnd(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		clock := modeltest.NewClock()
		s := modeltest.Open(t, db, store.Options{Now: clock.Now})
		h := storetest.Open(t, s, "contoso")
		h.Settings(t, func(g *organization.Settings) { g.SessionIdleSeconds = 600 })
		o := h.SignOn(t, "ada")
		browser := func() bool {
			_, err := signon.Across(s).SessionByToken(t.Context(), o.Out.SessionToken)
			return err == nil
		}
		token := func() bool {
			_, err := signon.Across(s).SessionByAccessToken(t.Context(), o.Token)
			return err == nil
		}
		listed := func() int {
			ss, _, err := signon.In(h.Org).Sessions(t.Context(), o.User.ID, model.Page{Limit: 10})
			storetest.Must(t, err)
			return len(ss)
		}
		for i := range 5 { // longer than ten minutes in all
			clock.Advance(9 * time.Minute)
			use := browser
			if i%2 == 1 {
				use = token // a request of the application counts as use
			}
			if !use() {
				t.Fatalf("in use, it ends after %d times nine minutes", i+1)
			}
		}
		clock.Advance(10*time.Minute - time.Millisecond)
		if listed() != 1 || !browser() {
			t.Fatal("it ends before its time")
		}
		clock.Advance(10 * time.Minute)
		if browser() || token() || listed() != 0 {
			t.Errorf("after ten idle minutes it lives: %v %v, listed %d", browser(), token(), listed())
		}
		if _, _, err := signon.Across(s).RedeemCode(t.Context(),
			signon.Redemption{ApplicationID: o.Application.ID, Code: o.Code}); model.KindOf(err) != model.Invalid {
			t.Errorf("its code is exchanged: %v", err)
		}
	})
}

// A new idle time also counts for the sessions that are live already.
func TestIdleTimeChangesForLiveSessions(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		clock := modeltest.NewClock()
		s := modeltest.Open(t, db, store.Options{Now: clock.Now})
		h, other := storetest.Open(t, s, "contoso"), storetest.Open(t, s, "fabrikam")
		o, elsewhere := h.SignOn(t, "ada"), other.SignOn(t, "alan")
		lives := func(o storetest.Opened) bool {
			_, err := signon.Across(s).SessionByToken(t.Context(), o.Out.SessionToken)
			return err == nil
		}
		clock.Advance(time.Hour)
		h.Settings(t, func(g *organization.Settings) { g.SessionIdleSeconds = 300 })
		if !lives(o) {
			t.Fatal("a session that was idle before the setting has ended")
		}
		clock.Advance(5 * time.Minute)
		if lives(o) || !lives(elsewhere) {
			t.Errorf("switched on: it lives %v, another organization's %v", lives(o), lives(elsewhere))
		}
		h.Settings(t, func(g *organization.Settings) { g.SessionIdleSeconds = 0 })
		if lives(o) {
			t.Error("an ended session is live again")
		}
		o.Out, _, _ = o.Again(t)
		h.Settings(t, func(g *organization.Settings) { g.SessionIdleSeconds = 300 })
		h.Settings(t, func(g *organization.Settings) { g.SessionIdleSeconds = 0 })
		clock.Advance(time.Hour)
		if !lives(o) {
			t.Error("switched off, it ends all the same")
		}
		for _, seconds := range []int{-1, 1, 299, 30*86400 + 1} {
			_, err := operator.In(h.Org).UpdateOrganization(t.Context(),
				func(g *organization.OrganizationFields) error {
					g.Settings.SessionIdleSeconds = seconds
					return nil
				})
			storetest.WantKind(t, err, model.Invalid)
		}
	})
}

// The use of a session is written once a minute, and never without an idle time.
func TestUseIsWrittenOnceAMinute(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		clock := modeltest.NewClock()
		var counter modeltest.Statements
		options := counter.Options()
		options.Now = clock.Now
		s := modeltest.Open(t, db, options)
		h := storetest.Open(t, s, "contoso")
		for _, c := range []struct {
			idle  int
			after time.Duration
			want  int
		}{
			{0, time.Second, 1}, {0, 5 * time.Minute, 1},
			{600, time.Second, 1}, {600, 59 * time.Second, 1}, {600, time.Minute, 2}, {600, 5 * time.Minute, 2},
		} {
			h.Settings(t, func(g *organization.Settings) { g.SessionIdleSeconds = c.idle })
			o := h.SignOn(t, "ada"+strings.ReplaceAll(c.after.String(), ".", "")+string(rune('a'+c.idle/600)))
			clock.Advance(c.after)
			for _, look := range []func() error{
				func() error { _, err := signon.Across(s).SessionByToken(t.Context(), o.Out.SessionToken); return err },
				func() error { _, err := signon.Across(s).SessionByToken(t.Context(), o.Out.SessionToken); return err },
			} {
				var err error
				got := counter.During(func() { err = look() })
				storetest.Must(t, err)
				if len(got) != c.want {
					t.Errorf("idle time %d, after %s: %d statements, want %d:\n%s", c.idle, c.after, len(got), c.want,
						strings.Join(got, "\n"))
				}
				c.want = 1 // the second use in the same minute
			}
		}
	})
}
