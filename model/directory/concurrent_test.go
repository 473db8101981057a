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

func TestConcurrentMembers(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		org, d := storetest.Contoso(t, s)
		var u []*people.User
		for i := range 16 {
			u = append(u, storetest.CreateUser(t, org, d, fmt.Sprint("user-", i)))
		}
		t.Run("of members added and removed at once none is lost", func(t *testing.T) {
			g := storetest.CreateGroup(t, org, d, "Engineers", u[:8]...)
			before := len(storetest.Events(t, s, org))
			storetest.Must(t, errors.Join(storetest.Together(16, func(i int) error {
				op := directory.RemoveMembers
				if i >= 8 {
					op = directory.AddMembers
				}
				_, err := directory.Of(org, d.ID).UpdateGroup(t.Context(), g.ID, storetest.Unaltered,
					directory.MembersChange{Op: op, UserIDs: storetest.Ids(u[i])})
				return err
			})...))
			want := storetest.Ids(u[8:]...)
			slices.Sort(want)
			if diff := cmp.Diff(want, membersOf(t, org, g)); diff != "" {
				t.Error(diff)
			}
			if after, err := directory.Of(org, d.ID).Group(t.Context(), g.ID); err != nil ||
				after.Version != g.Version+16 {
				t.Error(after, err)
			}
			if n := len(storetest.Events(t, s, org)) - before; n != 16 {
				t.Errorf("%d events", n)
			}
		})
		t.Run("the same group sent twice at once is created once, and once a conflict", func(t *testing.T) {
			for round := range 5 {
				errs := storetest.Together(3, func(int) error {
					_, err := directory.Of(org, d.ID).CreateGroup(t.Context(),
						map[string]any{"displayName": fmt.Sprint("Twins ", round)}, storetest.Ids(u[:3]...))
					return err
				})
				errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
				if len(errs) != 2 {
					t.Errorf("%d of 3 failed", len(errs))
				}
				for _, err := range errs {
					storetest.WantKind(t, err, model.Conflict, "displayName")
				}
			}
		})
		t.Run("two requests that adopt the same users in another order both succeed", func(t *testing.T) {
			for round := range 5 {
				a := storetest.CreateUnowned(t, org, fmt.Sprint("a-", round, "@contoso.example"))
				b := storetest.CreateUnowned(t, org, fmt.Sprint("b-", round, "@contoso.example"))
				storetest.Must(t, errors.Join(storetest.Together(2, func(i int) error {
					members := [][]string{storetest.Ids(a, b, u[0]), storetest.Ids(u[0], b, a)}[i]
					_, err := directory.Of(org, d.ID).CreateGroup(t.Context(),
						map[string]any{"displayName": fmt.Sprint("Adopters ", round, i)}, members)
					return err
				})...))
			}
		})
	})
}

// Groups change while their members are deleted: each request succeeds or answers that the user
// does not exist, and no two transactions deadlock.
func TestNoDeadlockBetweenMembersAndDeletion(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		org, d := storetest.Contoso(t, s)
		const rounds, groups = 6, 3
		for round := range rounds {
			var u []*people.User
			for i := range 6 {
				u = append(u, storetest.CreateUser(t, org, d, fmt.Sprint("user-", round, "-", i)))
			}
			var gs []*people.DirectoryGroup
			for i := range groups {
				gs = append(gs, storetest.CreateGroup(t, org, d, fmt.Sprint("group-", round, "-", i), u[:4]...))
			}
			run := []func() error{}
			for i, g := range gs {
				changes := [][]directory.MembersChange{
					{
						{Op: directory.RemoveMembers, UserIDs: storetest.Ids(u[0], u[1])},
						{Op: directory.AddMembers, UserIDs: storetest.Ids(u[1], u[0])},
					},
					{{Op: directory.ReplaceMembers, UserIDs: storetest.Ids(u[5], u[4], u[2])}},
					{{Op: directory.AddMembers, UserIDs: storetest.Ids(u[5], u[0], u[4])}},
				}[i]
				run = append(run, func() error {
					_, err := directory.Of(org, d.ID).UpdateGroup(t.Context(), g.ID, storetest.Unaltered, changes...)
					return err
				})
			}
			for _, gone := range u[:3] {
				run = append(run, func() error { return directory.Of(org, d.ID).DeleteUser(t.Context(), gone.ID) })
			}
			run = append(run, func() error {
				return directory.Of(org, d.ID).DeleteGroup(t.Context(), gs[round%groups].ID)
			})
			for i, err := range storetest.Together(len(run), func(i int) error { return run[i]() }) {
				kind := model.KindOf(err)
				if err != nil && (i >= groups || kind != model.Invalid && kind != model.NotFound) {
					t.Errorf("request %d: %v", i, err)
				}
			}
			for _, gone := range u[:3] {
				if of, err := people.In(org).GroupsOf(t.Context(), gone.ID); err != nil || len(of) > 0 {
					t.Error(of, err)
				}
			}
		}
	})
}

// PostgreSQL aborts one of two transactions in a deadlock. Its request gets no error: the
// transaction starts again.
func TestDeadlockIsRetried(t *testing.T) {
	t.Parallel()
	db := modeltest.Postgres(t)
	// After this wait a transaction checks for a deadlock, and PostgreSQL aborts one of the two.
	db.URL += "&deadlock_timeout=3s"
	var counter modeltest.Statements
	s := modeltest.Open(t, db, counter.Options())
	org, d := storetest.Contoso(t, s)
	inner, outer := storetest.CreateGroup(t, org, d, "inner"), storetest.CreateGroup(t, org, d, "outer")

	// Someone else locks the directory, and then the group: the other way round.
	other := storetest.Across(s, t.Context()).Begin()
	defer other.Rollback()
	storetest.Must(t, other.Exec("SET LOCAL deadlock_timeout = '1min'").Error)
	storetest.Must(t, other.Exec("SELECT 1 FROM directories WHERE id = ? FOR UPDATE", d.ID).Error)
	nested := make(chan error)
	var statements []string
	go func() {
		var err error
		statements = counter.During(func() {
			_, err = directory.Of(org, d.ID).UpdateGroup(t.Context(), outer.ID, storetest.Unaltered,
				directory.MembersChange{Op: directory.AddMembers, UserIDs: []string{inner.ID}})
		})
		nested <- err
	}()
	for waiting := 0; waiting == 0; {
		storetest.Must(t, storetest.Across(s, t.Context()).Raw("SELECT count(*) FROM pg_stat_activity WHERE datname = "+
			"current_database() AND wait_event_type = 'Lock'").Scan(&waiting).Error)
	}
	storetest.Must(t, other.Exec("UPDATE directory_groups SET external_id = 'x' WHERE id = ?", outer.ID).Error)
	storetest.Must(t, other.Commit().Error)
	storetest.Must(t, <-nested)
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
		t.Errorf("the group was updated %d times, so that nothing was retried:\n%s", updates,
			strings.Join(statements, "\n"))
	}
}

func TestLargeGroup(t *testing.T) {
	t.Parallel()
	const size = 4_000 // more than one INSERT holds
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		var counter modeltest.Statements
		s := modeltest.Open(t, db, counter.Options())
		org, d := storetest.Contoso(t, s)
		everybody := storetest.Fill(t, s, org, d, size)
		one := storetest.CreateUser(t, org, d, "one-more")
		small, large := storetest.CreateGroup(t, org, d, "Small"), storetest.CreateGroup(t, org, d, "Large")

		large = storetest.Change(t, org, large, directory.MembersChange{Op: directory.AddMembers, UserIDs: everybody})
		if large.Version != 2 || len(membersOf(t, org, large)) != size {
			t.Fatalf("%d members, version %d", len(membersOf(t, org, large)), large.Version)
		}
		for _, c := range []directory.MembersChange{
			{Op: directory.AddMembers, UserIDs: storetest.Ids(one)},
			{Op: directory.AddMembers, UserIDs: storetest.Ids(one)},
			{Op: directory.RemoveMembers, UserIDs: storetest.Ids(one)},
		} {
			count := func(g *people.DirectoryGroup) int {
				return len(counter.During(func() { storetest.Change(t, org, g, c) }))
			}
			if few, many := count(small), count(large); few != many || many > 4 {
				t.Errorf("operation %d takes %d statements in an empty group, %d in a large one", c.Op, few, many)
			}
		}
		half := slices.Clone(everybody[:size/2])
		storetest.Change(t, org, large,
			directory.MembersChange{Op: directory.ReplaceMembers, UserIDs: append(half, one.ID)})
		if n := len(membersOf(t, org, large)); n != size/2+1 {
			t.Errorf("%d members", n)
		}
	})
}
