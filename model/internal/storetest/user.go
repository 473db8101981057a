package storetest

import (
	"strconv"
	"testing"

	"rollcall/model/directory"
	"rollcall/model/people"
	"rollcall/model/store"
)

// Person is a SCIM document whose userName is its e-mail address.
func Person(userName string) map[string]any {
	return map[string]any{
		"userName": userName, "displayName": "Person " + userName, "externalId": "x-" + userName,
		"name":   map[string]any{"givenName": "Given", "familyName": userName},
		"emails": []any{map[string]any{"value": userName, "type": "work", "primary": true}},
	}
}

// WithEmail is a person whose userName is not the e-mail address.
func WithEmail(userName, email string) map[string]any {
	d := Person(userName)
	d["emails"] = []any{map[string]any{"value": email, "primary": true}}
	return d
}

// WithAddress is a person with an externalId and an e-mail address.
func WithAddress(userName, externalID, email string) map[string]any {
	document := Person(userName)
	document["externalId"] = externalID
	document["emails"] = []any{map[string]any{"value": email, "type": "work", "primary": true}}
	return document
}

// CreateUser makes a user of a directory.
func CreateUser(t testing.TB, org *store.Org, d *directory.Directory, userName string) *people.User {
	t.Helper()
	u, err := directory.Of(org, d.ID).CreateUser(t.Context(), Person(userName))
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// CreateUnowned makes a user of no directory, as a login or an operator does.
func CreateUnowned(t testing.TB, org *store.Org, userName string) *people.User {
	t.Helper()
	u, err := people.In(org).CreateUser(t.Context(), Person(userName))
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// Stored reads a user.
func Stored(t testing.TB, org *store.Org, id string) *people.User {
	t.Helper()
	u, err := people.In(org).User(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// Ids returns the ids of users.
func Ids(users ...*people.User) []string {
	out := []string{}
	for _, u := range users {
		out = append(out, u.ID)
	}
	return out
}

// SetActive is a change of a user to active or not.
func SetActive(active bool) func(*people.UserDraft) error {
	return func(u *people.UserDraft) error { u.Active = active; return nil }
}

// Deactivate makes a user of a directory inactive.
func Deactivate(t testing.TB, org *store.Org, d *directory.Directory, u *people.User) *people.User {
	t.Helper()
	after, err := directory.Of(org, d.ID).UpdateUser(t.Context(), u.ID, SetActive(false))
	if err != nil {
		t.Fatal(err)
	}
	return after
}

// Count is a change of a user whose title is a number to the next number, which the event shows.
func Count(u *people.UserDraft) error {
	d, err := u.DocumentMap()
	if err != nil {
		return err
	}
	n := 0
	if title, ok := d["title"].(string); ok {
		if n, err = strconv.Atoi(title); err != nil {
			return err
		}
	}
	d["title"] = strconv.Itoa(n + 1)
	return u.SetDocument(d)
}
