package scim_test

import (
	"fmt"
	"testing"
)

// TestMomentsWithoutASchema checks that a PATCH path selects what a search finds: a text that is a
// moment compares as one, whichever way it is written.
func TestMomentsWithoutASchema(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *client) {
		for i, test := range []struct {
			filter string
			found  bool
		}{
			{`value eq "2026-01-01T00:00:00Z"`, true},
			{`value eq "2026-01-01T01:00:00+01:00"`, true},
			{`value eq "2026-01-01t00:00:00.000z"`, true},
			{`value eq "2026-01-01T00:00:00"`, true},
			{`value lt "2026-01-01T02:00:00+01:00"`, true},
			{`value gt "2026-01-01T01:00:00+02:00"`, true},
			{`value gt "2026-01-01T00:00:00+00:00"`, false},
			{`value eq "2026-01-01T01:00:00Z"`, false},
			{`value eq "2026-01-01"`, false},
		} {
			id := c.create("/Users", fmt.Sprintf(`{"userName":"u%d",%q:{"days":[{"value":"2026-01-01T00:00:00Z"}]}}`, i,
				unknownURN))
			a := c.want(200, "GET", filtered("/Users", `id eq "`+id+`" and `+unknownURN+`:days[`+test.filter+`]`), "")
			if found := a.path("totalResults") == 1.0; found != test.found {
				t.Errorf("%s: a search finds it: %v", test.filter, found)
			}
			path := fmt.Sprintf("%q", unknownURN+":days["+test.filter+"]")
			a = c.want(200, "PATCH", "/Users/"+id, patchOf(`[{"op":"remove","path":`+path+`}]`))
			if removed := a.body[unknownURN] == nil; removed != test.found {
				t.Errorf("%s: a PATCH removes it: %v", test.filter, removed)
			}
		}
	})
}
