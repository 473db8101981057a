package signon_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/signon"
	"rollcall/model/store"
)

func TestLoginAttempts(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		clock := modeltest.NewClock()
		s := modeltest.Open(t, db, store.Options{Now: clock.Now})
		h := storetest.Open(t, s, "contoso")
		fail := func(c *connection.Connection, address string) bool {
			kept, err := signon.In(h.Org).RecordFailedLogin(t.Context(),
				signon.LoginAttempt{ConnectionID: c.ID, Reason: "expired", Reference: "r",
					Address: address}, "too late")
			storetest.Must(t, err)
			return kept
		}
		flood := func(c *connection.Connection, n int, reason func(int) string, address func(int) string) (kept int) {
			storetest.Must(t, h.Org.Tx(t.Context(), func(org *store.Org) error {
				for i := range n {
					ok, err := signon.In(org).RecordFailedLogin(t.Context(),
						signon.LoginAttempt{ConnectionID: c.ID, Reason: reason(i), Address: address(i)}, "")
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
		// filled is flood for failures of which each one is kept: it writes their rows.
		filled := func(c *connection.Connection, n int, reason func(int) string, address func(int) string) {
			rows := make([]signon.LoginAttempt, n)
			for i := range rows {
				rows[i] = signon.LoginAttempt{ID: model.NewID(), OrganizationID: h.Org.ID, ConnectionID: c.ID,
					Reason: reason(i), Address: address(i), Notes: []string{}, CreatedAt: model.TimeOf(clock.Now())}
			}
			storetest.Must(t, storetest.Across(s, t.Context()).CreateInBatches(rows, 40).Error)
		}
		always := func(text string) func(int) string { return func(int) string { return text } }
		t.Run("an address has 200 failures a day, and a flood leaves room for rare failures",
			func(t *testing.T) {
				kept := 0
				for i := range 5 {
					expired, address := always("expired"), always(fmt.Sprint("192.0.2.", i))
					if i < 4 {
						filled(h.C, 198, expired, address)
					}
					kept += flood(h.C, 13, expired, address)
				}
				if kept != 4*2+10 {
					t.Errorf("%d are kept", kept) // 200 of each address, and ten of the fifth
				}
				if n := len(storetest.NewEvents(t, s, h.Org, func() { fail(h.C, "192.0.2.3") })); n != 0 {
					t.Errorf("there are %d events of what was not kept", n)
				}
				if !fail(h.C, "192.0.2.9") {
					t.Error("a new address has no room")
				}
				other := storetest.Connect(t, h.Org)
				addresses := func(i int) string { return fmt.Sprintf("198.51.%d.%d", i/256, i%256) }
				filled(other, 890, always("expired"), addresses)
				kept = flood(other, 20, always("expired"), func(i int) string { return addresses(890 + i) })
				if kept != 10 {
					t.Errorf("%d of one reason and as many addresses are kept", 890+kept)
				}
				if kept := flood(other, 20, always("wrong_audience"), always("198.51.0.1")); kept != 10 {
					t.Errorf("%d of another reason are kept", kept)
				}
				reasons := func(i int) string { return fmt.Sprint("reason ", i) }
				filled(other, 85, reasons, always("198.51.0.2"))
				kept = flood(other, 10, func(i int) string { return reasons(85 + i) }, always("198.51.0.2"))
				if kept != 5 {
					t.Errorf("%d of as many reasons are kept", 85+kept)
				}
				if !fail(storetest.Connect(t, h.Org), "192.0.2.3") {
					t.Error("another connection has no room")
				}
				if _, err := storetest.SignIn(t, h.Org, h.C, storetest.ClaimsOf("first", h.Mail("first"))); err != nil {
					t.Error(err) // failures refuse no login
				}
				clock.Advance(24*time.Hour - time.Millisecond)
				if fail(h.C, "192.0.2.3") {
					t.Error("there is room before the day is over")
				}
				clock.Advance(2 * time.Millisecond)
				if !fail(h.C, "192.0.2.3") {
					t.Error("there is no room when the day is over")
				}
			})
		t.Run("an IPv6 network counts as one address", func(t *testing.T) {
			c := storetest.Connect(t, h.Org)
			addresses := func(i int) string { return fmt.Sprintf("2001:db8:0:1::%x", i+1) }
			filled(c, 195, always("expired"), addresses)
			kept := flood(c, 10, always("expired"), func(i int) string { return addresses(195 + i) })
			if kept != 5 {
				t.Errorf("%d are kept", 195+kept)
			}
			if !fail(c, "2001:db8:0:2::1") {
				t.Error("the neighbor has no room")
			}
		})
		t.Run("200 failures of one address leave room for another", func(t *testing.T) {
			c := storetest.Connect(t, h.Org)
			filled(c, 195, always("expired"), always("192.0.2.1"))
			for i := 195; i < 201; i++ {
				if kept := fail(c, "192.0.2.1"); kept != (i < 200) {
					t.Fatalf("failure %d is kept: %t", i, kept)
				}
			}
			if !fail(c, "192.0.2.2") {
				t.Error("another address has no room")
			}
		})
		t.Run("what was sent is stored as text and shortened", func(t *testing.T) {
			for name, sent := range map[string]string{"nul": "a\x00b", "no text": "a\xff\xc3b",
				"long": strings.Repeat("ä", 9000), "long and no text": strings.Repeat("\xff\x00", 9000)} {
				c := storetest.Connect(t, h.Org)
				a := signon.LoginAttempt{ConnectionID: c.ID, Reason: "expired", Expected: sent, Received: sent,
					Email: sent, Subject: sent,
					UserAgent: sent, Notes: []string{sent}, Reference: "r", Address: "192.0.2.1"}
				kept, err := signon.In(h.Org).RecordFailedLogin(t.Context(), a, "too late")
				if err != nil || !kept {
					t.Fatalf("%s: %t %v", name, kept, err)
				}
				as, _, err := signon.In(h.Org).LoginAttempts(t.Context(), c.ID, model.Page{Limit: 10})
				storetest.Must(t, err)
				for _, text := range []string{as[0].Expected, as[0].Received, as[0].Email, as[0].Subject,
					as[0].Notes[0]} {
					if n := utf8.RuneCountInString(text); !utf8.ValidString(text) || strings.ContainsRune(text, 0) ||
						n > 501 || n < 3 {
						t.Errorf("%s: %d characters: %.20q", name, n, text)
					}
				}
				all := storetest.Events(t, s, h.Org)
				if e := all[len(all)-1]; e.Type != signon.SSOFailed || len(e.Data) > 8000 ||
					strings.Contains(e.Data, `\u0000`) {
					t.Errorf("%s: %s", name, e.Data)
				}
			}
		})
		t.Run("a success has the user and no reason", func(t *testing.T) {
			in := storetest.Response(h.C, storetest.Begin(t, h.Org, h.C),
				storetest.ClaimsOf("first", "First@"+h.Domain))
			in.Attempt = signon.LoginAttempt{Reference: "reference", Address: "192.0.2.3",
				Notes: []string{"a weak digest"}}
			out, err := signon.In(h.Org).SignIn(t.Context(), in)
			storetest.Must(t, err)
			as, _, err := signon.In(h.Org).LoginAttempts(t.Context(), h.C.ID, model.Page{Limit: 1})
			storetest.Must(t, err)
			if a := as[0].PublicForm("", ""); a.Status != "succeeded" ||
				*a.UserID != model.UserPrefix.ID(out.User.ID) || *a.Email != "First@"+h.Domain ||
				*a.IdpID != "first" || a.Reason != nil || a.Reference != "reference" || *a.IPAddress != "192.0.2.3" ||
				len(a.Notes) != 1 {
				t.Errorf("%+v", a)
			}
		})
	})
}

// Failures beyond the limit open no transaction. SQLite has one writer, and a flood of them would
// make logins wait.
func TestFailuresBeyondTheLimitOpenNoTransaction(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		h := storetest.Open(t, s, "contoso")
		failed := signon.LoginAttempt{ConnectionID: h.C.ID, Reason: "expired", Address: "192.0.2.1"}
		storetest.Must(t, h.Org.Tx(t.Context(), func(org *store.Org) error {
			for range 200 {
				if _, err := signon.In(org).RecordFailedLogin(t.Context(), failed, ""); err != nil {
					return err
				}
			}
			return nil
		}))
		storetest.Must(t, h.Org.Tx(t.Context(), func(*store.Org) error { // as a login does
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			kept, err := signon.In(h.Org).RecordFailedLogin(ctx, failed, "")
			if kept || err != nil {
				t.Errorf("kept: %t, %v", kept, err)
			}
			return nil
		}))
	})
}
