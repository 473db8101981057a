package store_test

import (
	"context"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/directory"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/operator"
	"rollcall/model/organization"
	"rollcall/model/store"
)

// scoped are the methods of Store that take a Scope: each shows what the estate
// holds to a scope with its organization, and nothing of it to any other.
var scoped = map[string]func(ctx context.Context, s *store.Store, scope model.Scope, of storetest.Estate) (found any, err error){
	"Connections": func(ctx context.Context, s *store.Store, scope model.Scope, of storetest.Estate) (any, error) {
		cs, _, err := connection.Across(s).Connections(ctx, scope, connection.ConnectionQuery{Domain: of.Verified, Page: model.Page{Limit: 10}})
		return cs, err
	},
	"Directories": func(ctx context.Context, s *store.Store, scope model.Scope, of storetest.Estate) (any, error) {
		ds, _, err := directory.Across(s).Directories(ctx, scope, directory.DirectoryQuery{Domain: of.Verified, Page: model.Page{Limit: 10}})
		return ds, err
	},
	"Events": func(ctx context.Context, s *store.Store, scope model.Scope, of storetest.Estate) (any, error) {
		es, _, err := s.Events(ctx, scope, store.EventQuery{OrganizationID: of.Org.ID, Page: model.Page{Limit: 10}})
		return es, err
	},
	"OrganizationByExternalID": func(ctx context.Context, s *store.Store, scope model.Scope, of storetest.Estate) (any, error) {
		return organization.Across(s).OrganizationByExternalID(ctx, scope, of.ExternalID)
	},
	"OrganizationOf": func(ctx context.Context, s *store.Store, scope model.Scope, of storetest.Estate) (any, error) {
		var found []model.OrganizationID
		for kind, id := range map[model.Prefix]string{
			model.OrganizationDomainPrefix: of.Domain.ID, model.DirectoryPrefix: of.Directory.ID, model.DirectoryGroupPrefix: of.Group.ID,
			model.UserPrefix: of.User.ID, model.DirectoryUserPrefix: of.Other.ID, model.ConnectionPrefix: of.Connection.ID,
			model.SessionPrefix: of.SignedIn.Session.ID, model.ProfilePrefix: of.Identity.ID, model.LoginAttemptPrefix: of.Attempt.ID,
		} {
			if owner, err := operator.Across(s).OrganizationOf(ctx, scope, kind, id); err == nil {
				found = append(found, owner)
			} else if model.KindOf(err) != model.NotFound {
				return found, err
			}
		}
		return found, nil
	},
	"Organizations": func(ctx context.Context, s *store.Store, scope model.Scope, of storetest.Estate) (any, error) {
		gs, _, err := organization.Across(s).Organizations(ctx, scope, organization.OrganizationQuery{Domains: []string{of.Verified}, Page: model.Page{Limit: 10}})
		return gs, err
	},
	"Reaches": func(ctx context.Context, s *store.Store, scope model.Scope, of storetest.Estate) (any, error) {
		return organization.Across(s).Reaches(ctx, scope, of.Org.ID)
	},
}

func TestScope(t *testing.T) {
	t.Parallel()
	methods := reflect.TypeFor[*store.Store]()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		a, b := storetest.Settle(t, s, "alpha"), storetest.Settle(t, s, "bravo")
		without, with := storetest.Serving(t, s, a.Org.ID), storetest.Serving(t, s, b.Org.ID)
		before := storetest.Dump(t, s, b.Org)
		for i := range methods.NumMethod() {
			m := methods.Method(i)
			if !takesScope(m.Type) || m.Name == "CreateOrganization" { // its own test is TestCreateOrganization
				continue
			}
			use := scoped[m.Name]
			if use == nil {
				t.Errorf("%s has no entry in the table of this test", m.Name)
				continue
			}
			t.Run(m.Name, func(t *testing.T) {
				for name, scope := range map[string]model.Scope{"another organization's": without, "no": {}} {
					found, err := use(t.Context(), s, scope, b)
					if err == nil && !empty(found) || err != nil && model.KindOf(err) != model.NotFound {
						t.Errorf("to %s scope it shows %+v: %v", name, found, err)
					}
				}
				for name, scope := range map[string]model.Scope{"its organization's": with, "an operator's": model.Everywhere()} {
					found, err := use(t.Context(), s, scope, b)
					if err != nil || empty(found) {
						t.Errorf("to %s scope it shows %+v: %v", name, found, err)
					}
				}
			})
		}
		t.Run("an id that is none, or of a kind without an owner, has no organization", func(t *testing.T) {
			for kind, id := range map[model.Prefix]string{
				model.DirectoryPrefix: "\x00", model.UserPrefix: "x", model.OrganizationDomainPrefix: "", model.DirectoryGroupPrefix: b.User.ID,
				model.EventPrefix: b.User.ID, model.ApplicationPrefix: b.User.ID, "no such kind": b.User.ID,
			} {
				_, err := operator.Across(s).OrganizationOf(t.Context(), model.Everywhere(), kind, id)
				storetest.WantKind(t, err, model.NotFound)
			}
		})
		for _, unlimited := range []func() (any, error){
			func() (any, error) {
				gs, _, err := organization.Across(s).Organizations(t.Context(), without, organization.OrganizationQuery{Page: model.Page{Limit: 100}})
				return gs, err
			},
			func() (any, error) {
				ds, _, err := directory.Across(s).Directories(t.Context(), without, directory.DirectoryQuery{Page: model.Page{Limit: 100}})
				return ds, err
			},
			func() (any, error) {
				cs, _, err := connection.Across(s).Connections(t.Context(), without, connection.ConnectionQuery{Page: model.Page{Limit: 100}})
				return cs, err
			},
			func() (any, error) {
				es, _, err := s.Events(t.Context(), without, store.EventQuery{Page: model.Page{Limit: 100}})
				return es, err
			},
		} {
			found, err := unlimited()
			if err != nil || empty(found) {
				t.Errorf("the list of what the scope reaches is %+v: %v", found, err)
			}
			checkShowsNothing(t, found, b)
		}
		if after := storetest.Dump(t, s, b.Org); !slices.Equal(before, after) {
			t.Errorf("reading changed rows: %v, before: %v", after, before)
		}
	})
}

func takesScope(method reflect.Type) bool {
	for in := range method.Ins() {
		if in == reflect.TypeFor[model.Scope]() {
			return true
		}
	}
	return false
}

func checkShowsNothing(t testing.TB, found any, of storetest.Estate) {
	t.Helper()
	text, err := json.Marshal(found)
	storetest.Must(t, err)
	for _, part := range of.Identifying() {
		if strings.Contains(string(text), part) {
			t.Errorf("it shows %q of the other organization: %s", part, text)
		}
	}
}
