package model_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/modeltest"
)

// suite is a house with one account that its connection is configured for, and a worker.
type suite struct {
	house
	clock   *modeltest.Clock
	account *model.Account
}

// eachSuite runs a test with an account of so many seats, without a limit below zero.
func eachSuite(t *testing.T, seats int64, test func(t *testing.T, h suite)) {
	t.Helper()
	clock := modeltest.NewClock()
	modeltest.EachWith(t, model.Options{Now: clock.Now}, func(t *testing.T, s *model.Store) {
		h := suite{house: open(t, s, "contoso"), clock: clock}
		first, _, err := h.org.Users(t.Context(), model.UserQuery{Email: h.mail("first"), Page: model.Page{Limit: 1}})
		must(t, err)
		must(t, h.org.DeleteUser(t.Context(), first[0].ID)) // who would have a seat
		h.account = h.newAccount(t, "Workspace", seats)
		must(t, h.org.SetConnectionAccounts(t.Context(), h.c.ID, []string{h.account.ID}))
		h.work(t)
		test(t, h)
	})
}

func (h suite) newAccount(t testing.TB, name string, seats int64) *model.Account {
	t.Helper()
	a := &model.Account{AccountFields: model.AccountFields{Name: name}}
	if seats >= 0 {
		a.Seats = &seats
	}
	must(t, h.org.CreateAccount(t.Context(), a))
	return a
}

func (h suite) newGroup(t testing.TB, name string, byDefault bool, mappings ...model.DirectoryGroupRef) *model.AccountGroup {
	t.Helper()
	g := &model.AccountGroup{AccountID: h.account.ID, AccountGroupFields: model.AccountGroupFields{
		Name: name, AssignByDefault: byDefault,
	}}
	for _, m := range mappings {
		g.Mappings = append(g.Mappings, model.GroupMapping{DirectoryGroupRef: m})
	}
	must(t, h.org.CreateAccountGroup(t.Context(), g))
	return g
}

func byName(name string) model.DirectoryGroupRef { return model.DirectoryGroupRef{Name: name} }

func byID(g *model.DirectoryGroup) model.DirectoryGroupRef {
	return model.DirectoryGroupRef{DirectoryGroupID: &g.ID}
}

// work carries out what is due, and tells how many changes that was.
func (h suite) work(t testing.TB) int {
	t.Helper()
	h.clock.Advance(3 * time.Second)
	n, err := model.NewRecomputer(h.s).RunOnce(t.Context())
	must(t, err)
	if r, err := h.org.Recompute(t.Context()); err == nil && r.State != model.RecomputeDone {
		t.Fatalf("the work is not done: %+v", r)
	}
	return n
}

// has is what a user has: "Workspace granted, Editors" and so on.
func (h suite) has(t testing.TB, u *model.User) string {
	t.Helper()
	var out []string
	ls, _, err := h.org.Licenses(t.Context(), model.LicenseQuery{UserID: u.ID, Page: model.Page{Limit: 100}})
	must(t, err)
	for _, l := range ls {
		a, err := h.org.Account(t.Context(), l.AccountID)
		must(t, err)
		out = append(out, fmt.Sprint(a.Name, " ", l.State, by(l.ByHand)))
	}
	as, _, err := h.org.GroupAssignments(t.Context(), model.AssignmentQuery{UserID: u.ID, Page: model.Page{Limit: 100}})
	must(t, err)
	for _, a := range as {
		g, err := h.org.AccountGroup(t.Context(), a.AccountID, a.GroupID)
		must(t, err)
		out = append(out, g.Name+by(a.ByHand))
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

func by(hand bool) string {
	if hand {
		return " (by hand)"
	}
	return ""
}

func (h suite) want(t testing.TB, u *model.User, want string) {
	t.Helper()
	if got := h.has(t, u); got != want {
		t.Errorf("%s has %q, want %q", u.UserName, got, want)
	}
}

// told are the license, group and role events since a mark, with their causes.
func (h suite) told(t testing.TB, since int) []string {
	t.Helper()
	out := []string{}
	for _, e := range feed(t, h.s, h.org)[since:] {
		var data struct {
			Cause     string `json:"cause"`
			LastAdmin bool   `json:"last_admin"`
		}
		must(t, json.Unmarshal([]byte(e.Data), &data))
		if strings.HasPrefix(string(e.Type), "license.") || strings.HasPrefix(string(e.Type), "group.") || e.Type == model.UserRoleChanged {
			line := fmt.Sprint(e.Type, " ", data.Cause)
			if data.LastAdmin {
				line += " last"
			}
			out = append(out, line)
		}
	}
	return out
}

func feed(t testing.TB, s *model.Store, org *model.Org) []model.Event {
	t.Helper()
	var all []model.Event
	page := model.Page{Ascending: true, Limit: 1000}
	for {
		es, info, err := s.Events(t.Context(), model.Everywhere(), model.EventQuery{OrganizationID: org.ID, Page: page})
		must(t, err)
		all = append(all, es...)
		if info.After == "" {
			return all
		}
		page.After = info.After
	}
}

func (h suite) mark(t testing.TB) int { t.Helper(); return len(feed(t, h.s, h.org)) }

func (h suite) enter(t testing.TB, name string, groups ...string) *model.User {
	t.Helper()
	claims := claimsOf(name, h.mail(name))
	claims.Groups = groups
	out, err := signIn(t, h.org, h.c, claims)
	must(t, err)
	return out.User
}

func TestLoginsEntitle(t *testing.T) {
	t.Parallel()
	eachSuite(t, -1, func(t *testing.T, h suite) {
		h.newGroup(t, "Everybody", true)
		h.newGroup(t, "Editors", false, byName("STAFF"), byName("Editors"))
		h.newGroup(t, "Viewers", false, byName("guests"))
		mark := h.mark(t)
		u := h.enter(t, "ada", "Staff", "editors", "Others")
		h.want(t, u, "Editors, Everybody, Workspace granted")
		if diff := cmp.Diff([]string{"license.granted sign_on", "group.assigned sign_on", "group.assigned sign_on"}, h.told(t, mark)); diff != "" {
			t.Error(diff)
		}
		mark = h.mark(t)
		h.enter(t, "ada", "editors")
		if told := h.told(t, mark); len(told) > 0 {
			t.Errorf("what stays is told again: %v", told)
		}
		claims := claimsOf("ada", h.mail("ada"))
		claims.Groups, claims.GroupsSent = nil, false
		_, err := signIn(t, h.org, h.c, claims)
		must(t, err)
		h.want(t, u, "Editors, Everybody, Workspace granted") // a missing claim keeps
		h.enter(t, "ada", "Guests")
		h.want(t, u, "Everybody, Viewers, Workspace granted")
		h.enter(t, "ada")
		h.want(t, u, "Everybody, Workspace granted") // an empty one strips

		other := connect(t, h.org)
		mark = h.mark(t)
		claims.Groups, claims.GroupsSent = []string{"Staff"}, true
		_, err = signIn(t, h.org, other, claims)
		must(t, err)
		h.want(t, u, "") // that connection is configured for no account
		if diff := cmp.Diff([]string{"group.unassigned sign_on", "license.revoked sign_on"}, sorted(h.told(t, mark))); diff != "" {
			t.Error(diff)
		}
		a, err := h.org.Account(t.Context(), h.account.ID)
		must(t, err)
		if a.SeatsUsed != 0 {
			t.Errorf("%d seats are in use", a.SeatsUsed)
		}
	})
}

func sorted(list []string) []string { slices.Sort(list); return list }

func TestDirectoriesEntitle(t *testing.T) {
	t.Parallel()
	eachSuite(t, -1, func(t *testing.T, h suite) {
		ctx := t.Context()
		inner := createGroup(t, h.org, h.d, "Inner")
		outer := nested(t, h.org, h.d, "Outer", inner.ID)
		staff := createGroup(t, h.org, h.d, "Staff")
		h.newGroup(t, "Editors", false, byID(staff))
		h.newGroup(t, "Outers", false, byName("outer"))
		h.work(t)
		u := createUser(t, h.org, h.d, h.mail("ada"))
		h.want(t, u, "Workspace granted") // the only active connection counts
		change := func(g *model.DirectoryGroup, op model.MembersOp, members ...string) {
			t.Helper()
			_, err := h.org.UpdateDirectoryGroup(ctx, h.d.ID, g.ID, unaltered, model.MembersChange{Op: op, UserIDs: members})
			must(t, err)
		}
		mark := h.mark(t)
		change(staff, model.AddMembers, u.ID)
		h.want(t, u, "Editors, Workspace granted")
		if diff := cmp.Diff([]string{"group.assigned directory"}, h.told(t, mark)); diff != "" {
			t.Error(diff)
		}
		change(inner, model.AddMembers, u.ID)
		h.want(t, u, "Editors, Outers, Workspace granted") // by way of another group
		change(outer, model.RemoveMembers, inner.ID)
		h.want(t, u, "Editors, Workspace granted")
		change(outer, model.AddMembers, inner.ID)
		h.want(t, u, "Editors, Outers, Workspace granted")
		rename := func(g *model.DirectoryGroup, name string) {
			t.Helper()
			_, err := h.org.UpdateDirectoryGroup(ctx, h.d.ID, g.ID, func(g *model.GroupDraft) error {
				return g.SetDocument(map[string]any{"displayName": name})
			})
			must(t, err)
		}
		rename(staff, "Crew")
		h.want(t, u, "Editors, Outers, Workspace granted") // mapped by its id
		rename(outer, "Outside")
		h.want(t, u, "Editors, Workspace granted") // mapped by its name
		rename(outer, "OUTER")
		h.want(t, u, "Editors, Outers, Workspace granted")

		// What a login says of a directory's user does not count.
		claims := claimsOf("x-"+h.mail("ada"), h.mail("ada"))
		claims.Groups = []string{"nothing"}
		_, err := signIn(t, h.org, h.c, claims)
		must(t, err)
		h.want(t, u, "Editors, Outers, Workspace granted")

		mark = h.mark(t)
		setState := func(active bool) {
			t.Helper()
			_, err := h.org.UpdateDirectoryUser(ctx, h.d.ID, u.ID, setActive(active))
			must(t, err)
		}
		setState(false)
		h.want(t, u, "")
		setState(true)
		h.want(t, u, "Editors, Outers, Workspace granted")
		must(t, h.org.DeleteDirectoryGroup(ctx, h.d.ID, staff.ID))
		h.want(t, u, "Outers, Workspace granted")
		must(t, h.org.DeleteDirectoryUser(ctx, h.d.ID, u.ID))
		want := []string{"group.unassigned directory", "group.unassigned directory", "license.revoked directory",
			"license.granted directory", "group.assigned directory", "group.assigned directory",
			"group.unassigned directory", "group.unassigned user_deleted", "license.revoked user_deleted"}
		if diff := cmp.Diff(sorted(want), sorted(h.told(t, mark))); diff != "" {
			t.Error(diff)
		}
		a, err := h.org.Account(ctx, h.account.ID)
		must(t, err)
		if a.SeatsUsed != 0 {
			t.Errorf("%d seats are in use", a.SeatsUsed)
		}
	})
}

func TestConfigurationEntitles(t *testing.T) {
	t.Parallel()
	eachSuite(t, -1, func(t *testing.T, h suite) {
		ctx := t.Context()
		ada, alan := h.enter(t, "ada", "Staff"), h.enter(t, "alan", "Others")
		grace := createUser(t, h.org, h.d, h.mail("grace"))
		staff := createGroup(t, h.org, h.d, "Staff", grace)
		step := func(what string, changes int, wants ...string) {
			t.Helper()
			if n := h.work(t); n != changes {
				t.Errorf("%s: %d changes, want %d", what, n, changes)
			}
			for i, u := range []*model.User{ada, alan, grace} {
				h.want(t, u, wants[i])
			}
			if n := h.work(t); n != 0 {
				t.Errorf("%s: %d changes the second time", what, n)
			}
		}
		g := h.newGroup(t, "Editors", false, byName("staff"))
		step("a mapping by name", 2, "Editors, Workspace granted", "Workspace granted", "Editors, Workspace granted")
		_, err := h.org.RemoveMapping(ctx, g.AccountID, g.ID, byName("STAFF"))
		must(t, err)
		_, err = h.org.AddMapping(ctx, g.AccountID, g.ID, byID(staff))
		must(t, err)
		step("a mapping by id", 1, "Workspace granted", "Workspace granted", "Editors, Workspace granted")
		_, err = h.org.UpdateAccountGroup(ctx, g.AccountID, g.ID, func(g *model.AccountGroupFields) error {
			g.AssignByDefault = true
			return nil
		})
		must(t, err)
		step("assign by default", 2, "Editors, Workspace granted", "Editors, Workspace granted", "Editors, Workspace granted")
		must(t, h.org.DeleteAccountGroup(ctx, g.AccountID, g.ID))
		step("without the group", 0, "Workspace granted", "Workspace granted", "Workspace granted")
		more := h.newAccount(t, "Laboratory", -1)
		must(t, h.org.SetConnectionAccounts(ctx, h.c.ID, []string{more.ID}))
		step("another account", 6, "Laboratory granted", "Laboratory granted", "Laboratory granted")
		must(t, h.org.DeleteAccount(ctx, more.ID))
		step("without the account", 0, "", "", "")
		must(t, h.org.SetConnectionAccounts(ctx, h.c.ID, []string{h.account.ID}))
		step("the account again", 3, "Workspace granted", "Workspace granted", "Workspace granted")
		second := connect(t, h.org)
		_, err = signIn(t, h.org, second, claimsOf("alan", h.mail("alan")))
		must(t, err)
		step("a second active connection", 1, "Workspace granted", "", "")
		must(t, h.org.DeleteConnection(ctx, second.ID))
		step("without the second connection", 2, "Workspace granted", "Workspace granted", "Workspace granted")
		must(t, h.org.DeleteDirectory(ctx, h.d.ID))
		step("without the directory", 1, "Workspace granted", "Workspace granted", "")
		must(t, h.org.DeleteConnection(ctx, h.c.ID))
		step("without any connection", 2, "", "", "")
	})
}
