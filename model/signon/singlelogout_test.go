package signon_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/refusal"
	"rollcall/model/signon"
	"rollcall/model/store"
)

// wantRefused fails the test unless err is a refusal with this reason.
func wantRefused(t testing.TB, err error, reason refusal.Reason) {
	t.Helper()
	if r, ok := errors.AsType[*refusal.Error](err); !ok || r.Reason != reason {
		t.Errorf("got %v, want a refusal for %s", err, reason)
	}
}

// A LogoutRequest ends exactly the sessions that it names, once.
func TestProviderEndsSessionsThatItNames(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		s := modeltest.Open(t, db, store.Options{})
		h := storetest.Open(t, s, "contoso")
		for _, name := range []string{"ada", "alan"} {
			h.Owned(t, h.D, name, "id-of-"+name, h.Mail(name))
		}
		other := storetest.Connect(t, h.Org)
		sign := func(c *connection.Connection, name, index string) string {
			in := storetest.Response(c, storetest.Begin(t, h.Org, c), storetest.ClaimsOf("id-of-"+name, h.Mail(name)))
			in.Claims.Issuer, in.AtProvider = c.IDPEntityID, signon.ProviderSession{NameID: "name of " + name,
				SessionIndex: index}
			out, err := signon.In(h.Org).SignIn(t.Context(), in)
			storetest.Must(t, err)
			return out.SessionToken
		}
		lives := func(token string) bool {
			_, err := signon.Across(s).SessionByToken(t.Context(), token)
			if err != nil && model.KindOf(err) != model.Denied {
				t.Fatal(err)
			}
			return err == nil
		}
		n := 0
		for _, c := range []struct {
			what    string
			name    string
			indexes []string
			found   int64
			refused refusal.Reason
			left    [5]bool // of ada's first, second, third without index, at the other connection, and alan's
		}{
			{"one session", "ada", []string{"1"}, 1, "", [5]bool{false, true, true, true, true}},
			{"two, and one that is not there", "ada", []string{"1", "2", "9"}, 2, "",
				[5]bool{false, false, true, true, true}},
			{"all of a NameID", "ada", nil, 3, "", [5]bool{false, false, false, true, true}},
			{"an unknown index", "ada", []string{"9"}, 0, refusal.LogoutSessionUnknown,
				[5]bool{true, true, true, true, true}},
			{"somebody else's index", "ada", []string{"alan's"}, 0, refusal.LogoutSessionUnknown,
				[5]bool{true, true, true, true, true}},
			{"a NameID in other letters", "Ada", nil, 0, refusal.LogoutSubjectUnknown,
				[5]bool{true, true, true, true, true}},
			{"an unknown NameID", "nobody", nil, 0, refusal.LogoutSubjectUnknown,
				[5]bool{true, true, true, true, true}},
		} {
			t.Run(c.what, func(t *testing.T) {
				storetest.Must(t, storetest.Across(s, t.Context()).Exec("DELETE FROM sessions").Error)
				tokens := []string{sign(h.C, "ada", "1"), sign(h.C, "ada", "2"), sign(h.C, "ada", ""),
					sign(other, "ada", "1"), sign(h.C, "alan", "alan's")}
				n++
				l := signon.ProviderLogout{ConnectionID: h.C.ID, RequestID: fmt.Sprint("_", n), ReplayUntil: 1 << 60,
					Issuer: h.C.IDPEntityID,
					NameID: "name of " + c.name, SessionIndexes: c.indexes}
				found, err := signon.In(h.Org).LogoutByProvider(t.Context(), l)
				if c.refused != "" {
					wantRefused(t, err, c.refused)
				} else {
					storetest.Must(t, err)
				}
				if found != c.found {
					t.Errorf("found %d, want %d", found, c.found)
				}
				for i, token := range tokens {
					if lives(token) != c.left[i] {
						t.Errorf("session %d lives: %v", i, !c.left[i])
					}
				}
				if c.refused == "" {
					_, err = signon.In(h.Org).LogoutByProvider(t.Context(), l)
					wantRefused(t, err, refusal.LogoutReplayed)
				}
			})
		}
		t.Run("of several at the same time, one is carried out", func(t *testing.T) {
			sign(h.C, "ada", "1")
			l := signon.ProviderLogout{ConnectionID: h.C.ID, RequestID: "_at once", ReplayUntil: 1 << 60,
				Issuer: h.C.IDPEntityID, NameID: "name of ada"}
			errs := make([]error, 8)
			var all sync.WaitGroup
			for i := range errs {
				all.Go(func() { _, errs[i] = signon.In(h.Org).LogoutByProvider(t.Context(), l) })
			}
			all.Wait()
			succeeded := 0
			for _, err := range errs {
				if err == nil {
					succeeded++
				} else {
					wantRefused(t, err, refusal.LogoutReplayed)
				}
			}
			if succeeded != 1 {
				t.Errorf("%d were carried out", succeeded)
			}
		})
		t.Run("a known person without a session is not refused", func(t *testing.T) {
			storetest.Must(t, storetest.Across(s, t.Context()).Exec("DELETE FROM sessions").Error)
			found, err := signon.In(h.Org).LogoutByProvider(t.Context(),
				signon.ProviderLogout{ConnectionID: h.C.ID, RequestID: "_late", ReplayUntil: 1 << 60,
					Issuer: h.C.IDPEntityID, NameID: "id-of-ada"})
			if err != nil || found != 0 {
				t.Errorf("%d %v", found, err)
			}
		})
	})
}

// The NameID of a session is stored sealed: it is often an e-mail address.
func TestProviderSessionIsSealed(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		s := modeltest.Open(t, db, store.Options{})
		h := storetest.Open(t, s, "contoso")
		h.Owned(t, h.D, "ada", "id-of-ada", h.Mail("ada"))
		in := storetest.Response(h.C, storetest.Begin(t, h.Org, h.C), storetest.ClaimsOf("id-of-ada", h.Mail("ada")))
		in.AtProvider = signon.ProviderSession{NameID: "a name of its own", Format: "f", NameQualifier: "q",
			SPNameQualifier: "s", SessionIndex: "an index"}
		out, err := signon.In(h.Org).SignIn(t.Context(), in)
		storetest.Must(t, err)
		known, err := signon.In(h.Org).ProviderSession(t.Context(), out.Session.ID)
		storetest.Must(t, err)
		if *known != in.AtProvider {
			t.Errorf("got %+v", known)
		}
		var rows []map[string]any
		storetest.Must(t, storetest.Across(s, t.Context()).Table("sessions").Find(&rows).Error)
		for column, value := range rows[0] {
			if b, ok := value.([]byte); ok && (bytes.Contains(b, []byte("name of its own")) ||
				bytes.Contains(b, []byte("an index"))) || strings.Contains(fmt.Sprint(value), "name of its own") {
				t.Errorf("%s shows it", column)
			}
		}
		in = storetest.Response(h.C, storetest.Begin(t, h.Org, h.C), storetest.ClaimsOf("id-of-ada", h.Mail("ada")))
		in.AtProvider = signon.ProviderSession{SessionIndex: "an index"}
		out, err = signon.In(h.Org).SignIn(t.Context(), in)
		storetest.Must(t, err)
		if known, err := signon.In(h.Org).ProviderSession(t.Context(), out.Session.ID); err != nil || known != nil {
			t.Errorf("without a NameID: %+v %v", known, err)
		}
	})
}

// A logout is used once, within ten minutes.
func TestLogoutIsUsedOnce(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		clock := modeltest.NewClock()
		s := modeltest.Open(t, db, store.Options{Now: clock.Now})
		h := storetest.Open(t, s, "contoso")
		start := func() *signon.SingleLogout {
			l := &signon.SingleLogout{ConnectionID: h.C.ID, RequestID: "_1", BrowserHash: []byte("hash"),
				NextURI: "https://app.example/"}
			storetest.Must(t, signon.In(h.Org).StartLogout(t.Context(), l))
			return l
		}
		l, late := start(), start()
		storetest.Must(t, signon.In(h.Org).UseLogout(t.Context(), l.ID))
		wantRefused(t, signon.In(h.Org).UseLogout(t.Context(), l.ID), refusal.LogoutUsed)
		stored, err := signon.In(h.Org).SingleLogout(t.Context(), h.C.ID, l.ID)
		if err != nil || stored.UsedAt == nil || stored.NextURI != l.NextURI || stored.RequestID != "_1" {
			t.Errorf("%+v %v", stored, err)
		}
		if _, err := signon.In(h.Org).SingleLogout(t.Context(), storetest.Connect(t, h.Org).ID,
			l.ID); model.KindOf(err) != model.NotFound {
			t.Errorf("at another connection: %v", err)
		}
		clock.Advance(10 * time.Minute)
		wantRefused(t, signon.In(h.Org).UseLogout(t.Context(), late.ID), refusal.LogoutUsed)
		storetest.Must(t, connection.In(h.Org).DeleteConnection(t.Context(), h.C.ID))
		storetest.WantKind(t, signon.In(h.Org).StartLogout(t.Context(),
			&signon.SingleLogout{ConnectionID: h.C.ID, RequestID: "_2", BrowserHash: []byte("hash")}), model.NotFound)
	})
}

// A refused logout message is in the login log, without an event of a login.
func TestFailedLogoutsAreInTheLoginLog(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		s := modeltest.Open(t, db, store.Options{})
		h := storetest.Open(t, s, "contoso")
		events := func() int {
			es, _, err := s.Events(t.Context(), model.Everywhere(),
				store.EventQuery{OrganizationID: h.Org.ID, Page: model.Page{Limit: 100}})
			storetest.Must(t, err)
			return len(es)
		}
		before := events()
		for i := range 201 {
			kept, err := signon.In(h.Org).RecordFailedLogout(t.Context(),
				signon.LoginAttempt{ConnectionID: h.C.ID, Reason: "wrong_key", Address: "192.0.2.1"})
			if err != nil || kept != (i < 200) {
				t.Fatalf("number %d is kept: %v, %v", i, kept, err)
			}
		}
		attempts, _, err := signon.In(h.Org).LoginAttempts(t.Context(), h.C.ID, model.Page{Limit: 1})
		storetest.Must(t, err)
		if a := attempts[0]; a.Reason != "wrong_key" || len(a.Notes) != 1 || !strings.Contains(a.Notes[0], "logout") {
			t.Errorf("%+v", a)
		}
		if events() != before {
			t.Error("there is an event")
		}
	})
}
