package entitle_test

import (
	"fmt"
	"strings"
	"testing"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/entitle"
	"rollcall/model/internal/storetest"
	"rollcall/model/organization"
	"rollcall/model/people"
	"rollcall/model/refusal"
)

// A seat that somebody gives back goes to who has waited longest, in each account at once. It must
// not stay empty while a person who pays for it is refused.
func TestSeatsThatAreGivenBack(t *testing.T) {
	t.Parallel()
	eachSuite(t, 1, func(t *testing.T, h storetest.Suite) {
		ctx := t.Context()
		other := h.NewAccount(t, "Laboratory", 1)
		storetest.Must(t, entitle.In(h.Org).SetConnectionAccounts(ctx, h.C.ID, []string{h.Account.ID, other.ID}))
		h.Work(t)
		mark := h.Mark(t)
		ada := storetest.CreateUser(t, h.Org, h.D, h.Mail("ada"))
		wantToldInAnyOrder(t, h, mark, "license.granted directory", "license.granted directory")
		grace := storetest.CreateUser(t, h.Org, h.D, h.Mail("grace"))
		h.Want(t, grace, "Laboratory waiting, Workspace waiting")
		_, err := storetest.SignIn(t, h.Org, h.C, storetest.ClaimsOf("x", h.Mail("grace")))
		if r := storetest.Refused(t, err, refusal.NoSeat); r.Received != "2 accounts whose seats are all in use" {
			t.Errorf("the log has %q", r.Received)
		}
		storetest.Must(t, directory.Of(h.Org, h.D.ID).DeleteUser(ctx, ada.ID))
		h.Want(t, grace, "Laboratory granted, Workspace granted")
		for _, id := range []string{h.Account.ID, other.ID} {
			a, err := entitle.In(h.Org).Account(ctx, id)
			if err != nil || a.SeatsUsed != 1 {
				t.Errorf("%+v: %v", a, err)
			}
		}
		_, err = entitle.In(h.Org).UpdateAccount(ctx, other.ID, withSeats(1)) // as many as are in use
		storetest.Must(t, err)
		mark = h.Mark(t)
		storetest.Must(t, entitle.In(h.Org).DeleteAccount(ctx, other.ID))
		wantTold(t, h, mark, "license.revoked account_deleted")
		if _, err := entitle.In(h.Org).Account(ctx, other.ID); model.KindOf(err) != model.NotFound {
			t.Errorf("the deleted account: %v", err)
		}
		h.Want(t, grace, "Workspace granted")
	})
}

// What a person does by hand is an event, as what rules do.
func TestEventsOfWhatIsDoneByHand(t *testing.T) {
	t.Parallel()
	eachSuite(t, 2, func(t *testing.T, h storetest.Suite) {
		ctx := t.Context()
		h.Settings(t, func(s *organization.Settings) { s.AllowManualAssignments = true })
		other := h.NewAccount(t, "Laboratory", 1)
		u, v := h.Enter(t, "ada"), h.Enter(t, "grace")
		mark := h.Mark(t)
		l, err := entitle.In(h.Org).AssignLicense(ctx, u.ID, other.ID)
		storetest.Must(t, err)
		wantTold(t, h, mark, "license.granted manual")
		mark = h.Mark(t)
		storetest.Must(t, entitle.In(h.Org).UnassignLicense(ctx, l.ID))
		wantTold(t, h, mark, "license.revoked manual")
		_, err = entitle.In(h.Org).AssignLicense(ctx, v.ID, other.ID) // the seat is free again
		storetest.Must(t, err)
		g := h.NewGroup(t, "Editors", false)
		mark = h.Mark(t)
		_, err = entitle.In(h.Org).AssignGroup(ctx, g.AccountID, g.ID, u.ID)
		storetest.Must(t, err)
		storetest.Must(t, entitle.In(h.Org).UnassignGroup(ctx, g.AccountID, g.ID, u.ID))
		wantTold(t, h, mark, "group.assigned manual", "group.unassigned manual")
	})
}

// A rule names what the organization has: one about nothing would give nobody anything, without a
// word.
func TestRulesNameWhatThereIs(t *testing.T) {
	t.Parallel()
	eachSuite(t, -1, func(t *testing.T, h storetest.Suite) {
		ctx := t.Context()
		unknown := storetest.NewID()
		g := h.NewGroup(t, "Editors", false)
		refs := map[string]entitle.DirectoryGroupRef{
			"an unknown group": {DirectoryGroupID: &unknown}, "nothing": {},
		}
		for name, ref := range refs {
			_, err := entitle.In(h.Org).AddMapping(ctx, g.AccountID, g.ID, ref)
			if model.KindOf(err) != model.Invalid {
				t.Errorf("a mapping of %s: %v", name, err)
			}
			_, err = entitle.In(h.Org).SetRoleMapping(ctx, ref)
			if model.KindOf(err) != model.Invalid {
				t.Errorf("a role for %s: %v", name, err)
			}
			_, err = entitle.In(h.Org).Preview(ctx, entitle.Proposal{
				Groups: map[string]entitle.ProposedGroup{g.ID: {Mappings: &[]entitle.DirectoryGroupRef{ref}}}}, "", 1)
			if model.KindOf(err) != model.Invalid {
				t.Errorf("a preview of %s: %v", name, err)
			}
		}
		staff := storetest.CreateGroup(t, h.Org, h.D, "Staff")
		after, err := entitle.In(h.Org).AddMapping(ctx, g.AccountID, g.ID, storetest.ByID(staff))
		storetest.Must(t, err)
		form := after.Mappings[0].DirectoryGroupRef.PublicForm()
		if form.Name != nil || form.DirectoryGroupID == nil ||
			*form.DirectoryGroupID != model.DirectoryGroupPrefix.ID(staff.ID) {
			t.Errorf("%+v", form)
		}
		all, err := entitle.Across(h.S).AccountsOfConnections(ctx, h.C.ID)
		if err != nil || len(all) != 1 || len(all[h.C.ID]) != 1 || all[h.C.ID][0] != h.Account.ID {
			t.Errorf("%v: %v", all, err)
		}
	})
}

// A mapping may move to another group of people, so long as somebody is an administrator then.
func TestRoleMappingMovesToOthers(t *testing.T) {
	t.Parallel()
	eachSuite(t, -1, func(t *testing.T, h storetest.Suite) {
		ada := storetest.CreateUser(t, h.Org, h.D, h.Mail("ada"))
		grace := storetest.CreateUser(t, h.Org, h.D, h.Mail("grace"))
		chiefs := storetest.CreateGroup(t, h.Org, h.D, "Chiefs", ada)
		heads := storetest.CreateGroup(t, h.Org, h.D, "Heads", grace)
		for _, g := range []*people.DirectoryGroup{chiefs, heads} {
			_, err := entitle.In(h.Org).SetRoleMapping(t.Context(), storetest.ByID(g))
			storetest.Must(t, err)
			h.Work(t)
		}
		for u, want := range map[*people.User]people.Role{ada: people.Member, grace: people.Admin} {
			if got := storetest.Stored(t, h.Org, u.ID).Role; got != want {
				t.Errorf("%s is %s", u.UserName, got)
			}
		}
	})
}

// The progress of a change of rules is shown to who waits for it.
func TestProgressOfARecomputation(t *testing.T) {
	t.Parallel()
	eachSuite(t, -1, func(t *testing.T, h storetest.Suite) {
		for i := range 3 {
			h.Enter(t, fmt.Sprint("person-", i))
		}
		more := h.NewAccount(t, "Laboratory", -1)
		storetest.Must(t, entitle.In(h.Org).SetConnectionAccounts(t.Context(), h.C.ID, []string{more.ID}))
		h.Work(t) // each loses one license and gains another
		r, err := entitle.In(h.Org).Recompute(t.Context())
		if err != nil || r.Total != 6 || r.Done != 6 || r.State != entitle.RecomputeDone || r.FinishedAt == nil ||
			r.StartedAt == nil || r.LeaseUntil != 0 {
			t.Errorf("%+v: %v", r, err)
		}
	})
}

// What an account and a group may be has bounds, so that no customer fills the database.
func TestBoundsOfAccountsAndGroups(t *testing.T) {
	t.Parallel()
	eachSuite(t, -1, func(t *testing.T, h storetest.Suite) {
		ctx := t.Context()
		for seats, good := range map[int64]bool{-1: false, 0: true, 1_000_000: true, 1_000_001: false} {
			_, err := entitle.In(h.Org).UpdateAccount(ctx, h.Account.ID, withSeats(seats))
			if good != (err == nil) || err != nil && model.KindOf(err) != model.Invalid {
				t.Errorf("%d seats: %v", seats, err)
			}
		}
		many := func(n int, text string) []string { return strings.Fields(strings.Repeat(text+" ", n)) }
		for i, c := range []struct {
			permissions []string
			good        bool
		}{
			{nil, true}, {many(200, "p"), true}, {many(201, "p"), false}, {[]string{strings.Repeat("p", 200)}, true},
			{[]string{strings.Repeat("p", 201)}, false}, {[]string{""}, false}, {[]string{"\x00"}, false},
		} {
			g := &entitle.AccountGroup{AccountID: h.Account.ID, AccountGroupFields: entitle.AccountGroupFields{
				Name: fmt.Sprint("Group ", i), Permissions: c.permissions}}
			err := entitle.In(h.Org).CreateAccountGroup(ctx, g)
			if c.good != (err == nil) || err != nil && model.KindOf(err) != model.Invalid {
				t.Errorf("case %d: %v", i, err)
			}
		}
	})
}
