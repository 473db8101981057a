package connection_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/directory"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/people"
	"rollcall/model/refusal"
	"rollcall/model/signon"
	"rollcall/model/store"
)

// What is left of the people of a connection, one of whom another connection knows, too.
func TestLeavingConnection(t *testing.T) {
	t.Parallel()
	entityID := func(c *connection.ConnectionFields) error { c.IDPEntityID = "https://other.example"; return nil }
	for name, c := range map[string]struct {
		leave func(h storetest.House) error
		want  []string // before those whose access ended
		after []string
	}{
		"deleted": {func(h storetest.House) error { return connection.In(h.Org).DeleteConnection(t.Context(), h.C.ID) },
			[]string{"connection.deactivated"}, []string{"connection.deleted"}},
		"to another identity provider": {func(h storetest.House) error {
			_, err := connection.In(h.Org).UpdateConnection(t.Context(), h.C.ID, entityID)
			return err
		},
			[]string{"connection.deactivated"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			modeltest.Each(t, func(t *testing.T, s *store.Store) {
				h := storetest.Open(t, s, "contoso")
				second := h
				second.C = storetest.Connect(t, h.Org)
				here, both, there, away := h.Owned(t, h.D, "here", "here", h.Mail("here")), h.Owned(t, h.D, "both",
					"both", h.Mail("both")),
					h.Owned(t, h.D, "there", "there", h.Mail("there")), h.Owned(t, h.D, "away", "away", h.Mail("away"))
				names := map[string]string{}
				for _, u := range []*people.User{here, both, there, away} {
					names[model.UserPrefix.ID(u.ID)] = u.UserName
				}
				sign := func(h storetest.House, u *people.User) *signon.SignInResult {
					out, err := storetest.SignIn(t, h.Org, h.C, storetest.ClaimsOf(u.ExternalID, u.Email))
					storetest.Must(t, err)
					return out
				}
				storetest.Must(t, signon.In(h.Org).EndSession(t.Context(), sign(h, away).Session.ID))
				first, _, err := people.In(h.Org).
					Users(t.Context(), people.UserQuery{Email: h.Mail("first"), Page: model.Page{Limit: 1}})
				storetest.Must(t, err)
				_, err = people.In(h.Org).RevokeSessions(t.Context(), first[0].ID)
				storetest.Must(t, err)
				sign(h, here)
				sign(h, here)
				sign(h, both)
				elsewhere := sign(second, both)
				stays := sign(second, there)
				before := len(storetest.Events(t, s, h.Org))
				storetest.Must(t, c.leave(h))
				want := append(slices.Clone(c.want), "user.access_ended here connection_changed 1",
					"user.access_ended both connection_changed 2")
				if diff := cmp.Diff(append(want, c.after...), h.EventsAfter(t, before, names)); diff != "" {
					t.Error(diff)
				}
				for u, n := range map[*people.User]int{here: 0, both: 1, there: 1, away: 0} {
					after := storetest.Stored(t, h.Org, u.ID)
					identities, err := people.In(h.Org).Identities(t.Context(), u.ID)
					if err != nil || len(identities) != n || len(after.ProfileIDs) != n || n == 1 &&
						after.ProfileIDs[0] != identities[0].ID || !after.Active {
						t.Errorf("%s has %v, %v: %v", u.UserName, after.ProfileIDs, identities, err)
					}
				}
				_, err = signon.Across(s).SessionByToken(t.Context(), stays.SessionToken)
				storetest.Must(t, err)
				// Access is one thing of a person: who is signed out is so at every connection.
				_, err = signon.Across(s).SessionByToken(t.Context(), elsewhere.SessionToken)
				storetest.WantKind(t, err, model.Denied)
				for _, row := range storetest.Dump(t, s, h.Org) {
					if strings.HasPrefix(row, "asserted_groups ") && strings.Contains(row, h.C.ID) {
						t.Errorf("left: %s", row)
					}
				}
			})
		})
	}
}

// Who is linked at another connection meanwhile keeps that identity.
func TestLeavingConnectionWhileLinking(t *testing.T) {
	t.Parallel()
	db := modeltest.Postgres(t)
	p := storetest.NewPause()
	paused, other := modeltest.Open(t, db, p.Options()), modeltest.Open(t, db, store.Options{})
	h := storetest.Open(t, other, "contoso")
	u := h.Linked(t, h.Owned(t, h.D, "ada", "x", h.Mail("ada")))
	second := storetest.Connect(t, h.Org)
	p.At <- `UPDATE "users" SET "profile_ids"`
	left, linked := make(chan error, 1), make(chan error, 1)
	go func() {
		left <- connection.In(paused.Org(h.Org.ID, model.System)).DeleteConnection(t.Context(), h.C.ID)
	}()
	<-p.Stopped
	go func() {
		_, err := people.In(h.Org).
			LinkIdentity(t.Context(), people.Identity{ConnectionID: second.ID, Issuer: "i", Subject: "s", UserID: u.ID})
		linked <- err
	}()
	select {
	case err := <-linked:
		linked <- err
	case <-time.After(100 * time.Millisecond):
	}
	p.On <- true
	storetest.Must(t, errors.Join(<-left, <-linked))
	identities, err := people.In(h.Org).Identities(t.Context(), u.ID)
	if after := storetest.Stored(t, h.Org, u.ID); err != nil || len(identities) != 1 ||
		!slices.Equal(after.ProfileIDs, []string{identities[0].ID}) {
		t.Errorf("%v and %v: %v", after.ProfileIDs, identities, err)
	}
}

func TestUpdateConnection(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		h := storetest.Open(t, s, "contoso")
		out, err := storetest.SignIn(t, h.Org, h.C, storetest.ClaimsOf("subject", h.Mail("ada")))
		storetest.Must(t, err)
		update := func(change func(*connection.ConnectionFields)) *connection.Connection {
			c, err := connection.In(h.Org).
				UpdateConnection(t.Context(), h.C.ID, func(c *connection.ConnectionFields) error {
					change(c)
					return nil
				})
			storetest.Must(t, err)
			return c
		}
		verified := storetest.Response(h.C, storetest.Begin(t, h.Org, h.C),
			storetest.ClaimsOf("subject", h.Mail("ada")))
		t.Run("what does not change the identity provider leaves everybody signed in", func(t *testing.T) {
			got := storetest.NewEvents(t, s, h.Org, func() {
				c := update(func(c *connection.ConnectionFields) {
					c.Name, c.AllowIDPInitiated = "Renamed", true
				})
				if c.State != connection.ConnectionActive || c.Type != h.C.Type || c.Name != "Renamed" ||
					len(c.Domains) != 1 {
					t.Errorf("%+v", c)
				}
			})
			_, err := signon.Across(s).SessionByToken(t.Context(), out.SessionToken)
			if err != nil || len(got) > 0 {
				t.Error(got, err)
			}
			_, err = signon.In(h.Org).SignIn(t.Context(), verified)
			storetest.Must(t, err)
		})
		t.Run("nothing is written when nothing changes", func(t *testing.T) {
			storetest.Unchanged(t, s, func() { update(func(*connection.ConnectionFields) {}) })
		})
		t.Run("a response that was verified by the connection as it was before is refused", func(t *testing.T) {
			for name, change := range map[string]func(*connection.ConnectionFields){
				"certificates": func(c *connection.ConnectionFields) { c.IDPCertificates = []string{"another"} },
				"subject":      func(c *connection.ConnectionFields) { c.SubjectAttribute = "another" },
				"userName":     func(c *connection.ConnectionFields) { c.UsernameAttribute = "another" },
				"e-mail":       func(c *connection.ConnectionFields) { c.TrustEmail = true },
				"entity ID":    func(c *connection.ConnectionFields) { c.IDPEntityID = "https://another.example" },
			} {
				c, err := connection.In(h.Org).Connection(t.Context(), h.C.ID)
				storetest.Must(t, err)
				in := storetest.Response(c, storetest.Begin(t, h.Org, c), storetest.ClaimsOf("new", h.Mail("new")))
				update(change)
				before := storetest.Dump(t, s, h.Org)
				_, err = signon.In(h.Org).SignIn(t.Context(), in)
				var r *refusal.Error
				if !errors.As(err, &r) || r.Reason != refusal.ConnectionReplaced {
					t.Errorf("after a change of %s: %v", name, err)
				}
				if diff := cmp.Diff(before, storetest.Dump(t, s, h.Org)); diff != "" {
					t.Error(diff)
				}
			}
		})
		t.Run("another identity provider begins as a draft, until a login succeeds", func(t *testing.T) {
			c, err := connection.In(h.Org).Connection(t.Context(), h.C.ID)
			if err != nil || c.State != connection.ConnectionDraft || c.PublicForm().Status != "unlinked" {
				t.Fatalf("%+v %v", c, err)
			}
			if active, err := connection.In(h.Org).ActiveConnections(t.Context()); err != nil || len(active) != 0 {
				t.Error(active, err)
			}
			got := storetest.NewEvents(t, s, h.Org, func() {
				claims := storetest.ClaimsOf("new", h.Mail("new"))
				claims.Issuer = c.IDPEntityID
				_, err := storetest.SignIn(t, h.Org, c, claims)
				storetest.Must(t, err)
			})
			if diff := cmp.Diff([]model.EventType{
				people.UserCreated, connection.ConnectionActivated, signon.SSOSucceeded,
			}, got); diff != "" {
				t.Error(diff)
			}
			if active, err := connection.In(h.Org).ActiveConnections(t.Context()); err != nil || len(active) != 1 {
				t.Error(active, err)
			}
		})
		t.Run("a deleted one signs nobody in", func(t *testing.T) {
			c, err := connection.In(h.Org).Connection(t.Context(), h.C.ID)
			storetest.Must(t, err)
			in := storetest.Response(c, storetest.Begin(t, h.Org, c), storetest.ClaimsOf("new", h.Mail("new")))
			storetest.Must(t, connection.In(h.Org).DeleteConnection(t.Context(), c.ID))
			_, err = signon.In(h.Org).SignIn(t.Context(), in)
			storetest.WantKind(t, err, model.NotFound)
			storetest.WantKind(t, signon.In(h.Org).
				StartLogin(t.Context(), &signon.Login{ConnectionID: c.ID, BrowserHash: []byte("hash")}), model.NotFound)
			storetest.WantKind(t, connection.In(h.Org).DeleteConnection(t.Context(), c.ID), model.NotFound)
		})
	})
}

// docs/design/identity.md, "Leaving": who had a live session is told, nobody else.
func TestDeletedDirectoryEndsSessions(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		h := storetest.Open(t, s, "contoso")
		names := map[string]string{}
		out := map[string]*signon.SignInResult{}
		for _, name := range []string{"never", "live", "out", "revoked", "inactive"} {
			u := h.Owned(t, h.D, name, name, h.Mail(name))
			names[model.UserPrefix.ID(u.ID)] = name
			if name == "never" {
				continue
			}
			for range 2 {
				var err error
				out[name], err = storetest.SignIn(t, h.Org, h.C, storetest.ClaimsOf(name, h.Mail(name)))
				storetest.Must(t, err)
			}
			if name == "out" {
				_, err := signon.In(h.Org).EndSessionsOf(t.Context(), out[name].Session.IdentityID)
				storetest.Must(t, err)
			}
		}
		_, err := people.In(h.Org).RevokeSessions(t.Context(), out["revoked"].User.ID)
		storetest.Must(t, err)
		storetest.Deactivate(t, h.Org, h.D, out["inactive"].User)
		before := len(storetest.Events(t, s, h.Org))
		storetest.Must(t, directory.In(h.Org).DeleteDirectory(t.Context(), h.D.ID))
		if diff := cmp.Diff([]string{"user.access_ended live directory_deleted 1", "dsync.deleted"},
			h.EventsAfter(t, before, names)); diff != "" {
			t.Error(diff)
		}
	})
}
