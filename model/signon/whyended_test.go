package signon_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/organization"
	"rollcall/model/people"
	"rollcall/model/signon"
	"rollcall/model/store"
)

// An application that asks with a dead token is told why it died, whatever else happened since:
// with a wrong reason it would show a person who was dismissed the way to sign in again.
func TestTokensTellWhyTheyEnded(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		clock := modeltest.NewClock()
		s := modeltest.Open(t, db, store.Options{Now: clock.Now})
		for i, e := range endings {
			t.Run(e.name, func(t *testing.T) {
				h := storetest.Open(t, s, fmt.Sprint("why-", i))
				o := h.SignOn(t, "ada")
				h.SignOn(t, "grace")
				clock.Advance(time.Minute)
				e.end(t, o)
				want := string(e.reason)
				if want == "" {
					want = signon.EndedSignedOut
				}
				wantEnding(t, s, o.Out.SessionToken, want, e.reason != "")
				wantEnding(t, s, o.Token, want, e.reason != "")
			})
		}
	})
}

// wantEnding checks the reason for which a token has ended, and whether an event tells of it.
func wantEnding(t *testing.T, s *store.Store, token, want string, event bool) {
	t.Helper()
	got, err := signon.Across(s).EndingOf(t.Context(), token)
	storetest.Must(t, err)
	if want == "" {
		if got != nil {
			t.Errorf("got %+v", got)
		}
		return
	}
	if got == nil || got.Reason != want || (got.Event != "") != event {
		t.Errorf("got %+v, want %s", got, want)
	}
}

// What ended the session first is the reason: what happens to the person later did not end it.
func TestTheFirstEndOfASessionIsTold(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		clock := modeltest.NewClock()
		s := modeltest.Open(t, db, store.Options{Now: clock.Now})
		out := func(t *testing.T, o storetest.Opened) {
			storetest.Must(t, signon.In(o.Org).EndSession(t.Context(), o.Out.Session.ID))
		}
		leave := func(t *testing.T, o storetest.Opened) { storetest.Deactivate(t, o.Org, o.D, o.User) }
		wait := func(d time.Duration) func(*testing.T, storetest.Opened) {
			return func(*testing.T, storetest.Opened) { clock.Advance(d) }
		}
		const lifetime, idle = time.Hour, 10 * time.Minute
		for i, c := range []struct {
			name  string
			idle  bool
			steps []func(*testing.T, storetest.Opened)
			want  string
			event bool
		}{
			{"expired at its very end", false, []func(*testing.T, storetest.Opened){wait(lifetime)},
				signon.EndedExpired, false},
			{"idle at its very end", true, []func(*testing.T, storetest.Opened){wait(idle)}, signon.EndedIdle, false},
			{"idle, then expired", true, []func(*testing.T, storetest.Opened){wait(lifetime)},
				signon.EndedExpired, false},
			{"signed out, then left", false, []func(*testing.T, storetest.Opened){out, wait(time.Minute), leave},
				signon.EndedSignedOut, false},
			{"left", false, []func(*testing.T, storetest.Opened){leave, wait(2 * lifetime)},
				string(people.EndedDeprovisioned), true},
			{"expired, then left", false, []func(*testing.T, storetest.Opened){wait(2 * lifetime), leave},
				signon.EndedExpired, false},
			{"idle, then left", true, []func(*testing.T, storetest.Opened){wait(2 * idle), leave},
				signon.EndedIdle, false},
			{"left before it was idle", true, []func(*testing.T, storetest.Opened){leave, wait(2 * idle)},
				string(people.EndedDeprovisioned), true},
			{"signed out in the moment in which they left", false, []func(*testing.T, storetest.Opened){out, leave},
				string(people.EndedDeprovisioned), true},
			{"expired in the moment in which they left", false,
				[]func(*testing.T, storetest.Opened){wait(lifetime - time.Second), leave}, signon.EndedExpired, false},
			{"idle in the moment in which they left", true,
				[]func(*testing.T, storetest.Opened){wait(idle - time.Second), leave}, signon.EndedIdle, false},
			{"signed out, then expired", false, []func(*testing.T, storetest.Opened){out, wait(2 * lifetime)},
				signon.EndedSignedOut, false},
		} {
			t.Run(c.name, func(t *testing.T) {
				h := storetest.Open(t, s, fmt.Sprint("first-", i))
				h.Settings(t, func(g *organization.Settings) {
					g.SessionLifetimeSeconds = int(lifetime.Seconds())
					if c.idle {
						g.SessionIdleSeconds = int(idle.Seconds())
					}
				})
				o := h.SignOn(t, "ada")
				clock.Advance(time.Second)
				wantEnding(t, s, o.Out.SessionToken, signon.EndedWithdrawn, false) // nothing has ended it
				for _, step := range c.steps {
					step(t, o)
				}
				wantEnding(t, s, o.Out.SessionToken, c.want, c.event)
			})
		}
	})
}

// Nobody learns anything by a token that this server did not make, and no application about an
// organization that it does not serve any more.
func TestTokensThatTellNothing(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		h := storetest.Open(t, s, "contoso")
		o, other := h.SignOn(t, "ada"), h.SignOn(t, "grace")
		storetest.Must(t, signon.In(h.Org).EndSession(t.Context(), o.Out.Session.ID))
		wantEnding(t, s, o.Token, signon.EndedSignedOut, false)
		secret, trace, _ := strings.Cut(o.Token, ".")
		_, foreign, _ := strings.Cut(other.Token, ".")
		for name, token := range map[string]string{
			"nothing":           "",
			"no trace":          secret,
			"an empty trace":    secret + ".",
			"no base64":         secret + ".!",
			"another trace":     secret + "." + foreign,
			"another secret":    "x" + secret + "." + trace,
			"a trace cut short": secret + "." + trace[:len(trace)-4],
		} {
			t.Run(name, func(t *testing.T) { wantEnding(t, s, token, "", false) })
		}
		_, err := organization.Across(s).UpdateApplication(t.Context(), o.Application.ID,
			func(a *organization.ApplicationFields) error {
				a.AllOrganizations = false
				return nil
			})
		storetest.Must(t, err)
		wantEnding(t, s, o.Token, "", false)
		wantEnding(t, s, o.Out.SessionToken, signon.EndedSignedOut, false)
		storetest.Must(t, organization.Across(s).DeleteApplication(t.Context(), o.Application.ID))
		wantEnding(t, s, o.Token, "", false)
	})
}
