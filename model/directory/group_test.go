package directory_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/people"
	"rollcall/model/store"
)

// membersOf are the sorted ids of a group's members.
func membersOf(t testing.TB, org *store.Org, g *people.DirectoryGroup) []string {
	t.Helper()
	members, err := people.In(org).GroupMembers(t.Context(), g.ID)
	storetest.Must(t, err)
	out := []string{}
	for _, m := range members[g.ID] {
		out = append(out, m.ID)
	}
	slices.Sort(out)
	return out
}

func rename(name string) func(*directory.GroupDraft) error {
	return func(g *directory.GroupDraft) error { return g.SetDocument(map[string]any{"displayName": name}) }
}

func TestDirectoryGroup(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		org, d := storetest.Contoso(t, s)
		ada := storetest.CreateUser(t, org, d, "ada@contoso.example")
		g := storetest.CreateGroup(t, org, d, "Engineers", ada)
		stored := func(t *testing.T) *people.DirectoryGroup {
			t.Helper()
			stored, err := directory.Of(org, d.ID).Group(t.Context(), g.ID)
			storetest.Must(t, err)
			return stored
		}
		t.Run("what is created is stored as it is returned", func(t *testing.T) {
			if diff := cmp.Diff(g, stored(t)); diff != "" {
				t.Error(diff)
			}
		})
		t.Run("a name that differs only in spelling is taken, on create and on rename", func(t *testing.T) {
			other := storetest.CreateGroup(t, org, d, "Sailors")
			storetest.Unchanged(t, s, func() {
				_, err := directory.Of(org, d.ID).CreateGroup(t.Context(), map[string]any{"displayName": "ENGINEERS"},
					storetest.Ids(ada))
				storetest.WantKind(t, err, model.Conflict, "displayName")
				_, err = directory.Of(org, d.ID).UpdateGroup(t.Context(), other.ID, rename("engineers"))
				storetest.WantKind(t, err, model.Conflict, "displayName")
			})
		})
		t.Run("in another directory it is free", func(t *testing.T) {
			storetest.CreateGroup(t, org, storetest.Directory(t, org), "Engineers")
		})
		t.Run("a rename is stored, with an event that tells both names", func(t *testing.T) {
			var after *people.DirectoryGroup
			got := storetest.NewEvents(t, s, org, func() {
				var err error
				after, err = directory.Of(org, d.ID).UpdateGroup(t.Context(), g.ID, rename("Builders"))
				storetest.Must(t, err)
			})
			if diff := cmp.Diff(after, stored(t)); diff != "" || after.Version != g.Version+1 ||
				after.DisplayName != "Builders" {
				t.Error(diff, after)
			}
			all := storetest.Events(t, s, org)
			data := all[len(all)-1].Data
			if len(got) != 1 || got[0] != directory.DirectoryGroupUpdated ||
				!strings.Contains(data, `"name":"Builders"`) || !strings.Contains(data, `"name":"Engineers"`) {
				t.Error(got, data)
			}
		})
		t.Run("what alters nothing writes nothing, alone and within a transaction that goes on", func(t *testing.T) {
			same := func(org *store.Org) {
				after, err := directory.Of(org, d.ID).UpdateGroup(t.Context(), g.ID, rename("Builders"),
					directory.MembersChange{Op: directory.AddMembers, UserIDs: storetest.Ids(ada)},
					directory.MembersChange{Op: directory.RemoveMembers,
						UserIDs: []string{storetest.NewID(), "\x00"}})
				storetest.Must(t, err)
				if diff := cmp.Diff(stored(t), after); diff != "" {
					t.Error(diff)
				}
			}
			storetest.Unchanged(t, s, func() { same(org) })
			before := stored(t)
			storetest.Must(t, org.Tx(t.Context(), func(org *store.Org) error {
				_, err := directory.Of(org, d.ID).UpdateGroup(t.Context(), g.ID, rename("Builders"),
					directory.MembersChange{Op: directory.AddMembers, UserIDs: storetest.Ids(ada)})
				return err
			}))
			if diff := cmp.Diff(before, stored(t)); diff != "" {
				t.Error(diff)
			}
		})
		t.Run("within a transaction that goes on a change is stored once", func(t *testing.T) {
			before := stored(t)
			storetest.Must(t, org.Tx(t.Context(), func(org *store.Org) error {
				_, err := directory.Of(org, d.ID).UpdateGroup(t.Context(), g.ID, rename("Joiners"))
				return err
			}))
			if after := stored(t); after.Version != before.Version+1 || after.DisplayName != "Joiners" {
				t.Error(after)
			}
		})
		t.Run("an error of the change undoes it", func(t *testing.T) {
			boom := errors.New("boom")
			storetest.Unchanged(t, s, func() {
				_, err := directory.Of(org, d.ID).UpdateGroup(t.Context(), g.ID,
					func(*directory.GroupDraft) error { return boom })
				if !errors.Is(err, boom) {
					t.Error(err)
				}
			})
		})
		t.Run("bad names are refused by name", func(t *testing.T) {
			for _, name := range []any{"", " ", strings.Repeat("x", 1025), "a\x00b", 7} {
				_, err := directory.Of(org, d.ID).CreateGroup(t.Context(), map[string]any{"displayName": name}, nil)
				storetest.WantKind(t, err, model.Invalid, "displayName")
			}
		})
		t.Run("a group of another directory, and one that is none, are not there", func(t *testing.T) {
			other := storetest.Directory(t, org)
			for _, id := range []string{g.ID, storetest.NewID(), "x", "\x00", strings.ToUpper(g.ID)} {
				_, err := directory.Of(org, other.ID).UpdateGroup(t.Context(), id, rename("Taken over"))
				storetest.WantKind(t, err, model.NotFound)
				_, err = directory.Of(org, other.ID).Group(t.Context(), id)
				storetest.WantKind(t, err, model.NotFound)
				storetest.WantKind(t, directory.Of(org, other.ID).DeleteGroup(t.Context(), id), model.NotFound)
			}
		})
		t.Run("deleted, it is gone with its memberships, with one event", func(t *testing.T) {
			got := storetest.NewEvents(t, s, org,
				func() { storetest.Must(t, directory.Of(org, d.ID).DeleteGroup(t.Context(), g.ID)) })
			if diff := cmp.Diff([]model.EventType{directory.DirectoryGroupDeleted}, got); diff != "" {
				t.Error(diff)
			}
			if of, err := people.In(org).GroupsOf(t.Context(), ada.ID); err != nil || len(of) != 0 {
				t.Error(of, err)
			}
			storetest.WantKind(t, directory.Of(org, d.ID).DeleteGroup(t.Context(), g.ID), model.NotFound)
		})
	})
}

func TestMembers(t *testing.T) {
	t.Parallel()
	const add, remove, replace = directory.AddMembers, directory.RemoveMembers, directory.ReplaceMembers
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		org, d := storetest.Contoso(t, s)
		var u []*people.User
		for i := range 5 {
			u = append(u, storetest.CreateUser(t, org, d, fmt.Sprint("user-", i)))
		}
		elsewhere := storetest.CreateUser(t, org, storetest.Directory(t, org), "elsewhere")
		foreign, foreignDirectory := storetest.Organization(t, s, "Fabrikam", "fabrikam.example")
		stranger := storetest.CreateUser(t, foreign, foreignDirectory, "stranger")

		op := func(op directory.MembersOp, users ...*people.User) directory.MembersChange {
			return directory.MembersChange{Op: op, UserIDs: storetest.Ids(users...)}
		}
		const added, removed = directory.DirectoryGroupUserAdded, directory.DirectoryGroupUserRemoved
		for i, c := range []struct {
			outcome string
			before  []*people.User
			changes []directory.MembersChange
			after   []*people.User
			events  []model.EventType
		}{
			{"added to nobody", nil, []directory.MembersChange{op(add, u[0], u[1])}, u[:2],
				[]model.EventType{added, added}},
			{"added twice in one request", nil, []directory.MembersChange{op(add, u[0], u[0]), op(add, u[0])}, u[:1],
				[]model.EventType{added}},
			{"added to those who are in already", u[:2], []directory.MembersChange{op(add, u[1], u[2])}, u[:3],
				[]model.EventType{added}},
			{"removed", u[:3], []directory.MembersChange{op(remove, u[1], u[4])}, []*people.User{u[0], u[2]},
				[]model.EventType{removed}},
			{"replaced", u[:3], []directory.MembersChange{op(replace, u[2], u[3])}, u[2:4],
				[]model.EventType{removed, removed, added}},
			{"replaced by nobody", u[:3], []directory.MembersChange{op(replace)}, nil,
				[]model.EventType{removed, removed, removed}},
			{"replaced by the same", u[:3], []directory.MembersChange{op(replace, u[2], u[0], u[1])}, u[:3], nil},
			{"added by nobody", u[:1], []directory.MembersChange{op(add), op(remove)}, u[:1], nil},
			{"removed and added again", u[:1], []directory.MembersChange{op(remove, u[0]), op(add, u[0])}, u[:1],
				[]model.EventType{removed, added}},
			{"in several steps", u[:1], []directory.MembersChange{op(replace), op(add, u[1], u[2]), op(remove, u[1])},
				u[2:3], []model.EventType{removed, added, added, removed}},
		} {
			t.Run(c.outcome, func(t *testing.T) {
				g := storetest.CreateGroup(t, org, d, fmt.Sprint("group-", i), c.before...)
				var after *people.DirectoryGroup
				got := storetest.NewEvents(t, s, org, func() { after = storetest.Change(t, org, g, c.changes...) })
				want := storetest.Ids(c.after...)
				slices.Sort(want)
				if diff := cmp.Diff(want, membersOf(t, org, g)); diff != "" {
					t.Error(diff)
				}
				if diff := cmp.Diff(append([]model.EventType{}, c.events...), got); diff != "" {
					t.Error(diff)
				}
				changed := len(c.events) > 0
				if changed != (after.Version == g.Version+1) || !changed && after.Version != g.Version {
					t.Errorf("version %d after %d", after.Version, g.Version)
				}
			})
		}
		t.Run("an unknown member is named, and nothing is written", func(t *testing.T) {
			g := storetest.CreateGroup(t, org, d, "Refused", u[0])
			for _, id := range []string{
				storetest.NewID(), "nobody", "\x00", strings.ToUpper(u[1].ID), elsewhere.ID, stranger.ID,
			} {
				for _, changes := range [][]directory.MembersChange{
					{{Op: add, UserIDs: []string{u[1].ID, id}}}, {{Op: replace, UserIDs: []string{id, u[1].ID}}},
					{op(remove, u[0]), {Op: add, UserIDs: []string{id}}},
				} {
					storetest.Unchanged(t, s, func() {
						_, err := directory.Of(org, d.ID).UpdateGroup(t.Context(), g.ID, rename("Renamed"), changes...)
						storetest.WantKind(t, err, model.Invalid, "members")
						if !strings.Contains(err.Error(), strings.Trim(fmt.Sprintf("%q", id), `"`)) {
							t.Errorf("the error does not name %q: %v", id, err)
						}
					})
				}
				storetest.Unchanged(t, s, func() {
					_, err := directory.Of(org, d.ID).CreateGroup(t.Context(), map[string]any{"displayName": "New"},
						[]string{u[1].ID, id})
					storetest.WantKind(t, err, model.Invalid, "members")
				})
			}
		})
		t.Run("both sides and the API's lists tell the same", func(t *testing.T) {
			g := storetest.CreateGroup(t, org, d, "Listed", u[0], u[3])
			of, err := people.In(org).GroupsOf(t.Context(), u[0].ID, u[1].ID)
			storetest.Must(t, err)
			whole, _, err := directory.In(org).DirectoryGroupsOf(t.Context(), 100, u[0].ID, u[1].ID)
			storetest.Must(t, err)
			q := directory.GroupQuery{UserID: u[0].ID, DirectoryID: d.ID, Page: model.Page{Limit: 100, Ascending: true}}
			page, _, err := directory.In(org).GroupPage(t.Context(), q)
			storetest.Must(t, err)
			if len(of[u[0].ID]) != len(whole[u[0].ID]) || len(page) != len(whole[u[0].ID]) ||
				whole[u[0].ID][len(page)-1].ID != g.ID {
				t.Error(of, whole, page)
			}
			members, _, err := people.In(org).Users(t.Context(),
				people.UserQuery{GroupID: g.ID, Page: model.Page{Limit: 100}})
			if err != nil || len(members) != 2 {
				t.Error(members, err)
			}
			if none, err := people.In(org).GroupsOf(t.Context()); err != nil || len(none) != 0 {
				t.Error(none, err)
			}
		})
	})
}
