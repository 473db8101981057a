package signon_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/operator"
	"rollcall/model/organization"
	"rollcall/model/signon"
	"rollcall/model/store"
)

func TestLoginResponses(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		clock := modeltest.NewClock()
		s := modeltest.Open(t, db, store.Options{Now: clock.Now})
		h := storetest.Open(t, s, "contoso")
		const document = "<Response>about ada@contoso.example</Response>"
		fail := func(c *connection.Connection, address string, response func() []byte) signon.LoginAttempt {
			t.Helper()
			kept, err := signon.In(h.Org).RecordFailedLogin(t.Context(),
				signon.LoginAttempt{ConnectionID: c.ID, Reason: "expired", Address: address, Response: response}, "")
			if err != nil || !kept {
				t.Fatal(kept, err)
			}
			as, _, err := signon.In(h.Org).LoginAttempts(t.Context(), c.ID, model.Page{Limit: 1})
			storetest.Must(t, err)
			return as[0]
		}
		sent := func() []byte { return []byte(document) }
		t.Run("it is kept sealed for seven days, and reading it is an event without the text", func(t *testing.T) {
			a := fail(h.C, "192.0.2.1", sent)
			for _, row := range storetest.Dump(t, s, nil) {
				if strings.Contains(row, "about ada") {
					t.Errorf("in clear: %s", row)
				}
			}
			got := storetest.NewEvents(t, s, h.Org, func() {
				r, err := signon.In(h.Org).LoginResponse(t.Context(), a.ID)
				if err != nil || r.Document != document || a.ResponseUntil == nil || r.ExpiresAt != *a.ResponseUntil ||
					r.ExpiresAt != model.TimeOf(clock.Now().Add(7*24*time.Hour)) {
					t.Errorf("%+v %v", r, err)
				}
			})
			if diff := cmp.Diff([]model.EventType{signon.LoginResponseRead}, got); diff != "" {
				t.Error(diff)
			}
			all := storetest.Events(t, s, h.Org)
			if e := all[len(all)-1]; e.Subject != model.LoginAttemptPrefix.ID(a.ID) ||
				strings.Contains(e.Data, "about ada") {
				t.Errorf("%+v", e)
			}
			clock.Advance(7 * 24 * time.Hour)
			storetest.Unchanged(t, s, func() {
				_, err := signon.In(h.Org).LoginResponse(t.Context(), a.ID)
				storetest.WantKind(t, err, model.NotFound)
			})
			if n, err := operator.Across(s).Sweep(t.Context()); err != nil || n == 0 {
				t.Errorf("%d swept: %v", n, err)
			}
			for _, row := range storetest.Dump(t, s, nil) {
				if strings.HasPrefix(row, "login_responses") {
					t.Errorf("it is still there: %s", row)
				}
			}
		})
		t.Run("one of 512 KiB is kept", func(t *testing.T) {
			a := fail(h.C, "192.0.2.2", func() []byte { return bytes.Repeat([]byte("x"), signon.MaxLoginResponse) })
			r, err := signon.In(h.Org).LoginResponse(t.Context(), a.ID)
			if err != nil || len(r.Document) != signon.MaxLoginResponse {
				t.Error(err)
			}
		})
		t.Run("nothing else is kept", func(t *testing.T) {
			for name, response := range map[string]func() []byte{
				"nothing": nil, "what the identity provider did not send": func() []byte { return nil },
				"more than 512 KiB": func() []byte { return bytes.Repeat([]byte("x"), signon.MaxLoginResponse+1) },
			} {
				a := fail(h.C, "192.0.2.2", response)
				_, err := signon.In(h.Org).LoginResponse(t.Context(), a.ID)
				storetest.WantKind(t, err, model.NotFound)
				if a.ResponseUntil != nil {
					t.Errorf("%s: until %s", name, a.ResponseUntil)
				}
			}
			_, err := signon.In(h.Org).LoginResponse(t.Context(), "\x00")
			storetest.WantKind(t, err, model.NotFound)
		})
		t.Run("the organization sets the days", func(t *testing.T) {
			days := func(n int) error {
				_, err := operator.In(h.Org).UpdateOrganization(t.Context(),
					func(g *organization.OrganizationFields) error {
						g.Settings.LoginResponseDays = n
						return nil
					})
				return err
			}
			storetest.Must(t, days(30))
			if a := fail(h.C, "192.0.2.3", sent); *a.ResponseUntil != model.TimeOf(clock.Now().Add(30*24*time.Hour)) {
				t.Errorf("until %s", a.ResponseUntil)
			}
			storetest.Must(t, days(0))
			if a := fail(h.C, "192.0.2.3", sent); a.ResponseUntil != nil {
				t.Errorf("until %s", a.ResponseUntil)
			}
			storetest.WantKind(t, days(31), model.Invalid, "login_response_days")
			storetest.WantKind(t, days(-1), model.Invalid, "login_response_days")
			storetest.Must(t, days(7))
		})
		t.Run("ten of an address and 100 of a connection are kept", func(t *testing.T) {
			c := storetest.Connect(t, h.Org)
			kept := map[string]int{}
			for i := range 130 {
				a := fail(c, fmt.Sprint("192.0.2.", i/13), sent)
				if a.ResponseUntil != nil {
					kept[a.Address]++
				}
			}
			for address, n := range kept {
				if n != 10 {
					t.Errorf("%d of %s are kept", n, address)
				}
			}
			if len(kept) != 10 || fail(c, "192.0.2.99", sent).ResponseUntil != nil {
				t.Errorf("responses of %d addresses are kept, and then one more", len(kept))
			}
		})
		t.Run("it is deleted with its connection", func(t *testing.T) {
			a := fail(storetest.Connect(t, h.Org), "192.0.2.4", sent)
			storetest.Must(t, connection.In(h.Org).DeleteConnection(t.Context(), a.ConnectionID))
			_, err := signon.In(h.Org).LoginResponse(t.Context(), a.ID)
			storetest.WantKind(t, err, model.NotFound)
		})
	})
}
