package storetest

import (
	"errors"
	"fmt"
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

// House is an organization with a directory, and a connection by which a user has signed in.
type House struct {
	S      *store.Store
	Org    *store.Org
	D      *directory.Directory
	C      *connection.Connection
	Domain string // verified
}

// Open makes a house with a domain of that name.
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

// Mail returns an address at the verified domain.
func (h House) Mail(local string) string { return local + "@" + h.Domain }

// Settings changes the settings of the organization.
func (h House) Settings(t testing.TB, change func(*organization.Settings)) {
	t.Helper()
	_, err := operator.In(h.Org).UpdateOrganization(t.Context(), func(g *organization.OrganizationFields) error {
		change(&g.Settings)
		return nil
	})
	Must(t, err)
}

// Owned makes a user of a directory with an externalId and an e-mail address.
func (h House) Owned(t testing.TB, d *directory.Directory, userName, externalID, email string) *people.User {
	t.Helper()
	u, err := directory.Of(h.Org, d.ID).CreateUser(t.Context(), WithAddress(userName, externalID, email))
	Must(t, err)
	return u
}

// Unowned makes a user of no directory with an e-mail address.
func (h House) Unowned(t testing.TB, userName, email string) *people.User {
	t.Helper()
	u, err := people.In(h.Org).CreateUser(t.Context(), WithAddress(userName, "", email))
	Must(t, err)
	return u
}

// Admin makes a user an administrator.
func (h House) Admin(t testing.TB, u *people.User) *people.User {
	t.Helper()
	u, err := people.In(h.Org).SetRole(t.Context(), u.ID, people.Admin)
	Must(t, err)
	return u
}

// Linked gives a user an identity at the connection.
func (h House) Linked(t testing.TB, u *people.User) *people.User {
	t.Helper()
	_, err := people.In(h.Org).LinkIdentity(t.Context(), people.Identity{
		ConnectionID: h.C.ID, Issuer: "https://idp.example", Subject: "subject", UserID: u.ID,
	})
	Must(t, err)
	return u
}

// Moved gives a user of the directory another address.
func (h House) Moved(t testing.TB, u *people.User, email string) {
	t.Helper()
	_, err := directory.Of(h.Org, h.D.ID).UpdateUser(t.Context(), u.ID, func(draft *people.UserDraft) error {
		return draft.SetDocument(WithAddress(u.UserName, u.ExternalID, email))
	})
	Must(t, err)
}

// EventsAfter lists the events after the first ones, with the name of each user whose access ended.
func (h House) EventsAfter(t testing.TB, before int, names map[string]string) []string {
	t.Helper()
	out := []string{}
	for _, e := range Events(t, h.S, h.Org)[before:] {
		name := string(e.Type)
		if of := endedBy(t, e); of.UserID != "" {
			name += fmt.Sprintf(" %s %s %d", names[of.UserID], of.Reason, len(of.ProfileIDs))
		}
		out = append(out, name)
	}
	return out
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
		t.Errorf("the log has too little: %+v", r)
	}
	return r
}
