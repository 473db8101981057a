package model_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"rollcall/model"
	"rollcall/model/modeltest"
)

// A login is used once, on whatever server its response arrives.
func TestLoginIsUsedOnce(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		clock := modeltest.NewClock()
		stores := twice(t, db, model.Options{Now: clock.Now})
		h := open(t, stores[0], "contoso")
		claims := claimsOf("subject", h.mail("ada"))
		t.Run("of two responses at the same moment one is accepted", func(t *testing.T) {
			for range 5 {
				l := begin(t, h.org, h.c)
				ok := 0
				for _, err := range together(2, func(i int) error {
					_, err := stores[i].Org(h.org.ID, model.System).SignIn(t.Context(), response(h.c, l, claims))
					return err
				}) {
					if err == nil {
						ok++
					} else {
						refused(t, err, model.LoginUsed)
					}
				}
				if ok != 1 {
					t.Errorf("%d of two are accepted", ok)
				}
			}
		})
		t.Run("it lives for ten minutes", func(t *testing.T) {
			in, late := begin(t, h.org, h.c), begin(t, h.org, h.c)
			if in.ExpiresAt != model.TimeOf(clock.Now().Add(10*time.Minute)) {
				t.Errorf("it expires at %s", in.ExpiresAt)
			}
			clock.Advance(10*time.Minute - time.Millisecond)
			_, err := h.org.SignIn(t.Context(), response(h.c, in, claims))
			must(t, err)
			clock.Advance(time.Millisecond)
			before := len(dump(t, h.s, h.org))
			_, err = h.org.SignIn(t.Context(), response(h.c, late, claims))
			refused(t, err, model.LoginUsed)
			if n := len(dump(t, h.s, h.org)); n != before {
				t.Errorf("%d rows were written", n-before)
			}
		})
		t.Run("it is found used or late, and at its connection only", func(t *testing.T) {
			l := begin(t, h.org, h.c)
			_, err := h.org.SignIn(t.Context(), response(h.c, l, claims))
			must(t, err)
			found, err := h.org.Login(t.Context(), h.c.ID, l.ID)
			if err != nil || found.UsedAt == nil || found.RequestID != l.RequestID || string(found.BrowserHash) != "hash" {
				t.Error(found, err)
			}
			_, err = h.org.Login(t.Context(), connect(t, h.org).ID, l.ID)
			wantKind(t, err, model.NotFound)
			_, err = h.org.Login(t.Context(), h.c.ID, "\x00")
			wantKind(t, err, model.NotFound)
		})
		t.Run("an assertion is accepted once, at its connection", func(t *testing.T) {
			in := response(h.c, begin(t, h.org, h.c), claims)
			_, err := h.org.SignIn(t.Context(), in)
			must(t, err)
			in.Login = begin(t, h.org, h.c)
			_, err = h.org.SignIn(t.Context(), in)
			refused(t, err, model.AssertionReplayed)
			// What was refused has not used up the login.
			_, err = h.org.SignIn(t.Context(), response(h.c, in.Login, claims))
			must(t, err)
			other := connect(t, h.org)
			must(t, h.org.RememberAssertion(t.Context(), other.ID, in.AssertionID, in.ReplayUntil))
			refused(t, h.org.RememberAssertion(t.Context(), other.ID, in.AssertionID, in.ReplayUntil), model.AssertionReplayed)
			wantKind(t, h.org.RememberAssertion(t.Context(), model.NewID(), "a", in.ReplayUntil), model.NotFound)
		})
		t.Run("of two servers that get the same assertion at the same moment one accepts it", func(t *testing.T) {
			for range 5 {
				in := response(h.c, nil, claims)
				ok := 0
				for _, err := range together(2, func(i int) error {
					in := in
					in.Login = begin(t, h.org, h.c)
					_, err := stores[i].Org(h.org.ID, model.System).SignIn(t.Context(), in)
					return err
				}) {
					if err == nil {
						ok++
					} else {
						refused(t, err, model.AssertionReplayed)
					}
				}
				if ok != 1 {
					t.Errorf("%d of two are accepted", ok)
				}
			}
		})
	})
}

func TestLoginAttempts(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		clock := modeltest.NewClock()
		s := modeltest.Open(t, db, model.Options{Now: clock.Now})
		h := open(t, s, "contoso")
		fail := func(c *model.Connection, address string) bool {
			kept, err := h.org.RecordFailedLogin(t.Context(), model.LoginAttempt{ConnectionID: c.ID, Reason: "expired", Reference: "r", Address: address}, "too late")
			must(t, err)
			return kept
		}
		flood := func(c *model.Connection, n int, reason func(int) string, address func(int) string) (kept int) {
			must(t, h.org.Tx(t.Context(), func(org *model.Org) error {
				for i := range n {
					ok, err := org.RecordFailedLogin(t.Context(), model.LoginAttempt{ConnectionID: c.ID, Reason: reason(i), Address: address(i)}, "")
					if err != nil {
						return err
					}
					if ok {
						kept++
					}
				}
				return nil
			}))
			return kept
		}
		always := func(text string) func(int) string { return func(int) string { return text } }
		numbered := func(prefix string) func(int) string { return func(i int) string { return fmt.Sprint(prefix, i/202) } }
		t.Run("of an address 200 failures a day are kept, and a flood leaves room for what is rare", func(t *testing.T) {
			if kept := flood(h.c, 5*202, always("expired"), numbered("192.0.2.")); kept != 810 {
				t.Errorf("%d are kept", kept) // ten of the fifth address find room among the rare ones
			}
			if n := len(newEvents(t, s, h.org, func() { fail(h.c, "192.0.2.3") })); n != 0 {
				t.Errorf("there are %d events of what was not kept", n)
			}
			if !fail(h.c, "192.0.2.9") {
				t.Error("a new address has no room")
			}
			other := connect(t, h.org)
			if kept := flood(other, 920, always("expired"), func(i int) string { return fmt.Sprintf("198.51.%d.%d", i/256, i%256) }); kept != 900 {
				t.Errorf("%d of one reason and as many addresses are kept", kept)
			}
			if kept := flood(other, 20, always("wrong_audience"), always("198.51.0.1")); kept != 10 {
				t.Errorf("%d of another reason are kept", kept)
			}
			if kept := flood(other, 95, func(i int) string { return fmt.Sprint("reason ", i) }, always("198.51.0.2")); kept != 90 {
				t.Errorf("%d of as many reasons are kept", kept)
			}
			if !fail(connect(t, h.org), "192.0.2.3") {
				t.Error("another connection has no room")
			}
			if _, err := signIn(t, h.org, h.c, claimsOf("first", h.mail("first"))); err != nil {
				t.Error(err) // whoever fails keeps nobody out
			}
			clock.Advance(24*time.Hour - time.Millisecond)
			if fail(h.c, "192.0.2.3") {
				t.Error("there is room before the day is over")
			}
			clock.Advance(2 * time.Millisecond)
			if !fail(h.c, "192.0.2.3") {
				t.Error("there is no room when the day is over")
			}
		})
		t.Run("an IPv6 network counts as one address", func(t *testing.T) {
			c := connect(t, h.org)
			if kept := flood(c, 300, always("expired"), func(i int) string { return fmt.Sprintf("2001:db8:0:1::%x", i+1) }); kept != 200 {
				t.Errorf("%d are kept", kept)
			}
			if !fail(c, "2001:db8:0:2::1") {
				t.Error("the neighbor has no room")
			}
		})
		t.Run("200 of one address leave room for others", func(t *testing.T) {
			c := connect(t, h.org)
			for i := range 201 {
				if kept := fail(c, "192.0.2.1"); kept != (i < 200) {
					t.Fatalf("failure %d is kept: %t", i, kept)
				}
			}
			if !fail(c, "192.0.2.2") {
				t.Error("another address has no room")
			}
		})
		t.Run("what was sent is kept as text, and not all of it", func(t *testing.T) {
			for name, sent := range map[string]string{"nul": "a\x00b", "no text": "a\xff\xc3b", "long": strings.Repeat("ä", 9000), "long and no text": strings.Repeat("\xff\x00", 9000)} {
				c := connect(t, h.org)
				a := model.LoginAttempt{ConnectionID: c.ID, Reason: "expired", Expected: sent, Received: sent, Email: sent, Subject: sent,
					UserAgent: sent, Notes: []string{sent}, Reference: "r", Address: "192.0.2.1"}
				kept, err := h.org.RecordFailedLogin(t.Context(), a, "too late")
				if err != nil || !kept {
					t.Fatalf("%s: %t %v", name, kept, err)
				}
				as, _, err := h.org.LoginAttempts(t.Context(), c.ID, model.Page{Limit: 10})
				must(t, err)
				for _, text := range []string{as[0].Expected, as[0].Received, as[0].Email, as[0].Subject, as[0].Notes[0]} {
					if n := utf8.RuneCountInString(text); !utf8.ValidString(text) || strings.ContainsRune(text, 0) || n > 501 || n < 3 {
						t.Errorf("%s: %d characters: %.20q", name, n, text)
					}
				}
				all := events(t, s, h.org)
				if e := all[len(all)-1]; e.Type != model.SSOFailed || len(e.Data) > 8000 || strings.Contains(e.Data, `\u0000`) {
					t.Errorf("%s: %s", name, e.Data)
				}
			}
		})
		t.Run("a success names the person, without a word too many", func(t *testing.T) {
			in := response(h.c, begin(t, h.org, h.c), claimsOf("first", "First@"+h.domain))
			in.Attempt = model.LoginAttempt{Reference: "reference", Address: "192.0.2.3", Notes: []string{"a weak digest"}}
			out, err := h.org.SignIn(t.Context(), in)
			must(t, err)
			as, _, err := h.org.LoginAttempts(t.Context(), h.c.ID, model.Page{Limit: 1})
			must(t, err)
			if a := as[0].PublicForm("", ""); a.Status != "succeeded" || *a.UserID != model.UserPrefix.ID(out.User.ID) || *a.Email != "First@"+h.domain ||
				*a.IdpID != "first" || a.Reason != nil || a.Reference != "reference" || *a.IPAddress != "192.0.2.3" || len(a.Notes) != 1 {
				t.Errorf("%+v", a)
			}
		})
	})
}

// A flood of messages that are not even noted any more must not hold up those who sign in: on SQLite
// there is one writer for all.
func TestFailuresBeyondTheLimitDoNotWrite(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *model.Store) {
		h := open(t, s, "contoso")
		failed := model.LoginAttempt{ConnectionID: h.c.ID, Reason: "expired", Address: "192.0.2.1"}
		must(t, h.org.Tx(t.Context(), func(org *model.Org) error {
			for range 200 {
				if _, err := org.RecordFailedLogin(t.Context(), failed, ""); err != nil {
					return err
				}
			}
			return nil
		}))
		must(t, h.org.Tx(t.Context(), func(*model.Org) error { // somebody signs in
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			kept, err := h.org.RecordFailedLogin(ctx, failed, "")
			if kept || err != nil {
				t.Errorf("kept: %t, %v", kept, err)
			}
			return nil
		}))
	})
}
