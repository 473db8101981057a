package store_test

import (
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/directory"
	"rollcall/model/entitle"
	"rollcall/model/grant"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/operator"
	"rollcall/model/organization"
	"rollcall/model/people"
	"rollcall/model/requestlog"
	"rollcall/model/setup"
	"rollcall/model/signon"
	"rollcall/model/store"
	"rollcall/model/testlogin"
	"rollcall/model/webhook"
)

// wholeStores are the types whose methods need no organization.
var wholeStores = []reflect.Type{
	reflect.TypeFor[*store.Store](), reflect.TypeFor[organization.Store](), reflect.TypeFor[people.Store](),
	reflect.TypeFor[testlogin.Store](),
	reflect.TypeFor[connection.Store](), reflect.TypeFor[entitle.Store](), reflect.TypeFor[directory.Store](),
	reflect.TypeFor[signon.Store](), reflect.TypeFor[operator.Store](), reflect.TypeFor[requestlog.Store](),
	reflect.TypeFor[grant.Store](), reflect.TypeFor[setup.Store](), reflect.TypeFor[webhook.Store](),
}

// unscoped are methods that take a Scope and are tested elsewhere.
var unscoped = []string{
	"operator.Store.CreateOrganization", // shows nothing

	// Endpoints are of an application and of no organization. TestWebhookEndpoints of package api
	// asks for those of others, and TestWhoHearsOfWhom of package webhook for events of others.
	"webhook.Store.Create", "webhook.Store.Delete", "webhook.Store.Deliveries", "webhook.Store.Endpoint",
	"webhook.Store.Endpoints", "webhook.Store.FinishRotation", "webhook.Store.ReplayOne", "webhook.Store.ReplaySince",
	"webhook.Store.Rotate", "webhook.Store.Update",
}

// scopedMethods returns the names of the methods that take a Scope.
func scopedMethods() []string {
	var names []string
	for _, whole := range wholeStores {
		for i := range whole.NumMethod() {
			m := whole.Method(i)
			_, embedded := wholeStores[0].MethodByName(m.Name)
			scope := slices.Contains(slices.Collect(m.Type.Ins()), reflect.TypeFor[model.Scope]())
			if name := whole.String() + "." + m.Name; scope && (!embedded || whole == wholeStores[0]) {
				names = append(names, name)
			}
		}
	}
	return names
}

// scopedCall calls a method with a scope that may reach the organization of an estate. What it
// finds is of that organization.
type scopedCall func(ctx context.Context, s *store.Store, scope model.Scope, of storetest.Estate) (found any, err error)

var ten = model.Page{Limit: 10}

var scoped = map[string]scopedCall{
	"*tenant.Store.Events": func(
		ctx context.Context, s *store.Store, in model.Scope, of storetest.Estate,
	) (any, error) {
		es, _, err := s.Events(ctx, in, store.EventQuery{OrganizationID: of.Org.ID, Page: ten})
		return es, err
	},
	"connection.Store.Connections": func(
		ctx context.Context, s *store.Store, in model.Scope, of storetest.Estate,
	) (any, error) {
		query := connection.ConnectionQuery{Domain: of.Verified, Page: ten}
		cs, _, err := connection.Across(s).Connections(ctx, in, query)
		return cs, err
	},
	"directory.Store.Directories": func(
		ctx context.Context, s *store.Store, in model.Scope, of storetest.Estate,
	) (any, error) {
		query := directory.DirectoryQuery{Domain: of.Verified, Page: ten}
		ds, _, err := directory.Across(s).Directories(ctx, in, query)
		return ds, err
	},
	"operator.Store.OrganizationOf": organizationsOf,
	"organization.Store.OrganizationByExternalID": func(
		ctx context.Context, s *store.Store, in model.Scope, of storetest.Estate,
	) (any, error) {
		return organization.Across(s).OrganizationByExternalID(ctx, in, of.ExternalID)
	},
	"organization.Store.Organizations": func(
		ctx context.Context, s *store.Store, in model.Scope, of storetest.Estate,
	) (any, error) {
		query := organization.OrganizationQuery{Domains: []string{of.Verified}, Page: ten}
		gs, _, err := organization.Across(s).Organizations(ctx, in, query)
		return gs, err
	},
	"organization.Store.Reaches": func(
		ctx context.Context, s *store.Store, in model.Scope, of storetest.Estate,
	) (any, error) {
		return organization.Across(s).Reaches(ctx, in, of.Org.ID)
	},
}

// organizationsOf returns the owners of the rows of an estate that a scope reaches.
func organizationsOf(ctx context.Context, s *store.Store, in model.Scope, of storetest.Estate) (any, error) {
	var found []model.OrganizationID
	for kind, id := range map[model.Prefix]string{
		model.OrganizationDomainPrefix: of.Domain.ID, model.DirectoryPrefix: of.Directory.ID,
		model.DirectoryGroupPrefix: of.Group.ID, model.UserPrefix: of.User.ID,
		model.DirectoryUserPrefix: of.Other.ID, model.ConnectionPrefix: of.Connection.ID,
		model.SessionPrefix: of.SignedIn.Session.ID, model.ProfilePrefix: of.Identity.ID,
		model.LoginAttemptPrefix: of.Attempt.ID,
	} {
		owner, err := operator.Across(s).OrganizationOf(ctx, in, kind, id)
		if err == nil {
			found = append(found, owner)
		} else if model.KindOf(err) != model.NotFound {
			return found, err
		}
	}
	return found, nil
}

func TestEachPackageWithAStoreIsKnown(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, whole := range wholeStores {
		known[strings.TrimPrefix(whole.PkgPath(), "rollcall/model/")] = true
	}
	files, err := filepath.Glob("../*/*.go")
	storetest.Must(t, err)
	found := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		storetest.Must(t, err)
		if room := filepath.Base(filepath.Dir(file)); strings.Contains(string(text), "\nfunc Across(") {
			found++
			if !known[room] {
				t.Errorf("wholeStores has no Store of package %s", room)
			}
		}
	}
	if found != len(wholeStores)-1 {
		t.Errorf("%d packages have a Store, and wholeStores has %d and the Store itself", found, len(wholeStores)-1)
	}
}

func TestEachMethodWithAScopeIsTested(t *testing.T) {
	t.Parallel()
	want := slices.Sorted(slices.Values(slices.Concat(unscoped, slices.Collect(maps.Keys(scoped)))))
	if got := slices.Sorted(slices.Values(scopedMethods())); !slices.Equal(got, want) {
		t.Errorf("the methods with a scope are %q, the tables have %q", got, want)
	}
}

func TestScopeLimitsWhatIsShown(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		a, b := storetest.Settle(t, s, "alpha"), storetest.Settle(t, s, "bravo")
		without, with := storetest.Serving(t, s, a.Org.ID), storetest.Serving(t, s, b.Org.ID)
		before := storetest.Dump(t, s, b.Org)
		for name, call := range scoped {
			t.Run(name, func(t *testing.T) {
				for name, scope := range map[string]model.Scope{"another organization's": without, "no": {}} {
					found, err := call(t.Context(), s, scope, b)
					if err == nil && !empty(found) || err != nil && model.KindOf(err) != model.NotFound {
						t.Errorf("to %s scope it shows %+v: %v", name, found, err)
					}
				}
				for name, scope := range map[string]model.Scope{
					"its organization's": with, "an operator's": model.Everywhere(),
				} {
					found, err := call(t.Context(), s, scope, b)
					if err != nil || empty(found) {
						t.Errorf("to %s scope it shows %+v: %v", name, found, err)
					}
				}
			})
		}
		t.Run("an invalid id has no organization, and no id of a kind without one", func(t *testing.T) {
			for kind, id := range map[model.Prefix]string{
				model.DirectoryPrefix: "\x00", model.UserPrefix: "x", model.OrganizationDomainPrefix: "",
				model.DirectoryGroupPrefix: b.User.ID, model.EventPrefix: b.User.ID,
				model.ApplicationPrefix: b.User.ID, "no such kind": b.User.ID,
			} {
				_, err := operator.Across(s).OrganizationOf(t.Context(), model.Everywhere(), kind, id)
				storetest.WantKind(t, err, model.NotFound)
			}
		})
		for name, list := range lists(s) {
			t.Run(name+" shows what the scope reaches, and nothing else", func(t *testing.T) {
				found, err := list(t.Context(), without)
				if err != nil || empty(found) {
					t.Errorf("it shows %+v: %v", found, err)
				}
				checkShowsNothing(t, found, b)
			})
		}
		if after := storetest.Dump(t, s, b.Org); !slices.Equal(before, after) {
			t.Errorf("reading changed rows: %v, before: %v", after, before)
		}
	})
}

// lists are the lists of a store, without any limit but the scope.
func lists(s *store.Store) map[string]func(context.Context, model.Scope) (any, error) {
	page := model.Page{Limit: 100}
	return map[string]func(context.Context, model.Scope) (any, error){
		"Organizations": func(ctx context.Context, in model.Scope) (any, error) {
			gs, _, err := organization.Across(s).Organizations(ctx, in, organization.OrganizationQuery{Page: page})
			return gs, err
		},
		"Directories": func(ctx context.Context, in model.Scope) (any, error) {
			ds, _, err := directory.Across(s).Directories(ctx, in, directory.DirectoryQuery{Page: page})
			return ds, err
		},
		"Connections": func(ctx context.Context, in model.Scope) (any, error) {
			cs, _, err := connection.Across(s).Connections(ctx, in, connection.ConnectionQuery{Page: page})
			return cs, err
		},
		"Events": func(ctx context.Context, in model.Scope) (any, error) {
			es, _, err := s.Events(ctx, in, store.EventQuery{Page: page})
			return es, err
		},
	}
}

// checkShowsNothing checks that a result has no id, secret or name of an estate.
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
