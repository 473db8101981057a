package model_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
)

// Whoever loses the role of administrator because a directory group did loses the password that came
// with it, and the link to set one, as by a person's word: they would open the door again with the role.
func TestMappedAdminLosesThePasswordWithTheRole(t *testing.T) {
	eachSuite(t, -1, func(t *testing.T, h suite) {
		ctx := t.Context()
		ada := h.owned(t, h.d, "ada", "", h.mail("ada"))
		chiefs := createGroup(t, h.org, h.d, "Chiefs", ada)
		_, err := h.org.SetRoleMapping(ctx, byID(chiefs))
		must(t, err)
		h.work(t)
		setPassword(t, h.s, h.org, ada, otherPassword)
		_, _, err = h.org.CreatePasswordSetup(ctx, ada.ID)
		must(t, err)
		told := newEvents(t, h.s, h.org, func() {
			_, err = h.org.UpdateDirectoryGroup(ctx, h.d.ID, chiefs.ID, unaltered, model.MembersChange{Op: model.RemoveMembers, UserIDs: ids(ada)})
			must(t, err)
		})
		want := []model.EventType{model.DirectoryGroupUserRemove, model.UserRoleChanged, model.UserPasswordRemoved, model.UserAccessEnded}
		if diff := cmp.Diff(want, told); diff != "" {
			t.Error(diff)
		}
		if stored, links := passwords(t, h.s); stored+links != 0 {
			t.Errorf("%d passwords and %d links are left", stored, links)
		}
		_, err = h.org.SetRole(ctx, ada.ID, model.Admin)
		must(t, err)
		if _, err := enter(t, h.s, h.mail("ada"), otherPassword); err == nil {
			t.Error("a password of before opens the door to a new administrator")
		}
	})
}
