package scim_test

import (
	"strings"
	"testing"
)

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

// TestDeactivationBesideWrongData sends active false beside data that is refused. The user is
// deactivated, and nothing else changes.
func TestDeactivationBesideWrongData(t *testing.T) {
	t.Parallel()
	put := func(more string) string { return `{"userName":"$name","active":"False",` + more + `}` }
	pathless := func(more string) string { return patchOf(`[{"op":"replace","value":{"active":false,` + more + `}}]`) }
	each(t, func(t *testing.T, c *client) {
		c.user("taken")
		for name, test := range map[string]struct{ method, body, scimType string }{
			"a string for a list":   {"PUT", put(`"emails":"x@x.example"`), "invalidValue"},
			"text for an address":   {"PUT", put(`"emails":[{"value":"[]"}]`), "invalidValue"},
			"another type":          {"PUT", put(`"title":7`), "invalidValue"},
			"other schemas":         {"PUT", put(`"schemas":["` + coreGroup + `"]`), "invalidSyntax"},
			"another's attributes":  {"PUT", put(`"` + coreGroup + `":{"displayName":"x"}`), "invalidSyntax"},
			"half a character":      {"PUT", put(`"title":"\ud83d"`), "invalidValue"},
			"no userName":           {"PUT", `{"active":false}`, "invalidValue"},
			"another's userName":    {"PUT", `{"userName":"TAKEN","active":false}`, "uniqueness"},
			"a PATCH, another type": {"PATCH", pathless(`"title":7`), "invalidValue"},
			"a PATCH, another's":    {"PATCH", pathless(`"` + coreGroup + `:displayName":"x"`), "invalidPath"},
			"a PATCH, a taken name": {"PATCH", pathless(`"userName":"taken"`), "uniqueness"},
			"a PATCH in several parts": {"PATCH", patchOf(`[{"op":"add","path":"title","value":7},
				{"op":"replace","value":[{"active":["False"]}]}]`), "invalidValue"},
		} {
			t.Run(name, func(t *testing.T) {
				id := c.create("/Users", `{"userName":"`+name+`","nickName":"n","emails":[{"value":"a@x.example"}]}`)
				path, body := "/Users/"+id, strings.ReplaceAll(test.body, "$name", name)
				refused(t, c.do(test.method, path, body, "If-Match", `W/"7"`), 412, "")
				a := c.want(200, test.method, path, body)
				if a.body["active"] != false || a.body["nickName"] != "n" || a.body["userName"] != name ||
					a.path("emails", 0, "value") != "a@x.example" || a.body["title"] != nil {
					t.Errorf("answer %s", a.text)
				}
				if read := c.want(200, "GET", path, ""); read.text != a.text {
					t.Errorf("stored %s", read.text)
				}
				// Who is inactive already learns what is wrong.
				a = c.do(test.method, path, body)
				if a.status != 400 && a.status != 409 || a.body["scimType"] != test.scimType {
					t.Errorf("again: %d %s", a.status, a.text)
				}
				if read := c.want(200, "GET", path, ""); read.body["active"] != false {
					t.Errorf("stored %s", read.text)
				}
			})
		}
		if text := c.log.String(); !strings.Contains(text, "but for the end of access") {
			t.Errorf("log %s", text)
		}
		id := c.user("still active")
		for name, body := range map[string]string{
			"operations with paths": patchOf(`[{"op":"replace","path":"active","value":false},
				{"op":"add","path":"title","value":7}]`),
			"active twice": patchOf(`[{"op":"replace","value":{"active":false,"title":7}},
				{"op":"replace","value":{"active":true}}]`),
			"true": patchOf(`[{"op":"replace","value":{"active":true,"title":7}}]`),
		} {
			if a := c.do("PATCH", "/Users/"+id, body); a.status != 400 {
				t.Errorf("%s: %d %s", name, a.status, a.text)
			}
		}
		if a := c.want(200, "GET", "/Users/"+id, ""); a.body["active"] != true {
			t.Errorf("a PATCH that was refused has %s", a.text)
		}
		strict := c.deployment.client(c.directory.OrganizationID)
		strict.setStrict()
		id = strict.create("/Users", `{"schemas":["`+coreUser+`"],"userName":"strict"}`)
		for _, body := range []string{pathless(`"title":7`), pathless(`"nope":7`)} {
			if a := strict.do("PATCH", "/Users/"+id, body); a.status != 400 {
				t.Errorf("strict: %d %s", a.status, a.text)
			}
		}
		if a := strict.want(200, "GET", "/Users/"+id, ""); a.body["active"] != true {
			t.Errorf("strict: %s", a.text)
		}
	})
}
