package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/operator"
	"rollcall/model/organization"
	"rollcall/model/people"
	"rollcall/model/store"
)

// Organization makes an organization with a verified domain and a directory.
func Organization(t testing.TB, s *store.Store, name, domain string) (*store.Org, *directory.Directory) {
	t.Helper()
	g := &organization.Organization{OrganizationFields: organization.OrganizationFields{Name: name, Settings: organization.DefaultSettings()}}
	err := operator.Across(s).CreateOrganization(t.Context(), "operator:test", model.Everywhere(), g, map[string]organization.DomainState{domain: organization.DomainStateVerified})
	if err != nil {
		t.Fatal(err)
	}
	org := s.Org(g.ID, "operator:test")
	d := Directory(t, org)
	return s.Org(g.ID, d.Actor()), d
}

// Directory adds a directory to an organization.
func Directory(t testing.TB, org *store.Org) *directory.Directory {
	t.Helper()
	d, _, err := directory.In(org).CreateDirectory(t.Context(), "Okta", "okta scim v2.0")
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func Must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Contoso is the organization of tests that need only one.
func Contoso(t testing.TB, s *store.Store) (*store.Org, *directory.Directory) {
	t.Helper()
	return Organization(t, s, "Contoso", "contoso.example")
}

func Person(userName string) map[string]any {
	return map[string]any{
		"userName": userName, "displayName": "Person " + userName, "externalId": "x-" + userName,
		"name":   map[string]any{"givenName": "Given", "familyName": userName},
		"emails": []any{map[string]any{"value": userName, "type": "work", "primary": true}},
	}
}

func CreateUser(t testing.TB, org *store.Org, d *directory.Directory, userName string) *people.User {
	t.Helper()
	u, err := directory.Of(org, d.ID).CreateUser(t.Context(), Person(userName))
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// CreateUnowned makes a user such as a login or an operator makes.
func CreateUnowned(t testing.TB, org *store.Org, userName string) *people.User {
	t.Helper()
	u, err := people.In(org).CreateUser(t.Context(), Person(userName))
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func CreateGroup(t testing.TB, org *store.Org, d *directory.Directory, name string, members ...*people.User) *people.DirectoryGroup {
	t.Helper()
	g, err := directory.Of(org, d.ID).CreateGroup(t.Context(), map[string]any{"displayName": name}, Ids(members...))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func Named(name string) func(*directory.DirectoryFields) error {
	return func(d *directory.DirectoryFields) error { d.Name = name; return nil }
}

func Ids(users ...*people.User) []string {
	out := []string{}
	for _, u := range users {
		out = append(out, u.ID)
	}
	return out
}

func SetActive(active bool) func(*people.UserDraft) error {
	return func(u *people.UserDraft) error { u.Active = active; return nil }
}

func Deactivate(t testing.TB, org *store.Org, d *directory.Directory, u *people.User) *people.User {
	t.Helper()
	after, err := directory.Of(org, d.ID).UpdateUser(t.Context(), u.ID, SetActive(false))
	if err != nil {
		t.Fatal(err)
	}
	return after
}

func Stored(t testing.TB, org *store.Org, id string) *people.User {
	t.Helper()
	u, err := people.In(org).User(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// WantKind checks what kind of error it is and, where given, which field it names.
func WantKind(t testing.TB, err error, want model.Kind, field ...string) {
	t.Helper()
	if err == nil || model.KindOf(err) != want {
		t.Fatalf("error is %v of kind %d, want kind %d", err, model.KindOf(err), want)
	}
	var e *model.Error
	if len(field) > 0 && (!errors.As(err, &e) || e.Field != field[0]) {
		t.Fatalf("error names field %q, want %q: %v", e.Field, field[0], err)
	}
}

// Events are all events of an organization in the order of the feed.
func Events(t testing.TB, s *store.Store, org *store.Org) []model.Event {
	t.Helper()
	es, _, err := s.Events(t.Context(), model.Everywhere(),
		store.EventQuery{OrganizationID: org.ID, Page: model.Page{Ascending: true, Limit: 10_000}})
	if err != nil {
		t.Fatal(err)
	}
	return es
}

// NewEvents returns the types of the events that run makes.
func NewEvents(t testing.TB, s *store.Store, org *store.Org, run func()) []model.EventType {
	t.Helper()
	before := len(Events(t, s, org))
	run()
	types := []model.EventType{}
	for _, e := range Events(t, s, org)[before:] {
		types = append(types, e.Type)
	}
	return types
}

// Dump is every row of every table as text; of one organization, or of all for nil.
func Dump(t testing.TB, s *store.Store, org *store.Org) []string {
	t.Helper()
	var out []string
	for _, table := range Tables(t, s) {
		db := Across(s, t.Context()).Table(table.Name)
		if org != nil && table.owner == "" {
			continue
		}
		if org != nil {
			db = db.Where(table.owner+" = ?", string(org.ID))
		}
		var rows []map[string]any
		Must(t, db.Find(&rows).Error)
		for _, r := range rows {
			out = append(out, fmt.Sprint(table.Name, " ", r))
		}
	}
	if len(out) == 0 {
		t.Fatal("there are no rows: nothing would be compared")
	}
	slices.Sort(out)
	return out
}

// table is a table of the database and its column that says whose a row is, if it has one.
type table struct {
	Name, owner string
	Columns     []string
}

var knownTables sync.Map // of a *model.Store: asking for them is slow

func Tables(t testing.TB, s *store.Store) []table {
	t.Helper()
	if known, ok := knownTables.Load(s); ok {
		return known.([]table)
	}
	db := Across(s, t.Context())
	names, err := db.Migrator().GetTables()
	Must(t, err)
	var out []table
	for _, name := range names {
		if strings.HasPrefix(name, "sqlite_") {
			continue
		}
		rows, err := db.Table(name).Limit(0).Rows()
		Must(t, err)
		columns, err := rows.Columns()
		Must(t, errors.Join(err, rows.Close()))
		of := table{Name: name, Columns: columns}
		switch {
		case slices.Contains(columns, "organization_id"):
			of.owner = "organization_id"
		case name == "organizations":
			of.owner = "id"
		}
		out = append(out, of)
	}
	knownTables.Store(s, out)
	return out
}

// Unchanged checks that run writes nothing at all.
func Unchanged(t testing.TB, s *store.Store, run func()) {
	t.Helper()
	before := Dump(t, s, nil)
	run()
	if diff := cmp.Diff(before, Dump(t, s, nil)); diff != "" {
		t.Fatalf("rows changed (-before +after):\n%s", diff)
	}
}
