package model_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/modeltest"
)

// On PostgreSQL the commonest changes need no transaction of several statements.
func TestCommonChangesAreWrittenAtOnce(t *testing.T) {
	t.Parallel()
	var counter modeltest.Statements
	s := modeltest.Open(t, modeltest.Postgres(t), counter.Options())
	org, d := contoso(t, s)
	u := createUser(t, org, d, "ada@contoso.example")
	g := createGroup(t, org, d, "Engineers")
	add := func() error {
		_, err := org.UpdateDirectoryGroup(t.Context(), d.ID, g.ID, unaltered, model.MembersChange{Op: model.AddMembers, UserIDs: ids(u)})
		return err
	}
	for _, c := range []struct {
		what  string
		count int
		run   func() error
	}{
		{"create a user", 1, func() error {
			_, err := org.CreateDirectoryUser(t.Context(), d.ID, person("grace@contoso.example"))
			return err
		}},
		{"deactivate", 2, func() error { _, err := org.UpdateDirectoryUser(t.Context(), d.ID, u.ID, setActive(false)); return err }},
		{"deactivate again", 1, func() error { _, err := org.UpdateDirectoryUser(t.Context(), d.ID, u.ID, setActive(false)); return err }},
		{"change an e-mail", 2, func() error {
			_, err := org.UpdateDirectoryUser(t.Context(), d.ID, u.ID, func(u *model.UserDraft) error {
				return u.SetDocument(withEmail("ada@contoso.example", "new@contoso.example"))
			})
			return err
		}},
		{"add a member", 2, add},
		{"add a member again", 1, add},
	} {
		t.Run(c.what, func(t *testing.T) {
			var err error
			got := counter.During(func() { err = c.run() })
			must(t, err)
			if len(got) != c.count {
				t.Errorf("%d statements, want %d: %v", len(got), c.count, got)
			}
		})
	}
}

// What has changed between the reading of a row and the writing of it is not overwritten.
func TestChangesAtOnceMissNothing(t *testing.T) {
	t.Parallel()
	s := modeltest.Open(t, modeltest.Postgres(t), model.Options{})
	org, d := contoso(t, s)
	u := createUser(t, org, d, "ada@contoso.example")
	g := createGroup(t, org, d, "Engineers")
	t.Run("of a user", func(t *testing.T) {
		tries := 0
		after, err := org.UpdateDirectoryUser(t.Context(), d.ID, u.ID, func(draft *model.UserDraft) error {
			if tries++; tries == 1 { // neither the version nor the document tells of this
				if _, err := org.RevokeSessions(t.Context(), u.ID); err != nil {
					return err
				}
			}
			draft.Active = false
			return nil
		})
		must(t, err)
		after.Groups = nil
		if diff := cmp.Diff(stored(t, org, u.ID), after); diff != "" || tries != 2 || after.Epoch != u.Epoch+2 {
			t.Errorf("%d tries, epoch %d: %s", tries, after.Epoch, diff)
		}
	})
	t.Run("of a group and its new member", func(t *testing.T) {
		tries := 0
		events := newEvents(t, s, org, func() {
			_, err := org.UpdateDirectoryGroup(t.Context(), d.ID, g.ID, func(*model.GroupDraft) error {
				if tries++; tries > 1 {
					return nil
				}
				_, err := org.UpdateDirectoryGroup(t.Context(), d.ID, g.ID, func(g *model.GroupDraft) error {
					return g.SetDocument(map[string]any{"displayName": "Renamed"})
				})
				return err
			}, model.MembersChange{Op: model.AddMembers, UserIDs: ids(u)})
			must(t, err)
		})
		if diff := cmp.Diff([]model.EventType{model.DirectoryGroupUpdated, model.DirectoryGroupUserAdded}, events); diff != "" || tries != 2 {
			t.Errorf("%d tries: %s", tries, diff)
		}
	})
}

// The statements that GORM's predicate does not reach name the organization.
func TestStatementsAtOnceNameTheOrganization(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *model.Store) {
		a, b := settle(t, s, "alpha"), settle(t, s, "bravo")
		before := dump(t, s, b.org)
		change := model.MembersChange{Op: model.AddMembers, UserIDs: ids(b.other)}
		_, err := a.org.UpdateDirectoryGroup(t.Context(), b.directory.ID, b.group.ID, unaltered, change)
		wantKind(t, err, model.NotFound)
		_, err = a.org.UpdateDirectoryGroup(t.Context(), a.directory.ID, a.group.ID, unaltered, change)
		wantKind(t, err, model.Invalid)
		_, err = a.org.UpdateDirectoryUser(t.Context(), b.directory.ID, b.user.ID, setActive(false))
		wantKind(t, err, model.NotFound)
		if _, err = a.org.CreateDirectoryUser(t.Context(), b.directory.ID, person("new@shared.example")); err == nil {
			t.Error("a user was created in another organization's directory")
		}
		us, extent, err := a.org.DirectoryUsers(t.Context(), b.directory.ID, model.ResourceQuery{Limit: 10})
		if err != nil || len(us) > 0 || extent.Total > 0 {
			t.Errorf("%d of %d users, %v", len(us), extent.Total, err)
		}
		if diff := cmp.Diff(before, dump(t, s, b.org)); diff != "" {
			t.Error(diff)
		}
	})
}
