package scim_test

import "testing"

// TestTakingAway checks that a request which only takes access away is carried out whatever the
// data is: malformed addresses, domains that are not verified, values of unknown types.
func TestTakingAway(t *testing.T) {
	t.Parallel()
	const odd = `"emails":[{"value":"not an address","type":"somewhere","primary":true},
		{"value":"x@unverified.example"},{"value":"@"}],
		"phoneNumbers":[{"value":"none","type":"?"}],"locale":"nowhere","timezone":"?","profileUrl":"::"`
	each(t, func(t *testing.T, c *client) {
		for name, test := range map[string]struct {
			method, body string
			status       int
			active       bool
		}{
			"a PATCH": {"PATCH",
				patchOf(`[{"op":"replace","path":"active","value":false}]`), 200, false},
			"Entra's PATCH, with the address in it": {"PATCH", patchOf(`[{"op":"Replace","path":"active",` +
				`"value":"False"},{"op":"Replace","path":"emails[type eq \"work\"].value","value":"??"}]`), 200, false},
			"Okta's PUT of the whole object": {"PUT",
				`{"userName":"renamed, still no address","active":false,` + odd + `}`, 200, false},
			"a removal of the addresses": {"PATCH", patchOf(`[{"op":"remove","path":"emails"}]`), 200, true},
			"a DELETE":                   {"DELETE", "", 204, false},
		} {
			t.Run(name, func(t *testing.T) {
				id := c.create("/Users", `{"userName":"odd name, no address: `+name+`",`+odd+`}`)
				group := c.group(name, id)
				path := "/Users/" + id
				c.want(test.status, test.method, path, test.body)
				if test.method != "DELETE" {
					if a := c.want(200, "GET", path, ""); a.body["active"] != test.active {
						t.Errorf("stored %s", a.text)
					}
					c.want(204, "PATCH", "/Groups/"+group, patchOf(
						`[{"op":"Remove","path":"members","value":[{"value":"`+id+`"},{"value":"nobody's id"}]}]`))
				}
				if a := c.want(200, "GET", "/Groups/"+group, ""); len(a.path("members").([]any)) != 0 {
					t.Errorf("the group still has %s", a.text)
				}
			})
		}
	})
}
