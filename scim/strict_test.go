package scim_test

import (
	"strings"
	"testing"

	"rollcall/model/directory"
)

// TestStrictDirectory makes a directory strict. From the next request on its answers follow the RFC
// literally. Another directory of the organization is answered as before.
func TestStrictDirectory(t *testing.T) {
	t.Parallel()
	const core = `"schemas":["` + coreUser + `"],`
	each(t, func(t *testing.T, c *client) {
		other := c.deployment.client(c.directory.OrganizationID)
		strict := func(on bool) {
			if _, err := directory.In(c.org).UpdateDirectory(t.Context(), c.directory.ID,
				func(d *directory.DirectoryFields) error {
					d.Strict = on
					return nil
				}); err != nil {
				t.Fatal(err)
			}
		}
		id := c.user("ada")
		strict(true)
		for _, r := range []struct{ method, path, body, scimType string }{
			{"POST", "/Users", `{"userName":"ben"}`, "invalidSyntax"},
			{"PUT", "/Users/" + id, `{"userName":"ada"}`, "invalidSyntax"},
			{"PATCH", "/Users/" + id, patchOf(`[{"op":"Replace","path":"active","value":"False"}]`), "invalidSyntax"},
			{"PATCH", "/Users/" + id, patchOf(`[{"op":"replace","path":"active","value":"False"}]`), "invalidValue"},
			{"PATCH", "/Users/" + id, patchOf(`[{"op":"replace","path":"emails[type eq \"work\"].value","value":"a"}]`),
				"noTarget"},
			{"PATCH", "/Users/" + id, `{"Operations":[{"op":"replace","path":"active","value":false}]}`,
				"invalidSyntax"},
			{"PATCH", "/Users/" + id, patchOf(`[]`), "invalidSyntax"},
			{"PATCH", "/Users/" + id, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"]}`, "invalidSyntax"},
			{"POST", "/Bulk", `{"Operations":[]}`, "invalidSyntax"},
			{"POST", "/Bulk", `{"schemas":["` + coreUser + `"],"Operations":[]}`, "invalidSyntax"},
			{"POST", "/Users/.search", `{"count":1}`, "invalidSyntax"},
			{"POST", "/Users/.search", "", "invalidSyntax"},
			{"POST", "/.search", `{"schemas":["` + coreUser + `"]}`, "invalidSyntax"},
			{"POST", "/Users", `{` + core + `"userName":"ben","emails":[{"value":"a","primary":true},{"value":"b",` +
				`"primary":true}]}`, "invalidValue"},
		} {
			refused(t, c.do(r.method, r.path, r.body), 400, r.scimType)
		}
		a := c.want(200, "POST", "/Bulk", bulkOf(`{"method":"POST","path":"/Users","data":{`+core+`"userName":"ben"}}`,
			`{"method":"POST","path":"/Users","bulkId":"b","data":{`+core+`"userName":"ben"}}`))
		if got := a.outcome(); got != "400 invalidSyntax, 201" {
			t.Error(got)
		}
		c.want(201, "POST", "/Users", `{`+core+`"userName":"cleo"}`)
		c.want(200, "POST", "/Users/.search",
			`{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],"count":1}`)
		c.want(200, "PATCH", "/Users/"+id, patchOf(`[{"op":"replace","path":"active","value":false}]`))
		if text := c.want(200, "GET", "/Users/"+id, "").text; !strings.Contains(text, `"active":false`) {
			t.Error(text)
		}
		// Conformance suites expect that a PATCH answers with the group, the first choice of
		// RFC 7644 §3.5.2.
		group := c.want(201, "POST", "/Groups",
			`{"schemas":["`+coreGroup+`"],"displayName":"Crew"}`).body["id"].(string)
		a = c.want(200, "PATCH", "/Groups/"+group,
			patchOf(`[{"op":"add","path":"members","value":[{"value":"`+id+`"}]}]`))
		if a.path("members", 0, "value") != id {
			t.Error(a.text)
		}
		for _, operation := range []string{`{"op":"remove","path":"active"}`,
			`{"op":"replace","path":"active","value":null}`, `{"op":"replace","value":{"active":null}}`} {
			refused(t, c.do("PATCH", "/Users/"+id, patchOf(`[`+operation+`]`)), 400, "mutability", "true or false")
		}
		a = c.want(200, "PUT", "/Users/"+id, `{`+core+`"userName":"ada","active":null}`)
		if a.body["active"] != false {
			t.Errorf("PUT without active: %s", a.text)
		}
		other.want(201, "POST", "/Users", `{"userName":"dan"}`)
		strict(false)
		c.want(200, "PATCH", "/Users/"+id, patchOf(`[{"op":"Replace","path":"active","value":"True"}]`))
	})
}
