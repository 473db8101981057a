package directory_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/people"
	"rollcall/model/search"
	"rollcall/model/store"
)

// On PostgreSQL the commonest changes need no transaction of several statements.
func TestCommonChangesAreWrittenAtOnce(t *testing.T) {
	t.Parallel()
	var counter modeltest.Statements
	s := modeltest.Open(t, modeltest.Postgres(t), counter.Options())
	org, d := storetest.Contoso(t, s)
	u := storetest.CreateUser(t, org, d, "ada@contoso.example")
	g := storetest.CreateGroup(t, org, d, "Engineers")
	add := func() error {
		_, err := directory.Of(org, d.ID).UpdateGroup(t.Context(), g.ID, storetest.Unaltered,
			directory.MembersChange{Op: directory.AddMembers, UserIDs: storetest.Ids(u)})
		return err
	}
	for _, c := range []struct {
		what  string
		count int
		run   func() error
	}{
		{"create a user", 1, func() error {
			_, err := directory.Of(org, d.ID).CreateUser(t.Context(), storetest.Person("grace@contoso.example"))
			return err
		}},
		{"deactivate", 2, func() error {
			_, err := directory.Of(org, d.ID).UpdateUser(t.Context(), u.ID, storetest.SetActive(false))
			return err
		}},
		{"deactivate again", 1, func() error {
			_, err := directory.Of(org, d.ID).UpdateUser(t.Context(), u.ID, storetest.SetActive(false))
			return err
		}},
		{"change an e-mail", 2, func() error {
			_, err := directory.Of(org, d.ID).UpdateUser(t.Context(), u.ID, func(u *people.UserDraft) error {
				return u.SetDocument(storetest.WithEmail("ada@contoso.example", "new@contoso.example"))
			})
			return err
		}},
		{"add a member", 2, add},
		{"add a member again", 1, add},
	} {
		t.Run(c.what, func(t *testing.T) {
			var err error
			got := counter.During(func() { err = c.run() })
			storetest.Must(t, err)
			if len(got) != c.count {
				t.Errorf("%d statements, want %d: %v", len(got), c.count, got)
			}
		})
	}
}

// What has changed between the reading of a row and the writing of it is not overwritten.
func TestChangesAtOnceMissNothing(t *testing.T) {
	t.Parallel()
	s := modeltest.Open(t, modeltest.Postgres(t), store.Options{})
	org, d := storetest.Contoso(t, s)
	u := storetest.CreateUser(t, org, d, "ada@contoso.example")
	g := storetest.CreateGroup(t, org, d, "Engineers")
	t.Run("of a user", func(t *testing.T) {
		tries := 0
		after, err := directory.Of(org, d.ID).UpdateUser(t.Context(), u.ID, func(draft *people.UserDraft) error {
			if tries++; tries == 1 { // neither the version nor the document tells of this
				if _, err := people.In(org).RevokeSessions(t.Context(), u.ID); err != nil {
					return err
				}
			}
			draft.Active = false
			return nil
		})
		storetest.Must(t, err)
		after.Groups = nil
		if diff := cmp.Diff(storetest.Stored(t, org, u.ID), after); diff != "" || tries != 2 ||
			after.Epoch != u.Epoch+2 {
			t.Errorf("%d tries, epoch %d: %s", tries, after.Epoch, diff)
		}
	})
	t.Run("of a group and its new member", func(t *testing.T) {
		tries := 0
		events := storetest.NewEvents(t, s, org, func() {
			_, err := directory.Of(org, d.ID).UpdateGroup(t.Context(), g.ID, func(*directory.GroupDraft) error {
				if tries++; tries > 1 {
					return nil
				}
				_, err := directory.Of(org, d.ID).UpdateGroup(t.Context(), g.ID, func(g *directory.GroupDraft) error {
					return g.SetDocument(map[string]any{"displayName": "Renamed"})
				})
				return err
			}, directory.MembersChange{Op: directory.AddMembers, UserIDs: storetest.Ids(u)})
			storetest.Must(t, err)
		})
		if diff := cmp.Diff([]model.EventType{directory.DirectoryGroupUpdated, directory.DirectoryGroupUserAdded},
			events); diff != "" || tries != 2 {
			t.Errorf("%d tries: %s", tries, diff)
		}
	})
}

// The statements that GORM's predicate does not reach name the organization.
func TestStatementsAtOnceNameTheOrganization(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		a, b := storetest.Settle(t, s, "alpha"), storetest.Settle(t, s, "bravo")
		before := storetest.Dump(t, s, b.Org)
		change := directory.MembersChange{Op: directory.AddMembers, UserIDs: storetest.Ids(b.Other)}
		_, err := directory.Of(a.Org, b.Directory.ID).UpdateGroup(t.Context(), b.Group.ID, storetest.Unaltered, change)
		storetest.WantKind(t, err, model.NotFound)
		_, err = directory.Of(a.Org, a.Directory.ID).UpdateGroup(t.Context(), a.Group.ID, storetest.Unaltered, change)
		storetest.WantKind(t, err, model.Invalid)
		_, err = directory.Of(a.Org, b.Directory.ID).UpdateUser(t.Context(), b.User.ID, storetest.SetActive(false))
		storetest.WantKind(t, err, model.NotFound)
		if _, err = directory.Of(a.Org, b.Directory.ID).CreateUser(t.Context(),
			storetest.Person("new@shared.example")); err == nil {
			t.Error("a user was created in another organization's directory")
		}
		us, extent, err := directory.Of(a.Org, b.Directory.ID).Users(t.Context(), search.Query{Limit: 10})
		if err != nil || len(us) > 0 || extent.Total > 0 {
			t.Errorf("%d of %d users, %v", len(us), extent.Total, err)
		}
		if diff := cmp.Diff(before, storetest.Dump(t, s, b.Org)); diff != "" {
			t.Error(diff)
		}
	})
}
