package model_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
)

// Whoever loses the role of administrator because a directory group did loses the password that came
// with it, and the link to set one, as by a person's word: they would open the door again with the role.
func TestMappedAdministratorsLosePassword(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		standIn bool // whether there is another administrator
		again   func(t *testing.T, h suite, ada *model.User, chiefs *model.DirectoryGroup)
	}{
		"and is one again by the mapping": {true, func(t *testing.T, h suite, ada *model.User, chiefs *model.DirectoryGroup) {
			change(t, h.org, chiefs, model.MembersChange{Op: model.AddMembers, UserIDs: ids(ada)})
			h.work(t)
		}},
		"was the last, and is one again by a person's word": {false, func(t *testing.T, h suite, ada *model.User, _ *model.DirectoryGroup) {
			_, err := h.org.SetRole(t.Context(), ada.ID, model.Admin)
			must(t, err)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			eachSuite(t, -1, func(t *testing.T, h suite) {
				ctx := t.Context()
				if c.standIn {
					h.admin(t, h.unowned(t, h.mail("stand-in"), h.mail("stand-in")))
				}
				ada := createUser(t, h.org, h.d, h.mail("ada"))
				chiefs := createGroup(t, h.org, h.d, "Chiefs", ada)
				_, err := h.org.SetRoleMapping(ctx, byID(chiefs))
				must(t, err)
				h.work(t)
				setPassword(t, h.s, h.org, ada, goodPassword)
				_, token, err := h.org.CreatePasswordSetup(ctx, ada.ID)
				must(t, err)
				told := newEvents(t, h.s, h.org, func() {
					chiefs = change(t, h.org, chiefs, model.MembersChange{Op: model.RemoveMembers, UserIDs: ids(ada)})
					h.work(t)
				})
				want := []model.EventType{model.DirectoryGroupUserRemoved, model.UserRoleChanged, model.UserPasswordRemoved, model.UserAccessEnded}
				if diff := cmp.Diff(want, told); diff != "" {
					t.Error(diff)
				}
				if stored, links := passwords(t, h.s); stored != 0 || links != 0 {
					t.Errorf("%d passwords and %d links are left", stored, links)
				}
				c.again(t, h, ada, chiefs) // an administrator, without what they had before
				_, err = enter(t, h.s, ada.Email, goodPassword)
				wantKind(t, err, model.Denied)
				wantKind(t, h.s.SetPassword(ctx, token, otherPassword), model.NotFound)
			})
		})
	}
}
