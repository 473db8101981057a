package storetest

import (
	"errors"
	"testing"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/directory"
	"rollcall/model/operator"
	"rollcall/model/organization"
	"rollcall/model/people"
	"rollcall/model/refusal"
	"rollcall/model/store"
)

// House is an organization with a directory and a connection at which somebody has signed in.
type House struct {
	S      *store.Store
	Org    *store.Org
	D      *directory.Directory
	C      *connection.Connection
	Domain string // verified
}

func Open(t testing.TB, s *store.Store, name string) House {
	t.Helper()
	h := House{S: s, Domain: name + ".example"}
	h.Org, h.D = Organization(t, s, name, h.Domain)
	h.C = Connect(t, h.Org)
	_, err := SignIn(t, h.Org, h.C, ClaimsOf("first", h.Mail("first")))
	Must(t, err)
	h.C, err = connection.In(h.Org).Connection(t.Context(), h.C.ID)
	Must(t, err)
	return h
}

func (h House) Mail(local string) string { return local + "@" + h.Domain }

func (h House) Settings(t testing.TB, change func(*organization.Settings)) {
	t.Helper()
	_, err := operator.In(h.Org).UpdateOrganization(t.Context(), func(g *organization.OrganizationFields) error {
		change(&g.Settings)
		return nil
	})
	Must(t, err)
}

// Owned makes a user of a directory, with that externalId and e-mail address.
func (h House) Owned(t testing.TB, d *directory.Directory, userName, externalID, email string) *people.User {
	t.Helper()
	u, err := directory.Of(h.Org, d.ID).CreateUser(t.Context(), WithAddress(userName, externalID, email))
	Must(t, err)
	return u
}

func (h House) Unowned(t testing.TB, userName, email string) *people.User {
	t.Helper()
	u, err := people.In(h.Org).CreateUser(t.Context(), WithAddress(userName, "", email))
	Must(t, err)
	return u
}

func WithAddress(userName, externalID, email string) map[string]any {
	document := Person(userName)
	document["externalId"] = externalID
	document["emails"] = []any{map[string]any{"value": email, "type": "work", "primary": true}}
	return document
}

func (h House) Admin(t testing.TB, u *people.User) *people.User {
	t.Helper()
	u, err := people.In(h.Org).SetRole(t.Context(), u.ID, people.Admin)
	Must(t, err)
	return u
}

func (h House) Linked(t testing.TB, u *people.User) *people.User {
	t.Helper()
	_, err := people.In(h.Org).LinkIdentity(t.Context(), people.Identity{ConnectionID: h.C.ID, Issuer: "https://idp.example", Subject: "subject", UserID: u.ID})
	Must(t, err)
	return u
}

// Refused checks that a login is refused for a reason.
func Refused(t testing.TB, err error, want refusal.Reason) *refusal.Error {
	t.Helper()
	var r *refusal.Error
	if !errors.As(err, &r) || r.Reason != want {
		t.Fatalf("refused with %v, want %q", err, want)
	}
	WantKind(t, err, model.Denied)
	if r.Expected == "" || r.Received == "" {
		t.Errorf("the log is told too little: %+v", r)
	}
	return r
}
