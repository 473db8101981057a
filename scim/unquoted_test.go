package scim_test

import (
	"strings"
	"testing"

	"rollcall/model/directory"
)

// TestUnquotedValues checks filters whose text lacks its quotes. Microsoft's page and its published
// test collection have them.
func TestUnquotedValues(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *client) {
		ada := c.create("/Users", `{"userName":"ada@x.example","externalId":"012","title":"true","active":true,
			"name":{"familyName":"Employee"},"emails":[{"value":"a@x.example","type":"work"}],
			"`+enterprise+`":{"employeeNumber":"12.50"}}`)
		ben := c.create("/Users", `{"userName":"ben","externalId":"12","active":false}`)
		crew := c.group("Crew", ada)
		queries := map[string]string{
			`userName eq ADA@x.example`:                               "ada@x.example",
			`userName sw ada`:                                         "ada@x.example",
			`externalId eq 12`:                                        "ben",
			`externalId eq 012`:                                       "ada@x.example",
			`name.familyName eq Employee`:                             "ada@x.example",
			`title eq true`:                                           "ada@x.example",
			`title eq null and active eq false`:                       "ben",
			`active eq true`:                                          "ada@x.example",
			`employeeNumber eq 12.50`:                                 "ada@x.example",
			enterprise + `:employeeNumber eq 12.5`:                    "",
			`emails[type eq work and value eq a@x.example]`:           "ada@x.example",
			`emails[type eq work].value eq a@x.example`:               "ada@x.example",
			`(userName eq ben or externalId eq 012) and not(id eq x)`: "ada@x.example ben",
			`id eq ` + ben:                                            "ben",
		}
		for query, want := range queries {
			a := c.want(200, "GET", filtered("/Users", query), "")
			if got := strings.Join(sorted(a.values("userName")...), " "); got != want {
				t.Errorf("%s: %q, want %q", query, got, want)
			}
		}
		a := c.want(200, "POST", "/.search", `{"filter":"displayName eq crew or userName eq ben"}`)
		if a.path("totalResults") != 2.0 {
			t.Error(a.text)
		}
		c.want(200, "PATCH", "/Users/"+ada,
			patchOf(`[{"op":"replace","path":"emails[type eq work].display","value":"W"}]`))
		c.want(204, "PATCH", "/Groups/"+crew, patchOf(`[{"op":"remove","path":"members[value eq `+ada+`]"}]`))

		strict := func(d *directory.DirectoryFields) error { d.Strict = true; return nil }
		if _, err := directory.In(c.org).UpdateDirectory(t.Context(), c.directory.ID, strict); err != nil {
			t.Fatal(err)
		}
		delete(queries, `active eq true`)
		delete(queries, `title eq null and active eq false`)
		for query := range queries {
			refused(t, c.do("GET", filtered("/Users", query), ""), 400, "invalidFilter")
		}
		c.want(200, "GET", filtered("/Users", "active eq true"), "")
		refused(t, c.do("PATCH", "/Groups/"+crew,
			patchOf(`[{"op":"remove","path":"members[value eq `+ada+`]"}]`)), 400, "invalidPath", "in double quotes")
	})
}
