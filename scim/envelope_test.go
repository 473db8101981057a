package scim_test

import (
	"strings"
	"testing"
)

// TestSchemasOfARequest checks which schemas a request may name. They may be missing, but not be
// those of something else, unless the request only takes access away.
func TestSchemasOfARequest(t *testing.T) {
	t.Parallel()
	const message = "urn:ietf:params:scim:api:messages:2.0:"
	each(t, func(t *testing.T, c *client) {
		id, group := c.user("ada"), c.group("Pilots")
		for _, test := range []struct{ name, method, path, own, rest string }{
			{"POST of a user", "POST", "/Users", coreUser, `"userName":"$new"`},
			{"PUT of a user", "PUT", "/Users/" + id, coreUser, `"userName":"ada"`},
			{"POST of a group", "POST", "/Groups", coreGroup, `"displayName":"$new"`},
			{"PUT of a group", "PUT", "/Groups/" + group, coreGroup, `"displayName":"Pilots"`},
			{"PATCH of a user", "PATCH", "/Users/" + id, message + "PatchOp",
				`"Operations":[{"op":"add","path":"title","value":"t"}]`},
			{"PATCH of a group", "PATCH", "/Groups/" + group, message + "PatchOp",
				`"Operations":[{"op":"add","path":"externalId","value":"t"}]`},
			{"Bulk", "POST", "/Bulk", message + "BulkRequest",
				`"Operations":[{"method":"POST","path":"/Users","bulkId":"b","data":{"userName":"$new"}}]`},
			{"search of users", "POST", "/Users/.search", message + "SearchRequest", `"count":1`},
			{"search of all", "POST", "/.search", message + "SearchRequest", `"count":1`},
		} {
			t.Run(test.name, func(t *testing.T) {
				for i, schemas := range []string{`"schemas":["` + enterprise + `"],`,
					`"schemas":["` + test.own + `x"],`,
					`"schemas":"` + enterprise + `",`, `"schemas":[5],`, `"schemas":["` + listURN + `","urn:x"],`} {
					rest := strings.ReplaceAll(test.rest, "$new", test.name+string(rune('a'+i)))
					refused(t, c.do(test.method, test.path, `{`+schemas+rest+`}`), 400, "invalidSyntax", test.own)
				}
				for i, schemas := range []string{``, `"schemas":[],`, `"schemas":null,`,
					`"schemas":"` + test.own + `",`, `"schemas":["urn:x","` + strings.ToUpper(test.own) + `"],`} {
					rest := strings.ReplaceAll(test.rest, "$new", test.name+string(rune('k'+i)))
					if a := c.do(test.method, test.path, `{`+schemas+rest+`}`); a.status >= 300 {
						t.Errorf("%s: %d %s", schemas, a.status, a.text)
					}
				}
			})
		}
	})
}

// TestTakingAwayUnderOtherSchemas checks that a request which only takes access away is carried out
// whatever its schemas are.
func TestTakingAwayUnderOtherSchemas(t *testing.T) {
	t.Parallel()
	const wrong = `{"schemas":["` + enterprise + `"],`
	each(t, func(t *testing.T, c *client) {
		ada, ben, cleo := c.user("ada"), c.user("ben"), c.user("cleo")
		group := c.group("Pilots", ada, ben, cleo)
		inactive := func(id string) {
			t.Helper()
			if a := c.want(200, "GET", "/Users/"+id, ""); a.body["active"] != false {
				t.Errorf("still %s", a.text)
			}
		}
		c.want(200, "PATCH", "/Users/"+ada, wrong+`"Operations":[{"op":"replace","value":{"active":"False"}}]}`)
		inactive(ada)
		c.want(204, "PATCH", "/Groups/"+group,
			wrong+`"Operations":[{"op":"remove","path":"members","value":[{"value":"`+ada+`"}]}]}`)
		if diff := c.membersOf("Pilots", "ben", "cleo"); diff != "" {
			t.Error(diff)
		}
		a := c.want(200, "POST", "/Bulk", wrong+`"Operations":[
			{"method":"DELETE","path":"/Users/`+ben+`"},
			{"method":"PATCH","path":"/Users/`+cleo+`","data":{"Operations":[
				{"op":"replace","path":"active","value":false}]}}]}`)
		if got := a.outcome(); got != "204, 200" {
			t.Error(a.text)
		}
		inactive(cleo)
		for _, body := range []string{
			`"Operations":[{"op":"replace","path":"active","value":true}]}`,
			`"Operations":[{"op":"replace","path":"active","value":false},{"op":"add","path":"title","value":"x"}]}`,
			`"Operations":[{"op":"replace","value":{"nope":1}}]}`,
		} {
			refused(t, c.do("PATCH", "/Users/"+ada, wrong+body), 400, "invalidSyntax", "PatchOp")
		}
		refused(t, c.do("POST", "/Bulk", wrong+`"Operations":[{"method":"DELETE","path":"/Users/`+cleo+`"},
			{"method":"PUT","path":"/Users/`+cleo+`","data":{"userName":"cleo"}}]}`), 400, "invalidSyntax",
			"BulkRequest")
	})
}

// TestAttributesOfAnotherSchema checks that what another resource or a message has is refused: it
// would be kept where nobody reads it, and the identity provider would believe it done.
func TestAttributesOfAnotherSchema(t *testing.T) {
	t.Parallel()
	const (
		core    = "urn:ietf:params:scim:schemas:core:2.0:"
		message = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
		vendor  = "urn:ietf:params:scim:schemas:extension:acme:2.0:User"
	)
	each(t, func(t *testing.T, c *client) {
		for _, strict := range []bool{false, true} {
			c := c.deployment.client(c.directory.OrganizationID)
			if strict {
				c.setStrict()
			}
			name := map[bool]string{false: "lenient", true: "strict"}[strict]
			user := c.create("/Users", `{"schemas":["`+coreUser+`"],"userName":"`+name+`"}`)
			group := c.create("/Groups", `{"schemas":["`+coreGroup+`"],"displayName":"`+name+`"}`)
			for path, urns := range map[string][]string{
				"/Users/" + user: {coreGroup, core + "Schema", core + "ServiceProviderConfig",
					core + "ResourceType", message,
					"urn:ietf:params:scim:api:messages:2.0:Error", strings.ToUpper(coreGroup)},
				"/Groups/" + group: {coreUser, enterprise, core + "Schema", message},
			} {
				own, required := coreUser, `"userName":"`+name+`"`
				endpoint := "/Users"
				if strings.HasPrefix(path, "/Groups") {
					own, required, endpoint = coreGroup, `"displayName":"`+name+`"`, "/Groups"
				}
				before := c.want(200, "GET", path, "").text
				for _, urn := range urns {
					object := `"` + urn + `":{"displayName":"x","active":true}`
					body := `{"schemas":["` + own + `","` + urn + `"],` + required + `,` + object + `}`
					refused(t, c.do("POST", endpoint, body), 400, "invalidSyntax", own)
					refused(t, c.do("PUT", path, body), 400, "invalidSyntax", own)
					for _, operation := range []string{
						`{"op":"add","path":"` + urn + `:displayName","value":"x"}`,
						`{"op":"replace","path":"` + urn + `","value":{"displayName":"x"}}`,
						`{"op":"replace","value":{` + object + `}}`,
						`{"op":"replace","value":{"` + urn + `:displayName":"x"}}`,
						`{"op":"replace","path":"` + urn + `:members[value eq \"x\"].display","value":"x"}`,
					} {
						refused(t, c.do("PATCH", path, patchOf(`[`+operation+`]`)), 400, "invalidPath")
					}
				}
				if after := c.want(200, "GET", path, "").text; after != before {
					t.Errorf("now %s", after)
				}
			}
			a := c.want(200, "PUT", "/Users/"+user, `{"schemas":["`+coreUser+`","`+message+`","`+vendor+
				`"],"userName":"`+name+`","`+vendor+`":{"x":1},"urn:acme:2.0:User":{"y":1}}`)
			if a.path(vendor, "x") != 1.0 || a.path("urn:acme:2.0:User", "y") != 1.0 || a.path("schemas", 3) != nil {
				t.Errorf("extensions of vendors: %s", a.text)
			}
		}
		// A colon instead of a period makes no extension either.
		id := c.user("colon")
		for _, path := range []string{coreUser + ":name:familyName", enterprise + ":manager:value"} {
			refused(t, c.do("PATCH", "/Users/"+id, patchOf(`[{"op":"add","path":"`+path+`","value":"x"}]`)), 400,
				"invalidPath")
		}
		a := c.want(200, "PUT", "/Users/"+id, `{"userName":"colon","`+enterprise+`:manager":{"value":"m"}}`)
		if a.path(enterprise, "manager", "value") != "m" {
			t.Error(a.text)
		}
	})
}
