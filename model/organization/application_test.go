package organization_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/organization"
	"rollcall/model/people"
	"rollcall/model/store"
)

func TestApplications(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		first, _ := storetest.Organization(t, s, "Contoso", "contoso.example")
		second, _ := storetest.Organization(t, s, "Fabrikam", "fabrikam.example")
		a := &organization.Application{ApplicationFields: organization.ApplicationFields{
			Name: "App", RedirectURIs: []string{"https://app.example/callback"},
		}}
		key, err := organization.Across(s).CreateApplication(t.Context(), a, []model.OrganizationID{second.ID, first.ID, first.ID})
		storetest.Must(t, err)
		reaches := func(t *testing.T, want ...model.OrganizationID) {
			t.Helper()
			_, scope, err := organization.Across(s).APIKey(t.Context(), key)
			storetest.Must(t, err)
			for _, id := range []model.OrganizationID{first.ID, second.ID} {
				if got, err := organization.Across(s).Reaches(t.Context(), scope, id); err != nil || got != slices.Contains(want, id) {
					t.Errorf("%s is reached: %t %v", id, got, err)
				}
			}
		}
		t.Run("what is created is stored as it is returned, its organizations once and oldest first", func(t *testing.T) {
			stored, err := organization.Across(s).Application(t.Context(), a.ID)
			storetest.Must(t, err)
			if diff := cmp.Diff(a, stored); diff != "" || !slices.Equal(stored.Organizations, []model.OrganizationID{first.ID, second.ID}) {
				t.Error(diff, stored)
			}
			reaches(t, first.ID, second.ID)
		})
		t.Run("its key is who acts", func(t *testing.T) {
			k, scope, err := organization.Across(s).APIKey(t.Context(), key)
			if err != nil || k.Actor() != model.Actor("application:"+model.ApplicationPrefix.ID(a.ID)) || scope.All() {
				t.Error(k, err)
			}
			for _, wrong := range []string{"", "sk_", key + "x", key[:len(key)-1]} {
				_, _, err := organization.Across(s).APIKey(t.Context(), wrong)
				storetest.WantKind(t, err, model.Denied)
			}
		})
		t.Run("it leaves and joins organizations", func(t *testing.T) {
			storetest.Must(t, organization.Across(s).SetApplicationOrganization(t.Context(), a.ID, first.ID, false))
			reaches(t, second.ID)
			for range 2 {
				storetest.Must(t, organization.Across(s).SetApplicationOrganization(t.Context(), a.ID, first.ID, true))
			}
			reaches(t, first.ID, second.ID)
			storetest.WantKind(t, organization.Across(s).SetApplicationOrganization(t.Context(), a.ID, model.OrganizationID(storetest.NewID()), true), model.NotFound)
			storetest.WantKind(t, organization.Across(s).SetApplicationOrganization(t.Context(), storetest.NewID(), first.ID, true), model.NotFound)
		})
		t.Run("a change is stored, with the organizations it serves", func(t *testing.T) {
			after, err := organization.Across(s).UpdateApplication(t.Context(), a.ID, func(a *organization.ApplicationFields) error {
				a.Name, a.RedirectURIs = "Renamed", nil
				a.Organizations = []model.OrganizationID{second.ID}
				return nil
			})
			storetest.Must(t, err)
			stored, err := organization.Across(s).Application(t.Context(), a.ID)
			storetest.Must(t, err)
			if diff := cmp.Diff(after, stored); diff != "" || stored.Name != "Renamed" || stored.CreatedAt != a.CreatedAt || stored.RedirectURIs == nil {
				t.Error(diff, stored)
			}
			reaches(t, second.ID)
		})
		t.Run("an error, a broken rule or an unknown organization changes nothing", func(t *testing.T) {
			for want, change := range map[model.Kind]func(*organization.ApplicationFields) error{
				model.Internal: func(a *organization.ApplicationFields) error { a.Name = "X"; return errors.New("boom") },
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
					_, err := organization.Across(s).UpdateApplication(t.Context(), a.ID, change)
					storetest.WantKind(t, err, want)
				})
			}
			storetest.Unchanged(t, s, func() {
				token, err := organization.Across(s).CreateApplication(t.Context(), &organization.Application{ApplicationFields: organization.ApplicationFields{
					Name: "New",
				}}, []model.OrganizationID{first.ID, "nowhere"})
				storetest.WantKind(t, err, model.NotFound)
				if token != "" {
					t.Error("there is a key for nothing")
				}
				for _, name := range []string{"", strings.Repeat("x", 201)} {
					_, err := organization.Across(s).CreateApplication(t.Context(), &organization.Application{ApplicationFields: organization.ApplicationFields{
						Name: name,
					}}, nil)
					storetest.WantKind(t, err, model.Invalid, "name")
				}
			})
		})
		t.Run("one for all reaches all", func(t *testing.T) {
			_, err := organization.Across(s).UpdateApplication(t.Context(), a.ID, func(a *organization.ApplicationFields) error {
				a.AllOrganizations = true
				return nil
			})
			storetest.Must(t, err)
			reaches(t, first.ID, second.ID)
		})
		t.Run("deleted, its key opens nothing", func(t *testing.T) {
			storetest.Must(t, organization.Across(s).DeleteApplication(t.Context(), a.ID))
			_, _, err := organization.Across(s).APIKey(t.Context(), key)
			storetest.WantKind(t, err, model.Denied)
			_, err = organization.Across(s).Application(t.Context(), a.ID)
			storetest.WantKind(t, err, model.NotFound)
			storetest.WantKind(t, organization.Across(s).DeleteApplication(t.Context(), a.ID), model.NotFound)
			if as, _, err := organization.Across(s).Applications(t.Context(), model.Page{Limit: 10}); err != nil || len(as) != 0 {
				t.Error(as, err)
			}
		})
	})
}

func TestSearch(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		org, _ := storetest.Organization(t, s, "100% Contoso_Ltd", "contoso.example")
		storetest.Organization(t, s, "Fabrikam", "fabrikam.example")
		for search, want := range map[string]int{"contoso": 1, "CONTOSO_l": 1, "0% c": 1, "%": 1, "_": 1, `\`: 0, "a": 1, "": 2, "nobody": 0} {
			gs, _, err := organization.Across(s).Organizations(t.Context(), model.Everywhere(), organization.OrganizationQuery{Search: search, Page: model.Page{Limit: 10}})
			if err != nil || len(gs) != want {
				t.Errorf("%q finds %d organizations, want %d: %v", search, len(gs), want, err)
			}
		}
		for _, c := range []struct {
			q    directory.DirectoryQuery
			want int
		}{
			{directory.DirectoryQuery{}, 2}, {directory.DirectoryQuery{Search: "OKT"}, 2}, {directory.DirectoryQuery{Search: "%"}, 0}, {directory.DirectoryQuery{Domain: "Contoso.Example"}, 1},
			{directory.DirectoryQuery{Domain: "no domain"}, 0}, {directory.DirectoryQuery{OrganizationID: org.ID}, 1}, {directory.DirectoryQuery{OrganizationID: org.ID, Domain: "fabrikam.example"}, 0},
		} {
			c.q.Limit = 10
			ds, _, err := directory.Across(s).Directories(t.Context(), model.Everywhere(), c.q)
			if err != nil || len(ds) != c.want {
				t.Errorf("%+v finds %d directories: %v", c.q, len(ds), err)
			}
		}
		for domain, want := range map[string]int{"contoso.example": 1, "FABRIKAM.example.": 1, "none.example": 0, "no domain": 0} {
			gs, _, err := organization.Across(s).Organizations(t.Context(), model.Everywhere(), organization.OrganizationQuery{Domains: []string{domain}, Page: model.Page{Limit: 10}})
			if err != nil || len(gs) != want || want == 1 && len(gs[0].Domains) != 1 {
				t.Errorf("%q finds %+v: %v", domain, gs, err)
			}
		}
	})
}

func TestUsers(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		org, d := storetest.Contoso(t, s)
		owned := storetest.CreateUser(t, org, d, "ada@contoso.example")
		nameless, err := directory.Of(org, d.ID).CreateUser(t.Context(), map[string]any{"userName": "nameless"})
		storetest.Must(t, err)
		unowned := storetest.CreateUnowned(t, org, "alan@contoso.example")
		admin, guest := storetest.CreateUnowned(t, org, "admin@contoso.example"), storetest.CreateUnowned(t, org, "guest@fabrikam.example")
		for _, u := range []*people.User{admin, guest, owned} {
			_, err := people.In(org).SetRole(t.Context(), u.ID, people.Admin)
			storetest.Must(t, err)
		}
		for _, c := range []struct {
			q    people.UserQuery
			want []*people.User
		}{
			{people.UserQuery{}, []*people.User{owned, nameless, unowned, admin, guest}},
			{people.UserQuery{DirectoryID: d.ID}, []*people.User{owned, nameless}},
			{people.UserQuery{Owned: true}, []*people.User{owned, nameless}},
			{people.UserQuery{Email: "ADA@Contoso.example"}, []*people.User{owned}},
			{people.UserQuery{Email: "no address"}, nil},
			{people.UserQuery{IdpID: "x-ada@contoso.example"}, []*people.User{owned}},
			{people.UserQuery{IdpID: nameless.ID}, []*people.User{nameless}},
			{people.UserQuery{IdpID: owned.ID}, nil},
			{people.UserQuery{IdpID: "x"}, nil},
			{people.UserQuery{Awaiting: true}, []*people.User{admin}},
			{people.UserQuery{Awaiting: true, Owned: true}, nil},
		} {
			c.q.Page = model.Page{Limit: 10, Ascending: true}
			us, _, err := people.In(org).Users(t.Context(), c.q)
			storetest.Must(t, err)
			got := []string{}
			for _, u := range us {
				got = append(got, u.ID)
			}
			if diff := cmp.Diff(storetest.Ids(c.want...), got); diff != "" {
				t.Errorf("%+v: %s", c.q, diff)
			}
		}
		if c, err := directory.Of(org, d.ID).Counts(t.Context()); err != nil || c != (directory.DirectoryCounts{ActiveUsers: 2}) {
			t.Error(c, err)
		}
		storetest.Deactivate(t, org, d, nameless)
		storetest.CreateGroup(t, org, d, "Engineers")
		if c, err := directory.Of(org, d.ID).Counts(t.Context()); err != nil || c != (directory.DirectoryCounts{ActiveUsers: 1, InactiveUsers: 1, Groups: 1}) {
			t.Error(c, err)
		}
		t.Run("an unowned userName is taken, an e-mail may be shared", func(t *testing.T) {
			storetest.Unchanged(t, s, func() {
				_, err := people.In(org).CreateUser(t.Context(), storetest.Person("ALAN@contoso.example"))
				storetest.WantKind(t, err, model.Conflict, "userName")
				_, err = people.In(org).CreateUser(t.Context(), map[string]any{})
				storetest.WantKind(t, err, model.Invalid, "userName")
			})
			if u, err := people.In(org).CreateUser(t.Context(), storetest.WithEmail("another", "alan@contoso.example")); err != nil || u.DirectoryID != nil {
				t.Error(u, err)
			}
		})
		t.Run("one who begins inactive has the reason", func(t *testing.T) {
			u, err := people.In(org).CreateUser(t.Context(), map[string]any{"userName": "inactive", "active": false})
			if err != nil || u.Active || u.InactiveReason != people.Deprovisioned {
				t.Error(u, err)
			}
		})
	})
}
