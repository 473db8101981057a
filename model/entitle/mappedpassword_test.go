package entitle_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/entitle"
	"rollcall/model/internal/storetest"
	"rollcall/model/people"
)

// Whoever loses the role of administrator because a directory group did loses the password that came
// with it, and the link to set one, as by a person's word: they would open the door again with the role.
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
