package scim_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestRemoveMembersByFilter checks that a removal takes any filter that a search takes (RFC 7644
// §3.5.2.2).
func TestRemoveMembersByFilter(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *client) {
		ids := map[string]string{"ADA": c.create("/Users", `{"userName":"ada","displayName":"Ada"}`),
			"BEN": c.user("ben"), "CREW": c.group("Crew"), "STAFF": c.group("Staff"), "NOBODY": nobody}
		named := func(text string) string {
			for name, id := range ids {
				text = strings.ReplaceAll(text, name, id)
			}
			return text
		}
		for i, test := range []struct{ filter, left string }{
			{`type eq "Group"`, "ADA BEN"},
			{`type eq "user"`, "CREW STAFF"},
			{`type eq "Group" or value eq "ADA"`, "BEN"},
			{`(type eq "Group" or value eq "ADA") and not (value eq "CREW")`, "BEN CREW"},
			{`value eq "ADA" and type eq "User"`, "BEN CREW STAFF"},
			{`type eq "User" and value eq "ADA"`, "BEN CREW STAFF"},
			{`value eq "ADA" and type eq "Group"`, "ADA BEN CREW STAFF"},
			{`value eq "ADA" and display sw "a"`, "BEN CREW STAFF"},
			{`value eq "NOBODY" and type eq "User"`, "ADA BEN CREW STAFF"},
			{`not (type eq "User")`, "ADA BEN"},
			{`display pr`, "BEN"},
			{`not (display pr)`, "ADA CREW STAFF"},
			{`display eq "staff"`, "ADA BEN CREW"},
			{`$ref ew "Groups/CREW"`, "ADA BEN STAFF"},
			{`value pr`, ""},
			{`value ne "ADA"`, "ADA"},
			{`type eq "Device"`, "ADA BEN CREW STAFF"},
		} {
			for j, path := range []string{"members", coreGroup + ":members"} {
				group := c.group(fmt.Sprintf("G %d %d", i, j), ids["ADA"], ids["BEN"], ids["CREW"], ids["STAFF"])
				quoted := strings.ReplaceAll(named(test.filter), `"`, `\"`)
				a := c.do("PATCH", "/Groups/"+group, patchOf(`[{"op":"remove","path":"`+path+`[`+quoted+`]"}]`))
				if a.status != 204 && (a.status != 200 || test.left != "ADA BEN CREW STAFF") {
					t.Errorf("%s: %d %s", test.filter, a.status, a.text)
				}
				var left []string
				for _, m := range c.want(200, "GET", "/Groups/"+group, "").path("members").([]any) {
					for name, id := range ids {
						if m.(map[string]any)["value"] == id {
							left = append(left, name)
						}
					}
				}
				slices.Sort(left)
				if got := strings.Join(left, " "); got != test.left {
					t.Errorf("%s[%s] leaves %q, want %q", path, test.filter, got, test.left)
				}
				c.want(204, "DELETE", "/Groups/"+group, "")
			}
		}
		group := c.group("Last", ids["ADA"])
		for _, filter := range []string{`rank eq 1`, `type eq`, `value[type eq \"User\"]`} {
			refused(t, c.do("PATCH", "/Groups/"+group, patchOf(`[{"op":"remove","path":"members[`+filter+`]"}]`)), 400,
				"invalidPath")
		}
		many := `type eq \"x\"` + strings.Repeat(` or type eq \"x\"`, 60)
		refused(t, c.do("PATCH", "/Groups/"+group, patchOf(`[{"op":"remove","path":"members[`+many+`]"}]`)), 400,
			"tooMany", "members")
		two := `{"op":"remove","path":"members[value eq \"ADA\" and type eq \"User\"]"}`
		c.want(204, "PATCH", "/Groups/"+group, patchOf("["+named(strings.Repeat(two+",", 20)+two)+"]"))
		c.want(404, "PATCH", "/Groups/"+nobody, patchOf(`[{"op":"remove","path":"members[type eq \"User\"]"}]`))
		elsewhere := c.deployment.client(c.organization("Contoso"))
		elsewhere.want(404, "PATCH", "/Groups/"+group, patchOf(`[{"op":"remove","path":"members[type eq \"User\"]"}]`))
	})
}
