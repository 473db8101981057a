package storetest

import (
	"testing"

	"rollcall/model/directory"
	"rollcall/model/people"
	"rollcall/model/store"
)

func Change(t testing.TB, org *store.Org, g *people.DirectoryGroup, changes ...directory.MembersChange) *people.DirectoryGroup {
	t.Helper()
	after, err := directory.Of(org, g.DirectoryID).UpdateGroup(t.Context(), g.ID, Unaltered, changes...)
	Must(t, err)
	return after
}
