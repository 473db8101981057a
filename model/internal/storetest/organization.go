package storetest

import (
	"errors"
	"testing"
	"time"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/modeltest"
	"rollcall/model/operator"
	"rollcall/model/organization"
	"rollcall/model/store"
)

// Organization makes an organization with a verified domain and a directory.
func Organization(t testing.TB, s *store.Store, name, domain string) (*store.Org, *directory.Directory) {
	t.Helper()
	g := &organization.Organization{
		OrganizationFields: organization.OrganizationFields{Name: name, Settings: organization.DefaultSettings()},
	}
	domains := map[string]organization.DomainState{domain: organization.DomainStateVerified}
	err := operator.Across(s).CreateOrganization(t.Context(), "operator:test", model.Everywhere(), g, domains)
	if err != nil {
		t.Fatal(err)
	}
	org := s.Org(g.ID, "operator:test")
	d := Directory(t, org)
	return s.Org(g.ID, d.Actor()), d
}

// Contoso is the organization of tests that need only one.
func Contoso(t testing.TB, s *store.Store) (*store.Org, *directory.Directory) {
	t.Helper()
	return Organization(t, s, "Contoso", "contoso.example")
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

// Serving makes an application for organizations and returns its scope.
func Serving(t testing.TB, s *store.Store, organizations ...model.OrganizationID) model.Scope {
	t.Helper()
	a := &organization.Application{ApplicationFields: organization.ApplicationFields{Name: "App"}}
	key, err := organization.Across(s).CreateApplication(t.Context(), a, organizations)
	Must(t, err)
	_, scope, err := organization.Across(s).APIKey(t.Context(), key)
	Must(t, err)
	return scope
}

// Application makes an application that serves all organizations.
func Application(t testing.TB, s *store.Store) *organization.Application {
	t.Helper()
	a := &organization.Application{ApplicationFields: organization.ApplicationFields{
		Name: "Analytics", AllOrganizations: true, RedirectURIs: []string{"https://app.example/callback"},
	}}
	_, err := organization.Across(s).CreateApplication(t.Context(), a, nil)
	Must(t, err)
	return a
}

// Named is a change of a directory to a name.
func Named(name string) func(*directory.DirectoryFields) error {
	return func(d *directory.DirectoryFields) error { d.Name = name; return nil }
}

// Options returns options with the key of the test databases.
func Options() store.Options { return store.Options{Keys: [][]byte{modeltest.Key}} }

// NewID makes a stored id.
var NewID = model.NewID

// Day is 24 hours.
const Day = 24 * time.Hour

// Must ends the test with an error.
func Must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
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
