package entitle_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/directory"
	"rollcall/model/entitle"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/organization"
	"rollcall/model/people"
	"rollcall/model/signon"
	"rollcall/model/store"
)

func TestRoleMapping(t *testing.T) {
	t.Parallel()
	eachSuite(t, -1, func(t *testing.T, h storetest.Suite) {
		ctx := t.Context()
		role := func(u *people.User, want people.Role) {
			t.Helper()
			if got := storetest.Stored(t, h.Org, u.ID).Role; got != want {
				t.Errorf("%s is %s, want %s", u.UserName, got, want)
			}
		}
		ada, grace := storetest.CreateUser(t, h.Org, h.D, h.Mail("ada")), storetest.CreateUser(t, h.Org, h.D, h.Mail("grace"))
		chiefs := storetest.CreateGroup(t, h.Org, h.D, "Chiefs", ada)
		change := func(op directory.MembersOp, u *people.User) {
			t.Helper()
			_, err := directory.Of(h.Org, h.D.ID).UpdateGroup(ctx, chiefs.ID, storetest.Unaltered, directory.MembersChange{Op: op, UserIDs: storetest.Ids(u)})
			storetest.Must(t, err)
		}
		role(ada, people.Member) // a mapping is made, it does not come by itself
		_, err := entitle.In(h.Org).SetRoleMapping(ctx, storetest.ByID(chiefs))
		storetest.Must(t, err)
		mark := h.Mark(t)
		h.Work(t)
		role(ada, people.Admin)
		role(grace, people.Member)
		if diff := cmp.Diff([]string{"user.role_changed configuration"}, h.Told(t, mark)); diff != "" {
			t.Error(diff)
		}
		if _, err := people.In(h.Org).SetRole(ctx, ada.ID, people.Member); model.KindOf(err) != model.Conflict {
			t.Errorf("a role that a mapping gives is taken by hand: %v", err)
		}
		if err := entitle.In(h.Org).DeleteRoleMapping(ctx); model.KindOf(err) != model.Conflict {
			t.Errorf("the last administrator's mapping goes: %v", err)
		}
		if _, err := entitle.In(h.Org).SetRoleMapping(ctx, storetest.ByName("nobody")); model.KindOf(err) != model.Conflict {
			t.Errorf("a mapping that leaves no administrator: %v", err)
		}
		if m, err := entitle.In(h.Org).RoleMapping(ctx); err != nil || m.DirectoryGroupID == nil || *m.DirectoryGroupID != chiefs.ID {
			t.Errorf("what was refused is in force: %+v %v", m, err)
		}
		mark = h.Mark(t)
		change(directory.RemoveMembers, ada) // a directory is obeyed, and the last administrator told of
		role(ada, people.Member)
		if diff := cmp.Diff([]string{"user.role_changed directory last"}, h.Told(t, mark)); diff != "" {
			t.Error(diff)
		}
		change(directory.AddMembers, ada)
		h.Admin(t, grace) // by hand
		change(directory.AddMembers, grace)
		change(directory.RemoveMembers, grace)
		role(grace, people.Admin)
		epoch := storetest.Stored(t, h.Org, ada.ID).Epoch
		storetest.Must(t, entitle.In(h.Org).DeleteRoleMapping(ctx))
		h.Work(t)
		role(ada, people.Member)
		role(grace, people.Admin)
		if after := storetest.Stored(t, h.Org, ada.ID).Epoch; after == epoch {
			t.Error("what was opened as an administrator lives on")
		}
		u := h.Enter(t, "chief", "Chiefs")
		role(u, people.Member)
		_, err = entitle.In(h.Org).SetRoleMapping(ctx, storetest.ByName("CHIEFS"))
		storetest.Must(t, err)
		out := h.Enter(t, "chief", "Chiefs")
		role(u, people.Admin)
		if out.Role != people.Admin {
			t.Errorf("the login knows of %s", out.Role)
		}
		claims := storetest.ClaimsOf("chief", h.Mail("chief"))
		signed, err := storetest.SignIn(t, h.Org, h.C, claims)
		storetest.Must(t, err)
		role(u, people.Member)
		if in, err := signon.Across(h.S).SessionByToken(ctx, signed.SessionToken); err != nil || in.User.Role != people.Member {
			t.Errorf("the session of who lost the role at this login: %+v %v", in, err)
		}
	})
}

func TestManualAssignments(t *testing.T) {
	t.Parallel()
	eachSuite(t, 2, func(t *testing.T, h storetest.Suite) {
		ctx := t.Context()
		other := h.NewAccount(t, "Laboratory", 1)
		g := h.NewGroup(t, "Editors", false, storetest.ByName("Staff"))
		h.Work(t)
		u, v := h.Enter(t, "ada"), h.Enter(t, "alan")
		if _, err := entitle.In(h.Org).AssignLicense(ctx, u.ID, other.ID); model.KindOf(err) != model.Conflict {
			t.Errorf("by hand where that is off: %v", err)
		}
		h.Settings(t, func(s *organization.Settings) { s.AllowManualAssignments = true })
		l, err := entitle.In(h.Org).AssignLicense(ctx, u.ID, other.ID)
		storetest.Must(t, err)
		if _, err := entitle.In(h.Org).AssignLicense(ctx, v.ID, other.ID); model.KindOf(err) != model.Full {
			t.Errorf("a license without a seat: %v", err)
		}
		_, err = entitle.In(h.Org).AssignGroup(ctx, g.AccountID, g.ID, u.ID)
		storetest.Must(t, err)
		with := "Editors (by hand), Laboratory granted (by hand), Workspace granted"
		h.Want(t, u, with)
		h.Enter(t, "ada", "Staff")
		h.Enter(t, "ada")
		h.Work(t)
		h.Want(t, u, with) // no rule touches it
		storetest.Must(t, entitle.In(h.Org).UnassignGroup(ctx, g.AccountID, g.ID, u.ID))
		for _, err := range []error{
			entitle.In(h.Org).UnassignGroup(ctx, g.AccountID, g.ID, u.ID),
			entitle.In(h.Org).UnassignLicense(ctx, storetest.NewID()),
		} {
			if model.KindOf(err) != model.NotFound {
				t.Errorf("what is not there is taken: %v", err)
			}
		}
		ls, _, err := entitle.In(h.Org).Licenses(ctx, entitle.LicenseQuery{UserID: v.ID, Page: model.Page{Limit: 1}})
		storetest.Must(t, err)
		if err := entitle.In(h.Org).UnassignLicense(ctx, ls[0].ID); model.KindOf(err) != model.Conflict {
			t.Errorf("a license of the rules is taken by hand: %v", err)
		}
		storetest.Must(t, entitle.In(h.Org).UnassignLicense(ctx, l.ID))
		h.Want(t, u, "Workspace granted")
		_, err = entitle.In(h.Org).AssignLicense(ctx, v.ID, other.ID)
		storetest.Must(t, err)
		h.Settings(t, func(s *organization.Settings) { s.AllowManualAssignments = false })
		h.Work(t)
		h.Want(t, v, "Workspace granted") // where only the rules count, it goes
		for _, a := range []string{other.ID, h.Account.ID} {
			account, err := entitle.In(h.Org).Account(ctx, a)
			storetest.Must(t, err)
			if want := map[string]int64{other.ID: 0, h.Account.ID: 2}[a]; account.SeatsUsed != want {
				t.Errorf("%d seats of %s are in use, want %d", account.SeatsUsed, account.Name, want)
			}
		}
	})
}

// The one statement that compares everybody with the rules says what the function says that
// decides: after a preview was carried out, exactly that has changed.
func TestComparisonAgreesWithRules(t *testing.T) {
	t.Parallel()
	const rounds, population = 12, 30
	eachSuite(t, -1, func(t *testing.T, h storetest.Suite) {
		ctx := t.Context()
		r := rand.New(rand.NewPCG(5, 6))
		h.Settings(t, func(s *organization.Settings) { s.AllowManualAssignments = true })
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
			g := &entitle.AccountGroup{AccountID: a.ID, AccountGroupFields: entitle.AccountGroupFields{Name: fmt.Sprint("G", i)}}
			storetest.Must(t, entitle.In(h.Org).CreateAccountGroup(ctx, g))
			groups = append(groups, g)
		}
		for i := range population {
			randomPerson(t, h, r, i, connections, dgroups)
		}
		for round := range rounds {
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

func randomPerson(t *testing.T, h storetest.Suite, r *rand.Rand, i int, connections []*connection.Connection, dgroups []*people.DirectoryGroup) {
	t.Helper()
	name := fmt.Sprint("p", i)
	if r.IntN(2) == 0 {
		u := storetest.CreateUser(t, h.Org, h.D, h.Mail(name))
		for _, g := range dgroups {
			if r.IntN(3) == 0 {
				_, err := directory.Of(h.Org, h.D.ID).UpdateGroup(t.Context(), g.ID, storetest.Unaltered, directory.MembersChange{UserIDs: storetest.Ids(u)})
				storetest.Must(t, err)
			}
		}
		if r.IntN(5) == 0 {
			_, err := directory.Of(h.Org, h.D.ID).UpdateUser(t.Context(), u.ID, storetest.SetActive(false))
			storetest.Must(t, err)
		}
		return
	}
	claims := storetest.ClaimsOf(name, h.Mail(name))
	claims.Groups = some(r, "d", 5)
	c := connections[r.IntN(2)]
	c, err := connection.In(h.Org).Connection(t.Context(), c.ID)
	storetest.Must(t, err)
	_, err = storetest.SignIn(t, h.Org, c, claims)
	storetest.Must(t, err)
}

func randomProposal(r *rand.Rand, connections []*connection.Connection, accounts []*entitle.Account, groups []*entitle.AccountGroup, dgroups []*people.DirectoryGroup) entitle.Proposal {
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

// apply puts a proposal into force.
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
				_, err := entitle.In(h.Org).RemoveMapping(ctx, a.ID, g.ID, entitle.DirectoryGroupRef{DirectoryGroupID: m.DirectoryGroupID, Name: m.Name})
				storetest.Must(t, err)
			}
			for _, ref := range *proposed.Mappings {
				if _, err := entitle.In(h.Org).AddMapping(ctx, a.ID, g.ID, ref); err != nil && model.KindOf(err) != model.Conflict {
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
	if model.KindOf(err) == model.Conflict { // nobody would be an administrator
		us, _, err := people.In(h.Org).Users(ctx, people.UserQuery{Page: model.Page{Limit: 1}})
		storetest.Must(t, err)
		h.Admin(t, &us[0])
		_, err = entitle.In(h.Org).SetRoleMapping(ctx, *p.Role.Mapping)
		storetest.Must(t, err)
		return
	}
	storetest.Must(t, err)
}

// A store that knows nothing of the rules of another one learns them before they are carried out.
func TestReplicasLearnRules(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		clock := modeltest.NewClock()
		one := modeltest.Open(t, db, store.Options{Now: clock.Now})
		other := modeltest.Open(t, db, store.Options{Now: clock.Now})
		h := storetest.Suite{House: storetest.Open(t, one, "contoso"), Clock: clock}
		h.Account = h.NewAccount(t, "Workspace", -1)
		storetest.Must(t, entitle.In(h.Org).SetConnectionAccounts(t.Context(), h.C.ID, []string{h.Account.ID}))
		there := other.Org(h.Org.ID, h.D.Actor())
		u := storetest.CreateUser(t, there, h.D, h.Mail("early"))
		h.Want(t, u, "") // it does not know yet
		worker := entitle.NewRecomputer(entitle.Across(other))
		if n, err := worker.RunOnce(t.Context()); n != 0 || err != nil {
			t.Errorf("%d changes before the rules are known: %v", n, err)
		}
		h.Want(t, storetest.CreateUser(t, there, h.D, h.Mail("late")), "Workspace granted")
		clock.Advance(3 * time.Second)
		n, err := worker.RunOnce(t.Context())
		storetest.Must(t, err)
		m, err := entitle.NewRecomputer(entitle.Across(one)).RunOnce(t.Context())
		storetest.Must(t, err)
		if n != 2 || m != 0 {
			t.Errorf("%d changes by one replica and %d by the other", n, m)
		}
		h.Want(t, u, "Workspace granted")
	})
}
