package scim_test

import "testing"

// TestPatchOfNothing sends the PATCH with which ConnId's connector begins a change of somebody's
// groups. If it is refused, the connector never comes to the groups.
func TestPatchOfNothing(t *testing.T) {
	t.Parallel()
	const announced = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"]}`
	each(t, func(t *testing.T, c *client) {
		user := "/Users/" + c.user("ada")
		group := "/Groups/" + c.group("Drivers")
		for _, path := range []string{user, group} {
			before := c.want(200, "GET", path, "")
			for _, body := range []string{announced, patchOf(`null`), patchOf(`[]`), `{"operations":[]}`} {
				if a := c.want(200, "PATCH", path, body); a.text != before.text {
					t.Errorf("%s became %s", before.text, a.text)
				}
			}
			a := c.want(200, "POST", "/Bulk", bulkOf(`{"method":"PATCH","path":"`+path+`","data":`+announced+`}`))
			if got := a.outcome(); got != "200" {
				t.Error(got)
			}
			if a := c.want(200, "GET", path, ""); a.text != before.text {
				t.Errorf("%s became %s", before.text, a.text)
			}
			for _, body := range []string{
				`{}`, `{"schemas":[]}`, `{"Operations":null}`, patchOf(`{}`), patchOf(`""`),
				`{"schemas":["` + coreUser + `"],"Operations":[]}`, `{"Operations":[],"displayName":"x"}`,
				`{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"displayName":"x"}`,
			} {
				refused(t, c.do("PATCH", path, body), 400, "invalidSyntax")
			}
		}
		refused(t, c.do("PATCH", "/Users/00000000-0000-4000-8000-000000000000", announced), 404, "")
		refused(t, c.do("PATCH", user, announced, "If-Match", `W/"99"`), 412, "")
		a := c.want(200, "PATCH", user, announced[:len(announced)-1]+`,"active":false}`)
		if a.body["active"] != false {
			t.Errorf("access goes on: %s", a.text)
		}
	})
}
