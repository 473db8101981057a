package model_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/modeltest"
)

func TestApplications(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *model.Store) {
		first, _ := organization(t, s, "Contoso", "contoso.example")
		second, _ := organization(t, s, "Fabrikam", "fabrikam.example")
		a := &model.Application{ApplicationFields: model.ApplicationFields{
			Name: "App", RedirectURIs: []string{"https://app.example/callback"},
		}}
		key, err := s.CreateApplication(t.Context(), a, []model.OrganizationID{second.ID, first.ID, first.ID})
		must(t, err)
		reaches := func(t *testing.T, want ...model.OrganizationID) {
			t.Helper()
			_, scope, err := s.APIKey(t.Context(), key)
			must(t, err)
			for _, id := range []model.OrganizationID{first.ID, second.ID} {
				if got, err := s.Reaches(t.Context(), scope, id); err != nil || got != slices.Contains(want, id) {
					t.Errorf("%s is reached: %t %v", id, got, err)
				}
			}
		}
		t.Run("what is created is stored as it is returned, its organizations once and oldest first", func(t *testing.T) {
			stored, err := s.Application(t.Context(), a.ID)
			must(t, err)
			if diff := cmp.Diff(a, stored); diff != "" || !slices.Equal(stored.Organizations, []model.OrganizationID{first.ID, second.ID}) {
				t.Error(diff, stored)
			}
			reaches(t, first.ID, second.ID)
		})
		t.Run("its key is who acts", func(t *testing.T) {
			k, scope, err := s.APIKey(t.Context(), key)
			if err != nil || k.Actor() != model.Actor("application:"+model.ApplicationPrefix.ID(a.ID)) || scope.All() {
				t.Error(k, err)
			}
			for _, wrong := range []string{"", "sk_", key + "x", key[:len(key)-1]} {
				_, _, err := s.APIKey(t.Context(), wrong)
				wantKind(t, err, model.Denied)
			}
		})
		t.Run("it leaves and joins organizations", func(t *testing.T) {
			must(t, s.SetApplicationOrganization(t.Context(), a.ID, first.ID, false))
			reaches(t, second.ID)
			for range 2 {
				must(t, s.SetApplicationOrganization(t.Context(), a.ID, first.ID, true))
			}
			reaches(t, first.ID, second.ID)
			wantKind(t, s.SetApplicationOrganization(t.Context(), a.ID, model.OrganizationID(model.NewID()), true), model.NotFound)
			wantKind(t, s.SetApplicationOrganization(t.Context(), model.NewID(), first.ID, true), model.NotFound)
		})
		t.Run("a change is stored, with the organizations it serves", func(t *testing.T) {
			after, err := s.UpdateApplication(t.Context(), a.ID, func(a *model.ApplicationFields) error {
				a.Name, a.RedirectURIs = "Renamed", nil
				a.Organizations = []model.OrganizationID{second.ID}
				return nil
			})
			must(t, err)
			stored, err := s.Application(t.Context(), a.ID)
			must(t, err)
			if diff := cmp.Diff(after, stored); diff != "" || stored.Name != "Renamed" || stored.CreatedAt != a.CreatedAt || stored.RedirectURIs == nil {
				t.Error(diff, stored)
			}
			reaches(t, second.ID)
		})
		t.Run("an error, a broken rule or an unknown organization changes nothing", func(t *testing.T) {
			for want, change := range map[model.Kind]func(*model.ApplicationFields) error{
				model.Internal: func(a *model.ApplicationFields) error { a.Name = "X"; return errors.New("boom") },
				model.Invalid: func(a *model.ApplicationFields) error {
					a.RedirectURIs = []string{"javascript:alert(1)"}
					return nil
				},
				model.NotFound: func(a *model.ApplicationFields) error {
					a.Name, a.Organizations = "X", append(a.Organizations, model.OrganizationID(model.NewID()))
					return nil
				},
			} {
				unchanged(t, s, func() {
					_, err := s.UpdateApplication(t.Context(), a.ID, change)
					wantKind(t, err, want)
				})
			}
			unchanged(t, s, func() {
				token, err := s.CreateApplication(t.Context(), &model.Application{ApplicationFields: model.ApplicationFields{
					Name: "New",
				}}, []model.OrganizationID{first.ID, "nowhere"})
				wantKind(t, err, model.NotFound)
				if token != "" {
					t.Error("there is a key for nothing")
				}
				for _, name := range []string{"", strings.Repeat("x", 201)} {
					_, err := s.CreateApplication(t.Context(), &model.Application{ApplicationFields: model.ApplicationFields{
						Name: name,
					}}, nil)
					wantKind(t, err, model.Invalid, "name")
				}
			})
		})
		t.Run("one for all reaches all", func(t *testing.T) {
			_, err := s.UpdateApplication(t.Context(), a.ID, func(a *model.ApplicationFields) error {
				a.AllOrganizations = true
				return nil
			})
			must(t, err)
			reaches(t, first.ID, second.ID)
		})
		t.Run("deleted, its key opens nothing", func(t *testing.T) {
			must(t, s.DeleteApplication(t.Context(), a.ID))
			_, _, err := s.APIKey(t.Context(), key)
			wantKind(t, err, model.Denied)
			_, err = s.Application(t.Context(), a.ID)
			wantKind(t, err, model.NotFound)
			wantKind(t, s.DeleteApplication(t.Context(), a.ID), model.NotFound)
			if as, _, err := s.Applications(t.Context(), model.Page{Limit: 10}); err != nil || len(as) != 0 {
				t.Error(as, err)
			}
		})
	})
}

func TestSearch(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *model.Store) {
		org, _ := organization(t, s, "100% Contoso_Ltd", "contoso.example")
		organization(t, s, "Fabrikam", "fabrikam.example")
		for search, want := range map[string]int{"contoso": 1, "CONTOSO_l": 1, "0% c": 1, "%": 1, "_": 1, `\`: 0, "a": 1, "": 2, "nobody": 0} {
			gs, _, err := s.Organizations(t.Context(), model.Everywhere(), model.OrganizationQuery{Search: search, Page: model.Page{Limit: 10}})
			if err != nil || len(gs) != want {
				t.Errorf("%q finds %d organizations, want %d: %v", search, len(gs), want, err)
			}
		}
		for _, c := range []struct {
			q    model.DirectoryQuery
			want int
		}{
			{model.DirectoryQuery{}, 2}, {model.DirectoryQuery{Search: "OKT"}, 2}, {model.DirectoryQuery{Search: "%"}, 0}, {model.DirectoryQuery{Domain: "Contoso.Example"}, 1},
			{model.DirectoryQuery{Domain: "no domain"}, 0}, {model.DirectoryQuery{OrganizationID: org.ID}, 1}, {model.DirectoryQuery{OrganizationID: org.ID, Domain: "fabrikam.example"}, 0},
		} {
			c.q.Limit = 10
			ds, _, err := s.Directories(t.Context(), model.Everywhere(), c.q)
			if err != nil || len(ds) != c.want {
				t.Errorf("%+v finds %d directories: %v", c.q, len(ds), err)
			}
		}
		for domain, want := range map[string]int{"contoso.example": 1, "FABRIKAM.example.": 1, "none.example": 0, "no domain": 0} {
			gs, _, err := s.Organizations(t.Context(), model.Everywhere(), model.OrganizationQuery{Domains: []string{domain}, Page: model.Page{Limit: 10}})
			if err != nil || len(gs) != want || want == 1 && len(gs[0].Domains) != 1 {
				t.Errorf("%q finds %+v: %v", domain, gs, err)
			}
		}
	})
}

func TestUsers(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *model.Store) {
		org, d := contoso(t, s)
		owned := createUser(t, org, d, "ada@contoso.example")
		nameless, err := org.CreateDirectoryUser(t.Context(), d.ID, map[string]any{"userName": "nameless"})
		must(t, err)
		unowned := createUnowned(t, org, "alan@contoso.example")
		admin, guest := createUnowned(t, org, "admin@contoso.example"), createUnowned(t, org, "guest@fabrikam.example")
		for _, u := range []*model.User{admin, guest, owned} {
			_, err := org.SetRole(t.Context(), u.ID, model.Admin)
			must(t, err)
		}
		for _, c := range []struct {
			q    model.UserQuery
			want []*model.User
		}{
			{model.UserQuery{}, []*model.User{owned, nameless, unowned, admin, guest}},
			{model.UserQuery{DirectoryID: d.ID}, []*model.User{owned, nameless}},
			{model.UserQuery{Owned: true}, []*model.User{owned, nameless}},
			{model.UserQuery{Email: "ADA@Contoso.example"}, []*model.User{owned}},
			{model.UserQuery{Email: "no address"}, nil},
			{model.UserQuery{IdpID: "x-ada@contoso.example"}, []*model.User{owned}},
			{model.UserQuery{IdpID: nameless.ID}, []*model.User{nameless}},
			{model.UserQuery{IdpID: owned.ID}, nil},
			{model.UserQuery{IdpID: "x"}, nil},
			{model.UserQuery{Awaiting: true}, []*model.User{admin}},
			{model.UserQuery{Awaiting: true, Owned: true}, nil},
		} {
			c.q.Page = model.Page{Limit: 10, Ascending: true}
			us, _, err := org.Users(t.Context(), c.q)
			must(t, err)
			got := []string{}
			for _, u := range us {
				got = append(got, u.ID)
			}
			if diff := cmp.Diff(ids(c.want...), got); diff != "" {
				t.Errorf("%+v: %s", c.q, diff)
			}
		}
		if c, err := org.DirectoryCounts(t.Context(), d.ID); err != nil || c != (model.DirectoryCounts{ActiveUsers: 2}) {
			t.Error(c, err)
		}
		deactivate(t, org, d, nameless)
		createGroup(t, org, d, "Engineers")
		if c, err := org.DirectoryCounts(t.Context(), d.ID); err != nil || c != (model.DirectoryCounts{ActiveUsers: 1, InactiveUsers: 1, Groups: 1}) {
			t.Error(c, err)
		}
		t.Run("an unowned userName is taken, an e-mail may be shared", func(t *testing.T) {
			unchanged(t, s, func() {
				_, err := org.CreateUser(t.Context(), person("ALAN@contoso.example"))
				wantKind(t, err, model.Conflict, "userName")
				_, err = org.CreateUser(t.Context(), map[string]any{})
				wantKind(t, err, model.Invalid, "userName")
			})
			if u, err := org.CreateUser(t.Context(), withEmail("another", "alan@contoso.example")); err != nil || u.DirectoryID != nil {
				t.Error(u, err)
			}
		})
		t.Run("one who begins inactive has the reason", func(t *testing.T) {
			u, err := org.CreateUser(t.Context(), map[string]any{"userName": "inactive", "active": false})
			if err != nil || u.Active || u.InactiveReason != model.Deprovisioned {
				t.Error(u, err)
			}
		})
	})
}
