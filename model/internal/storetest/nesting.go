package storetest

import (
	"testing"

	"rollcall/model/directory"
	"rollcall/model/people"
	"rollcall/model/store"
)

// Nested makes a group with members of any kind.
func Nested(t testing.TB, org *store.Org, d *directory.Directory, name string, members ...string) *people.DirectoryGroup {
	t.Helper()
	g, err := directory.Of(org, d.ID).CreateGroup(t.Context(), map[string]any{"displayName": name}, members)
	Must(t, err)
	return g
}
