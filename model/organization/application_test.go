package organization_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/organization"
	"rollcall/model/store"
)

type ids = []model.OrganizationID

func TestApplications(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		first, _ := storetest.Organization(t, s, "Contoso", "contoso.example")
		second, _ := storetest.Organization(t, s, "Fabrikam", "fabrikam.example")
		a := &organization.Application{ApplicationFields: organization.ApplicationFields{
			Name: "App", RedirectURIs: []string{"https://app.example/callback"},
		}}
		applications := organization.Across(s)
		key, err := applications.CreateApplication(t.Context(), a, ids{second.ID, first.ID, first.ID})
		storetest.Must(t, err)
		reaches := func(t *testing.T, want ...model.OrganizationID) {
			t.Helper()
			_, scope, err := applications.APIKey(t.Context(), key)
			storetest.Must(t, err)
			for _, id := range []model.OrganizationID{first.ID, second.ID} {
				got, err := applications.Reaches(t.Context(), scope, id)
				if err != nil || got != slices.Contains(want, id) {
					t.Errorf("%s is reached: %t %v", id, got, err)
				}
			}
		}
		t.Run("it is stored as it is returned, with its organizations once and oldest first", func(t *testing.T) {
			stored, err := applications.Application(t.Context(), a.ID)
			storetest.Must(t, err)
			listed := slices.Equal(stored.Organizations, ids{first.ID, second.ID})
			if diff := cmp.Diff(a, stored); diff != "" || !listed {
				t.Error(diff, stored)
			}
			reaches(t, first.ID, second.ID)
		})
		t.Run("the actor of its key is the application", func(t *testing.T) {
			k, scope, err := applications.APIKey(t.Context(), key)
			if err != nil || k.Actor() != model.Actor("application:"+model.ApplicationPrefix.ID(a.ID)) || scope.All() {
				t.Error(k, err)
			}
			for _, wrong := range []string{"", "sk_", key + "x", key[:len(key)-1]} {
				_, _, err := applications.APIKey(t.Context(), wrong)
				storetest.WantKind(t, err, model.Denied)
			}
		})
		t.Run("an organization leaves its list and joins it again, also twice", func(t *testing.T) {
			set := func(application string, id model.OrganizationID, serve bool) error {
				return applications.SetApplicationOrganization(t.Context(), application, id, serve)
			}
			storetest.Must(t, set(a.ID, first.ID, false))
			reaches(t, second.ID)
			for range 2 {
				storetest.Must(t, set(a.ID, first.ID, true))
			}
			reaches(t, first.ID, second.ID)
			storetest.WantKind(t, set(a.ID, model.OrganizationID(storetest.NewID()), true), model.NotFound)
			storetest.WantKind(t, set(storetest.NewID(), first.ID, true), model.NotFound)
		})
		t.Run("a change is stored, with the organizations it serves", func(t *testing.T) {
			rename := func(a *organization.ApplicationFields) error {
				a.Name, a.RedirectURIs, a.Organizations = "Renamed", nil, ids{second.ID}
				return nil
			}
			after, err := applications.UpdateApplication(t.Context(), a.ID, rename)
			storetest.Must(t, err)
			stored, err := applications.Application(t.Context(), a.ID)
			storetest.Must(t, err)
			changed := stored.Name == "Renamed" && stored.CreatedAt == a.CreatedAt && stored.RedirectURIs != nil
			if diff := cmp.Diff(after, stored); diff != "" || !changed {
				t.Error(diff, stored)
			}
			reaches(t, second.ID)
		})
		t.Run("an error, a broken rule or an unknown organization changes nothing", func(t *testing.T) {
			for want, change := range map[model.Kind]func(*organization.ApplicationFields) error{
				model.Internal: func(a *organization.ApplicationFields) error {
					a.Name = "X"
					return errors.New("boom")
				},
				model.Invalid: func(a *organization.ApplicationFields) error {
					a.RedirectURIs = []string{"javascript:alert(1)"}
					return nil
				},
				model.NotFound: func(a *organization.ApplicationFields) error {
					a.Name, a.Organizations = "X", append(a.Organizations, model.OrganizationID(storetest.NewID()))
					return nil
				},
			} {
				storetest.Unchanged(t, s, func() {
					_, err := applications.UpdateApplication(t.Context(), a.ID, change)
					storetest.WantKind(t, err, want)
				})
			}
			create := func(name string, serving ...model.OrganizationID) (string, error) {
				a := &organization.Application{ApplicationFields: organization.ApplicationFields{Name: name}}
				return applications.CreateApplication(t.Context(), a, serving)
			}
			storetest.Unchanged(t, s, func() {
				token, err := create("New", first.ID, "nowhere")
				storetest.WantKind(t, err, model.NotFound)
				if token != "" {
					t.Error("there is a key for nothing")
				}
				for _, name := range []string{"", strings.Repeat("x", 201)} {
					_, err := create(name)
					storetest.WantKind(t, err, model.Invalid, "name")
				}
			})
		})
		t.Run("an application of all organizations reaches all", func(t *testing.T) {
			all := func(a *organization.ApplicationFields) error { a.AllOrganizations = true; return nil }
			_, err := applications.UpdateApplication(t.Context(), a.ID, all)
			storetest.Must(t, err)
			reaches(t, first.ID, second.ID)
		})
		t.Run("the key of a deleted application is refused", func(t *testing.T) {
			storetest.Must(t, applications.DeleteApplication(t.Context(), a.ID))
			_, _, err := applications.APIKey(t.Context(), key)
			storetest.WantKind(t, err, model.Denied)
			_, err = applications.Application(t.Context(), a.ID)
			storetest.WantKind(t, err, model.NotFound)
			storetest.WantKind(t, applications.DeleteApplication(t.Context(), a.ID), model.NotFound)
			as, _, err := applications.Applications(t.Context(), model.Page{Limit: 10})
			if err != nil || len(as) != 0 {
				t.Error(as, err)
			}
		})
	})
}
