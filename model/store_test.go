package model_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/modeltest"
)

// organization makes an organization with a verified domain and a directory.
func organization(t testing.TB, s *model.Store, name, domain string) (*model.Org, *model.Directory) {
	t.Helper()
	g := &model.Organization{OrganizationFields: model.OrganizationFields{Name: name, Settings: model.DefaultSettings()}}
	err := s.CreateOrganization(t.Context(), "operator:test", model.Everywhere(), g, map[string]model.DomainState{domain: model.DomainStateVerified})
	if err != nil {
		t.Fatal(err)
	}
	org := s.Org(g.ID, "operator:test")
	d := directory(t, org)
	return s.Org(g.ID, d.Actor()), d
}

// directory adds a directory to an organization.
func directory(t testing.TB, org *model.Org) *model.Directory {
	t.Helper()
	d, _, err := org.CreateDirectory(t.Context(), "Okta", "okta scim v2.0")
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// contoso is the organization of tests that need only one.
func contoso(t testing.TB, s *model.Store) (*model.Org, *model.Directory) {
	t.Helper()
	return organization(t, s, "Contoso", "contoso.example")
}

func person(userName string) map[string]any {
	return map[string]any{
		"userName": userName, "displayName": "Person " + userName, "externalId": "x-" + userName,
		"name":   map[string]any{"givenName": "Given", "familyName": userName},
		"emails": []any{map[string]any{"value": userName, "type": "work", "primary": true}},
	}
}

func createUser(t testing.TB, org *model.Org, d *model.Directory, userName string) *model.User {
	t.Helper()
	u, err := org.CreateDirectoryUser(t.Context(), d.ID, person(userName))
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// createUnowned makes a user such as a login or an operator makes.
func createUnowned(t testing.TB, org *model.Org, userName string) *model.User {
	t.Helper()
	u, err := org.CreateUser(t.Context(), person(userName))
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func createGroup(t testing.TB, org *model.Org, d *model.Directory, name string, members ...*model.User) *model.DirectoryGroup {
	t.Helper()
	g, err := org.CreateDirectoryGroup(t.Context(), d.ID, map[string]any{"displayName": name}, ids(members...))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func named(name string) func(*model.DirectoryFields) error {
	return func(d *model.DirectoryFields) error { d.Name = name; return nil }
}

func ids(users ...*model.User) []string {
	out := []string{}
	for _, u := range users {
		out = append(out, u.ID)
	}
	return out
}

func setActive(active bool) func(*model.UserDraft) error {
	return func(u *model.UserDraft) error { u.Active = active; return nil }
}

func deactivate(t testing.TB, org *model.Org, d *model.Directory, u *model.User) *model.User {
	t.Helper()
	after, err := org.UpdateDirectoryUser(t.Context(), d.ID, u.ID, setActive(false))
	if err != nil {
		t.Fatal(err)
	}
	return after
}

func stored(t testing.TB, org *model.Org, id string) *model.User {
	t.Helper()
	u, err := org.User(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// wantKind checks what kind of error it is and, where given, which field it names.
func wantKind(t testing.TB, err error, want model.Kind, field ...string) {
	t.Helper()
	if err == nil || model.KindOf(err) != want {
		t.Fatalf("error is %v of kind %d, want kind %d", err, model.KindOf(err), want)
	}
	var e *model.Error
	if len(field) > 0 && (!errors.As(err, &e) || e.Field != field[0]) {
		t.Fatalf("error names field %q, want %q: %v", e.Field, field[0], err)
	}
}

// events are all events of an organization in the order of the feed.
func events(t testing.TB, s *model.Store, org *model.Org) []model.Event {
	t.Helper()
	es, _, err := s.Events(t.Context(), model.Everywhere(),
		model.EventQuery{OrganizationID: org.ID, Page: model.Page{Ascending: true, Limit: 10_000}})
	if err != nil {
		t.Fatal(err)
	}
	return es
}

// newEvents returns the types of the events that run makes.
func newEvents(t testing.TB, s *model.Store, org *model.Org, run func()) []model.EventType {
	t.Helper()
	before := len(events(t, s, org))
	run()
	types := []model.EventType{}
	for _, e := range events(t, s, org)[before:] {
		types = append(types, e.Type)
	}
	return types
}

// dump is every row of every table as text; of one organization, or of all for nil.
func dump(t testing.TB, s *model.Store, org *model.Org) []string {
	t.Helper()
	var out []string
	for _, table := range tables(t, s) {
		db := model.Across(s, t.Context()).Table(table.name)
		if org != nil && table.owner == "" {
			continue
		}
		if org != nil {
			db = db.Where(table.owner+" = ?", string(org.ID))
		}
		var rows []map[string]any
		must(t, db.Find(&rows).Error)
		for _, r := range rows {
			out = append(out, fmt.Sprint(table.name, " ", r))
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
	name, owner string
	columns     []string
}

var knownTables sync.Map // of a *model.Store: asking for them is slow

func tables(t testing.TB, s *model.Store) []table {
	t.Helper()
	if known, ok := knownTables.Load(s); ok {
		return known.([]table)
	}
	db := model.Across(s, t.Context())
	names, err := db.Migrator().GetTables()
	must(t, err)
	var out []table
	for _, name := range names {
		if strings.HasPrefix(name, "sqlite_") {
			continue
		}
		rows, err := db.Table(name).Limit(0).Rows()
		must(t, err)
		columns, err := rows.Columns()
		must(t, errors.Join(err, rows.Close()))
		of := table{name: name, columns: columns}
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

// unchanged checks that run writes nothing at all.
func unchanged(t testing.TB, s *model.Store, run func()) {
	t.Helper()
	before := dump(t, s, nil)
	run()
	if diff := cmp.Diff(before, dump(t, s, nil)); diff != "" {
		t.Fatalf("rows changed (-before +after):\n%s", diff)
	}
}

func TestTx(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *model.Store) {
		org, d := contoso(t, s)
		boom := errors.New("boom")
		write := func(org *model.Org) error {
			_, err := org.CreateDirectoryUser(t.Context(), d.ID, person("ada@contoso.example"))
			return err
		}
		t.Run("an error after a write leaves neither row nor event", func(t *testing.T) {
			unchanged(t, s, func() {
				err := org.Tx(t.Context(), func(org *model.Org) error { return errors.Join(write(org), boom) })
				if !errors.Is(err, boom) {
					t.Fatal(err)
				}
			})
		})
		t.Run("an error of a joined Tx undoes everything although it is swallowed", func(t *testing.T) {
			unchanged(t, s, func() {
				err := org.Tx(t.Context(), func(org *model.Org) error {
					_ = org.Tx(t.Context(), func(org *model.Org) error { return errors.Join(write(org), boom) })
					return nil
				})
				if !errors.Is(err, boom) {
					t.Fatal(err)
				}
			})
		})
		t.Run("a panic undoes everything, passes on, and leaves the store usable", func(t *testing.T) {
			unchanged(t, s, func() {
				defer func() {
					if recover() != boom {
						t.Fatal("the panic did not pass on")
					}
				}()
				_ = org.Tx(t.Context(), func(org *model.Org) error {
					if err := write(org); err != nil {
						t.Fatal(err)
					}
					panic(boom)
				})
			})
			if _, err := org.UpdateDirectory(t.Context(), d.ID, named("After the panic")); err != nil {
				t.Fatal(err)
			}
		})
		t.Run("what is written in it is read in it, and by others only afterwards", func(t *testing.T) {
			err := org.Tx(t.Context(), func(inside *model.Org) error {
				if err := write(inside); err != nil {
					return err
				}
				for _, read := range []struct {
					org  *model.Org
					want int
				}{{inside, 1}, {org, 0}} {
					_, extent, err := read.org.DirectoryUsers(t.Context(), d.ID, model.ResourceQuery{})
					if n := extent.Total; err != nil || n != read.want {
						t.Errorf("%d users are seen, want %d: %v", n, read.want, err)
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if _, extent, err := org.DirectoryUsers(t.Context(), d.ID, model.ResourceQuery{}); err != nil || extent.Total != 1 {
				t.Fatal(extent.Total, err)
			}
		})
		t.Run("a context that ends undoes everything", func(t *testing.T) {
			unchanged(t, s, func() {
				ctx, cancel := context.WithCancel(t.Context())
				err := org.Tx(ctx, func(org *model.Org) error {
					_, err := org.CreateDirectoryUser(ctx, d.ID, person("grace@contoso.example"))
					cancel()
					return err
				})
				wantKind(t, err, model.Unavailable)
			})
		})
	})
}
