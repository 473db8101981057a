package scim_test

import (
	"strings"
	"testing"
)

// TestFiltersSeeGroupsInGroups finds groups by members that are groups, and users by the groups
// that contain their groups.
func TestFiltersSeeGroupsInGroups(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *client) {
		ada, ben := c.user("ada"), c.user("ben")
		drivers := c.group("Drivers", ada)
		fleet := c.group("Fleet", drivers, ben)
		everybody := c.group("Everybody", fleet)
		for query, want := range map[string]string{
			`members eq "` + ada + `"`: "Drivers", `members eq "` + drivers + `"`: "Fleet",
			`members[type eq "group" and display sw "driv"]`:         "Fleet",
			`members.type eq "User"`:                                 "Drivers Fleet",
			`members.$ref ew "/Groups/` + fleet + `"`:                "Everybody",
			`members ne "` + ada + `"`:                               "Fleet Everybody",
			`members pr`:                                             "Drivers Fleet Everybody",
			`not (members.display co "e")`:                           "Drivers",
			`id eq "` + fleet + `" and members eq "` + drivers + `"`: "Fleet",
		} {
			got := strings.Join(c.want(200, "GET", filtered("/Groups", query), "").values("displayName"), " ")
			if got != want {
				t.Errorf("%s: %q, want %q", query, got, want)
			}
		}
		for query, want := range map[string]string{
			`groups eq "` + drivers + `"`: "ada", `groups eq "` + fleet + `"`: "ada ben", `groups.value eq "` +
				everybody + `"`: "ada ben", `groups[type eq "indirect" and display eq "fleet"]`: "ada",
			`groups[type eq "direct" and display eq "fleet"]`: "ben", `groups.$ref ew "/Groups/` + everybody +
				`"`: "ada ben", `not (groups eq "` + drivers + `")`: "ben", `groups pr`: "ada ben",
		} {
			got := strings.Join(c.want(200, "GET", filtered("/Users", query), "").values("userName"), " ")
			if got != want {
				t.Errorf("%s: %q, want %q", query, got, want)
			}
		}
	})
}
