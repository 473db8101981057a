package scim_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/modeltest"
	"rollcall/model/people"
	"rollcall/model/store"
)

// operatorActor is an actor other than the directory.
const operatorActor model.Actor = "operator:test"

// tenant is an organization with a verified domain and a directory, for one test.
type tenant struct {
	*client
	id     model.OrganizationID
	org    *store.Org // acting as the operator
	domain string
	seen   string // the last event that was read
}

// eachTenant runs each of the tests against a tenant of its own, on both databases.
func eachTenant(t *testing.T, tests []tenantTest) {
	t.Helper()
	modeltest.Each(t, func(t *testing.T, store *store.Store) {
		for i, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				d := deploy(t, store)
				domain := fmt.Sprintf("northwind-%d.example", i)
				id := d.organization("Northwind", domain)
				o := &tenant{client: d.client(id), id: id, org: store.Org(id, operatorActor), domain: domain}
				o.want(200, "GET", "/Users", "") // links the directory
				o.happened()
				test.run(o)
			})
		}
	})
}

type tenantTest struct {
	name string // what comes out
	run  func(o *tenant)
}

func (o *tenant) mail(name string) string { return name + "@" + o.domain }

// unowned creates a user without a directory, as a login or an operator does.
func (o *tenant) unowned(document map[string]any) string {
	o.t.Helper()
	u, err := people.In(o.org).CreateUser(o.t.Context(), document)
	if err != nil {
		o.t.Fatal(err)
	}
	o.happened()
	return u.ID
}

// person is the document of a user with that userName and work address.
func person(userName, email string) map[string]any {
	return map[string]any{
		"userName": userName,
		"emails":   []any{map[string]any{"value": email, "type": "work", "primary": true}},
	}
}

// post is the body that creates a user with that userName and work address.
func post(userName, email string) string {
	return fmt.Sprintf(
		`{"schemas":[%q],"userName":%q,"emails":[{"value":%q,"type":"work","primary":true}],"active":true}`,
		coreUser, userName, email)
}

// row is the stored user, with or without a directory.
func (o *tenant) row(id string) *people.User {
	o.t.Helper()
	u, err := people.In(o.org).User(o.t.Context(), id)
	if err != nil {
		o.t.Fatal(err)
	}
	return u
}

// owned checks that the user belongs to the directory and has that role and state.
func (o *tenant) owned(id string, role people.Role, active bool) {
	o.t.Helper()
	u := o.row(id)
	if u.DirectoryID == nil || *u.DirectoryID != o.directory.ID {
		o.t.Errorf("the directory does not own the user")
	}
	if u.Role != role || u.Active != active {
		o.t.Errorf("role %s, active %t, want %s, %t", u.Role, u.Active, role, active)
	}
}

// untouched checks that the user is unchanged, that there is no event, and that the directory lists
// no user.
func (o *tenant) untouched(before *people.User) {
	o.t.Helper()
	if diff := cmp.Diff(before, o.row(before.ID)); diff != "" {
		o.t.Errorf("the user changed (-before +after):\n%s", diff)
	}
	o.expect()
	o.finds(filtered("/Users", fmt.Sprintf("userName eq %q", before.UserName)))
	o.finds("/Users")
}

// finds checks which users a list shows.
func (o *tenant) finds(path string, ids ...string) {
	o.t.Helper()
	a := o.want(200, "GET", path, "")
	if diff := cmp.Diff(append([]string{}, ids...), a.values("id")); diff != "" {
		o.t.Errorf("GET %s (-want +got):\n%s", path, diff)
	}
	if a.body["totalResults"] != float64(len(ids)) {
		o.t.Errorf("GET %s: totalResults %v, want %d", path, a.body["totalResults"], len(ids))
	}
}

// happening has the members of an event that the tests compare.
type happening struct {
	Type    model.EventType
	Subject string
	Actor   model.Actor
	Reason  string // of user.access_ended
}

// happened returns the events since the last call.
func (o *tenant) happened() []model.Event {
	o.t.Helper()
	events, _, err := o.store.Events(o.t.Context(), model.Everywhere(), store.EventQuery{
		OrganizationID: o.id, Page: model.Page{Ascending: true, Limit: 100, After: o.seen},
	})
	if err != nil {
		o.t.Fatal(err)
	}
	if n := len(events); n > 0 {
		o.seen = events[n-1].ID
	}
	return events
}

// expect checks that exactly these events happened, in this order.
func (o *tenant) expect(want ...happening) []model.Event {
	o.t.Helper()
	events := o.happened()
	var got []happening
	for _, e := range events {
		h := happening{Type: e.Type, Subject: e.Subject, Actor: e.Actor}
		if e.Type == people.UserAccessEnded {
			h.Reason, _ = eventData(o.t, e)["reason"].(string)
		}
		got = append(got, h)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		o.t.Errorf("events (-want +got):\n%s", diff)
	}
	return events
}

// by is an event about a user that the directory caused.
func (o *tenant) by(t model.EventType, id string) happening {
	prefix := model.UserPrefix
	if strings.HasPrefix(string(t), "dsync.") {
		prefix = model.DirectoryUserPrefix
	}
	return happening{Type: t, Subject: prefix.ID(id), Actor: o.directory.Actor()}
}

// ended is the event that says why a user's access ended.
func (o *tenant) ended(id string, why people.EndingReason) happening {
	return happening{people.UserAccessEnded, model.UserPrefix.ID(id), o.directory.Actor(), string(why)}
}

// adopted are the events of an adoption by the directory.
func (o *tenant) adopted(id string) []happening {
	return []happening{o.by(people.UserAdopted, id), o.by(people.DirectoryUserCreated, id)}
}

// eventData is the data of an event.
func eventData(t testing.TB, e model.Event) map[string]any {
	t.Helper()
	var d map[string]any
	if err := json.Unmarshal([]byte(e.Data), &d); err != nil {
		t.Fatalf("%s: %v", e.Type, err)
	}
	return d
}
