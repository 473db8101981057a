package model_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/modeltest"
)

func TestRoleMapping(t *testing.T) {
	t.Parallel()
	eachSuite(t, -1, func(t *testing.T, h suite) {
		ctx := t.Context()
		role := func(u *model.User, want model.Role) {
			t.Helper()
			if got := stored(t, h.org, u.ID).Role; got != want {
				t.Errorf("%s is %s, want %s", u.UserName, got, want)
			}
		}
		ada, grace := createUser(t, h.org, h.d, h.mail("ada")), createUser(t, h.org, h.d, h.mail("grace"))
		chiefs := createGroup(t, h.org, h.d, "Chiefs", ada)
		change := func(op model.MembersOp, u *model.User) {
			t.Helper()
			_, err := h.org.UpdateDirectoryGroup(ctx, h.d.ID, chiefs.ID, unaltered, model.MembersChange{Op: op, UserIDs: ids(u)})
			must(t, err)
		}
		role(ada, model.Member) // a mapping is made, it does not come by itself
		_, err := h.org.SetRoleMapping(ctx, byID(chiefs))
		must(t, err)
		mark := h.mark(t)
		h.work(t)
		role(ada, model.Admin)
		role(grace, model.Member)
		if diff := cmp.Diff([]string{"user.role_changed configuration"}, h.told(t, mark)); diff != "" {
			t.Error(diff)
		}
		if _, err := h.org.SetRole(ctx, ada.ID, model.Member); model.KindOf(err) != model.Conflict {
			t.Errorf("a role that a mapping gives is taken by hand: %v", err)
		}
		if err := h.org.DeleteRoleMapping(ctx); model.KindOf(err) != model.Conflict {
			t.Errorf("the last administrator's mapping goes: %v", err)
		}
		if _, err := h.org.SetRoleMapping(ctx, byName("nobody")); model.KindOf(err) != model.Conflict {
			t.Errorf("a mapping that leaves no administrator: %v", err)
		}
		if m, err := h.org.RoleMapping(ctx); err != nil || m.DirectoryGroupID == nil || *m.DirectoryGroupID != chiefs.ID {
			t.Errorf("what was refused is in force: %+v %v", m, err)
		}
		mark = h.mark(t)
		change(model.RemoveMembers, ada) // a directory is obeyed, and the last administrator told of
		role(ada, model.Member)
		if diff := cmp.Diff([]string{"user.role_changed directory last"}, h.told(t, mark)); diff != "" {
			t.Error(diff)
		}
		change(model.AddMembers, ada)
		h.admin(t, grace) // by hand
		change(model.AddMembers, grace)
		change(model.RemoveMembers, grace)
		role(grace, model.Admin)
		epoch := stored(t, h.org, ada.ID).Epoch
		must(t, h.org.DeleteRoleMapping(ctx))
		h.work(t)
		role(ada, model.Member)
		role(grace, model.Admin)
		if after := stored(t, h.org, ada.ID).Epoch; after == epoch {
			t.Error("what was opened as an administrator lives on")
		}
		u := h.enter(t, "chief", "Chiefs")
		role(u, model.Member)
		_, err = h.org.SetRoleMapping(ctx, byName("CHIEFS"))
		must(t, err)
		out := h.enter(t, "chief", "Chiefs")
		role(u, model.Admin)
		if out.Role != model.Admin {
			t.Errorf("the login knows of %s", out.Role)
		}
		claims := claimsOf("chief", h.mail("chief"))
		signed, err := signIn(t, h.org, h.c, claims)
		must(t, err)
		role(u, model.Member)
		if in, err := h.s.SessionByToken(ctx, signed.SessionToken); err != nil || in.User.Role != model.Member {
			t.Errorf("the session of who lost the role at this login: %+v %v", in, err)
		}
	})
}

func TestManualAssignments(t *testing.T) {
	t.Parallel()
	eachSuite(t, 2, func(t *testing.T, h suite) {
		ctx := t.Context()
		other := h.newAccount(t, "Laboratory", 1)
		g := h.newGroup(t, "Editors", false, byName("Staff"))
		h.work(t)
		u, v := h.enter(t, "ada"), h.enter(t, "alan")
		if _, err := h.org.AssignLicense(ctx, u.ID, other.ID); model.KindOf(err) != model.Conflict {
			t.Errorf("by hand where that is off: %v", err)
		}
		h.settings(t, func(s *model.Settings) { s.AllowManualAssignments = true })
		l, err := h.org.AssignLicense(ctx, u.ID, other.ID)
		must(t, err)
		if _, err := h.org.AssignLicense(ctx, v.ID, other.ID); model.KindOf(err) != model.Full {
			t.Errorf("a license without a seat: %v", err)
		}
		_, err = h.org.AssignGroup(ctx, g.AccountID, g.ID, u.ID)
		must(t, err)
		with := "Editors (by hand), Laboratory granted (by hand), Workspace granted"
		h.want(t, u, with)
		h.enter(t, "ada", "Staff")
		h.enter(t, "ada")
		h.work(t)
		h.want(t, u, with) // no rule touches it
		must(t, h.org.UnassignGroup(ctx, g.AccountID, g.ID, u.ID))
		for _, err := range []error{
			h.org.UnassignGroup(ctx, g.AccountID, g.ID, u.ID),
			h.org.UnassignLicense(ctx, model.NewID()),
		} {
			if model.KindOf(err) != model.NotFound {
				t.Errorf("what is not there is taken: %v", err)
			}
		}
		ls, _, err := h.org.Licenses(ctx, model.LicenseQuery{UserID: v.ID, Page: model.Page{Limit: 1}})
		must(t, err)
		if err := h.org.UnassignLicense(ctx, ls[0].ID); model.KindOf(err) != model.Conflict {
			t.Errorf("a license of the rules is taken by hand: %v", err)
		}
		must(t, h.org.UnassignLicense(ctx, l.ID))
		h.want(t, u, "Workspace granted")
		_, err = h.org.AssignLicense(ctx, v.ID, other.ID)
		must(t, err)
		h.settings(t, func(s *model.Settings) { s.AllowManualAssignments = false })
		h.work(t)
		h.want(t, v, "Workspace granted") // where only the rules count, it goes
		for _, a := range []string{other.ID, h.account.ID} {
			account, err := h.org.Account(ctx, a)
			must(t, err)
			if want := map[string]int64{other.ID: 0, h.account.ID: 2}[a]; account.SeatsUsed != want {
				t.Errorf("%d seats of %s are in use, want %d", account.SeatsUsed, account.Name, want)
			}
		}
	})
}

// The one statement that compares everybody with the rules says what the function says that
// decides: after a preview was carried out, exactly that has changed.
func TestComparisonAgreesWithRules(t *testing.T) {
	t.Parallel()
	const rounds, people = 12, 30
	eachSuite(t, -1, func(t *testing.T, h suite) {
		ctx := t.Context()
		r := rand.New(rand.NewPCG(5, 6))
		h.settings(t, func(s *model.Settings) { s.AllowManualAssignments = true })
		connections := []*model.Connection{h.c, connect(t, h.org)}
		accounts := []*model.Account{h.account, h.newAccount(t, "Second", 8), h.newAccount(t, "Third", -1)}
		var dgroups []*model.DirectoryGroup
		for i := range 4 {
			dgroups = append(dgroups, createGroup(t, h.org, h.d, fmt.Sprint("D", i)))
		}
		nested(t, h.org, h.d, "D4", dgroups[0].ID)
		var groups []*model.AccountGroup
		for i := range 5 {
			a := accounts[i%3]
			g := &model.AccountGroup{AccountID: a.ID, AccountGroupFields: model.AccountGroupFields{Name: fmt.Sprint("G", i)}}
			must(t, h.org.CreateAccountGroup(ctx, g))
			groups = append(groups, g)
		}
		for i := range people {
			randomPerson(t, h, r, i, connections, dgroups)
		}
		for round := range rounds {
			p := randomProposal(r, connections, accounts, groups, dgroups)
			before, err := h.org.Preview(ctx, p, "", 1000)
			must(t, err)
			had := h.everything(t)
			apply(t, h, p)
			h.work(t)
			now := h.everything(t)
			for _, c := range before.Changes {
				want := had[c.UserID].after(c)
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
			if again, err := h.org.Preview(ctx, p, "", 10); err != nil || again.Users != 0 {
				t.Fatalf("round %d: it would change %d users again: %v", round, again.Users, err)
			}
		}
	})
}

func randomPerson(t *testing.T, h suite, r *rand.Rand, i int, connections []*model.Connection, dgroups []*model.DirectoryGroup) {
	t.Helper()
	name := fmt.Sprint("p", i)
	if r.IntN(2) == 0 {
		u := createUser(t, h.org, h.d, h.mail(name))
		for _, g := range dgroups {
			if r.IntN(3) == 0 {
				_, err := h.org.UpdateDirectoryGroup(t.Context(), h.d.ID, g.ID, unaltered, model.MembersChange{UserIDs: ids(u)})
				must(t, err)
			}
		}
		if r.IntN(5) == 0 {
			_, err := h.org.UpdateDirectoryUser(t.Context(), h.d.ID, u.ID, setActive(false))
			must(t, err)
		}
		return
	}
	claims := claimsOf(name, h.mail(name))
	claims.Groups = some(r, "d", 5)
	c := connections[r.IntN(2)]
	c, err := h.org.Connection(t.Context(), c.ID)
	must(t, err)
	_, err = signIn(t, h.org, c, claims)
	must(t, err)
}

func randomProposal(r *rand.Rand, connections []*model.Connection, accounts []*model.Account, groups []*model.AccountGroup, dgroups []*model.DirectoryGroup) model.Proposal {
	p := model.Proposal{Connections: map[string][]string{}, Groups: map[string]model.ProposedGroup{}}
	for _, c := range connections {
		p.Connections[c.ID] = []string{}
		for _, a := range accounts {
			if r.IntN(2) == 0 {
				p.Connections[c.ID] = append(p.Connections[c.ID], a.ID)
			}
		}
	}
	ref := func() model.DirectoryGroupRef {
		if r.IntN(2) == 0 {
			return byID(dgroups[r.IntN(len(dgroups))])
		}
		return byName(fmt.Sprint("d", r.IntN(5)))
	}
	for _, g := range groups {
		byDefault, mappings := r.IntN(4) == 0, []model.DirectoryGroupRef{}
		for range r.IntN(3) {
			mappings = append(mappings, ref())
		}
		p.Groups[g.ID] = model.ProposedGroup{AssignByDefault: &byDefault, Mappings: &mappings}
	}
	role := ref()
	p.Role = &model.ProposedRole{Mapping: &role}
	return p
}

// apply puts a proposal into force.
func apply(t *testing.T, h suite, p model.Proposal) {
	t.Helper()
	ctx := t.Context()
	accounts, _, err := h.org.Accounts(ctx, model.Page{Limit: 10})
	must(t, err)
	cs, err := h.org.ActiveConnections(ctx)
	must(t, err)
	for _, c := range cs {
		must(t, h.org.SetConnectionAccounts(ctx, c.ID, p.Connections[c.ID]))
	}
	for _, a := range accounts {
		gs, _, err := h.org.AccountGroups(ctx, a.ID, model.Page{Limit: 10})
		must(t, err)
		for _, g := range gs {
			proposed := p.Groups[g.ID]
			for _, m := range g.Mappings {
				_, err := h.org.RemoveMapping(ctx, a.ID, g.ID, model.DirectoryGroupRef{DirectoryGroupID: m.DirectoryGroupID, Name: m.Name})
				must(t, err)
			}
			for _, ref := range *proposed.Mappings {
				if _, err := h.org.AddMapping(ctx, a.ID, g.ID, ref); err != nil && model.KindOf(err) != model.Conflict {
					t.Fatal(err)
				}
			}
			_, err := h.org.UpdateAccountGroup(ctx, a.ID, g.ID, func(g *model.AccountGroupFields) error {
				g.AssignByDefault = *proposed.AssignByDefault
				return nil
			})
			must(t, err)
		}
	}
	_, err = h.org.SetRoleMapping(ctx, *p.Role.Mapping)
	if model.KindOf(err) == model.Conflict { // nobody would be an administrator
		us, _, err := h.org.Users(ctx, model.UserQuery{Page: model.Page{Limit: 1}})
		must(t, err)
		h.admin(t, &us[0])
		_, err = h.org.SetRoleMapping(ctx, *p.Role.Mapping)
		must(t, err)
		return
	}
	must(t, err)
}

// belongings is what a user has, by id.
type belongings struct {
	Licenses, Groups map[string]bool
	Admin            bool
}

func (b belongings) after(c model.UserPreview) belongings {
	for _, id := range c.LicensesGained {
		b.Licenses[id] = true
	}
	for _, id := range c.LicensesLost {
		delete(b.Licenses, id)
	}
	for _, id := range c.GroupsGained {
		b.Groups[id] = true
	}
	for _, id := range c.GroupsLost {
		delete(b.Groups, id)
	}
	b.Admin = b.Admin && !c.RoleLost || c.RoleGained
	return b
}

// everything is what everybody has.
func (h suite) everything(t *testing.T) map[string]belongings {
	t.Helper()
	out := map[string]belongings{}
	us, _, err := h.org.Users(t.Context(), model.UserQuery{Page: model.Page{Limit: 1000}})
	must(t, err)
	for _, u := range us {
		b := belongings{map[string]bool{}, map[string]bool{}, u.Role == model.Admin}
		ls, _, err := h.org.Licenses(t.Context(), model.LicenseQuery{UserID: u.ID, Page: model.Page{Limit: 100}})
		must(t, err)
		for _, l := range ls {
			b.Licenses[l.AccountID] = true
		}
		as, _, err := h.org.GroupAssignments(t.Context(), model.AssignmentQuery{UserID: u.ID, Page: model.Page{Limit: 100}})
		must(t, err)
		for _, a := range as {
			b.Groups[a.GroupID] = true
		}
		out[u.ID] = b
	}
	return out
}

// A store that knows nothing of the rules of another one learns them before they are carried out.
func TestReplicasLearnRules(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		clock := modeltest.NewClock()
		one := modeltest.Open(t, db, model.Options{Now: clock.Now})
		other := modeltest.Open(t, db, model.Options{Now: clock.Now})
		h := suite{house: open(t, one, "contoso"), clock: clock}
		h.account = h.newAccount(t, "Workspace", -1)
		must(t, h.org.SetConnectionAccounts(t.Context(), h.c.ID, []string{h.account.ID}))
		there := other.Org(h.org.ID, h.d.Actor())
		u := createUser(t, there, h.d, h.mail("early"))
		h.want(t, u, "") // it does not know yet
		worker := model.NewRecomputer(other)
		if n, err := worker.RunOnce(t.Context()); n != 0 || err != nil {
			t.Errorf("%d changes before the rules are known: %v", n, err)
		}
		h.want(t, createUser(t, there, h.d, h.mail("late")), "Workspace granted")
		clock.Advance(3 * time.Second)
		n, err := worker.RunOnce(t.Context())
		must(t, err)
		m, err := model.NewRecomputer(one).RunOnce(t.Context())
		must(t, err)
		if n != 2 || m != 0 {
			t.Errorf("%d changes by one replica and %d by the other", n, m)
		}
		h.want(t, u, "Workspace granted")
	})
}
