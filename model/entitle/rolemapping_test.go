package entitle_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/entitle"
	"rollcall/model/internal/storetest"
	"rollcall/model/people"
	"rollcall/model/signon"
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
		ada := storetest.CreateUser(t, h.Org, h.D, h.Mail("ada"))
		grace := storetest.CreateUser(t, h.Org, h.D, h.Mail("grace"))
		chiefs := storetest.CreateGroup(t, h.Org, h.D, "Chiefs", ada)
		change := func(op directory.MembersOp, u *people.User) {
			t.Helper()
			storetest.Change(t, h.Org, chiefs, directory.MembersChange{Op: op, UserIDs: storetest.Ids(u)})
		}
		role(ada, people.Member) // without a mapping, no group gives the role
		_, err := entitle.In(h.Org).SetRoleMapping(ctx, storetest.ByID(chiefs))
		storetest.Must(t, err)
		mark := h.Mark(t)
		h.Work(t)
		role(ada, people.Admin)
		role(grace, people.Member)
		wantTold(t, h, mark, "user.role_changed configuration")
		if _, err := people.In(h.Org).SetRole(ctx, ada.ID, people.Member); model.KindOf(err) != model.Conflict {
			t.Errorf("a role that a mapping gives is taken by hand: %v", err)
		}
		if err := entitle.In(h.Org).DeleteRoleMapping(ctx); model.KindOf(err) != model.Conflict {
			t.Errorf("the last administrator's mapping goes: %v", err)
		}
		_, err = entitle.In(h.Org).SetRoleMapping(ctx, storetest.ByName("nobody"))
		if model.KindOf(err) != model.Conflict {
			t.Errorf("a mapping that leaves no administrator: %v", err)
		}
		m, err := entitle.In(h.Org).RoleMapping(ctx)
		if err != nil || m.DirectoryGroupID == nil || *m.DirectoryGroupID != chiefs.ID {
			t.Errorf("a refused mapping has an effect: %+v %v", m, err)
		}
		mark = h.Mark(t)
		change(directory.RemoveMembers, ada) // a directory may take the last administrator's role; the event says so
		role(ada, people.Member)
		wantTold(t, h, mark, "user.role_changed directory last")
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
			t.Error("the sessions of the administrator were not ended")
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
		in, err := signon.Across(h.S).SessionByToken(ctx, signed.SessionToken)
		if err != nil || in.User.Role != people.Member {
			t.Errorf("the session of the user who lost the role at this login: %+v %v", in, err)
		}
	})
}

// An administrator who loses the role because of a directory group also loses the password that
// came with the role, and the link to set one. Otherwise the password would work again as soon as
// the user got the role again.
func TestMappedAdministratorsLosePassword(t *testing.T) {
	t.Parallel()
	// again makes ada an administrator again.
	type again func(t *testing.T, h storetest.Suite, ada *people.User, chiefs *people.DirectoryGroup)
	for name, c := range map[string]struct {
		other bool // whether there is another administrator
		again again
	}{
		"and gets the role again by the mapping": {true,
			func(t *testing.T, h storetest.Suite, ada *people.User, chiefs *people.DirectoryGroup) {
				added := directory.MembersChange{Op: directory.AddMembers, UserIDs: storetest.Ids(ada)}
				storetest.Change(t, h.Org, chiefs, added)
				h.Work(t)
			}},
		"was the last one, and gets the role again by hand": {false,
			func(t *testing.T, h storetest.Suite, ada *people.User, _ *people.DirectoryGroup) {
				_, err := people.In(h.Org).SetRole(t.Context(), ada.ID, people.Admin)
				storetest.Must(t, err)
			}},
	} {
		t.Run(name, func(t *testing.T) {
			eachSuite(t, -1, func(t *testing.T, h storetest.Suite) {
				ctx := t.Context()
				if c.other {
					h.Admin(t, h.Unowned(t, h.Mail("other"), h.Mail("other")))
				}
				ada := storetest.CreateUser(t, h.Org, h.D, h.Mail("ada"))
				chiefs := storetest.CreateGroup(t, h.Org, h.D, "Chiefs", ada)
				_, err := entitle.In(h.Org).SetRoleMapping(ctx, storetest.ByID(chiefs))
				storetest.Must(t, err)
				h.Work(t)
				storetest.SetPassword(t, h.S, h.Org, ada, storetest.GoodPassword)
				_, token, err := people.In(h.Org).CreatePasswordSetup(ctx, ada.ID)
				storetest.Must(t, err)
				told := storetest.NewEvents(t, h.S, h.Org, func() {
					removed := directory.MembersChange{Op: directory.RemoveMembers, UserIDs: storetest.Ids(ada)}
					chiefs = storetest.Change(t, h.Org, chiefs, removed)
					h.Work(t)
				})
				want := []model.EventType{directory.DirectoryGroupUserRemoved, people.UserRoleChanged,
					people.UserPasswordRemoved, people.UserAccessEnded}
				if diff := cmp.Diff(want, told); diff != "" {
					t.Error(diff)
				}
				if stored, links := storetest.Passwords(t, h.S); stored != 0 || links != 0 {
					t.Errorf("%d passwords and %d links are left", stored, links)
				}
				c.again(t, h, ada, chiefs) // an administrator again, but without a password
				_, err = storetest.Enter(t, h.S, ada.Email, storetest.GoodPassword)
				storetest.WantKind(t, err, model.Denied)
				err = people.Across(h.S).SetPassword(ctx, token, storetest.OtherPassword)
				storetest.WantKind(t, err, model.NotFound)
			})
		})
	}
}
