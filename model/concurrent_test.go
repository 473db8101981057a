package model_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/modeltest"
)

// together runs n functions at once and returns their errors.
func together(n int, run func(i int) error) []error {
	errs := make([]error, n)
	var wait sync.WaitGroup
	for i := range n {
		wait.Go(func() { errs[i] = run(i) })
	}
	wait.Wait()
	return errs
}

func TestConcurrentMembers(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *model.Store) {
		org, d := contoso(t, s)
		var u []*model.User
		for i := range 16 {
			u = append(u, createUser(t, org, d, fmt.Sprint("user-", i)))
		}
		t.Run("of members added and removed at once none is lost", func(t *testing.T) {
			g := createGroup(t, org, d, "Engineers", u[:8]...)
			before := len(events(t, s, org))
			must(t, errors.Join(together(16, func(i int) error {
				op := model.RemoveMembers
				if i >= 8 {
					op = model.AddMembers
				}
				_, err := org.UpdateDirectoryGroup(t.Context(), d.ID, g.ID, unaltered, model.MembersChange{Op: op, UserIDs: ids(u[i])})
				return err
			})...))
			want := ids(u[8:]...)
			slices.Sort(want)
			if diff := cmp.Diff(want, membersOf(t, org, g)); diff != "" {
				t.Error(diff)
			}
			if after, err := org.DirectoryGroup(t.Context(), d.ID, g.ID); err != nil || after.Version != g.Version+16 {
				t.Error(after, err)
			}
			if n := len(events(t, s, org)) - before; n != 16 {
				t.Errorf("%d events", n)
			}
		})
		t.Run("the same group sent twice at once is created once, and once a conflict", func(t *testing.T) {
			for round := range 5 {
				errs := together(3, func(int) error {
					_, err := org.CreateDirectoryGroup(t.Context(), d.ID, map[string]any{"displayName": fmt.Sprint("Twins ", round)}, ids(u[:3]...))
					return err
				})
				errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
				if len(errs) != 2 {
					t.Errorf("%d of 3 failed", len(errs))
				}
				for _, err := range errs {
					wantKind(t, err, model.Conflict, "displayName")
				}
			}
		})
		t.Run("two requests that adopt the same users in another order both succeed", func(t *testing.T) {
			for round := range 5 {
				a := createUnowned(t, org, fmt.Sprint("a-", round, "@contoso.example"))
				b := createUnowned(t, org, fmt.Sprint("b-", round, "@contoso.example"))
				must(t, errors.Join(together(2, func(i int) error {
					members := [][]string{ids(a, b, u[0]), ids(u[0], b, a)}[i]
					_, err := org.CreateDirectoryGroup(t.Context(), d.ID, map[string]any{"displayName": fmt.Sprint("Adopters ", round, i)}, members)
					return err
				})...))
			}
		})
	})
}

// Groups change while their members are deleted: each request ends well or says
// that the user is gone, and nobody waits for anybody in a circle.
func TestNoDeadlockBetweenMembersAndDeletion(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *model.Store) {
		org, d := contoso(t, s)
		const rounds, groups = 6, 3
		for round := range rounds {
			var u []*model.User
			for i := range 6 {
				u = append(u, createUser(t, org, d, fmt.Sprint("user-", round, "-", i)))
			}
			var gs []*model.DirectoryGroup
			for i := range groups {
				gs = append(gs, createGroup(t, org, d, fmt.Sprint("group-", round, "-", i), u[:4]...))
			}
			run := []func() error{}
			for i, g := range gs {
				changes := [][]model.MembersChange{
					{{Op: model.RemoveMembers, UserIDs: ids(u[0], u[1])}, {Op: model.AddMembers, UserIDs: ids(u[1], u[0])}},
					{{Op: model.ReplaceMembers, UserIDs: ids(u[5], u[4], u[2])}},
					{{Op: model.AddMembers, UserIDs: ids(u[5], u[0], u[4])}},
				}[i]
				run = append(run, func() error {
					_, err := org.UpdateDirectoryGroup(t.Context(), d.ID, g.ID, unaltered, changes...)
					return err
				})
			}
			for _, gone := range u[:3] {
				run = append(run, func() error { return org.DeleteDirectoryUser(t.Context(), d.ID, gone.ID) })
			}
			run = append(run, func() error { return org.DeleteDirectoryGroup(t.Context(), d.ID, gs[round%groups].ID) })
			for i, err := range together(len(run), func(i int) error { return run[i]() }) {
				if kind := model.KindOf(err); err != nil && (i >= groups || kind != model.Invalid && kind != model.NotFound) {
					t.Errorf("request %d: %v", i, err)
				}
			}
			for _, gone := range u[:3] {
				if of, err := org.GroupsOf(t.Context(), gone.ID); err != nil || len(of) > 0 {
					t.Error(of, err)
				}
			}
		}
	})
}

// PostgreSQL ends one of two transactions that wait for each other. Whoever sent the request of that
// one is not told: it starts anew.
func TestDeadlockIsRetried(t *testing.T) {
	t.Parallel()
	db := modeltest.Postgres(t)
	// Who has waited so long looks whether it is in a circle, and is the one to be ended.
	db.URL += "&deadlock_timeout=3s"
	var counter modeltest.Statements
	s := modeltest.Open(t, db, counter.Options())
	org, d := contoso(t, s)
	inner, outer := createGroup(t, org, d, "inner"), createGroup(t, org, d, "outer")

	// Someone else locks the directory, and then the group: the other way round.
	other := model.Across(s, t.Context()).Begin()
	defer other.Rollback()
	must(t, other.Exec("SET LOCAL deadlock_timeout = '1min'").Error)
	must(t, other.Exec("SELECT 1 FROM directories WHERE id = ? FOR UPDATE", d.ID).Error)
	nested := make(chan error)
	var statements []string
	go func() {
		var err error
		statements = counter.During(func() {
			_, err = org.UpdateDirectoryGroup(t.Context(), d.ID, outer.ID, unaltered, model.MembersChange{Op: model.AddMembers, UserIDs: []string{inner.ID}})
		})
		nested <- err
	}()
	for waiting := 0; waiting == 0; {
		must(t, model.Across(s, t.Context()).Raw("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'").Scan(&waiting).Error)
	}
	must(t, other.Exec("UPDATE directory_groups SET external_id = 'x' WHERE id = ?", outer.ID).Error)
	must(t, other.Commit().Error)
	must(t, <-nested)
	if members := membersOf(t, org, outer); len(members) != 1 {
		t.Errorf("members %v", members)
	}
	updates := 0
	for _, q := range statements {
		if strings.HasPrefix(q, `UPDATE "directory_groups" SET`) {
			updates++
		}
	}
	if updates < 2 { // on a busy machine the circle may close again
		t.Errorf("the group was updated %d times, so that nothing was retried:\n%s", updates, strings.Join(statements, "\n"))
	}
}

func TestLargeGroup(t *testing.T) {
	t.Parallel()
	const size = 10_000
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		var counter modeltest.Statements
		s := modeltest.Open(t, db, counter.Options())
		org, d := contoso(t, s)
		everybody := fill(t, s, org, d, size)
		one := createUser(t, org, d, "one-more")
		small, large := createGroup(t, org, d, "Small"), createGroup(t, org, d, "Large")

		large = change(t, org, large, model.MembersChange{Op: model.AddMembers, UserIDs: everybody})
		if large.Version != 2 || len(membersOf(t, org, large)) != size {
			t.Fatalf("%d members, version %d", len(membersOf(t, org, large)), large.Version)
		}
		for _, c := range []model.MembersChange{
			{Op: model.AddMembers, UserIDs: ids(one)}, {Op: model.AddMembers, UserIDs: ids(one)}, {Op: model.RemoveMembers, UserIDs: ids(one)},
		} {
			count := func(g *model.DirectoryGroup) int {
				return len(counter.During(func() { change(t, org, g, c) }))
			}
			if few, many := count(small), count(large); few != many || many > 4 {
				t.Errorf("operation %d takes %d statements in an empty group, %d in a large one", c.Op, few, many)
			}
		}
		half := slices.Clone(everybody[:size/2])
		change(t, org, large, model.MembersChange{Op: model.ReplaceMembers, UserIDs: append(half, one.ID)})
		if n := len(membersOf(t, org, large)); n != size/2+1 {
			t.Errorf("%d members", n)
		}
	})
}

// fill adds n users to a directory at once, copies of the first of them, and returns their ids.
func fill(t testing.TB, s *model.Store, org *model.Org, d *model.Directory, n int) []string {
	t.Helper()
	first := createUser(t, org, d, "filler-0@contoso.example")
	// The ids of the others: the first one's beginning and a number of twelve digits.
	const others = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
	copied := func(table string, changed ...string) {
		var columns, values []string
		for _, of := range tables(t, s) {
			if of.name == table {
				columns = of.columns
			}
		}
		for _, c := range columns {
			switch {
			case c == "id" || c == "user_id":
				c = "substr(t." + c + ", 1, 24) || substr(CAST(1000000000000 + i AS text), 2)"
			case c == "created_at":
				c = "t.created_at + i"
			case slices.Contains(changed, c):
				c = "replace(t." + c + ", 'filler-0@', 'filler-' || i || '@')"
			default:
				c = "t." + c
			}
			values = append(values, c)
		}
		owner := "id"
		if table == "user_values" {
			owner = "user_id"
		}
		must(t, model.Across(s, t.Context()).Exec("INSERT INTO "+table+" ("+strings.Join(columns, ", ")+") "+others+
			" SELECT "+strings.Join(values, ", ")+" FROM "+table+" t CROSS JOIN n WHERE t."+owner+" = ?", n-1, first.ID).Error)
	}
	copied("users", "user_name", "user_name_folded", "external_id", "display_name", "display_name_folded", "email", "email_folded", "document")
	copied("user_values", "value_folded")
	all := []string{first.ID}
	for i := 1; i < n; i++ {
		all = append(all, first.ID[:24]+fmt.Sprintf("%012d", i))
	}
	return all
}
