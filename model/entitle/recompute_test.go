package entitle_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/directory"
	"rollcall/model/entitle"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/people"
	"rollcall/model/signon"
	"rollcall/model/store"
)

// eachSuite runs a test on both databases, with an organization whose connection is configured for
// one account. The account has so many seats, or no limit where seats is below zero.
func eachSuite(t *testing.T, seats int64, test func(t *testing.T, h storetest.Suite)) {
	t.Helper()
	clock := modeltest.NewClock()
	modeltest.EachWith(t, store.Options{Now: clock.Now}, func(t *testing.T, s *store.Store) {
		h := storetest.Suite{House: storetest.Open(t, s, "contoso"), Clock: clock}
		// The user whose login made the connection active would have a seat.
		storetest.Must(t, directory.In(h.Org).DeleteUser(t.Context(), firstUser(t, h).ID))
		h.Account = h.NewAccount(t, "Workspace", seats)
		storetest.Must(t, entitle.In(h.Org).SetConnectionAccounts(t.Context(), h.C.ID, []string{h.Account.ID}))
		h.Work(t)
		test(t, h)
	})
}

// firstUser returns the user whose login made the connection active.
func firstUser(t *testing.T, h storetest.Suite) *people.User {
	t.Helper()
	query := people.UserQuery{Email: h.Mail("first"), Page: model.Page{Limit: 1}}
	first, _, err := people.In(h.Org).Users(t.Context(), query)
	storetest.Must(t, err)
	return &first[0]
}

// wantTold checks which events of licenses, groups and roles were recorded since a mark.
func wantTold(t *testing.T, h storetest.Suite, mark int, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, h.Told(t, mark)); diff != "" {
		t.Error(diff)
	}
}

// wantToldInAnyOrder is wantTold where the order does not matter.
func wantToldInAnyOrder(t *testing.T, h storetest.Suite, mark int, want ...string) {
	t.Helper()
	told := h.Told(t, mark)
	slices.Sort(told)
	slices.Sort(want)
	if diff := cmp.Diff(want, told); diff != "" {
		t.Error(diff)
	}
}

func TestLoginsEntitle(t *testing.T) {
	t.Parallel()
	eachSuite(t, -1, func(t *testing.T, h storetest.Suite) {
		h.NewGroup(t, "Everybody", true)
		h.NewGroup(t, "Editors", false, storetest.ByName("STAFF"), storetest.ByName("Editors"))
		h.NewGroup(t, "Viewers", false, storetest.ByName("guests"))
		mark := h.Mark(t)
		u := h.Enter(t, "ada", "Staff", "editors", "Others")
		h.Want(t, u, "Editors, Everybody, Workspace granted")
		wantTold(t, h, mark, "license.granted sign_on", "group.assigned sign_on", "group.assigned sign_on")
		mark = h.Mark(t)
		h.Enter(t, "ada", "editors")
		if told := h.Told(t, mark); len(told) > 0 {
			t.Errorf("events about what stays: %v", told)
		}
		claims := storetest.ClaimsOf("ada", h.Mail("ada"))
		claims.Groups, claims.GroupsSent = nil, false
		_, err := storetest.SignIn(t, h.Org, h.C, claims)
		storetest.Must(t, err)
		h.Want(t, u, "Editors, Everybody, Workspace granted") // without the claim, the groups stay
		h.Enter(t, "ada", "Guests")
		h.Want(t, u, "Everybody, Viewers, Workspace granted")
		h.Enter(t, "ada")
		h.Want(t, u, "Everybody, Workspace granted") // an empty claim takes them away

		other := storetest.Connect(t, h.Org)
		mark = h.Mark(t)
		claims.Groups, claims.GroupsSent = []string{"Staff"}, true
		_, err = storetest.SignIn(t, h.Org, other, claims)
		storetest.Must(t, err)
		h.Want(t, u, "") // the other connection is configured for no account
		wantToldInAnyOrder(t, h, mark, "group.unassigned sign_on", "license.revoked sign_on")
		a, err := entitle.In(h.Org).Account(t.Context(), h.Account.ID)
		storetest.Must(t, err)
		if a.SeatsUsed != 0 {
			t.Errorf("%d seats are in use", a.SeatsUsed)
		}
	})
}

func TestDirectoriesEntitle(t *testing.T) {
	t.Parallel()
	eachSuite(t, -1, func(t *testing.T, h storetest.Suite) {
		ctx := t.Context()
		inner := storetest.CreateGroup(t, h.Org, h.D, "Inner")
		outer := storetest.Nested(t, h.Org, h.D, "Outer", inner.ID)
		staff := storetest.CreateGroup(t, h.Org, h.D, "Staff")
		h.NewGroup(t, "Editors", false, storetest.ByID(staff))
		h.NewGroup(t, "Outers", false, storetest.ByName("outer"))
		h.Work(t)
		u := storetest.CreateUser(t, h.Org, h.D, h.Mail("ada"))
		h.Want(t, u, "Workspace granted") // the only active connection counts
		change := func(g *people.DirectoryGroup, op directory.MembersOp, members ...string) {
			t.Helper()
			storetest.Change(t, h.Org, g, directory.MembersChange{Op: op, UserIDs: members})
		}
		mark := h.Mark(t)
		change(staff, directory.AddMembers, u.ID)
		h.Want(t, u, "Editors, Workspace granted")
		wantTold(t, h, mark, "group.assigned directory")
		change(inner, directory.AddMembers, u.ID)
		h.Want(t, u, "Editors, Outers, Workspace granted") // by way of another group
		change(outer, directory.RemoveMembers, inner.ID)
		h.Want(t, u, "Editors, Workspace granted")
		change(outer, directory.AddMembers, inner.ID)
		h.Want(t, u, "Editors, Outers, Workspace granted")
		rename := func(g *people.DirectoryGroup, name string) {
			t.Helper()
			_, err := directory.Of(h.Org, h.D.ID).UpdateGroup(ctx, g.ID, func(g *directory.GroupDraft) error {
				return g.SetDocument(map[string]any{"displayName": name})
			})
			storetest.Must(t, err)
		}
		rename(staff, "Crew")
		h.Want(t, u, "Editors, Outers, Workspace granted") // mapped by its id
		rename(outer, "Outside")
		h.Want(t, u, "Editors, Workspace granted") // mapped by its name
		rename(outer, "OUTER")
		h.Want(t, u, "Editors, Outers, Workspace granted")

		// A login does not change the groups of a user that a directory owns.
		claims := storetest.ClaimsOf("x-"+h.Mail("ada"), h.Mail("ada"))
		claims.Groups = []string{"nothing"}
		_, err := storetest.SignIn(t, h.Org, h.C, claims)
		storetest.Must(t, err)
		h.Want(t, u, "Editors, Outers, Workspace granted")

		mark = h.Mark(t)
		setState := func(active bool) {
			t.Helper()
			_, err := directory.Of(h.Org, h.D.ID).UpdateUser(ctx, u.ID, storetest.SetActive(active))
			storetest.Must(t, err)
		}
		setState(false)
		h.Want(t, u, "")
		setState(true)
		h.Want(t, u, "Editors, Outers, Workspace granted")
		storetest.Must(t, directory.Of(h.Org, h.D.ID).DeleteGroup(ctx, staff.ID))
		h.Want(t, u, "Outers, Workspace granted")
		storetest.Must(t, directory.Of(h.Org, h.D.ID).DeleteUser(ctx, u.ID))
		wantToldInAnyOrder(t, h, mark,
			"group.unassigned directory", "group.unassigned directory", "license.revoked directory",
			"license.granted directory", "group.assigned directory", "group.assigned directory",
			"group.unassigned directory", "group.unassigned user_deleted", "license.revoked user_deleted")
		a, err := entitle.In(h.Org).Account(ctx, h.Account.ID)
		storetest.Must(t, err)
		if a.SeatsUsed != 0 {
			t.Errorf("%d seats are in use", a.SeatsUsed)
		}
	})
}

func TestConfigurationEntitles(t *testing.T) {
	t.Parallel()
	eachSuite(t, -1, func(t *testing.T, h storetest.Suite) {
		ctx := t.Context()
		ada, alan := h.Enter(t, "ada", "Staff"), h.Enter(t, "alan", "Others")
		grace := storetest.CreateUser(t, h.Org, h.D, h.Mail("grace"))
		staff := storetest.CreateGroup(t, h.Org, h.D, "Staff", grace)
		step := func(what string, changes int, wants ...string) {
			t.Helper()
			if n := h.Work(t); n != changes {
				t.Errorf("%s: %d changes, want %d", what, n, changes)
			}
			for i, u := range []*people.User{ada, alan, grace} {
				h.Want(t, u, wants[i])
			}
			if n := h.Work(t); n != 0 {
				t.Errorf("%s: %d changes the second time", what, n)
			}
		}
		g := h.NewGroup(t, "Editors", false, storetest.ByName("staff"))
		step("a mapping by name", 2, "Editors, Workspace granted", "Workspace granted", "Editors, Workspace granted")
		_, err := entitle.In(h.Org).RemoveMapping(ctx, g.AccountID, g.ID, storetest.ByName("STAFF"))
		storetest.Must(t, err)
		_, err = entitle.In(h.Org).AddMapping(ctx, g.AccountID, g.ID, storetest.ByID(staff))
		storetest.Must(t, err)
		step("a mapping by id", 1, "Workspace granted", "Workspace granted", "Editors, Workspace granted")
		byDefault := func(g *entitle.AccountGroupFields) error { g.AssignByDefault = true; return nil }
		_, err = entitle.In(h.Org).UpdateAccountGroup(ctx, g.AccountID, g.ID, byDefault)
		storetest.Must(t, err)
		all := "Editors, Workspace granted"
		step("assign by default", 2, all, all, all)
		storetest.Must(t, entitle.In(h.Org).DeleteAccountGroup(ctx, g.AccountID, g.ID))
		step("without the group", 0, "Workspace granted", "Workspace granted", "Workspace granted")
		more := h.NewAccount(t, "Laboratory", -1)
		storetest.Must(t, entitle.In(h.Org).SetConnectionAccounts(ctx, h.C.ID, []string{more.ID}))
		step("another account", 6, "Laboratory granted", "Laboratory granted", "Laboratory granted")
		storetest.Must(t, entitle.In(h.Org).DeleteAccount(ctx, more.ID))
		step("without the account", 0, "", "", "")
		storetest.Must(t, entitle.In(h.Org).SetConnectionAccounts(ctx, h.C.ID, []string{h.Account.ID}))
		step("the account again", 3, "Workspace granted", "Workspace granted", "Workspace granted")
		second := storetest.Connect(t, h.Org)
		_, err = storetest.SignIn(t, h.Org, second, storetest.ClaimsOf("alan", h.Mail("alan")))
		storetest.Must(t, err)
		step("a second active connection", 1, "Workspace granted", "", "")
		storetest.Must(t, connection.In(h.Org).DeleteConnection(ctx, second.ID))
		step("without the second connection", 2, "Workspace granted", "Workspace granted", "Workspace granted")
		storetest.Must(t, directory.In(h.Org).DeleteDirectory(ctx, h.D.ID))
		step("without the directory", 1, "Workspace granted", "Workspace granted", "")
		storetest.Must(t, connection.In(h.Org).DeleteConnection(ctx, h.C.ID))
		step("without any connection", 2, "", "", "")
	})
}

// What rules cost a request, counted in statements at the driver.
func TestEntitlementStatements(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		var counter modeltest.Statements
		clock := modeltest.NewClock()
		options := counter.Options()
		options.Now = clock.Now
		s := modeltest.Open(t, db, options)
		h := storetest.Suite{House: storetest.Open(t, s, "contoso"), Clock: clock}
		h.Account = h.NewAccount(t, "Workspace", 100)
		h.NewGroup(t, "Editors", true)
		storetest.Must(t, entitle.In(h.Org).SetConnectionAccounts(t.Context(), h.C.ID, []string{h.Account.ID}))
		h.Work(t)
		h.Enter(t, "ada", "Staff")
		in := func(name string) signon.SignIn {
			return storetest.Response(h.C, storetest.Begin(t, h.Org, h.C), storetest.ClaimsOf(name, h.Mail(name)))
		}
		again, create := in("ada"), in("new")
		u := storetest.CreateUser(t, h.Org, h.D, h.Mail("grace"))
		g := storetest.CreateGroup(t, h.Org, h.D, "Staff")
		for _, c := range []struct {
			what string
			most int
			run  func() error
		}{
			{"a login that changes nothing", 16, func() error {
				_, err := signon.In(h.Org).SignIn(t.Context(), again)
				return err
			}},
			{"a login that gives a license and a group", 30, func() error {
				_, err := signon.In(h.Org).SignIn(t.Context(), create)
				return err
			}},
			{"a new user, who gets both", 15, func() error {
				_, err := directory.Of(h.Org, h.D.ID).CreateUser(t.Context(), storetest.Person(h.Mail("alan")))
				return err
			}},
			{"a new member, who gets nothing", 9, func() error {
				storetest.Change(t, h.Org, g, directory.MembersChange{UserIDs: storetest.Ids(u)})
				return nil
			}},
		} {
			t.Run(c.what, func(t *testing.T) {
				var err error
				got := counter.During(func() { err = c.run() })
				storetest.Must(t, err)
				if len(got) > c.most || len(got) == 0 {
					t.Errorf("%d statements, %d at most:\n%s", len(got), c.most, strings.Join(got, "\n"))
				}
				t.Logf("%s: %d statements", c.what, len(got))
			})
		}
	})
}
