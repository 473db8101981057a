package entitle_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/directory"
	"rollcall/model/entitle"
	"rollcall/model/internal/storetest"
	"rollcall/model/organization"
	"rollcall/model/people"
	"rollcall/model/signon"
)

// The statement that compares all users with the rules agrees with the Go code that decides. Once a
// proposal is carried out, exactly what its preview said has changed, and the Go code finds nothing
// to change for any user, whether or not the statement named the user.
func TestComparisonAgreesWithRules(t *testing.T) {
	t.Parallel()
	const rounds, population = 12, 30
	eachSuite(t, -1, func(t *testing.T, h storetest.Suite) {
		ctx := t.Context()
		r := rand.New(rand.NewPCG(5, 6))
		connections := []*connection.Connection{h.C, storetest.Connect(t, h.Org)}
		accounts := []*entitle.Account{h.Account, h.NewAccount(t, "Second", 8), h.NewAccount(t, "Third", -1)}
		var dgroups []*people.DirectoryGroup
		for i := range 4 {
			dgroups = append(dgroups, storetest.CreateGroup(t, h.Org, h.D, fmt.Sprint("D", i)))
		}
		storetest.Nested(t, h.Org, h.D, "D4", dgroups[0].ID)
		var groups []*entitle.AccountGroup
		for i := range 5 {
			a := accounts[i%3]
			fields := entitle.AccountGroupFields{Name: fmt.Sprint("G", i)}
			g := &entitle.AccountGroup{AccountID: a.ID, AccountGroupFields: fields}
			storetest.Must(t, entitle.In(h.Org).CreateAccountGroup(ctx, g))
			groups = append(groups, g)
		}
		for i := range population {
			createRandomUser(t, h, r, i, connections, dgroups)
		}
		for round := range rounds {
			manual := round%3 < 2
			h.Settings(t, func(s *organization.Settings) { s.AllowManualAssignments = manual })
			h.Work(t)
			if manual {
				assignByHand(t, h, r, accounts, groups)
			}
			p := randomProposal(r, connections, accounts, groups, dgroups)
			before, err := entitle.In(h.Org).Preview(ctx, p, "", 1000)
			storetest.Must(t, err)
			had := h.Everything(t)
			apply(t, h, p)
			h.Work(t)
			now := h.Everything(t)
			for _, c := range before.Changes {
				want := had[c.UserID].After(c)
				if diff := cmp.Diff(want, now[c.UserID]); diff != "" {
					t.Fatalf("round %d: the preview of %s (-preview +carried out):\n%s", round, c.Email, diff)
				}
				delete(had, c.UserID)
			}
			changed, err := entitle.RecomputeUsers(ctx, entitle.In(h.Org), slices.Sorted(maps.Keys(now)))
			if err != nil || changed != 0 {
				t.Fatalf("round %d: the statement has missed changes of %d users: %v", round, changed, err)
			}
			for id, stays := range had {
				if diff := cmp.Diff(stays, now[id]); diff != "" {
					t.Fatalf("round %d: not in the preview:\n%s", round, diff)
				}
			}
			if again, err := entitle.In(h.Org).Preview(ctx, p, "", 10); err != nil || again.Users != 0 {
				t.Fatalf("round %d: it would change %d users again: %v", round, again.Users, err)
			}
		}
	})
}

// createRandomUser creates a user, by SCIM with random groups or by a login that names some.
func createRandomUser(
	t *testing.T, h storetest.Suite, r *rand.Rand, i int,
	connections []*connection.Connection, dgroups []*people.DirectoryGroup,
) {
	t.Helper()
	name := fmt.Sprint("p", i)
	if r.IntN(2) == 0 {
		u := storetest.CreateUser(t, h.Org, h.D, h.Mail(name))
		for _, g := range dgroups {
			if r.IntN(3) == 0 {
				storetest.Change(t, h.Org, g, directory.MembersChange{UserIDs: storetest.Ids(u)})
			}
		}
		if r.IntN(3) == 0 { // the groups of this login do not count
			claims := storetest.ClaimsOf("x-"+name, h.Mail(name))
			claims.Groups = []string{"d0", "d1", "d2", "d3", "d4"}
			signIn(t, h, connections[r.IntN(2)], claims)
		}
		if r.IntN(5) == 0 {
			_, err := directory.Of(h.Org, h.D.ID).UpdateUser(t.Context(), u.ID, storetest.SetActive(false))
			storetest.Must(t, err)
		}
		return
	}
	claims := storetest.ClaimsOf(name, h.Mail(name))
	claims.Groups = []string{}
	for range r.IntN(6) {
		claims.Groups = append(claims.Groups, fmt.Sprint("d", r.IntN(5)))
	}
	signIn(t, h, connections[r.IntN(2)], claims)
}

// signIn signs a user in by a connection as it is now.
func signIn(t *testing.T, h storetest.Suite, c *connection.Connection, claims signon.Claims) {
	t.Helper()
	c, err := connection.In(h.Org).Connection(t.Context(), c.ID)
	storetest.Must(t, err)
	_, err = storetest.SignIn(t, h.Org, c, claims)
	storetest.Must(t, err)
}

// assignByHand gives a random license and a random place in a group to some users, as far as they
// may have them.
func assignByHand(
	t *testing.T, h storetest.Suite, r *rand.Rand, accounts []*entitle.Account, groups []*entitle.AccountGroup,
) {
	t.Helper()
	ids := slices.Sorted(maps.Keys(h.Everything(t)))
	for range 5 {
		id, g := ids[r.IntN(len(ids))], groups[r.IntN(len(groups))]
		_, err := entitle.In(h.Org).AssignLicense(t.Context(), id, accounts[r.IntN(len(accounts))].ID)
		if err != nil && model.KindOf(err) != model.Full {
			t.Fatal(err)
		}
		_, err = entitle.In(h.Org).AssignGroup(t.Context(), g.AccountID, g.ID, id)
		if err != nil && model.KindOf(err) != model.Conflict { // for want of a license
			t.Fatal(err)
		}
	}
}

// randomProposal proposes random accounts for each connection, random mappings for each group, and
// a random mapping to the role.
func randomProposal(
	r *rand.Rand, connections []*connection.Connection, accounts []*entitle.Account,
	groups []*entitle.AccountGroup, dgroups []*people.DirectoryGroup,
) entitle.Proposal {
	p := entitle.Proposal{Connections: map[string][]string{}, Groups: map[string]entitle.ProposedGroup{}}
	for _, c := range connections {
		p.Connections[c.ID] = []string{}
		for _, a := range accounts {
			if r.IntN(2) == 0 {
				p.Connections[c.ID] = append(p.Connections[c.ID], a.ID)
			}
		}
	}
	ref := func() entitle.DirectoryGroupRef {
		if r.IntN(2) == 0 {
			return storetest.ByID(dgroups[r.IntN(len(dgroups))])
		}
		return storetest.ByName(fmt.Sprint("d", r.IntN(5)))
	}
	for _, g := range groups {
		byDefault, mappings := r.IntN(4) == 0, []entitle.DirectoryGroupRef{}
		for range r.IntN(3) {
			mappings = append(mappings, ref())
		}
		p.Groups[g.ID] = entitle.ProposedGroup{AssignByDefault: &byDefault, Mappings: &mappings}
	}
	role := ref()
	p.Role = &entitle.ProposedRole{Mapping: &role}
	return p
}

// apply makes the proposed rules those of the organization.
func apply(t *testing.T, h storetest.Suite, p entitle.Proposal) {
	t.Helper()
	ctx := t.Context()
	accounts, _, err := entitle.In(h.Org).Accounts(ctx, model.Page{Limit: 10})
	storetest.Must(t, err)
	cs, err := connection.In(h.Org).ActiveConnections(ctx)
	storetest.Must(t, err)
	for _, c := range cs {
		storetest.Must(t, entitle.In(h.Org).SetConnectionAccounts(ctx, c.ID, p.Connections[c.ID]))
	}
	for _, a := range accounts {
		gs, _, err := entitle.In(h.Org).AccountGroups(ctx, a.ID, model.Page{Limit: 10})
		storetest.Must(t, err)
		for _, g := range gs {
			proposed := p.Groups[g.ID]
			for _, m := range g.Mappings {
				ref := entitle.DirectoryGroupRef{DirectoryGroupID: m.DirectoryGroupID, Name: m.Name}
				_, err := entitle.In(h.Org).RemoveMapping(ctx, a.ID, g.ID, ref)
				storetest.Must(t, err)
			}
			for _, ref := range *proposed.Mappings {
				_, err := entitle.In(h.Org).AddMapping(ctx, a.ID, g.ID, ref)
				if err != nil && model.KindOf(err) != model.Conflict {
					t.Fatal(err)
				}
			}
			_, err := entitle.In(h.Org).UpdateAccountGroup(ctx, a.ID, g.ID, func(g *entitle.AccountGroupFields) error {
				g.AssignByDefault = *proposed.AssignByDefault
				return nil
			})
			storetest.Must(t, err)
		}
	}
	_, err = entitle.In(h.Org).SetRoleMapping(ctx, *p.Role.Mapping)
	if model.KindOf(err) == model.Conflict { // the last administrator would lose the role
		us, _, err := people.In(h.Org).Users(ctx, people.UserQuery{Page: model.Page{Limit: 1}})
		storetest.Must(t, err)
		h.Admin(t, &us[0])
		_, err = entitle.In(h.Org).SetRoleMapping(ctx, *p.Role.Mapping)
		storetest.Must(t, err)
		return
	}
	storetest.Must(t, err)
}

// A statement has at most 65,535 parameters on PostgreSQL and half of that on SQLite. The rules are
// passed in a few of them, so that a proposal may have any number of mappings.
func TestManyMappings(t *testing.T) {
	t.Parallel()
	eachSuite(t, -1, func(t *testing.T, h storetest.Suite) {
		g := h.NewGroup(t, "Editors", false)
		ada := h.Owned(t, h.D, "ada", "", h.Mail("ada"))
		storetest.CreateGroup(t, h.Org, h.D, "Group 21999", ada)
		for i, name := range []string{`quote " and \ backslash`, "{braces, and a comma}", "null", "'), ('"} {
			u := h.Owned(t, h.D, fmt.Sprint("user-", i), "", h.Mail(fmt.Sprint(i)))
			storetest.CreateGroup(t, h.Org, h.D, name, u)
			refs := []entitle.DirectoryGroupRef{storetest.ByName(name)}
			p := preview(t, h, entitle.Proposal{Groups: map[string]entitle.ProposedGroup{g.ID: {Mappings: &refs}}})
			if len(p.Groups) != 1 || p.Groups[0].Gained != 1 {
				t.Errorf("the preview of %s is %+v", name, p)
			}
		}
		var refs []entitle.DirectoryGroupRef
		for i := range 22_000 {
			refs = append(refs, storetest.ByName(fmt.Sprintf("Group %d", i)))
		}
		p := preview(t, h, entitle.Proposal{Groups: map[string]entitle.ProposedGroup{g.ID: {Mappings: &refs}}})
		if len(p.Groups) != 1 || p.Groups[0].Gained != 1 {
			t.Errorf("the preview is %+v", p)
		}
	})
}
