package signon_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/refusal"
	"rollcall/model/signon"
	"rollcall/model/store"
)

// A login and an assertion are accepted once, whatever replica gets the response.
func TestLoginIsUsedOnce(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		clock := modeltest.NewClock()
		stores := replicas(t, db, store.Options{Now: clock.Now})
		h := storetest.Open(t, stores[0], "contoso")
		claims := storetest.ClaimsOf("subject", h.Mail("ada"))
		t.Run("of two responses at the same time one is accepted", func(t *testing.T) {
			for range 5 {
				l := storetest.Begin(t, h.Org, h.C)
				ok := 0
				for _, err := range storetest.Together(2, func(i int) error {
					_, err := signon.In(stores[i].Org(h.Org.ID, model.System)).
						SignIn(t.Context(), storetest.Response(h.C, l, claims))
					return err
				}) {
					if err == nil {
						ok++
					} else {
						storetest.Refused(t, err, refusal.LoginUsed)
					}
				}
				if ok != 1 {
					t.Errorf("%d of two are accepted", ok)
				}
			}
		})
		t.Run("it expires after ten minutes", func(t *testing.T) {
			in, late := storetest.Begin(t, h.Org, h.C), storetest.Begin(t, h.Org, h.C)
			if in.ExpiresAt != model.TimeOf(clock.Now().Add(10*time.Minute)) {
				t.Errorf("it expires at %s", in.ExpiresAt)
			}
			clock.Advance(10*time.Minute - time.Millisecond)
			_, err := signon.In(h.Org).SignIn(t.Context(), storetest.Response(h.C, in, claims))
			storetest.Must(t, err)
			clock.Advance(time.Millisecond)
			before := len(storetest.Dump(t, h.S, h.Org))
			_, err = signon.In(h.Org).SignIn(t.Context(), storetest.Response(h.C, late, claims))
			storetest.Refused(t, err, refusal.LoginUsed)
			if n := len(storetest.Dump(t, h.S, h.Org)); n != before {
				t.Errorf("%d rows were written", n-before)
			}
		})
		t.Run("it is found when it was used or has expired, at its connection only", func(t *testing.T) {
			age := int64(7)
			l := &signon.Login{ConnectionID: h.C.ID, RequestID: "_1", BrowserHash: []byte("hash"), ForceAuthn: true,
				RedirectURI: "https://app.example", State: "\u2028 <state> \"", CodeChallenge: "c", MaxAge: &age,
				ApplicationID: &h.C.ID, SessionID: "session", Secret: []byte("secret")}
			handle, kept := signon.In(h.Org).StartLogin(l)
			if len(handle) > 80 {
				t.Errorf("%q is no RelayState", handle)
			}
			keeps := func(id string) []byte {
				if id != l.ID {
					t.Errorf("asked for %s", id)
				}
				return kept
			}
			other := storetest.Connect(t, h.Org)
			for range 2 {
				found, err := signon.In(h.Org).Login(h.C.ID, handle, keeps)
				if diff := cmp.Diff(l, found); err != nil || diff != "" {
					t.Error(err, diff)
				}
				_, err = signon.In(h.Org).Login(other.ID, handle, keeps)
				storetest.WantKind(t, err, model.NotFound)
				clock.Advance(10 * time.Minute)
			}
			for _, text := range []string{"", "\x00", l.ID, handle + "A", "B" + handle[1:], handle[:53] + "="} {
				_, err := signon.In(h.Org).Login(h.C.ID, text, keeps)
				storetest.WantKind(t, err, model.NotFound)
			}
		})
		t.Run("a browser that does not keep it is told why", func(t *testing.T) {
			l := &signon.Login{ConnectionID: h.C.ID, RequestID: "_1"}
			handle, kept := signon.In(h.Org).StartLogin(l)
			_, another := signon.In(h.Org).StartLogin(&signon.Login{ConnectionID: h.C.ID})
			for _, wrong := range [][]byte{nil, another, kept[:len(kept)-1]} {
				_, err := signon.In(h.Org).Login(h.C.ID, handle, func(string) []byte { return wrong })
				storetest.Refused(t, err, refusal.LoginForeign)
			}
			clock.Advance(10 * time.Minute)
			_, err := signon.In(h.Org).Login(h.C.ID, handle, func(string) []byte { return nil })
			storetest.Refused(t, err, refusal.LoginUsed)
		})
		t.Run("an assertion is accepted once, at its connection", func(t *testing.T) {
			in := storetest.Response(h.C, storetest.Begin(t, h.Org, h.C), claims)
			_, err := signon.In(h.Org).SignIn(t.Context(), in)
			storetest.Must(t, err)
			in.Login = storetest.Begin(t, h.Org, h.C)
			_, err = signon.In(h.Org).SignIn(t.Context(), in)
			storetest.Refused(t, err, refusal.AssertionReplayed)
			// The refused response did not use the login.
			_, err = signon.In(h.Org).SignIn(t.Context(), storetest.Response(h.C, in.Login, claims))
			storetest.Must(t, err)
			other := storetest.Connect(t, h.Org)
			storetest.Must(t, signon.In(h.Org).RememberAssertion(t.Context(), other.ID, in.AssertionID, in.ReplayUntil))
			storetest.Refused(t, signon.In(h.Org).RememberAssertion(t.Context(), other.ID, in.AssertionID,
				in.ReplayUntil), refusal.AssertionReplayed)
			storetest.WantKind(t, signon.In(h.Org).RememberAssertion(t.Context(), storetest.NewID(), "a",
				in.ReplayUntil), model.NotFound)
		})
		t.Run("of two replicas that get one assertion at the same time one accepts it", func(t *testing.T) {
			for range 5 {
				in := storetest.Response(h.C, nil, claims)
				ok := 0
				for _, err := range storetest.Together(2, func(i int) error {
					in := in
					in.Login = storetest.Begin(t, h.Org, h.C)
					_, err := signon.In(stores[i].Org(h.Org.ID, model.System)).SignIn(t.Context(), in)
					return err
				}) {
					if err == nil {
						ok++
					} else {
						storetest.Refused(t, err, refusal.AssertionReplayed)
					}
				}
				if ok != 1 {
					t.Errorf("%d of two are accepted", ok)
				}
			}
		})
	})
}
