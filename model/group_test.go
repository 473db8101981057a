package model_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/modeltest"
)

// membersOf are the sorted ids of a group's members.
func membersOf(t testing.TB, org *model.Org, g *model.DirectoryGroup) []string {
	t.Helper()
	members, err := org.GroupMembers(t.Context(), g.ID)
	must(t, err)
	out := []string{}
	for _, m := range members[g.ID] {
		out = append(out, m.ID)
	}
	slices.Sort(out)
	return out
}

func change(t testing.TB, org *model.Org, g *model.DirectoryGroup, changes ...model.MembersChange) *model.DirectoryGroup {
	t.Helper()
	after, err := org.UpdateDirectoryGroup(t.Context(), g.DirectoryID, g.ID, unaltered, changes...)
	must(t, err)
	return after
}

func rename(name string) func(*model.GroupDraft) error {
	return func(g *model.GroupDraft) error { return g.SetDocument(map[string]any{"displayName": name}) }
}

func TestDirectoryGroup(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *model.Store) {
		org, d := contoso(t, s)
		ada := createUser(t, org, d, "ada@contoso.example")
		g := createGroup(t, org, d, "Engineers", ada)
		stored := func(t *testing.T) *model.DirectoryGroup {
			t.Helper()
			stored, err := org.DirectoryGroup(t.Context(), d.ID, g.ID)
			must(t, err)
			return stored
		}
		t.Run("what is created is stored as it is returned", func(t *testing.T) {
			if diff := cmp.Diff(g, stored(t)); diff != "" {
				t.Error(diff)
			}
		})
		t.Run("a name that differs only in spelling is taken, on create and on rename", func(t *testing.T) {
			other := createGroup(t, org, d, "Sailors")
			unchanged(t, s, func() {
				_, err := org.CreateDirectoryGroup(t.Context(), d.ID, map[string]any{"displayName": "ENGINEERS"}, ids(ada))
				wantKind(t, err, model.Conflict, "displayName")
				_, err = org.UpdateDirectoryGroup(t.Context(), d.ID, other.ID, rename("engineers"))
				wantKind(t, err, model.Conflict, "displayName")
			})
		})
		t.Run("in another directory it is free", func(t *testing.T) {
			createGroup(t, org, directory(t, org), "Engineers")
		})
		t.Run("a rename is stored, with an event that tells both names", func(t *testing.T) {
			var after *model.DirectoryGroup
			got := newEvents(t, s, org, func() {
				var err error
				after, err = org.UpdateDirectoryGroup(t.Context(), d.ID, g.ID, rename("Builders"))
				must(t, err)
			})
			if diff := cmp.Diff(after, stored(t)); diff != "" || after.Version != g.Version+1 || after.DisplayName != "Builders" {
				t.Error(diff, after)
			}
			all := events(t, s, org)
			data := all[len(all)-1].Data
			if len(got) != 1 || got[0] != model.DirectoryGroupUpdated || !strings.Contains(data, `"name":"Builders"`) || !strings.Contains(data, `"name":"Engineers"`) {
				t.Error(got, data)
			}
		})
		t.Run("what alters nothing writes nothing, alone and within a transaction that goes on", func(t *testing.T) {
			same := func(org *model.Org) {
				after, err := org.UpdateDirectoryGroup(t.Context(), d.ID, g.ID, rename("Builders"),
					model.MembersChange{Op: model.AddMembers, UserIDs: ids(ada)}, model.MembersChange{Op: model.RemoveMembers, UserIDs: []string{model.NewID(), "\x00"}})
				must(t, err)
				if diff := cmp.Diff(stored(t), after); diff != "" {
					t.Error(diff)
				}
			}
			unchanged(t, s, func() { same(org) })
			before := stored(t)
			must(t, org.Tx(t.Context(), func(org *model.Org) error {
				_, err := org.UpdateDirectoryGroup(t.Context(), d.ID, g.ID, rename("Builders"), model.MembersChange{Op: model.AddMembers, UserIDs: ids(ada)})
				return err
			}))
			if diff := cmp.Diff(before, stored(t)); diff != "" {
				t.Error(diff)
			}
		})
		t.Run("within a transaction that goes on a change is stored once", func(t *testing.T) {
			before := stored(t)
			must(t, org.Tx(t.Context(), func(org *model.Org) error {
				_, err := org.UpdateDirectoryGroup(t.Context(), d.ID, g.ID, rename("Joiners"))
				return err
			}))
			if after := stored(t); after.Version != before.Version+1 || after.DisplayName != "Joiners" {
				t.Error(after)
			}
		})
		t.Run("an error of the change undoes it", func(t *testing.T) {
			boom := errors.New("boom")
			unchanged(t, s, func() {
				_, err := org.UpdateDirectoryGroup(t.Context(), d.ID, g.ID, func(*model.GroupDraft) error { return boom })
				if !errors.Is(err, boom) {
					t.Error(err)
				}
			})
		})
		t.Run("bad names are refused by name", func(t *testing.T) {
			for _, name := range []any{"", " ", strings.Repeat("x", 1025), "a\x00b", 7} {
				_, err := org.CreateDirectoryGroup(t.Context(), d.ID, map[string]any{"displayName": name}, nil)
				wantKind(t, err, model.Invalid, "displayName")
			}
		})
		t.Run("a group of another directory, and one that is none, are not there", func(t *testing.T) {
			other := directory(t, org)
			for _, id := range []string{g.ID, model.NewID(), "x", "\x00", strings.ToUpper(g.ID)} {
				_, err := org.UpdateDirectoryGroup(t.Context(), other.ID, id, rename("Taken over"))
				wantKind(t, err, model.NotFound)
				_, err = org.DirectoryGroup(t.Context(), other.ID, id)
				wantKind(t, err, model.NotFound)
				wantKind(t, org.DeleteDirectoryGroup(t.Context(), other.ID, id), model.NotFound)
			}
		})
		t.Run("deleted, it is gone with its memberships, with one event", func(t *testing.T) {
			got := newEvents(t, s, org, func() { must(t, org.DeleteDirectoryGroup(t.Context(), d.ID, g.ID)) })
			if diff := cmp.Diff([]model.EventType{model.DirectoryGroupDeleted}, got); diff != "" {
				t.Error(diff)
			}
			if of, err := org.GroupsOf(t.Context(), ada.ID); err != nil || len(of) != 0 {
				t.Error(of, err)
			}
			wantKind(t, org.DeleteDirectoryGroup(t.Context(), d.ID, g.ID), model.NotFound)
		})
	})
}

func TestMembers(t *testing.T) {
	t.Parallel()
	const add, remove, replace = model.AddMembers, model.RemoveMembers, model.ReplaceMembers
	modeltest.Each(t, func(t *testing.T, s *model.Store) {
		org, d := contoso(t, s)
		var u []*model.User
		for i := range 5 {
			u = append(u, createUser(t, org, d, fmt.Sprint("user-", i)))
		}
		elsewhere := createUser(t, org, directory(t, org), "elsewhere")
		foreign, foreignDirectory := organization(t, s, "Fabrikam", "fabrikam.example")
		stranger := createUser(t, foreign, foreignDirectory, "stranger")

		op := func(op model.MembersOp, users ...*model.User) model.MembersChange {
			return model.MembersChange{Op: op, UserIDs: ids(users...)}
		}
		const added, removed = model.DirectoryGroupUserAdded, model.DirectoryGroupUserRemoved
		for i, c := range []struct {
			outcome string
			before  []*model.User
			changes []model.MembersChange
			after   []*model.User
			events  []model.EventType
		}{
			{"added to nobody", nil, []model.MembersChange{op(add, u[0], u[1])}, u[:2], []model.EventType{added, added}},
			{"added twice in one request", nil, []model.MembersChange{op(add, u[0], u[0]), op(add, u[0])}, u[:1], []model.EventType{added}},
			{"added to those who are in already", u[:2], []model.MembersChange{op(add, u[1], u[2])}, u[:3], []model.EventType{added}},
			{"removed", u[:3], []model.MembersChange{op(remove, u[1], u[4])}, []*model.User{u[0], u[2]}, []model.EventType{removed}},
			{"replaced", u[:3], []model.MembersChange{op(replace, u[2], u[3])}, u[2:4], []model.EventType{removed, removed, added}},
			{"replaced by nobody", u[:3], []model.MembersChange{op(replace)}, nil, []model.EventType{removed, removed, removed}},
			{"replaced by the same", u[:3], []model.MembersChange{op(replace, u[2], u[0], u[1])}, u[:3], nil},
			{"added by nobody", u[:1], []model.MembersChange{op(add), op(remove)}, u[:1], nil},
			{"removed and added again", u[:1], []model.MembersChange{op(remove, u[0]), op(add, u[0])}, u[:1], []model.EventType{removed, added}},
			{"in several steps", u[:1], []model.MembersChange{op(replace), op(add, u[1], u[2]), op(remove, u[1])}, u[2:3],
				[]model.EventType{removed, added, added, removed}},
		} {
			t.Run(c.outcome, func(t *testing.T) {
				g := createGroup(t, org, d, fmt.Sprint("group-", i), c.before...)
				var after *model.DirectoryGroup
				got := newEvents(t, s, org, func() { after = change(t, org, g, c.changes...) })
				want := ids(c.after...)
				slices.Sort(want)
				if diff := cmp.Diff(want, membersOf(t, org, g)); diff != "" {
					t.Error(diff)
				}
				if diff := cmp.Diff(append([]model.EventType{}, c.events...), got); diff != "" {
					t.Error(diff)
				}
				if changed := len(c.events) > 0; changed != (after.Version == g.Version+1) || !changed && after.Version != g.Version {
					t.Errorf("version %d after %d", after.Version, g.Version)
				}
			})
		}
		t.Run("who is unknown is named, and nothing is written", func(t *testing.T) {
			g := createGroup(t, org, d, "Refused", u[0])
			for _, id := range []string{model.NewID(), "nobody", "\x00", strings.ToUpper(u[1].ID), elsewhere.ID, stranger.ID} {
				for _, changes := range [][]model.MembersChange{
					{{Op: add, UserIDs: []string{u[1].ID, id}}}, {{Op: replace, UserIDs: []string{id, u[1].ID}}}, {op(remove, u[0]), {Op: add, UserIDs: []string{id}}},
				} {
					unchanged(t, s, func() {
						_, err := org.UpdateDirectoryGroup(t.Context(), d.ID, g.ID, rename("Renamed"), changes...)
						wantKind(t, err, model.Invalid, "members")
						if !strings.Contains(err.Error(), strings.Trim(fmt.Sprintf("%q", id), `"`)) {
							t.Errorf("the error does not name %q: %v", id, err)
						}
					})
				}
				unchanged(t, s, func() {
					_, err := org.CreateDirectoryGroup(t.Context(), d.ID, map[string]any{"displayName": "New"}, []string{u[1].ID, id})
					wantKind(t, err, model.Invalid, "members")
				})
			}
		})
		t.Run("both sides and the API's lists tell the same", func(t *testing.T) {
			g := createGroup(t, org, d, "Listed", u[0], u[3])
			of, err := org.GroupsOf(t.Context(), u[0].ID, u[1].ID)
			must(t, err)
			whole, err := org.DirectoryGroupsOf(t.Context(), u[0].ID, u[1].ID)
			must(t, err)
			page, _, err := org.GroupPage(t.Context(), model.GroupQuery{UserID: u[0].ID, DirectoryID: d.ID, Page: model.Page{Limit: 100, Ascending: true}})
			must(t, err)
			if len(of[u[0].ID]) != len(whole[u[0].ID]) || len(page) != len(whole[u[0].ID]) || whole[u[0].ID][len(page)-1].ID != g.ID {
				t.Error(of, whole, page)
			}
			members, _, err := org.Users(t.Context(), model.UserQuery{GroupID: g.ID, Page: model.Page{Limit: 100}})
			if err != nil || len(members) != 2 {
				t.Error(members, err)
			}
			if none, err := org.GroupsOf(t.Context()); err != nil || len(none) != 0 {
				t.Error(none, err)
			}
		})
	})
}
