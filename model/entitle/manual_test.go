package entitle_test

import (
	"testing"

	"rollcall/model"
	"rollcall/model/entitle"
	"rollcall/model/internal/storetest"
	"rollcall/model/organization"
)

func TestManualAssignments(t *testing.T) {
	t.Parallel()
	eachSuite(t, 2, func(t *testing.T, h storetest.Suite) {
		ctx := t.Context()
		other := h.NewAccount(t, "Laboratory", 1)
		g := h.NewGroup(t, "Editors", false, storetest.ByName("Staff"))
		h.Work(t)
		u, v := h.Enter(t, "ada"), h.Enter(t, "alan")
		if _, err := entitle.In(h.Org).AssignLicense(ctx, u.ID, other.ID); model.KindOf(err) != model.Conflict {
			t.Errorf("by hand where the organization does not allow it: %v", err)
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
		h.Want(t, u, with) // the rules leave it alone
		storetest.Must(t, entitle.In(h.Org).UnassignGroup(ctx, g.AccountID, g.ID, u.ID))
		for _, err := range []error{
			entitle.In(h.Org).UnassignGroup(ctx, g.AccountID, g.ID, u.ID),
			entitle.In(h.Org).UnassignLicense(ctx, storetest.NewID()),
		} {
			if model.KindOf(err) != model.NotFound {
				t.Errorf("something that is not there is taken away: %v", err)
			}
		}
		ls, _, err := entitle.In(h.Org).Licenses(ctx, entitle.LicenseQuery{UserID: v.ID, Page: model.Page{Limit: 1}})
		storetest.Must(t, err)
		if err := entitle.In(h.Org).UnassignLicense(ctx, ls[0].ID); model.KindOf(err) != model.Conflict {
			t.Errorf("a license that the rules grant is taken by hand: %v", err)
		}
		storetest.Must(t, entitle.In(h.Org).UnassignLicense(ctx, l.ID))
		h.Want(t, u, "Workspace granted")
		_, err = entitle.In(h.Org).AssignLicense(ctx, v.ID, other.ID)
		storetest.Must(t, err)
		h.Settings(t, func(s *organization.Settings) { s.AllowManualAssignments = false })
		h.Work(t)
		h.Want(t, v, "Workspace granted") // a license by hand ends where only the rules count
		for _, a := range []string{other.ID, h.Account.ID} {
			account, err := entitle.In(h.Org).Account(ctx, a)
			storetest.Must(t, err)
			if want := map[string]int64{other.ID: 0, h.Account.ID: 2}[a]; account.SeatsUsed != want {
				t.Errorf("%d seats of %s are in use, want %d", account.SeatsUsed, account.Name, want)
			}
		}
	})
}
