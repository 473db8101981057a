package storetest

import (
	"testing"

	"rollcall/model/directory"
	"rollcall/model/requestlog"
	"rollcall/model/store"
)

// Noted is a line of a directory's request log.
func Noted(d *directory.Directory) requestlog.Request {
	return requestlog.Request{
		OrganizationID: d.OrganizationID, DirectoryID: d.ID, Method: "GET", Path: "/Users", Status: 200,
	}
}

// Note writes n lines of a directory's request log.
func Note(t testing.TB, s *store.Store, d *directory.Directory, n int) {
	t.Helper()
	log := requestlog.New(requestlog.Across(s))
	for range n {
		log.Add(Noted(d))
	}
	written, err := log.RunOnce(t.Context())
	Must(t, err)
	if written != n {
		t.Fatalf("%d lines written, want %d", written, n)
	}
}
