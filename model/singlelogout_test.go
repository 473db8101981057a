package model_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"rollcall/model"
	"rollcall/model/modeltest"
)

// wantRefused demands a refusal with a reason.
func wantRefused(t testing.TB, err error, reason model.RefusalReason) {
	t.Helper()
	if r, ok := errors.AsType[*model.SignInRefused](err); !ok || r.Reason != reason {
		t.Errorf("got %v, want a refusal for %s", err, reason)
	}
}

// TestLogoutByProvider ends exactly what is named, once.
func TestLogoutByProvider(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		s := modeltest.Open(t, db, model.Options{})
		h := open(t, s, "contoso")
		for _, name := range []string{"ada", "alan"} {
			h.owned(t, h.d, name, "id-of-"+name, h.mail(name))
		}
		other := connect(t, h.org)
		sign := func(c *model.Connection, name, index string) string {
			in := response(c, begin(t, h.org, c), claimsOf("id-of-"+name, h.mail(name)))
			in.Claims.Issuer, in.AtProvider = c.IDPEntityID, model.ProviderSession{NameID: "name of " + name, SessionIndex: index}
			out, err := h.org.SignIn(t.Context(), in)
			must(t, err)
			return out.SessionToken
		}
		lives := func(token string) bool {
			_, err := s.SessionByToken(t.Context(), token)
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
			refused model.RefusalReason
			left    [5]bool // of ada's first, second, third without index, at the other connection, and alan's
		}{
			{"one session", "ada", []string{"1"}, 1, "", [5]bool{false, true, true, true, true}},
			{"two, and one that is not there", "ada", []string{"1", "2", "9"}, 2, "", [5]bool{false, false, true, true, true}},
			{"all of a name", "ada", nil, 3, "", [5]bool{false, false, false, true, true}},
			{"none of that index", "ada", []string{"9"}, 0, model.LogoutSessionUnknown, [5]bool{true, true, true, true, true}},
			{"somebody else's index", "ada", []string{"alan's"}, 0, model.LogoutSessionUnknown, [5]bool{true, true, true, true, true}},
			{"a name in other letters", "Ada", nil, 0, model.LogoutSubjectUnknown, [5]bool{true, true, true, true, true}},
			{"nobody", "nobody", nil, 0, model.LogoutSubjectUnknown, [5]bool{true, true, true, true, true}},
		} {
			t.Run(c.what, func(t *testing.T) {
				must(t, model.Across(s, t.Context()).Exec("DELETE FROM sessions").Error)
				tokens := []string{sign(h.c, "ada", "1"), sign(h.c, "ada", "2"), sign(h.c, "ada", ""), sign(other, "ada", "1"), sign(h.c, "alan", "alan's")}
				n++
				l := model.ProviderLogout{ConnectionID: h.c.ID, RequestID: fmt.Sprint("_", n), ReplayUntil: 1 << 60, Issuer: h.c.IDPEntityID,
					NameID: "name of " + c.name, SessionIndexes: c.indexes}
				found, err := h.org.LogoutByProvider(t.Context(), l)
				if c.refused != "" {
					wantRefused(t, err, c.refused)
				} else {
					must(t, err)
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
					_, err = h.org.LogoutByProvider(t.Context(), l)
					wantRefused(t, err, model.LogoutReplayed)
				}
			})
		}
		t.Run("of several at once, one is carried out", func(t *testing.T) {
			sign(h.c, "ada", "1")
			l := model.ProviderLogout{ConnectionID: h.c.ID, RequestID: "_at once", ReplayUntil: 1 << 60, Issuer: h.c.IDPEntityID, NameID: "name of ada"}
			errs := make([]error, 8)
			var all sync.WaitGroup
			for i := range errs {
				all.Go(func() { _, errs[i] = h.org.LogoutByProvider(t.Context(), l) })
			}
			all.Wait()
			succeeded := 0
			for _, err := range errs {
				if err == nil {
					succeeded++
				} else {
					wantRefused(t, err, model.LogoutReplayed)
				}
			}
			if succeeded != 1 {
				t.Errorf("%d were carried out", succeeded)
			}
		})
		t.Run("who is known but has no session any more needs no refusal", func(t *testing.T) {
			must(t, model.Across(s, t.Context()).Exec("DELETE FROM sessions").Error)
			found, err := h.org.LogoutByProvider(t.Context(), model.ProviderLogout{ConnectionID: h.c.ID, RequestID: "_late", ReplayUntil: 1 << 60,
				Issuer: h.c.IDPEntityID, NameID: "id-of-ada"})
			if err != nil || found != 0 {
				t.Errorf("%d %v", found, err)
			}
		})
	})
}

// TestProviderSessionIsSealed: a NameID is often an e-mail address.
func TestProviderSessionIsSealed(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		s := modeltest.Open(t, db, model.Options{})
		h := open(t, s, "contoso")
		h.owned(t, h.d, "ada", "id-of-ada", h.mail("ada"))
		in := response(h.c, begin(t, h.org, h.c), claimsOf("id-of-ada", h.mail("ada")))
		in.AtProvider = model.ProviderSession{NameID: "a name of its own", Format: "f", NameQualifier: "q", SPNameQualifier: "s", SessionIndex: "an index"}
		out, err := h.org.SignIn(t.Context(), in)
		must(t, err)
		known, err := h.org.ProviderSession(t.Context(), out.Session.ID)
		must(t, err)
		if *known != in.AtProvider {
			t.Errorf("got %+v", known)
		}
		var rows []map[string]any
		must(t, model.Across(s, t.Context()).Table("sessions").Find(&rows).Error)
		for column, value := range rows[0] {
			if b, ok := value.([]byte); ok && (bytes.Contains(b, []byte("name of its own")) || bytes.Contains(b, []byte("an index"))) || strings.Contains(fmt.Sprint(value), "name of its own") {
				t.Errorf("%s shows it", column)
			}
		}
		in = response(h.c, begin(t, h.org, h.c), claimsOf("id-of-ada", h.mail("ada")))
		in.AtProvider = model.ProviderSession{SessionIndex: "an index"}
		out, err = h.org.SignIn(t.Context(), in)
		must(t, err)
		if known, err := h.org.ProviderSession(t.Context(), out.Session.ID); err != nil || known != nil {
			t.Errorf("without a NameID: %+v %v", known, err)
		}
	})
}

// TestLogoutIsUsedOnce and for ten minutes.
func TestLogoutIsUsedOnce(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		clock := modeltest.NewClock()
		s := modeltest.Open(t, db, model.Options{Now: clock.Now})
		h := open(t, s, "contoso")
		start := func() *model.SingleLogout {
			l := &model.SingleLogout{ConnectionID: h.c.ID, RequestID: "_1", BrowserHash: []byte("hash"), NextURI: "https://app.example/"}
			must(t, h.org.StartLogout(t.Context(), l))
			return l
		}
		l, late := start(), start()
		must(t, h.org.UseLogout(t.Context(), l.ID))
		wantRefused(t, h.org.UseLogout(t.Context(), l.ID), model.LogoutUsed)
		stored, err := h.org.SingleLogout(t.Context(), h.c.ID, l.ID)
		if err != nil || stored.UsedAt == nil || stored.NextURI != l.NextURI || stored.RequestID != "_1" {
			t.Errorf("%+v %v", stored, err)
		}
		if _, err := h.org.SingleLogout(t.Context(), connect(t, h.org).ID, l.ID); model.KindOf(err) != model.NotFound {
			t.Errorf("at another connection: %v", err)
		}
		clock.Advance(10 * time.Minute)
		wantRefused(t, h.org.UseLogout(t.Context(), late.ID), model.LogoutUsed)
		must(t, h.org.DeleteConnection(t.Context(), h.c.ID))
		wantKind(t, h.org.StartLogout(t.Context(), &model.SingleLogout{ConnectionID: h.c.ID, RequestID: "_2", BrowserHash: []byte("hash")}), model.NotFound)
	})
}

// TestFailedLogoutsAreNoted in the login log, without an event of a sign-in.
func TestFailedLogoutsAreNoted(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		s := modeltest.Open(t, db, model.Options{})
		h := open(t, s, "contoso")
		events := func() int {
			es, _, err := s.Events(t.Context(), model.Everywhere(), model.EventQuery{OrganizationID: h.org.ID, Page: model.Page{Limit: 100}})
			must(t, err)
			return len(es)
		}
		before := events()
		for i := range 201 {
			kept, err := h.org.RecordFailedLogout(t.Context(), model.LoginAttempt{ConnectionID: h.c.ID, Reason: "wrong_key", Address: "192.0.2.1"})
			if err != nil || kept != (i < 200) {
				t.Fatalf("number %d is kept: %v, %v", i, kept, err)
			}
		}
		attempts, _, err := h.org.LoginAttempts(t.Context(), h.c.ID, model.Page{Limit: 1})
		must(t, err)
		if a := attempts[0]; a.Reason != "wrong_key" || len(a.Notes) != 1 || !strings.Contains(a.Notes[0], "logout") {
			t.Errorf("%+v", a)
		}
		if events() != before {
			t.Error("there is an event")
		}
	})
}
