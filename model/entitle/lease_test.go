package entitle_test

import (
	"fmt"
	"testing"
	"time"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/entitle"
	"rollcall/model/internal/storetest"
	"rollcall/model/people"
)

// One worker at a time carries out an organization's task. Each step gives it 30 seconds more, and
// after these another one goes on, as the first may have died.
func TestTasksAreOfOneWorkerForAWhile(t *testing.T) {
	t.Parallel()
	eachSuite(t, -1, func(t *testing.T, h storetest.Suite) {
		ctx, org := t.Context(), entitle.In(h.Org)
		u := h.Enter(t, "ada")
		h.NewGroup(t, "Everybody", true)
		h.Clock.Advance(3 * time.Second)
		mine := func(want bool) *entitle.Recompute {
			t.Helper()
			job, got, err := entitle.Claim(ctx, org)
			if err != nil || got != want {
				t.Fatalf("claimed %t, want %t: %v", got, want, err)
			}
			return job
		}
		job := mine(true)
		mine(false)
		h.Clock.Advance(29 * time.Second)
		mine(false)
		storetest.Must(t, entitle.RecomputeSome(ctx, org, job, []string{u.ID}))
		h.Clock.Advance(29 * time.Second)
		mine(false)
		h.Clock.Advance(time.Second)
		mine(true)
		if err := entitle.RecomputeSome(ctx, org, job, []string{u.ID}); err == nil {
			t.Error("two workers write one task")
		}
	})
}

// A round carries out the tasks of all organizations, one after the other.
func TestARoundIsForAllOrganizations(t *testing.T) {
	t.Parallel()
	eachSuite(t, -1, func(t *testing.T, h storetest.Suite) {
		all := []storetest.Suite{h}
		for _, name := range []string{"fabrikam", "northwind"} {
			other := storetest.Suite{House: storetest.Open(t, h.S, name), Clock: h.Clock}
			other.Account = other.NewAccount(t, "Workspace", -1)
			ids := []string{other.Account.ID}
			storetest.Must(t, entitle.In(other.Org).SetConnectionAccounts(t.Context(), other.C.ID, ids))
			all = append(all, other)
		}
		h.NewGroup(t, "Everybody", true)
		h.Work(t)
		for _, h := range all {
			if r, err := entitle.In(h.Org).Recompute(t.Context()); err != nil || r.State != entitle.RecomputeDone {
				t.Errorf("%s: %+v, %v", h.Domain, r, err)
			}
		}
	})
}

// A user's row tells the transactions that wait for it that licenses or groups have changed; those
// would else go on with what they read before.
func TestChangedUsersHaveANewVersion(t *testing.T) {
	t.Parallel()
	eachSuite(t, -1, func(t *testing.T, h storetest.Suite) {
		ctx := t.Context()
		us := []*people.User{h.Enter(t, "ada"), h.Enter(t, "grace")}
		version := func(u *people.User) int64 { return storetest.Stored(t, h.Org, u.ID).EntitlementVersion }
		lab := h.NewAccount(t, "Laboratory", -1)
		for _, c := range []struct {
			what     string
			accounts []string
			changes  bool
		}{
			{"another license", []string{h.Account.ID, lab.ID}, true},
			{"the same licenses", []string{lab.ID, h.Account.ID}, false},
			{"one license less", []string{lab.ID}, true},
		} {
			before := []int64{version(us[0]), version(us[1])}
			storetest.Must(t, entitle.In(h.Org).SetConnectionAccounts(ctx, h.C.ID, c.accounts))
			h.Work(t)
			for i, u := range us {
				if after := version(u); (after > before[i]) != c.changes {
					t.Errorf("%s: version %d, and %d before", c.what, after, before[i])
				}
			}
		}
	})
}

// An organization may have no rules at all, and is asked for them all the same.
func TestRulesOfAnOrganizationWithoutRules(t *testing.T) {
	t.Parallel()
	eachSuite(t, -1, func(t *testing.T, h storetest.Suite) {
		other := storetest.Open(t, h.S, "fabrikam")
		_, err := entitle.In(other.Org).Recompute(t.Context())
		storetest.WantKind(t, err, model.NotFound)
		storetest.Must(t, entitle.Rules(t.Context(), entitle.In(other.Org)))
	})
}

// A mapping is refused where everybody loses the role by it and nobody gains it. Licenses that
// change at the same time have no part in that.
func TestMappingsThatKeepAnAdministrator(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		next    []int // the people of the group that the mapping moves to
		license bool  // whether licenses are due to all at the same time
		want    model.Kind
	}{
		"one goes, one stays, one comes":      {[]int{1, 2}, false, 0},
		"all go, and one comes":               {[]int{2}, false, 0},
		"one stays":                           {[]int{0}, false, 0},
		"all go":                              {nil, false, model.Conflict},
		"all go, and everyone gets a license": {nil, true, model.Conflict},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachSuite(t, -1, func(t *testing.T, h storetest.Suite) {
				var us, next []*people.User
				for i := range 3 {
					us = append(us, storetest.CreateUser(t, h.Org, h.D, h.Mail(fmt.Sprint("person-", i))))
				}
				for _, i := range c.next {
					next = append(next, us[i])
				}
				chiefs := storetest.CreateGroup(t, h.Org, h.D, "Chiefs", us[:2]...)
				heads := storetest.CreateGroup(t, h.Org, h.D, "Heads", next...)
				_, err := entitle.In(h.Org).SetRoleMapping(t.Context(), storetest.ByID(chiefs))
				storetest.Must(t, err)
				h.Work(t)
				if c.license {
					ids := []string{h.Account.ID, h.NewAccount(t, "Laboratory", -1).ID}
					storetest.Must(t, entitle.In(h.Org).SetConnectionAccounts(t.Context(), h.C.ID, ids))
				}
				_, err = entitle.In(h.Org).SetRoleMapping(t.Context(), storetest.ByID(heads))
				if model.KindOf(err) != c.want || c.want == 0 && err != nil {
					t.Errorf("%v", err)
				}
			})
		})
	}
}

// What an organization may have is limited to a number, which it may reach.
func TestAsManyAsMayBe(t *testing.T) {
	t.Parallel()
	eachSuite(t, -1, func(t *testing.T, h storetest.Suite) {
		ctx, org := t.Context(), entitle.In(h.Org)
		group := h.NewGroup(t, "Mapped", false)
		var accounts []entitle.Account
		for i := range entitle.MaxAccounts - 2 {
			name := fmt.Sprint("account-", i)
			accounts = append(accounts, entitle.Account{ID: storetest.NewID(), NameFolded: name,
				AccountFields: entitle.AccountFields{Name: name}})
		}
		var groups []entitle.AccountGroup
		for i := range entitle.MaxGroups - 2 {
			name := fmt.Sprint("group-", i)
			groups = append(groups, entitle.AccountGroup{ID: storetest.NewID(), AccountID: h.Account.ID,
				NameFolded: name, AccountGroupFields: entitle.AccountGroupFields{Name: name, Permissions: []string{}}})
		}
		var mappings []entitle.GroupMapping
		for i := range entitle.MaxMappings - 1 {
			ref := storetest.ByName(fmt.Sprint("group-", i))
			ref.NameFolded = ref.Name
			mappings = append(mappings, entitle.GroupMapping{ID: storetest.NewID(), GroupID: group.ID,
				DirectoryGroupRef: ref})
		}
		for _, rows := range []any{accounts, groups, mappings} {
			storetest.Must(t, storetest.Within(h.Org, ctx).CreateInBatches(rows, 100).Error)
		}
		for what, add := range map[string]func(name string) error{
			"accounts": func(name string) error {
				return org.CreateAccount(ctx, &entitle.Account{AccountFields: entitle.AccountFields{Name: name}})
			},
			"groups": func(name string) error {
				return org.CreateAccountGroup(ctx, &entitle.AccountGroup{AccountID: h.Account.ID,
					AccountGroupFields: entitle.AccountGroupFields{Name: name}})
			},
			"mappings": func(name string) error {
				_, err := org.AddMapping(ctx, group.AccountID, group.ID, storetest.ByName(name))
				return err
			},
		} {
			if err := add("the last one"); err != nil {
				t.Errorf("%s: %v", what, err)
			}
			if err := add("one too many"); model.KindOf(err) != model.Conflict {
				t.Errorf("%s: %v", what, err)
			}
		}
	})
}

// A change of a group is carried out at once for up to 500 people, and by the worker where they are
// more. Either way nobody is left without what the group gives.
func TestLargeGroupsAreLeftToTheWorker(t *testing.T) {
	t.Parallel()
	for size, worker := range map[int]bool{500: false, 501: true} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			eachSuite(t, -1, func(t *testing.T, h storetest.Suite) {
				ctx := t.Context()
				mapped := h.NewGroup(t, "Editors", false, storetest.ByName("staff"))
				h.Work(t)
				g := storetest.CreateGroup(t, h.Org, h.D, "Others")
				storetest.Crowd(t, h.Org, g, size)
				_, err := directory.Of(h.Org, h.D.ID).UpdateGroup(ctx, g.ID, func(g *directory.GroupDraft) error {
					return g.SetDocument(map[string]any{"displayName": "Staff"})
				})
				storetest.Must(t, err)
				have := func() (n int64) {
					t.Helper()
					db := storetest.Within(h.Org, ctx).Model(&entitle.GroupAssignment{})
					storetest.Must(t, db.Where("group_id = ?", mapped.ID).Count(&n).Error)
					return n
				}
				if n := have(); (n == int64(size)) == worker || worker && n != 0 {
					t.Errorf("%d of %d have it at once", n, size)
				}
				r, err := entitle.In(h.Org).Recompute(ctx)
				if err != nil || (r.State != entitle.RecomputeDone) != worker {
					t.Errorf("%+v: %v", r, err)
				}
				h.Work(t)
				if n := have(); n != int64(size) {
					t.Errorf("%d of %d have it in the end", n, size)
				}
			})
		})
	}
}
