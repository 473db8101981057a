package storetest

import (
	"testing"

	"rollcall/model/directory"
	"rollcall/model/people"
	"rollcall/model/store"
)

// CreateGroup makes a group of users.
func CreateGroup(
	t testing.TB, org *store.Org, d *directory.Directory, name string, members ...*people.User,
) *people.DirectoryGroup {
	t.Helper()
	document := map[string]any{"displayName": name}
	g, err := directory.Of(org, d.ID).CreateGroup(t.Context(), document, Ids(members...))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// Nested makes a group with members of any kind.
func Nested(
	t testing.TB, org *store.Org, d *directory.Directory, name string, members ...string,
) *people.DirectoryGroup {
	t.Helper()
	g, err := directory.Of(org, d.ID).CreateGroup(t.Context(), map[string]any{"displayName": name}, members)
	Must(t, err)
	return g
}

// Change changes the members of a group.
func Change(
	t testing.TB, org *store.Org, g *people.DirectoryGroup, changes ...directory.MembersChange,
) *people.DirectoryGroup {
	t.Helper()
	after, err := directory.Of(org, g.DirectoryID).UpdateGroup(t.Context(), g.ID, Unaltered, changes...)
	Must(t, err)
	return after
}

// Unaltered is a change of a group that changes nothing.
func Unaltered(*directory.GroupDraft) error { return nil }

// Crowd adds new active users to a group, by the database alone: it is quick where they are many.
func Crowd(t testing.TB, org *store.Org, g *people.DirectoryGroup, n int) {
	t.Helper()
	var us []people.User
	var ms []people.GroupMember
	for range n {
		id := NewID()
		us = append(us, people.User{ID: id, DirectoryID: &g.DirectoryID, UserName: id, UserNameFolded: id,
			Active: true, Role: people.Member, ProfileIDs: []string{}, Document: `{"userName":"` + id + `"}`})
		ms = append(ms, people.GroupMember{GroupID: g.ID, UserID: id})
	}
	Must(t, Within(org, t.Context()).CreateInBatches(us, 200).Error)
	Must(t, Within(org, t.Context()).CreateInBatches(ms, 200).Error)
}
