package model_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/modeltest"
)

// ended is the data of an event user.access_ended.
type ended struct {
	UserID     string             `json:"user_id"`
	Reason     model.EndingReason `json:"reason"`
	ProfileIDs []string           `json:"profile_ids"`
}

func endedBy(t testing.TB, e model.Event) (of ended) {
	t.Helper()
	if e.Type == model.UserAccessEnded {
		must(t, json.Unmarshal([]byte(e.Data), &of))
	}
	return of
}

// endingOf is why access ended; empty for other events.
func endingOf(t testing.TB, e model.Event) model.EndingReason { return endedBy(t, e).Reason }

// eventsAfter lists the events after some, with the names of those whose access ended.
func (h house) eventsAfter(t testing.TB, before int, names map[string]string) []string {
	t.Helper()
	out := []string{}
	for _, e := range events(t, h.s, h.org)[before:] {
		name := string(e.Type)
		if of := endedBy(t, e); of.UserID != "" {
			name += fmt.Sprintf(" %s %s %d", names[of.UserID], of.Reason, len(of.ProfileIDs))
		}
		out = append(out, name)
	}
	return out
}

// What is left of the people of a connection, one of whom another connection knows, too.
func TestLeavingConnection(t *testing.T) {
	t.Parallel()
	entityID := func(c *model.ConnectionFields) error { c.IDPEntityID = "https://other.example"; return nil }
	for name, c := range map[string]struct {
		leave func(h house) error
		want  []string // before those whose access ended
		after []string
	}{
		"deleted": {func(h house) error { return h.org.DeleteConnection(t.Context(), h.c.ID) },
			[]string{"connection.deactivated"}, []string{"connection.deleted"}},
		"to another identity provider": {func(h house) error { _, err := h.org.UpdateConnection(t.Context(), h.c.ID, entityID); return err },
			[]string{"connection.deactivated"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			modeltest.Each(t, func(t *testing.T, s *model.Store) {
				h := open(t, s, "contoso")
				second := h
				second.c = connect(t, h.org)
				here, both, there, away := h.owned(t, h.d, "here", "here", h.mail("here")), h.owned(t, h.d, "both", "both", h.mail("both")),
					h.owned(t, h.d, "there", "there", h.mail("there")), h.owned(t, h.d, "away", "away", h.mail("away"))
				names := map[string]string{}
				for _, u := range []*model.User{here, both, there, away} {
					names[model.UserPrefix.ID(u.ID)] = u.UserName
				}
				sign := func(h house, u *model.User) *model.SignedUp {
					out, err := signIn(t, h.org, h.c, claimsOf(u.ExternalID, u.Email))
					must(t, err)
					return out
				}
				must(t, h.org.EndSession(t.Context(), sign(h, away).Session.ID))
				first, _, err := h.org.Users(t.Context(), model.UserQuery{Email: h.mail("first"), Page: model.Page{Limit: 1}})
				must(t, err)
				_, err = h.org.RevokeSessions(t.Context(), first[0].ID)
				must(t, err)
				sign(h, here)
				sign(h, here)
				sign(h, both)
				elsewhere := sign(second, both)
				stays := sign(second, there)
				before := len(events(t, s, h.org))
				must(t, c.leave(h))
				want := append(slices.Clone(c.want), "user.access_ended here connection_changed 1", "user.access_ended both connection_changed 2")
				if diff := cmp.Diff(append(want, c.after...), h.eventsAfter(t, before, names)); diff != "" {
					t.Error(diff)
				}
				for u, n := range map[*model.User]int{here: 0, both: 1, there: 1, away: 0} {
					after := stored(t, h.org, u.ID)
					identities, err := h.org.Identities(t.Context(), u.ID)
					if err != nil || len(identities) != n || len(after.ProfileIDs) != n || n == 1 && after.ProfileIDs[0] != identities[0].ID || !after.Active {
						t.Errorf("%s has %v, %v: %v", u.UserName, after.ProfileIDs, identities, err)
					}
				}
				_, err = s.SessionByToken(t.Context(), stays.SessionToken)
				must(t, err)
				// Access is one thing of a person: who is signed out is so at every connection.
				_, err = s.SessionByToken(t.Context(), elsewhere.SessionToken)
				wantKind(t, err, model.Denied)
				for _, row := range dump(t, s, h.org) {
					if strings.HasPrefix(row, "asserted_groups ") && strings.Contains(row, h.c.ID) {
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
	p := newPause()
	paused, other := modeltest.Open(t, db, p.options()), modeltest.Open(t, db, model.Options{})
	h := open(t, other, "contoso")
	u := h.linked(t, h.owned(t, h.d, "ada", "x", h.mail("ada")))
	second := connect(t, h.org)
	p.at <- `UPDATE "users" SET "profile_ids"`
	left, linked := make(chan error, 1), make(chan error, 1)
	go func() { left <- paused.Org(h.org.ID, model.System).DeleteConnection(t.Context(), h.c.ID) }()
	<-p.stopped
	go func() {
		_, err := h.org.LinkIdentity(t.Context(), model.Identity{ConnectionID: second.ID, Issuer: "i", Subject: "s", UserID: u.ID})
		linked <- err
	}()
	select {
	case err := <-linked:
		linked <- err
	case <-time.After(100 * time.Millisecond):
	}
	p.on <- true
	must(t, errors.Join(<-left, <-linked))
	identities, err := h.org.Identities(t.Context(), u.ID)
	if after := stored(t, h.org, u.ID); err != nil || len(identities) != 1 || !slices.Equal(after.ProfileIDs, []string{identities[0].ID}) {
		t.Errorf("%v and %v: %v", after.ProfileIDs, identities, err)
	}
}

func TestUpdateConnection(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *model.Store) {
		h := open(t, s, "contoso")
		out, err := signIn(t, h.org, h.c, claimsOf("subject", h.mail("ada")))
		must(t, err)
		update := func(change func(*model.ConnectionFields)) *model.Connection {
			c, err := h.org.UpdateConnection(t.Context(), h.c.ID, func(c *model.ConnectionFields) error {
				change(c)
				return nil
			})
			must(t, err)
			return c
		}
		verified := response(h.c, begin(t, h.org, h.c), claimsOf("subject", h.mail("ada")))
		t.Run("what does not change the identity provider leaves everybody signed in", func(t *testing.T) {
			got := newEvents(t, s, h.org, func() {
				c := update(func(c *model.ConnectionFields) {
					c.Name, c.AllowIDPInitiated = "Renamed", true
				})
				if c.State != model.ConnectionActive || c.Type != h.c.Type || c.Name != "Renamed" || len(c.Domains) != 1 {
					t.Errorf("%+v", c)
				}
			})
			_, err := s.SessionByToken(t.Context(), out.SessionToken)
			if err != nil || len(got) > 0 {
				t.Error(got, err)
			}
			_, err = h.org.SignIn(t.Context(), verified)
			must(t, err)
		})
		t.Run("nothing is written when nothing changes", func(t *testing.T) {
			unchanged(t, s, func() { update(func(*model.ConnectionFields) {}) })
		})
		t.Run("a response that was verified by the connection as it was before is refused", func(t *testing.T) {
			for name, change := range map[string]func(*model.ConnectionFields){
				"certificates": func(c *model.ConnectionFields) { c.IDPCertificates = []string{"another"} },
				"subject":      func(c *model.ConnectionFields) { c.SubjectAttribute = "another" },
				"userName":     func(c *model.ConnectionFields) { c.UsernameAttribute = "another" },
				"e-mail":       func(c *model.ConnectionFields) { c.TrustEmail = true },
				"entity ID":    func(c *model.ConnectionFields) { c.IDPEntityID = "https://another.example" },
			} {
				c, err := h.org.Connection(t.Context(), h.c.ID)
				must(t, err)
				in := response(c, begin(t, h.org, c), claimsOf("new", h.mail("new")))
				update(change)
				before := dump(t, s, h.org)
				_, err = h.org.SignIn(t.Context(), in)
				var r *model.SignInRefused
				if !errors.As(err, &r) || r.Reason != model.ConnectionReplaced {
					t.Errorf("after a change of %s: %v", name, err)
				}
				if diff := cmp.Diff(before, dump(t, s, h.org)); diff != "" {
					t.Error(diff)
				}
			}
		})
		t.Run("another identity provider begins as a draft, until a login succeeds", func(t *testing.T) {
			c, err := h.org.Connection(t.Context(), h.c.ID)
			if err != nil || c.State != model.ConnectionDraft || c.PublicForm().Status != "unlinked" {
				t.Fatalf("%+v %v", c, err)
			}
			if active, err := h.org.ActiveConnections(t.Context()); err != nil || len(active) != 0 {
				t.Error(active, err)
			}
			got := newEvents(t, s, h.org, func() {
				claims := claimsOf("new", h.mail("new"))
				claims.Issuer = c.IDPEntityID
				_, err := signIn(t, h.org, c, claims)
				must(t, err)
			})
			if diff := cmp.Diff([]model.EventType{model.UserCreated, model.ConnectionActivated, model.SSOSucceeded}, got); diff != "" {
				t.Error(diff)
			}
			if active, err := h.org.ActiveConnections(t.Context()); err != nil || len(active) != 1 {
				t.Error(active, err)
			}
		})
		t.Run("a deleted one signs nobody in", func(t *testing.T) {
			c, err := h.org.Connection(t.Context(), h.c.ID)
			must(t, err)
			in := response(c, begin(t, h.org, c), claimsOf("new", h.mail("new")))
			must(t, h.org.DeleteConnection(t.Context(), c.ID))
			_, err = h.org.SignIn(t.Context(), in)
			wantKind(t, err, model.NotFound)
			wantKind(t, h.org.StartLogin(t.Context(), &model.Login{ConnectionID: c.ID, BrowserHash: []byte("hash")}), model.NotFound)
			wantKind(t, h.org.DeleteConnection(t.Context(), c.ID), model.NotFound)
		})
	})
}

// docs/design/identity.md, "Leaving": who had a live session is told, nobody else.
func TestDeletedDirectoryEndsSessions(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *model.Store) {
		h := open(t, s, "contoso")
		names := map[string]string{}
		out := map[string]*model.SignedUp{}
		for _, name := range []string{"never", "live", "out", "revoked", "inactive"} {
			u := h.owned(t, h.d, name, name, h.mail(name))
			names[model.UserPrefix.ID(u.ID)] = name
			if name == "never" {
				continue
			}
			for range 2 {
				var err error
				out[name], err = signIn(t, h.org, h.c, claimsOf(name, h.mail(name)))
				must(t, err)
			}
			if name == "out" {
				_, err := h.org.EndSessionsOf(t.Context(), out[name].Session.IdentityID)
				must(t, err)
			}
		}
		_, err := h.org.RevokeSessions(t.Context(), out["revoked"].User.ID)
		must(t, err)
		deactivate(t, h.org, h.d, out["inactive"].User)
		before := len(events(t, s, h.org))
		must(t, h.org.DeleteDirectory(t.Context(), h.d.ID))
		if diff := cmp.Diff([]string{"user.access_ended live directory_deleted 1", "dsync.deleted"}, h.eventsAfter(t, before, names)); diff != "" {
			t.Error(diff)
		}
	})
}
