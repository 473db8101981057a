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

// namesOf are the names of a user's groups, those that it is in by way of others in brackets.
func namesOf(t testing.TB, org *store.Org, u *people.User) string {
	t.Helper()
	of, err := people.In(org).GroupsOf(t.Context(), u.ID)
	storetest.Must(t, err)
	var names []string
	for _, m := range of[u.ID] {
		name := m.DisplayName
		if m.Indirect {
			name = "(" + name + ")"
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

func TestNestedGroups(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		org, d := storetest.Contoso(t, s)
		ada, alan := storetest.CreateUser(t, org, d, "ada"), storetest.CreateUser(t, org, d, "alan")
		inner := storetest.Nested(t, org, d, "inner", ada.ID)
		middle := storetest.Nested(t, org, d, "middle", inner.ID, alan.ID)
		outer := storetest.Nested(t, org, d, "outer", middle.ID, inner.ID, ada.ID)

		t.Run("members are of both kinds", func(t *testing.T) {
			of, err := people.In(org).GroupMembers(t.Context(), middle.ID, outer.ID, inner.ID)
			storetest.Must(t, err)
			want := map[string][]people.MemberOf{
				inner.ID: {{ID: ada.ID, DisplayName: ada.DisplayName}},
				middle.ID: {{ID: alan.ID, DisplayName: alan.DisplayName},
					{ID: inner.ID, DisplayName: "inner", IsGroup: true}},
				outer.ID: {{ID: ada.ID, DisplayName: ada.DisplayName},
					{ID: inner.ID, DisplayName: "inner", IsGroup: true},
					{ID: middle.ID, DisplayName: "middle", IsGroup: true}},
			}
			if diff := cmp.Diff(want, of); diff != "" {
				t.Error(diff)
			}
		})
		t.Run("a user is in a group once, and directly where they can be", func(t *testing.T) {
			if got := namesOf(t, org, ada); got != "(middle) inner outer" {
				t.Error(got)
			}
			if got := namesOf(t, org, alan); got != "(outer) middle" {
				t.Error(got)
			}
			whole, _, err := directory.In(org).DirectoryGroupsOf(t.Context(), 100, ada.ID)
			if err != nil || len(whole[ada.ID]) != 2 {
				t.Error(whole, err)
			}
		})
		t.Run("no group is a member of itself", func(t *testing.T) {
			for _, c := range []struct{ of, member *people.DirectoryGroup }{
				{inner, inner}, {inner, middle}, {inner, outer}, {middle, outer},
			} {
				for _, op := range []directory.MembersOp{directory.AddMembers, directory.ReplaceMembers} {
					storetest.Unchanged(t, s, func() {
						_, err := directory.Of(org, d.ID).UpdateGroup(t.Context(), c.of.ID, rename("renamed"),
							directory.MembersChange{Op: op, UserIDs: []string{alan.ID, c.member.ID}})
						storetest.WantKind(t, err, model.Invalid, "members")
						if !strings.Contains(err.Error(), c.member.ID) {
							t.Errorf("the error does not name %s: %v", c.member.ID, err)
						}
					})
				}
			}
		})
		t.Run("a group of another directory or organization is unknown", func(t *testing.T) {
			foreign, foreignDirectory := storetest.Organization(t, s, "Fabrikam", "fabrikam.example")
			for _, id := range []string{
				storetest.CreateGroup(t, org, storetest.Directory(t, org), "elsewhere").ID,
				storetest.CreateGroup(t, foreign, foreignDirectory, "stranger").ID,
			} {
				storetest.Unchanged(t, s, func() {
					_, err := directory.Of(org, d.ID).UpdateGroup(t.Context(), inner.ID, storetest.Unaltered,
						directory.MembersChange{Op: directory.AddMembers, UserIDs: []string{id}})
					storetest.WantKind(t, err, model.Invalid, "members")
				})
			}
		})
		t.Run("changes are events of the group, and those of nothing are none", func(t *testing.T) {
			g := storetest.Nested(t, org, d, "changing")
			const updated, added, removed = directory.DirectoryGroupUpdated, directory.DirectoryGroupUserAdded,
				directory.DirectoryGroupUserRemoved
			for i, c := range []struct {
				op      directory.MembersOp
				members []string
				events  []model.EventType
			}{
				{directory.AddMembers, []string{inner.ID, ada.ID, middle.ID}, []model.EventType{added, updated}},
				{directory.AddMembers, []string{inner.ID, middle.ID}, []model.EventType{}},
				{directory.RemoveMembers, []string{inner.ID, ada.ID, outer.ID, storetest.NewID()},
					[]model.EventType{removed, updated}},
				{directory.RemoveMembers, []string{inner.ID}, []model.EventType{}},
				{directory.ReplaceMembers, []string{inner.ID, alan.ID}, []model.EventType{updated, added, updated}},
				{directory.ReplaceMembers, []string{inner.ID, alan.ID}, []model.EventType{}},
				{directory.ReplaceMembers, nil, []model.EventType{removed, updated}},
			} {
				var after *people.DirectoryGroup
				got := storetest.NewEvents(t, s, org, func() {
					after = storetest.Change(t, org, g, directory.MembersChange{Op: c.op, UserIDs: c.members})
				})
				if diff := cmp.Diff(c.events, got); diff != "" {
					t.Errorf("change %d: %s", i, diff)
				}
				if (after.Version > g.Version) != (len(got) > 0) {
					t.Errorf("change %d: version %d after %d", i, after.Version, g.Version)
				}
				g = after
			}
		})
		t.Run("a removed group is no member any more, and its group has a new version", func(t *testing.T) {
			storetest.Must(t, directory.Of(org, d.ID).DeleteGroup(t.Context(), middle.ID))
			after, err := directory.Of(org, d.ID).Group(t.Context(), outer.ID)
			storetest.Must(t, err)
			if got := namesOf(t, org, alan); got != "" || after.Version != outer.Version+1 {
				t.Errorf("groups %q, version %d after %d", got, after.Version, outer.Version)
			}
			if diff := cmp.Diff([]string{ada.ID, inner.ID}, membersOf(t, org, outer)); diff != "" {
				t.Error(diff)
			}
			storetest.Must(t, directory.In(org).DeleteDirectory(t.Context(), d.ID))
		})
	})
}

// Groups that are nested in each other at once, and removed meanwhile, never end in a circle.
func TestNestingAtOnce(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		org, d := storetest.Contoso(t, s)
		const n, rounds = 4, 4
		for round := range rounds {
			ada := storetest.CreateUser(t, org, d, fmt.Sprint("ada-", round))
			var gs []*people.DirectoryGroup
			for i := range n {
				gs = append(gs, storetest.Nested(t, org, d, fmt.Sprint("g-", round, "-", i), ada.ID))
			}
			errs := storetest.Together(n+1, func(i int) error {
				if i == n && round%2 == 0 {
					return nil
				}
				if i == n {
					return directory.Of(org, d.ID).DeleteGroup(t.Context(), gs[round%n].ID)
				}
				_, err := directory.Of(org, d.ID).UpdateGroup(t.Context(), gs[i].ID, storetest.Unaltered,
					directory.MembersChange{Op: directory.AddMembers, UserIDs: []string{gs[(i+1)%n].ID}})
				return err
			})
			for i, err := range errs {
				kind := model.KindOf(err)
				if err != nil && (i == n || kind != model.Invalid && kind != model.NotFound) {
					t.Errorf("request %d: %v", i, err)
				}
			}
			left := slices.DeleteFunc(slices.Clone(errs[:n]), func(err error) bool { return err != nil })
			if len(left) == n && round%2 == 0 {
				t.Error("all were accepted, and so there is a circle")
			}
			if got := strings.Fields(namesOf(t, org, ada)); len(got) != n-round%2 ||
				strings.Contains(fmt.Sprint(got), "(") {
				t.Error(got)
			}
		}
	})
}

// The statements of a request do not grow with how deep groups are nested, or how many there are.
func TestNestingStatements(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		var counter modeltest.Statements
		s := modeltest.Open(t, db, counter.Options())
		org, d := storetest.Contoso(t, s)
		ada, alan := storetest.CreateUser(t, org, d, "ada"), storetest.CreateUser(t, org, d, "alan")
		g := storetest.Nested(t, org, d, "group 0", ada.ID)
		for i := range 10 {
			g = storetest.Nested(t, org, d, fmt.Sprint("group ", i+1), g.ID)
		}
		var others []string
		for i := range 50 {
			others = append(others, storetest.Nested(t, org, d, fmt.Sprint("other ", i)).ID)
		}
		for _, c := range []struct {
			what string
			most int
			run  func() error
		}{
			{"the groups of users", 2, func() error {
				of, err := people.In(org).GroupsOf(t.Context(), ada.ID, alan.ID)
				if len(of[ada.ID]) != 11 {
					err = errors.Join(err, fmt.Errorf("%d groups", len(of[ada.ID])))
				}
				return err
			}},
			{"the members of a group", 2, func() error {
				_, err := people.In(org).GroupMembers(t.Context(), g.ID)
				return err
			}},
			{"add a user to a group of groups", 4, func() error {
				_, err := directory.Of(org, d.ID).UpdateGroup(t.Context(), g.ID, storetest.Unaltered,
					directory.MembersChange{Op: directory.AddMembers, UserIDs: storetest.Ids(ada)})
				return err
			}},
			{"remove a user from a group of groups", 4, func() error {
				_, err := directory.Of(org, d.ID).UpdateGroup(t.Context(), g.ID, storetest.Unaltered,
					directory.MembersChange{Op: directory.RemoveMembers, UserIDs: storetest.Ids(ada)})
				return err
			}},
			{"add groups", 7, func() error {
				_, err := directory.Of(org, d.ID).UpdateGroup(t.Context(), g.ID, storetest.Unaltered,
					directory.MembersChange{Op: directory.AddMembers, UserIDs: others})
				return err
			}},
			{"remove groups", 4, func() error {
				_, err := directory.Of(org, d.ID).UpdateGroup(t.Context(), g.ID, storetest.Unaltered,
					directory.MembersChange{Op: directory.RemoveMembers, UserIDs: others})
				return err
			}},
		} {
			var err error
			got := counter.During(func() { err = c.run() })
			storetest.Must(t, err)
			t.Logf("%s: %d statements", c.what, len(got))
			if len(got) > c.most {
				t.Errorf("%s: %d statements, %d at most:\n%s", c.what, len(got), c.most, strings.Join(got, "\n"))
			}
		}
	})
}
