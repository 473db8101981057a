package signon_test

import (
	"fmt"
	"testing"
	"time"

	"rollcall/model"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/organization"
	"rollcall/model/signon"
	"rollcall/model/store"
)

// Codes, tokens and the session end together, at the end that the organization or the identity
// provider sets.
func TestSessionLifetime(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		clock := modeltest.NewClock()
		s := modeltest.Open(t, db, store.Options{Now: clock.Now})
		for i, c := range []struct {
			name     string
			settings int // seconds
			notAfter time.Duration
			lives    time.Duration
		}{
			{"a day", 86400, 0, 24 * time.Hour},
			{"the organization's time", 600, 0, 10 * time.Minute},
			{"until the identity provider's end", 86400, time.Hour, time.Hour},
			{"not longer than the organization's time", 600, time.Hour, 10 * time.Minute},
		} {
			t.Run(c.name, func(t *testing.T) {
				h := storetest.Open(t, s, fmt.Sprint("lifetime-", i))
				h.Settings(t, func(g *organization.Settings) { g.SessionLifetimeSeconds = c.settings })
				a := storetest.Application(t, s)
				l := storetest.Begin(t, h.Org, h.C)
				l.ApplicationID = &a.ID
				clock.Advance(time.Minute) // at the identity provider
				in := storetest.Response(h.C, l, storetest.ClaimsOf("subject", h.Mail("ada")))
				if c.notAfter > 0 {
					at := model.TimeOf(clock.Now().Add(c.notAfter))
					in.NotAfter = &at
				}
				out, err := signon.In(h.Org).SignIn(t.Context(), in)
				storetest.Must(t, err)
				_, token, err := signon.Across(s).RedeemCode(t.Context(),
					signon.Redemption{ApplicationID: a.ID, Code: out.Code})
				storetest.Must(t, err)
				if at := model.TimeOf(clock.Now().Add(c.lives)); out.Session.ExpiresAt != at {
					t.Errorf("it expires at %s, want %s", out.Session.ExpiresAt, at)
				}
				clock.Advance(c.lives - time.Millisecond)
				live, err := signon.Across(s).SessionByToken(t.Context(), out.SessionToken)
				storetest.Must(t, err)
				_, err = signon.Across(s).SessionByAccessToken(t.Context(), token)
				storetest.Must(t, err)
				late, err := signon.In(h.Org).HandOver(t.Context(), live,
					signon.CodeRequest{ApplicationID: a.ID, RedirectURI: storetest.Callback})
				storetest.Must(t, err)
				clock.Advance(time.Millisecond)
				_, err = signon.Across(s).SessionByToken(t.Context(), out.SessionToken)
				storetest.WantKind(t, err, model.Denied)
				_, err = signon.Across(s).SessionByAccessToken(t.Context(), token)
				storetest.WantKind(t, err, model.Denied)
				_, _, err = signon.Across(s).RedeemCode(t.Context(), signon.Redemption{ApplicationID: a.ID, Code: late})
				storetest.WantKind(t, err, model.Invalid, "code")
			})
		}
		t.Run("a session whose end at the identity provider is past is not live", func(t *testing.T) {
			h := storetest.Open(t, s, "past")
			in := storetest.Response(h.C, storetest.Begin(t, h.Org, h.C), storetest.ClaimsOf("subject", h.Mail("ada")))
			at := model.TimeOf(clock.Now().Add(-time.Minute))
			in.NotAfter = &at
			out, err := signon.In(h.Org).SignIn(t.Context(), in)
			storetest.Must(t, err)
			_, err = signon.Across(s).SessionByToken(t.Context(), out.SessionToken)
			storetest.WantKind(t, err, model.Denied)
		})
	})
}
