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

// nested makes a group with members of any kind.
func nested(t testing.TB, org *model.Org, d *model.Directory, name string, members ...string) *model.DirectoryGroup {
	t.Helper()
	g, err := org.CreateDirectoryGroup(t.Context(), d.ID, map[string]any{"displayName": name}, members)
	must(t, err)
	return g
}

// namesOf are the names of a user's groups, those that it is in by way of others in brackets.
func namesOf(t testing.TB, org *model.Org, u *model.User) string {
	t.Helper()
	of, err := org.GroupsOf(t.Context(), u.ID)
	must(t, err)
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
	modeltest.Each(t, func(t *testing.T, s *model.Store) {
		org, d := contoso(t, s)
		ada, alan := createUser(t, org, d, "ada"), createUser(t, org, d, "alan")
		inner := nested(t, org, d, "inner", ada.ID)
		middle := nested(t, org, d, "middle", inner.ID, alan.ID)
		outer := nested(t, org, d, "outer", middle.ID, inner.ID, ada.ID)

		t.Run("members are of both kinds", func(t *testing.T) {
			of, err := org.GroupMembers(t.Context(), middle.ID, outer.ID, inner.ID)
			must(t, err)
			want := map[string][]model.MemberOf{
				inner.ID:  {{ID: ada.ID, DisplayName: ada.DisplayName}},
				middle.ID: {{ID: alan.ID, DisplayName: alan.DisplayName}, {ID: inner.ID, DisplayName: "inner", IsGroup: true}},
				outer.ID: {{ID: ada.ID, DisplayName: ada.DisplayName}, {ID: inner.ID, DisplayName: "inner", IsGroup: true},
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
			whole, err := org.DirectoryGroupsOf(t.Context(), ada.ID)
			if err != nil || len(whole[ada.ID]) != 2 {
				t.Error(whole, err)
			}
		})
		t.Run("no group is a member of itself", func(t *testing.T) {
			for _, c := range []struct{ of, member *model.DirectoryGroup }{{inner, inner}, {inner, middle}, {inner, outer}, {middle, outer}} {
				for _, op := range []model.MembersOp{model.AddMembers, model.ReplaceMembers} {
					unchanged(t, s, func() {
						_, err := org.UpdateDirectoryGroup(t.Context(), d.ID, c.of.ID, rename("renamed"), model.MembersChange{Op: op, UserIDs: []string{alan.ID, c.member.ID}})
						wantKind(t, err, model.Invalid, "members")
						if !strings.Contains(err.Error(), c.member.ID) {
							t.Errorf("the error does not name %s: %v", c.member.ID, err)
						}
					})
				}
			}
		})
		t.Run("a group of another directory or organization is unknown", func(t *testing.T) {
			foreign, foreignDirectory := organization(t, s, "Fabrikam", "fabrikam.example")
			for _, id := range []string{createGroup(t, org, directory(t, org), "elsewhere").ID, createGroup(t, foreign, foreignDirectory, "stranger").ID} {
				unchanged(t, s, func() {
					_, err := org.UpdateDirectoryGroup(t.Context(), d.ID, inner.ID, unaltered, model.MembersChange{Op: model.AddMembers, UserIDs: []string{id}})
					wantKind(t, err, model.Invalid, "members")
				})
			}
		})
		t.Run("changes are events of the group, and those of nothing are none", func(t *testing.T) {
			g := nested(t, org, d, "changing")
			const updated, added, removed = model.DirectoryGroupUpdated, model.DirectoryGroupUserAdded, model.DirectoryGroupUserRemoved
			for i, c := range []struct {
				op      model.MembersOp
				members []string
				events  []model.EventType
			}{
				{model.AddMembers, []string{inner.ID, ada.ID, middle.ID}, []model.EventType{added, updated}},
				{model.AddMembers, []string{inner.ID, middle.ID}, []model.EventType{}},
				{model.RemoveMembers, []string{inner.ID, ada.ID, outer.ID, model.NewID()}, []model.EventType{removed, updated}},
				{model.RemoveMembers, []string{inner.ID}, []model.EventType{}},
				{model.ReplaceMembers, []string{inner.ID, alan.ID}, []model.EventType{updated, added, updated}},
				{model.ReplaceMembers, []string{inner.ID, alan.ID}, []model.EventType{}},
				{model.ReplaceMembers, nil, []model.EventType{removed, updated}},
			} {
				var after *model.DirectoryGroup
				got := newEvents(t, s, org, func() { after = change(t, org, g, model.MembersChange{Op: c.op, UserIDs: c.members}) })
				if diff := cmp.Diff(c.events, got); diff != "" {
					t.Errorf("change %d: %s", i, diff)
				}
				if (after.Version > g.Version) != (len(got) > 0) {
					t.Errorf("change %d: version %d after %d", i, after.Version, g.Version)
				}
				g = after
			}
		})
		t.Run("who is removed leaves, and the group has a new version", func(t *testing.T) {
			must(t, org.DeleteDirectoryGroup(t.Context(), d.ID, middle.ID))
			after, err := org.DirectoryGroup(t.Context(), d.ID, outer.ID)
			must(t, err)
			if got := namesOf(t, org, alan); got != "" || after.Version != outer.Version+1 {
				t.Errorf("groups %q, version %d after %d", got, after.Version, outer.Version)
			}
			if diff := cmp.Diff([]string{ada.ID, inner.ID}, membersOf(t, org, outer)); diff != "" {
				t.Error(diff)
			}
			must(t, org.DeleteDirectory(t.Context(), d.ID))
		})
	})
}

// Groups that are nested in each other at once, and removed meanwhile, never end in a circle.
func TestNestingAtOnce(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *model.Store) {
		org, d := contoso(t, s)
		const n, rounds = 4, 4
		for round := range rounds {
			ada := createUser(t, org, d, fmt.Sprint("ada-", round))
			var gs []*model.DirectoryGroup
			for i := range n {
				gs = append(gs, nested(t, org, d, fmt.Sprint("g-", round, "-", i), ada.ID))
			}
			errs := together(n+1, func(i int) error {
				if i == n && round%2 == 0 {
					return nil
				}
				if i == n {
					return org.DeleteDirectoryGroup(t.Context(), d.ID, gs[round%n].ID)
				}
				_, err := org.UpdateDirectoryGroup(t.Context(), d.ID, gs[i].ID, unaltered, model.MembersChange{Op: model.AddMembers, UserIDs: []string{gs[(i+1)%n].ID}})
				return err
			})
			for i, err := range errs {
				if kind := model.KindOf(err); err != nil && (i == n || kind != model.Invalid && kind != model.NotFound) {
					t.Errorf("request %d: %v", i, err)
				}
			}
			left := slices.DeleteFunc(slices.Clone(errs[:n]), func(err error) bool { return err != nil })
			if len(left) == n && round%2 == 0 {
				t.Error("all were accepted, and so there is a circle")
			}
			if got := strings.Fields(namesOf(t, org, ada)); len(got) != n-round%2 || strings.Contains(fmt.Sprint(got), "(") {
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
		org, d := contoso(t, s)
		ada, alan := createUser(t, org, d, "ada"), createUser(t, org, d, "alan")
		g := nested(t, org, d, "group 0", ada.ID)
		for i := range 50 {
			g = nested(t, org, d, fmt.Sprint("group ", i+1), g.ID)
		}
		var others []string
		for i := range 50 {
			others = append(others, nested(t, org, d, fmt.Sprint("other ", i)).ID)
		}
		for _, c := range []struct {
			what string
			most int
			run  func() error
		}{
			{"the groups of users", 2, func() error {
				of, err := org.GroupsOf(t.Context(), ada.ID, alan.ID)
				if len(of[ada.ID]) != 51 {
					err = errors.Join(err, fmt.Errorf("%d groups", len(of[ada.ID])))
				}
				return err
			}},
			{"the members of a group", 2, func() error { _, err := org.GroupMembers(t.Context(), g.ID); return err }},
			{"add a user to a group of groups", 4, func() error {
				_, err := org.UpdateDirectoryGroup(t.Context(), d.ID, g.ID, unaltered, model.MembersChange{Op: model.AddMembers, UserIDs: ids(ada)})
				return err
			}},
			{"remove a user from a group of groups", 4, func() error {
				_, err := org.UpdateDirectoryGroup(t.Context(), d.ID, g.ID, unaltered, model.MembersChange{Op: model.RemoveMembers, UserIDs: ids(ada)})
				return err
			}},
			{"add groups", 7, func() error {
				_, err := org.UpdateDirectoryGroup(t.Context(), d.ID, g.ID, unaltered, model.MembersChange{Op: model.AddMembers, UserIDs: others})
				return err
			}},
			{"remove groups", 4, func() error {
				_, err := org.UpdateDirectoryGroup(t.Context(), d.ID, g.ID, unaltered, model.MembersChange{Op: model.RemoveMembers, UserIDs: others})
				return err
			}},
		} {
			var err error
			got := counter.During(func() { err = c.run() })
			must(t, err)
			t.Logf("%s: %d statements", c.what, len(got))
			if len(got) > c.most {
				t.Errorf("%s: %d statements, %d at most:\n%s", c.what, len(got), c.most, strings.Join(got, "\n"))
			}
		}
	})
}
