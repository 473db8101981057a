package directory

import (
	"strings"
	"testing"

	"rollcall/model"
	"rollcall/model/internal/tenant"
)

func TestAdoptableUsersAreThoseOfTheOrganization(t *testing.T) {
	for _, d := range []tenant.Dialect{tenant.SqliteDialect, tenant.PostgresDialect} {
		t.Run(d.Name(), func(t *testing.T) {
			e := adoptable(d, "the organization")
			if n := strings.Count(e.SQL, "SELECT "); n != 1 ||
				n != strings.Count(e.SQL, "WHERE organization_id = ? AND ") {
				t.Errorf("%d sub-selects, of which not all name the organization first: %s", n, e.SQL)
			}
			named := 0
			for _, v := range e.Vars {
				if v == model.OrganizationID("the organization") {
					named++
				}
			}
			if named != 1 || strings.Count(e.SQL, "?") != len(e.Vars) {
				t.Errorf("the organization is named %d times: %s %v", named, e.SQL, e.Vars)
			}
		})
	}
}
