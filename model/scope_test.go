package model_test

import (
	"context"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"rollcall/model"
	"rollcall/model/modeltest"
)

// scoped are the methods of Store that take a Scope: each shows what the estate
// holds to a scope with its organization, and nothing of it to any other.
var scoped = map[string]func(ctx context.Context, s *model.Store, scope model.Scope, of estate) (found any, err error){
	"Connections": func(ctx context.Context, s *model.Store, scope model.Scope, of estate) (any, error) {
		cs, _, err := s.Connections(ctx, scope, model.ConnectionQuery{Domain: of.verified, Page: model.Page{Limit: 10}})
		return cs, err
	},
	"Directories": func(ctx context.Context, s *model.Store, scope model.Scope, of estate) (any, error) {
		ds, _, err := s.Directories(ctx, scope, model.DirectoryQuery{Domain: of.verified, Page: model.Page{Limit: 10}})
		return ds, err
	},
	"Events": func(ctx context.Context, s *model.Store, scope model.Scope, of estate) (any, error) {
		es, _, err := s.Events(ctx, scope, model.EventQuery{OrganizationID: of.org.ID, Page: model.Page{Limit: 10}})
		return es, err
	},
	"OrganizationByExternalID": func(ctx context.Context, s *model.Store, scope model.Scope, of estate) (any, error) {
		return s.OrganizationByExternalID(ctx, scope, of.externalID)
	},
	"OrganizationOf": func(ctx context.Context, s *model.Store, scope model.Scope, of estate) (any, error) {
		var found []model.OrganizationID
		for kind, id := range map[model.Prefix]string{
			model.OrganizationDomainPrefix: of.domain.ID, model.DirectoryPrefix: of.directory.ID, model.DirectoryGroupPrefix: of.group.ID,
			model.UserPrefix: of.user.ID, model.DirectoryUserPrefix: of.other.ID, model.ConnectionPrefix: of.connection.ID,
			model.SessionPrefix: of.signedIn.Session.ID, model.ProfilePrefix: of.identity.ID, model.LoginAttemptPrefix: of.attempt.ID,
		} {
			if owner, err := s.OrganizationOf(ctx, scope, kind, id); err == nil {
				found = append(found, owner)
			} else if model.KindOf(err) != model.NotFound {
				return found, err
			}
		}
		return found, nil
	},
	"Organizations": func(ctx context.Context, s *model.Store, scope model.Scope, of estate) (any, error) {
		gs, _, err := s.Organizations(ctx, scope, model.OrganizationQuery{Domains: []string{of.verified}, Page: model.Page{Limit: 10}})
		return gs, err
	},
	"Reaches": func(ctx context.Context, s *model.Store, scope model.Scope, of estate) (any, error) {
		return s.Reaches(ctx, scope, of.org.ID)
	},
}

// serving makes an application for organizations and returns its scope.
func serving(t testing.TB, s *model.Store, organizations ...model.OrganizationID) model.Scope {
	t.Helper()
	key, err := s.CreateApplication(t.Context(), &model.Application{ApplicationFields: model.ApplicationFields{
		Name: "App",
	}}, organizations)
	must(t, err)
	_, scope, err := s.APIKey(t.Context(), key)
	must(t, err)
	return scope
}

func TestScope(t *testing.T) {
	t.Parallel()
	methods := reflect.TypeFor[*model.Store]()
	modeltest.Each(t, func(t *testing.T, s *model.Store) {
		a, b := settle(t, s, "alpha"), settle(t, s, "bravo")
		without, with := serving(t, s, a.org.ID), serving(t, s, b.org.ID)
		before := dump(t, s, b.org)
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
				model.DirectoryPrefix: "\x00", model.UserPrefix: "x", model.OrganizationDomainPrefix: "", model.DirectoryGroupPrefix: b.user.ID,
				model.EventPrefix: b.user.ID, model.ApplicationPrefix: b.user.ID, "no such kind": b.user.ID,
			} {
				_, err := s.OrganizationOf(t.Context(), model.Everywhere(), kind, id)
				wantKind(t, err, model.NotFound)
			}
		})
		for _, unlimited := range []func() (any, error){
			func() (any, error) {
				gs, _, err := s.Organizations(t.Context(), without, model.OrganizationQuery{Page: model.Page{Limit: 100}})
				return gs, err
			},
			func() (any, error) {
				ds, _, err := s.Directories(t.Context(), without, model.DirectoryQuery{Page: model.Page{Limit: 100}})
				return ds, err
			},
			func() (any, error) {
				cs, _, err := s.Connections(t.Context(), without, model.ConnectionQuery{Page: model.Page{Limit: 100}})
				return cs, err
			},
			func() (any, error) {
				es, _, err := s.Events(t.Context(), without, model.EventQuery{Page: model.Page{Limit: 100}})
				return es, err
			},
		} {
			found, err := unlimited()
			if err != nil || empty(found) {
				t.Errorf("the list of what the scope reaches is %+v: %v", found, err)
			}
			checkShowsNothing(t, found, b)
		}
		if after := dump(t, s, b.org); !slices.Equal(before, after) {
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

func checkShowsNothing(t testing.TB, found any, of estate) {
	t.Helper()
	text, err := json.Marshal(found)
	must(t, err)
	for _, part := range of.identifying() {
		if strings.Contains(string(text), part) {
			t.Errorf("it shows %q of the other organization: %s", part, text)
		}
	}
}
