package storetest

import (
	"testing"

	"rollcall/model/directory"
	"rollcall/model/people"
)

// Moved gives a user of the directory another address.
func (h House) Moved(t testing.TB, u *people.User, email string) {
	t.Helper()
	_, err := directory.Of(h.Org, h.D.ID).UpdateUser(t.Context(), u.ID, func(draft *people.UserDraft) error {
		return draft.SetDocument(WithAddress(u.UserName, u.ExternalID, email))
	})
	Must(t, err)
}
