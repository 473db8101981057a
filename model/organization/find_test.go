package organization_test

import (
	"testing"

	"rollcall/model"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/organization"
	"rollcall/model/store"
)

func TestOrganizationsAreFound(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		storetest.Organization(t, s, "100% Contoso_Ltd", "contoso.example")
		storetest.Organization(t, s, "Fabrikam", "fabrikam.example")
		find := func(t *testing.T, q organization.OrganizationQuery) []organization.Organization {
			t.Helper()
			q.Limit = 10
			gs, _, err := organization.Across(s).Organizations(t.Context(), model.Everywhere(), q)
			storetest.Must(t, err)
			return gs
		}
		t.Run("by a part of their name", func(t *testing.T) {
			for search, want := range map[string]int{
				"contoso": 1, "CONTOSO_l": 1, "0% c": 1, "%": 1, "_": 1, `\`: 0, "a": 1, "": 2, "nobody": 0,
			} {
				if gs := find(t, organization.OrganizationQuery{Search: search}); len(gs) != want {
					t.Errorf("%q finds %d organizations, want %d", search, len(gs), want)
				}
			}
		})
		t.Run("by a domain", func(t *testing.T) {
			for domain, want := range map[string]int{
				"contoso.example": 1, "FABRIKAM.example.": 1, "none.example": 0, "no domain": 0,
			} {
				gs := find(t, organization.OrganizationQuery{Domains: []string{domain}})
				if len(gs) != want || want == 1 && len(gs[0].Domains) != 1 {
					t.Errorf("%q finds %+v", domain, gs)
				}
			}
		})
	})
}
