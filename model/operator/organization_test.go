package operator_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/operator"
	"rollcall/model/organization"
	"rollcall/model/store"
)

func newOrganization(name string) *organization.Organization {
	return &organization.Organization{OrganizationFields: organization.OrganizationFields{
		Name: name, Settings: organization.DefaultSettings(),
	}}
}

// domains are domains with their states, as CreateOrganization takes them.
type domains = map[string]organization.DomainState

const (
	pending  = organization.DomainStatePending
	verified = organization.DomainStateVerified
)

func TestCreateOrganization(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		create := func(scope model.Scope, g *organization.Organization, with domains) error {
			return operator.Across(s).CreateOrganization(t.Context(), "operator:test", scope, g, with)
		}
		t.Run("it is stored as it is returned, with its domains and their events", func(t *testing.T) {
			external := "customer 1"
			g := newOrganization("Caf\u00e9 Contoso")
			g.ExternalID, g.Metadata = &external, map[string]string{"plan": "gold <&>"}
			with := domains{"Contoso.EXAMPLE": verified, "b\u00fccher.example": pending}
			storetest.Must(t, create(model.Everywhere(), g, with))
			org := s.Org(g.ID, "operator:test")
			stored, err := organization.In(org).Organization(t.Context())
			storetest.Must(t, err)
			if diff := cmp.Diff(g, stored); diff != "" {
				t.Error(diff)
			}
			if g.Slug != "cafe-contoso" || len(g.Domains) != 2 ||
				g.Domains[0].Domain != "contoso.example" || g.Domains[1].Domain != "xn--bcher-kva.example" {
				t.Errorf("%+v", g)
			}
			var types []model.EventType
			for _, e := range storetest.Events(t, s, org) {
				types = append(types, e.Type)
			}
			want := []model.EventType{organization.OrganizationCreated,
				organization.DomainCreated, organization.DomainVerified, organization.DomainCreated}
			if diff := cmp.Diff(want, types); diff != "" {
				t.Error(diff)
			}
		})
		t.Run("a slug made from the name is numbered, also when several are made at once", func(t *testing.T) {
			gs := make([]*organization.Organization, 4)
			storetest.Must(t, errors.Join(storetest.Together(len(gs), func(i int) error {
				gs[i] = newOrganization("Same Name")
				return create(model.Everywhere(), gs[i], nil)
			})...))
			var slugs []string
			for _, g := range gs {
				slugs = append(slugs, g.Slug)
			}
			slices.Sort(slugs)
			if diff := cmp.Diff([]string{"same-name", "same-name-2", "same-name-3", "same-name-4"}, slugs); diff != "" {
				t.Error(diff)
			}
		})
		t.Run("what belongs to another organization is refused, and nothing is left", func(t *testing.T) {
			external := "customer 1"
			for field, g := range map[string]*organization.Organization{
				"slug":   newOrganization("Other"),
				"domain": newOrganization("Other"),
			} {
				if field == "slug" {
					g.Slug = "cafe-contoso"
				}
				storetest.Unchanged(t, s, func() {
					err := create(model.Everywhere(), g, domains{"contoso.example": verified})
					storetest.WantKind(t, err, model.Conflict, field)
				})
			}
			storetest.Unchanged(t, s, func() {
				g := newOrganization("Other")
				g.ExternalID = &external
				storetest.WantKind(t, create(model.Everywhere(), g, nil), model.Conflict)
			})
		})
		t.Run("a domain that another one only claims is free", func(t *testing.T) {
			g := newOrganization("Claims")
			storetest.Must(t, create(model.Everywhere(), g, domains{"contoso.example": pending}))
		})
		t.Run("one that an application's key creates joins the application's list", func(t *testing.T) {
			for _, all := range []bool{false, true} {
				fields := organization.ApplicationFields{Name: "App", AllOrganizations: all}
				a := &organization.Application{ApplicationFields: fields}
				key, err := organization.Across(s).CreateApplication(t.Context(), a, nil)
				storetest.Must(t, err)
				_, scope, err := organization.Across(s).APIKey(t.Context(), key)
				storetest.Must(t, err)
				g := newOrganization(fmt.Sprint("Joined ", all))
				storetest.Must(t, create(scope, g, nil))
				joined, err := organization.Across(s).Application(t.Context(), a.ID)
				storetest.Must(t, err)
				if !slices.Equal(joined.Organizations, []model.OrganizationID{g.ID}) || scope.All() != all {
					t.Error(joined.Organizations)
				}
				if reached, err := organization.Across(s).Reaches(t.Context(), scope, g.ID); err != nil || !reached {
					t.Error(reached, err)
				}
			}
		})
		external := func(s string) *string { return &s }
		metadata := func(k, v string) map[string]string { return map[string]string{k: v} }
		many := map[string]string{}
		for i := range 51 {
			many[fmt.Sprint(i)] = ""
		}
		settings := func(seconds int) organization.Settings {
			s := organization.DefaultSettings()
			s.SessionLifetimeSeconds = seconds
			return s
		}
		for _, c := range []struct {
			field string
			g     organization.OrganizationFields
		}{
			{"name", organization.OrganizationFields{}},
			{"name", organization.OrganizationFields{Name: "\t "}},
			{"name", organization.OrganizationFields{Name: strings.Repeat("x", 201)}},
			{"name", organization.OrganizationFields{Name: "a\x00b"}},
			{"name", organization.OrganizationFields{Name: "a\xff"}},
			{"slug", organization.OrganizationFields{Name: "X", Slug: "ab"}},
			{"slug", organization.OrganizationFields{Name: "X", Slug: "Abc"}},
			{"slug", organization.OrganizationFields{Name: "X", Slug: strings.Repeat("x", 41)}},
			{"external_id", organization.OrganizationFields{Name: "X", ExternalID: external("")}},
			{"external_id", organization.OrganizationFields{Name: "X", ExternalID: external("\u00e9")}},
			{"external_id", organization.OrganizationFields{Name: "X", ExternalID: external("\x00")}},
			{"external_id", organization.OrganizationFields{Name: "X", ExternalID: external(strings.Repeat("x", 129))}},
			{"metadata", organization.OrganizationFields{Name: "X", Metadata: many}},
			{"metadata", organization.OrganizationFields{Name: "X", Metadata: metadata(strings.Repeat("x", 41), "")}},
			{"metadata", organization.OrganizationFields{Name: "X", Metadata: metadata("x", strings.Repeat("x", 601))}},
			{"session_lifetime_seconds", organization.OrganizationFields{Name: "X"}},
			{"session_lifetime_seconds", organization.OrganizationFields{Name: "X", Settings: settings(299)}},
			{"session_lifetime_seconds", organization.OrganizationFields{Name: "X", Settings: settings(2592001)}},
		} {
			t.Run("a bad "+c.field+" is refused by name", func(t *testing.T) {
				if c.field != "session_lifetime_seconds" {
					c.g.Settings = organization.DefaultSettings()
				}
				storetest.Unchanged(t, s, func() {
					err := create(model.Everywhere(), &organization.Organization{OrganizationFields: c.g}, nil)
					storetest.WantKind(t, err, model.Invalid, c.field)
				})
			})
		}
		t.Run("a bad domain is refused by name, and nothing is left", func(t *testing.T) {
			for _, domain := range []string{
				"", "localhost", "co.uk", "127.0.0.1", "a b.example", "a..example", "\x00.example",
			} {
				storetest.Unchanged(t, s, func() {
					err := create(model.Everywhere(), newOrganization("X"), domains{domain: pending})
					storetest.WantKind(t, err, model.Invalid, "domain")
				})
			}
		})
	})
}

func TestUpdateOrganization(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		org, _ := storetest.Contoso(t, s)
		update := func(change func(*organization.OrganizationFields) error) (*organization.Organization, error) {
			return operator.In(org).UpdateOrganization(t.Context(), change)
		}
		t.Run("what changes is stored, with an event", func(t *testing.T) {
			external := "x"
			var after *organization.Organization
			got := storetest.NewEvents(t, s, org, func() {
				var err error
				after, err = update(func(g *organization.OrganizationFields) error {
					g.Name, g.ExternalID = "Renamed", &external
					g.AllowProfilesOutsideOrganization, g.Settings.JIT = true, false
					g.Metadata["a"] = "b"
					return nil
				})
				storetest.Must(t, err)
			})
			stored, err := organization.In(org).Organization(t.Context())
			storetest.Must(t, err)
			changed := stored.Name == "Renamed" && stored.Metadata["a"] == "b" && !stored.Settings.JIT
			if diff := cmp.Diff(after, stored); diff != "" || !changed || len(stored.Domains) != 1 {
				t.Error(diff, stored)
			}
			if len(got) != 1 || got[0] != organization.OrganizationUpdated {
				t.Error(got)
			}
		})
		t.Run("a change that alters nothing writes nothing", func(t *testing.T) {
			storetest.Unchanged(t, s, func() {
				_, err := update(func(g *organization.OrganizationFields) error { g.Name = "Renamed"; return nil })
				storetest.Must(t, err)
			})
		})
		t.Run("values are removed again", func(t *testing.T) {
			after, err := update(func(g *organization.OrganizationFields) error {
				g.ExternalID, g.Metadata = nil, nil
				return nil
			})
			if err != nil || after.ExternalID != nil || after.Metadata == nil || len(after.Metadata) != 0 {
				t.Error(after, err)
			}
		})
		t.Run("a rule that is broken, a slug that is taken, or an error changes nothing", func(t *testing.T) {
			other := newOrganization("Taken")
			err := operator.Across(s).CreateOrganization(t.Context(), "operator:test", model.Everywhere(), other, nil)
			storetest.Must(t, err)
			storetest.Unchanged(t, s, func() {
				_, err := update(func(g *organization.OrganizationFields) error { g.Name = ""; return nil })
				storetest.WantKind(t, err, model.Invalid, "name")
				_, err = update(func(g *organization.OrganizationFields) error { g.Slug = other.Slug; return nil })
				storetest.WantKind(t, err, model.Conflict, "slug")
				_, err = update(func(g *organization.OrganizationFields) error {
					g.Name = "X"
					return errors.New("boom")
				})
				storetest.WantKind(t, err, model.Internal)
			})
		})
		t.Run("of changes made at once none is lost", func(t *testing.T) {
			storetest.Must(t, errors.Join(storetest.Together(12, func(i int) error {
				_, err := update(func(g *organization.OrganizationFields) error {
					g.Metadata[fmt.Sprint(i)] = "x"
					return nil
				})
				return err
			})...))
			if stored, err := organization.In(org).Organization(t.Context()); err != nil || len(stored.Metadata) != 12 {
				t.Error(stored, err)
			}
		})
	})
}
