package directory_test

import (
	"testing"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/store"
)

func TestDirectoriesAreFound(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		org, _ := storetest.Organization(t, s, "100% Contoso_Ltd", "contoso.example")
		storetest.Organization(t, s, "Fabrikam", "fabrikam.example")
		for _, c := range []struct {
			q    directory.DirectoryQuery
			want int
		}{
			{directory.DirectoryQuery{}, 2},
			{directory.DirectoryQuery{Search: "OKT"}, 2},
			{directory.DirectoryQuery{Search: "%"}, 0},
			{directory.DirectoryQuery{Domain: "Contoso.Example"}, 1},
			{directory.DirectoryQuery{Domain: "no domain"}, 0},
			{directory.DirectoryQuery{OrganizationID: org.ID}, 1},
			{directory.DirectoryQuery{OrganizationID: org.ID, Domain: "fabrikam.example"}, 0},
		} {
			c.q.Limit = 10
			ds, _, err := directory.Across(s).Directories(t.Context(), model.Everywhere(), c.q)
			if err != nil || len(ds) != c.want {
				t.Errorf("%+v finds %d directories: %v", c.q, len(ds), err)
			}
		}
	})
}
