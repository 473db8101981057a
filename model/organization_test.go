package model_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/modeltest"
)

func newOrganization(name string) *model.Organization {
	return &model.Organization{OrganizationFields: model.OrganizationFields{Name: name, Settings: model.DefaultSettings()}}
}

func TestCreateOrganization(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *model.Store) {
		create := func(scope model.Scope, g *model.Organization, domains map[string]model.DomainState) error {
			return s.CreateOrganization(t.Context(), "operator:test", scope, g, domains)
		}
		t.Run("it is stored as it is returned, with its domains and their events", func(t *testing.T) {
			external := "customer 1"
			g := newOrganization("Caf\u00e9 Contoso")
			g.ExternalID, g.Metadata = &external, map[string]string{"plan": "gold <&>"}
			must(t, create(model.Everywhere(), g, map[string]model.DomainState{"Contoso.EXAMPLE": model.DomainStateVerified, "b\u00fccher.example": model.DomainStatePending}))
			org := s.Org(g.ID, "operator:test")
			stored, err := org.Organization(t.Context())
			must(t, err)
			if diff := cmp.Diff(g, stored); diff != "" {
				t.Error(diff)
			}
			if g.Slug != "cafe-contoso" || len(g.Domains) != 2 || g.Domains[0].Domain != "contoso.example" || g.Domains[1].Domain != "xn--bcher-kva.example" {
				t.Errorf("%+v", g)
			}
			var types []model.EventType
			for _, e := range events(t, s, org) {
				types = append(types, e.Type)
			}
			want := []model.EventType{model.OrganizationCreated, model.DomainCreated, model.DomainVerified, model.DomainCreated}
			if diff := cmp.Diff(want, types); diff != "" {
				t.Error(diff)
			}
		})
		t.Run("a slug made from the name is numbered, also when several are made at once", func(t *testing.T) {
			gs := make([]*model.Organization, 4)
			must(t, errors.Join(together(len(gs), func(i int) error {
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
		t.Run("what another organization has is refused, and nothing is left", func(t *testing.T) {
			external := "customer 1"
			for field, g := range map[string]*model.Organization{
				"slug":   newOrganization("Other"),
				"domain": newOrganization("Other"),
			} {
				if field == "slug" {
					g.Slug = "cafe-contoso"
				}
				unchanged(t, s, func() {
					wantKind(t, create(model.Everywhere(), g, map[string]model.DomainState{"contoso.example": model.DomainStateVerified}), model.Conflict, field)
				})
			}
			unchanged(t, s, func() {
				g := newOrganization("Other")
				g.ExternalID = &external
				wantKind(t, create(model.Everywhere(), g, nil), model.Conflict)
			})
		})
		t.Run("a domain that another one only claims is free", func(t *testing.T) {
			must(t, create(model.Everywhere(), newOrganization("Claims"), map[string]model.DomainState{"contoso.example": model.DomainStatePending}))
		})
		t.Run("with an application's key it joins the application's list, whatever that one serves", func(t *testing.T) {
			for _, all := range []bool{false, true} {
				a := &model.Application{ApplicationFields: model.ApplicationFields{Name: "App", AllOrganizations: all}}
				key, err := s.CreateApplication(t.Context(), a, nil)
				must(t, err)
				_, scope, err := s.APIKey(t.Context(), key)
				must(t, err)
				g := newOrganization(fmt.Sprint("Joined ", all))
				must(t, create(scope, g, nil))
				joined, err := s.Application(t.Context(), a.ID)
				must(t, err)
				if !slices.Equal(joined.Organizations, []model.OrganizationID{g.ID}) || scope.All() != all {
					t.Error(joined.Organizations)
				}
				if reached, err := s.Reaches(t.Context(), scope, g.ID); err != nil || !reached {
					t.Error(reached, err)
				}
			}
		})
		external := func(s string) *string { return &s }
		many := map[string]string{}
		for i := range 51 {
			many[fmt.Sprint(i)] = ""
		}
		settings := func(seconds int) model.Settings {
			s := model.DefaultSettings()
			s.SessionLifetimeSeconds = seconds
			return s
		}
		for _, c := range []struct {
			field string
			g     model.OrganizationFields
		}{
			{"name", model.OrganizationFields{}},
			{"name", model.OrganizationFields{Name: "\t "}},
			{"name", model.OrganizationFields{Name: strings.Repeat("x", 201)}},
			{"name", model.OrganizationFields{Name: "a\x00b"}},
			{"name", model.OrganizationFields{Name: "a\xff"}},
			{"slug", model.OrganizationFields{Name: "X", Slug: "ab"}},
			{"slug", model.OrganizationFields{Name: "X", Slug: "Abc"}},
			{"slug", model.OrganizationFields{Name: "X", Slug: strings.Repeat("x", 41)}},
			{"external_id", model.OrganizationFields{Name: "X", ExternalID: external("")}},
			{"external_id", model.OrganizationFields{Name: "X", ExternalID: external("\u00e9")}},
			{"external_id", model.OrganizationFields{Name: "X", ExternalID: external("\x00")}},
			{"external_id", model.OrganizationFields{Name: "X", ExternalID: external(strings.Repeat("x", 129))}},
			{"metadata", model.OrganizationFields{Name: "X", Metadata: many}},
			{"metadata", model.OrganizationFields{Name: "X", Metadata: map[string]string{strings.Repeat("x", 41): ""}}},
			{"metadata", model.OrganizationFields{Name: "X", Metadata: map[string]string{"x": strings.Repeat("x", 601)}}},
			{"session_lifetime_seconds", model.OrganizationFields{Name: "X"}},
			{"session_lifetime_seconds", model.OrganizationFields{Name: "X", Settings: settings(299)}},
			{"session_lifetime_seconds", model.OrganizationFields{Name: "X", Settings: settings(2592001)}},
		} {
			t.Run("a bad "+c.field+" is refused by name", func(t *testing.T) {
				if c.field != "session_lifetime_seconds" {
					c.g.Settings = model.DefaultSettings()
				}
				unchanged(t, s, func() {
					wantKind(t, create(model.Everywhere(), &model.Organization{OrganizationFields: c.g}, nil), model.Invalid, c.field)
				})
			})
		}
		t.Run("a bad domain is refused by name, and nothing is left", func(t *testing.T) {
			for _, domain := range []string{"", "localhost", "co.uk", "127.0.0.1", "a b.example", "a..example", "\x00.example"} {
				unchanged(t, s, func() {
					wantKind(t, create(model.Everywhere(), newOrganization("X"), map[string]model.DomainState{domain: model.DomainStatePending}), model.Invalid, "domain")
				})
			}
		})
	})
}

func TestUpdateOrganization(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *model.Store) {
		org, _ := contoso(t, s)
		update := func(change func(*model.OrganizationFields) error) (*model.Organization, error) {
			return org.UpdateOrganization(t.Context(), change)
		}
		t.Run("what changes is stored, with an event", func(t *testing.T) {
			external := "x"
			var after *model.Organization
			got := newEvents(t, s, org, func() {
				var err error
				after, err = update(func(g *model.OrganizationFields) error {
					g.Name, g.ExternalID, g.AllowProfilesOutsideOrganization, g.Settings.JIT = "Renamed", &external, true, false
					g.Metadata["a"] = "b"
					return nil
				})
				must(t, err)
			})
			stored, err := org.Organization(t.Context())
			must(t, err)
			if diff := cmp.Diff(after, stored); diff != "" || stored.Name != "Renamed" || stored.Metadata["a"] != "b" || stored.Settings.JIT || len(stored.Domains) != 1 {
				t.Error(diff, stored)
			}
			if len(got) != 1 || got[0] != model.OrganizationUpdated {
				t.Error(got)
			}
		})
		t.Run("what alters nothing writes nothing", func(t *testing.T) {
			unchanged(t, s, func() {
				_, err := update(func(g *model.OrganizationFields) error { g.Name = "Renamed"; return nil })
				must(t, err)
			})
		})
		t.Run("values are unassigned again", func(t *testing.T) {
			after, err := update(func(g *model.OrganizationFields) error { g.ExternalID, g.Metadata = nil, nil; return nil })
			if err != nil || after.ExternalID != nil || after.Metadata == nil || len(after.Metadata) != 0 {
				t.Error(after, err)
			}
		})
		t.Run("a rule that is broken, a slug that is taken, or an error changes nothing", func(t *testing.T) {
			other := newOrganization("Taken")
			must(t, s.CreateOrganization(t.Context(), "operator:test", model.Everywhere(), other, nil))
			unchanged(t, s, func() {
				_, err := update(func(g *model.OrganizationFields) error { g.Name = ""; return nil })
				wantKind(t, err, model.Invalid, "name")
				_, err = update(func(g *model.OrganizationFields) error { g.Slug = other.Slug; return nil })
				wantKind(t, err, model.Conflict, "slug")
				_, err = update(func(g *model.OrganizationFields) error { g.Name = "X"; return errors.New("boom") })
				wantKind(t, err, model.Internal)
			})
		})
		t.Run("of changes made at once none is lost", func(t *testing.T) {
			must(t, errors.Join(together(12, func(i int) error {
				_, err := update(func(g *model.OrganizationFields) error { g.Metadata[fmt.Sprint(i)] = "x"; return nil })
				return err
			})...))
			if stored, err := org.Organization(t.Context()); err != nil || len(stored.Metadata) != 12 {
				t.Error(stored, err)
			}
		})
	})
}

func TestDomains(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *model.Store) {
		org, _ := contoso(t, s)
		other, _ := organization(t, s, "Fabrikam", "fabrikam.example")
		create := func(org *model.Org, name string, state model.DomainState) (*model.Domain, error) {
			return org.CreateDomain(t.Context(), name, state)
		}
		pending, err := create(org, "shared.example", model.DomainStatePending)
		must(t, err)
		t.Run("a claim is refused twice, and while another organization has it verified", func(t *testing.T) {
			_, err := create(org, "Shared.Example.", model.DomainStatePending)
			wantKind(t, err, model.Conflict, "domain")
			_, err = create(org, "fabrikam.example", model.DomainStateVerified)
			wantKind(t, err, model.Conflict, "domain")
			if _, err := create(org, "fabrikam.example", model.DomainStatePending); err != nil {
				t.Error("a pending claim of another's domain: ", err)
			}
			_, err = create(org, "new.example", "proven")
			wantKind(t, err, model.Invalid, "state")
			_, err = create(s.Org(model.OrganizationID(model.NewID()), "system"), "new.example", model.DomainStatePending)
			wantKind(t, err, model.NotFound)
		})
		t.Run("of two organizations that verify it one does, and of two who verify it at once one event tells", func(t *testing.T) {
			theirs, err := create(other, "shared.example", model.DomainStatePending)
			must(t, err)
			got := newEvents(t, s, org, func() {
				must(t, errors.Join(together(4, func(int) error { _, err := org.VerifyDomain(t.Context(), pending.ID); return err })...))
			})
			if diff := cmp.Diff([]model.EventType{model.DomainVerified}, got); diff != "" {
				t.Error(diff)
			}
			_, err = other.VerifyDomain(t.Context(), theirs.ID)
			wantKind(t, err, model.Conflict, "domain")
			if kept, err := org.Domain(t.Context(), pending.ID); err != nil || kept.State != model.DomainStateVerified || kept.VerificationStrategy != "manual" {
				t.Error(kept, err)
			}
		})
		t.Run("deleted, it trusts nobody and is free", func(t *testing.T) {
			must(t, org.DeleteDomain(t.Context(), pending.ID))
			wantKind(t, org.DeleteDomain(t.Context(), pending.ID), model.NotFound)
			if _, err := create(s.Org(other.ID, "system"), "third.example", model.DomainStateVerified); err != nil {
				t.Error(err)
			}
		})
		t.Run("a list of domains is made so", func(t *testing.T) {
			verified, err := org.SetDomains(t.Context(), map[string]model.DomainState{
				"CONTOSO.example": model.DomainStatePending, "one.example": model.DomainStateVerified, "two.example": model.DomainStatePending})
			if err != nil || verified != 1 {
				t.Error(verified, err)
			}
			ds, err := org.Domains(t.Context())
			must(t, err)
			got := map[string]model.DomainState{}
			for _, d := range ds {
				got[d.Domain] = d.State
			}
			want := map[string]model.DomainState{"contoso.example": model.DomainStateVerified, "one.example": model.DomainStateVerified, "two.example": model.DomainStatePending}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			unchanged(t, s, func() {
				_, err := org.SetDomains(t.Context(), map[string]model.DomainState{"four.example": model.DomainStatePending, "third.example": model.DomainStateVerified})
				wantKind(t, err, model.Conflict, "domain")
			})
		})
	})
}
