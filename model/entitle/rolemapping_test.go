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
		ada, grace := storetest.CreateUser(t, h.Org, h.D, h.Mail("ada")), storetest.CreateUser(t, h.Org, h.D, h.Mail("grace"))
		chiefs := storetest.CreateGroup(t, h.Org, h.D, "Chiefs", ada)
		change := func(op directory.MembersOp, u *people.User) {
			t.Helper()
			_, err := directory.In(h.Org).UpdateDirectoryGroup(ctx, h.D.ID, chiefs.ID, storetest.Unaltered, directory.MembersChange{Op: op, UserIDs: storetest.Ids(u)})
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

// Whoever loses the role of administrator because a directory group did loses the password that
// came with it, and the link to set one, as by a person's word: they would open the door again with
// the role.
func TestMappedAdministratorsLosePassword(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		standIn bool // whether there is another administrator
		again   func(t *testing.T, h storetest.Suite, ada *people.User, chiefs *people.DirectoryGroup)
	}{
		"and is one again by the mapping": {true, func(t *testing.T, h storetest.Suite, ada *people.User, chiefs *people.DirectoryGroup) {
			storetest.Change(t, h.Org, chiefs, directory.MembersChange{Op: directory.AddMembers, UserIDs: storetest.Ids(ada)})
			h.Work(t)
		}},
		"was the last, and is one again by a person's word": {false, func(t *testing.T, h storetest.Suite, ada *people.User, _ *people.DirectoryGroup) {
			_, err := people.In(h.Org).SetRole(t.Context(), ada.ID, people.Admin)
			storetest.Must(t, err)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			eachSuite(t, -1, func(t *testing.T, h storetest.Suite) {
				ctx := t.Context()
				if c.standIn {
					h.Admin(t, h.Unowned(t, h.Mail("stand-in"), h.Mail("stand-in")))
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
					chiefs = storetest.Change(t, h.Org, chiefs, directory.MembersChange{Op: directory.RemoveMembers, UserIDs: storetest.Ids(ada)})
					h.Work(t)
				})
				want := []model.EventType{directory.DirectoryGroupUserRemoved, people.UserRoleChanged, people.UserPasswordRemoved, people.UserAccessEnded}
				if diff := cmp.Diff(want, told); diff != "" {
					t.Error(diff)
				}
				if stored, links := storetest.Passwords(t, h.S); stored != 0 || links != 0 {
					t.Errorf("%d passwords and %d links are left", stored, links)
				}
				c.again(t, h, ada, chiefs) // an administrator, without what they had before
				_, err = storetest.Enter(t, h.S, ada.Email, storetest.GoodPassword)
				storetest.WantKind(t, err, model.Denied)
				storetest.WantKind(t, people.Across(h.S).SetPassword(ctx, token, storetest.OtherPassword), model.NotFound)
			})
		})
	}
}
