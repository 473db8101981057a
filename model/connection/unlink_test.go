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
	"rollcall/model/signon"
	"rollcall/model/store"
)

// One of the users has an identity at another connection too.
func TestConnectionThatEndsUnlinksItsUsers(t *testing.T) {
	t.Parallel()
	entityID := func(c *connection.ConnectionFields) error { c.IDPEntityID = "https://other.example"; return nil }
	for name, c := range map[string]struct {
		leave func(h storetest.House) error
		want  []string // the events before those about users whose access ended
		after []string // the events after them
	}{
		"deleted": {func(h storetest.House) error { return connection.In(h.Org).DeleteConnection(t.Context(), h.C.ID) },
			[]string{"connection.deactivated"}, []string{"connection.deleted"}},
		"to another identity provider": {func(h storetest.House) error {
			_, err := connection.In(h.Org).UpdateConnection(t.Context(), h.C.ID, entityID)
			return err
		}, []string{"connection.deactivated"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			modeltest.Each(t, func(t *testing.T, s *store.Store) {
				h := storetest.Open(t, s, "contoso")
				second := h
				second.C = storetest.Connect(t, h.Org)
				here := h.Owned(t, h.D, "here", "here", h.Mail("here"))
				both := h.Owned(t, h.D, "both", "both", h.Mail("both"))
				there := h.Owned(t, h.D, "there", "there", h.Mail("there"))
				away := h.Owned(t, h.D, "away", "away", h.Mail("away"))
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
				q := people.UserQuery{Email: h.Mail("first"), Page: model.Page{Limit: 1}}
				first, _, err := people.In(h.Org).Users(t.Context(), q)
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
					if err != nil || len(identities) != n || len(after.ProfileIDs) != n || !after.Active ||
						n == 1 && after.ProfileIDs[0] != identities[0].ID {
						t.Errorf("%s has %v, %v: %v", u.UserName, after.ProfileIDs, identities, err)
					}
				}
				_, err = signon.Across(s).SessionByToken(t.Context(), stays.SessionToken)
				storetest.Must(t, err)
				// Signing a user out ends the sessions of all connections.
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

// A user who is linked at another connection at the same time keeps that identity.
func TestDeletingAConnectionWhileAnotherLinks(t *testing.T) {
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
		i := people.Identity{ConnectionID: second.ID, Issuer: "i", Subject: "s", UserID: u.ID}
		_, err := people.In(h.Org).LinkIdentity(t.Context(), i)
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

// An event is recorded for the users that had a live session only (docs/design/identity.md,
// "Leaving").
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
				_, err := signon.In(h.Org).EndSessionsOf(t.Context(), out[name].Session.IdentityID, 1<<60)
				storetest.Must(t, err)
			}
		}
		_, err := people.In(h.Org).RevokeSessions(t.Context(), out["revoked"].User.ID)
		storetest.Must(t, err)
		storetest.Deactivate(t, h.Org, h.D, out["inactive"].User)
		before := len(storetest.Events(t, s, h.Org))
		storetest.Must(t, directory.In(h.Org).DeleteDirectory(t.Context(), h.D.ID))
		want := []string{"user.access_ended live directory_deleted 1", "dsync.deleted"}
		if diff := cmp.Diff(want, h.EventsAfter(t, before, names)); diff != "" {
			t.Error(diff)
		}
	})
}
