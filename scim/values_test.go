package scim_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/model/directory"
)

// quotedJSON is JSON as a string of JSON, as clients built on SCIM-SDK send it.
func quotedJSON(t testing.TB, text string) string {
	t.Helper()
	b, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestOneValueInAList has the forms in which clients built on SCIM-SDK write a PATCH: every value
// is a list, and an object is a text of JSON.
func TestOneValueInAList(t *testing.T) {
	t.Parallel()
	const ext = `"` + enterprise + `"`
	each(t, func(t *testing.T, c *client) {
		boss := c.user("boss")
		object := func(s string) string { return quotedJSON(t, s) }
		for _, test := range []struct {
			name, operations string
			path             []any
			want             any
		}{
			{"a string", `{"op":"replace","path":"preferredLanguage","value":["de"]}`, []any{"preferredLanguage"},
				"de"},
			{"active", `{"op":"replace","path":"active","value":[false]}`, []any{"active"}, false},
			{"active as a string", `{"op":"replace","path":"active","value":["False"]}`, []any{"active"}, false},
			{"no path, a list", `{"op":"replace","value":[{"active":false}]}`, []any{"active"}, false},
			{"no path, a text", `{"op":"replace","value":` + object(`{"nickName":"Ada"}`) + `}`, []any{"nickName"},
				"Ada"},
			{"no path, a list of a text", `{"op":"add","value":[` + object(`{"active":["false"]}`) + `]}`,
				[]any{"active"}, false},
			{"userName", `{"op":"replace","path":"userName","value":["adele"]}`, []any{"userName"}, "adele"},
			{"externalId", `{"op":"add","path":"externalId","value":["x-1"]}`, []any{"externalId"}, "x-1"},
			{"a sub-attribute", `{"op":"add","path":"name.familyName","value":["Lovelace"]}`,
				[]any{"name", "familyName"}, "Lovelace"},
			{"a complex attribute", `{"op":"add","path":"name","value":[` + object(`{"givenName":["Ada"]}`) + `]}`,
				[]any{"name", "givenName"}, "Ada"},
			{"an extension's attribute", `{"op":"add","path":` + ext[:len(ext)-1] + `:department","value":["IT"]}`,
				[]any{enterprise, "department"}, "IT"},
			{"an extension as a text", `{"op":"add","path":` + ext + `,"value":` + object(`{"costCenter":"7"}`) + `}`,
				[]any{enterprise, "costCenter"}, "7"},
			{"an extension in a list", `{"op":"add","value":{` + ext + `:[{"division":"B"}]}}`,
				[]any{enterprise, "division"}, "B"},
			{"a manager", `{"op":"add","path":"manager","value":[` + object(`{"value":"`+boss+`"}`) + `]}`,
				[]any{enterprise, "manager", "value"}, boss},
			{"a manager's id", `{"op":"add","path":"manager.value","value":["` + boss + `"]}`,
				[]any{enterprise, "manager", "value"}, boss},
			{"with a filter", `{"op":"add","path":"emails[type eq \"work\"].value","value":["ada@x.example"]}`,
				[]any{"emails", 0, "value"}, "ada@x.example"},
			{"primary with a filter", `{"op":"add","path":"emails","value":[{"value":"a@x.example","type":"work"}]},
				{"op":"replace","path":"emails[type eq \"work\"].primary","value":["True"]}`,
				[]any{"emails", 0, "primary"}, true},
			{"an element as a text",
				`{"op":"add","path":"emails","value":[` + object(`{"value":"ada@x.example"}`) + `]}`,
				[]any{"emails", 0, "value"}, "ada@x.example"},
			{"an element as a text, without a list",
				`{"op":"add","path":"emails","value":` + object(`{"value":"ada@x.example"}`) + `}`,
				[]any{"emails", 0, "value"}, "ada@x.example"},
			{"an element with a filter",
				`{"op":"add","path":"emails[type eq \"home\"]","value":` + object(`{"value":"h@x.example"}`) + `}`,
				[]any{"emails", 0, "value"}, "h@x.example"},
			{"nothing", `{"op":"add","path":"title","value":"t"},{"op":"replace","path":"title","value":[]}`,
				[]any{"title"}, nil},
			{"JSON in a plain text", `{"op":"add","path":"nickName","value":` + object(`{"a":1}`) + `}`,
				[]any{"nickName"}, `{"a":1}`},
			{"JSON in a plain text, in a list", `{"op":"add","path":"nickName","value":[` + object(`[1]`) + `]}`,
				[]any{"nickName"}, `[1]`},
			{"a role as Entra ID writes it",
				`{"op":"add","path":"roles","value":[{"value":` + object(`{"id":"r"}`) + `}]}`,
				[]any{"roles", 0, "value"}, `{"id":"r"}`},
		} {
			t.Run(test.name, func(t *testing.T) {
				id := c.user("ada")
				c.want(200, "PATCH", "/Users/"+id, patchOf(`[`+test.operations+`]`))
				a := c.want(200, "GET", "/Users/"+id, "")
				if diff := cmp.Diff(test.want, a.path(test.path...)); diff != "" {
					t.Errorf("%s in %s", diff, a.text)
				}
				c.want(204, "DELETE", "/Users/"+id, "")
			})
		}
		for name, operation := range map[string]string{
			"two values":                    `{"op":"replace","path":"title","value":["a","b"]}`,
			"two objects":                   `{"op":"replace","path":"name","value":[{"givenName":"a"},{}]}`,
			"two objects without a path":    `{"op":"replace","value":[{"active":false},{"active":true}]}`,
			"a list in a list":              `{"op":"replace","path":"title","value":[["a"]]}`,
			"a text of a list without path": `{"op":"replace","value":` + object(`[{"active":false}]`) + `}`,
			"a text that is no object":      `{"op":"replace","path":"name","value":"Ada"}`,
			"a blank required attribute":    `{"op":"replace","path":"userName","value":[" "]}`,
		} {
			t.Run(name, func(t *testing.T) {
				before := c.want(200, "GET", "/Users/"+boss, "").text
				refused(t, c.do("PATCH", "/Users/"+boss, patchOf(`[`+operation+`]`)), 400, "invalidValue")
				if after := c.want(200, "GET", "/Users/"+boss, "").text; after != before {
					t.Errorf("now %s", after)
				}
			})
		}
	})
}

// TestMembersAsText has members in the forms in which clients built on SCIM-SDK write them.
func TestMembersAsText(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *client) {
		ada, ben, cleo := c.user("ada"), c.user("ben"), c.user("cleo")
		text := func(id string) string { return quotedJSON(t, `{"value":"`+id+`"}`) }
		for i, test := range []struct {
			op, value string
			want      []string
		}{
			{"add", text(cleo), []string{"ada", "ben", "cleo"}},
			{"add", `[` + text(cleo) + `,` + text(ada) + `]`, []string{"ada", "ben", "cleo"}},
			{"add", `[{"value":` + text(cleo) + `}]`, []string{"ada", "ben", "cleo"}},
			{"remove", text(ada), []string{"ben"}},
			{"remove", `[` + text(ada) + `,` + text(ben) + `]`, nil},
			{"replace", text(cleo), []string{"cleo"}},
			{"replace", `[` + text(cleo) + `,"` + ben + `"]`, []string{"ben", "cleo"}},
		} {
			group := "g" + string(rune('a'+i))
			id := c.group(group, ada, ben)
			c.want(204, "PATCH", "/Groups/"+id,
				patchOf(`[{"op":"`+test.op+`","path":"members","value":`+test.value+`}]`))
			if diff := c.membersOf(group, test.want...); diff != "" {
				t.Errorf("%s %s: %s", test.op, test.value, diff)
			}
		}
		id := c.group("named", ada)
		c.want(200, "PATCH", "/Groups/"+id, patchOf(`[{"op":"replace","path":"displayName","value":["renamed"]}]`))
		for _, value := range []string{quotedJSON(t, `[{"value":"`+ben+`"}]`), `"null"`, `"[]"`, `["[]"]`,
			`[{"value":"[]"}]`, `[{"value":"{}"}]`} {
			for _, op := range []string{"add", "replace", "remove"} {
				a := c.do("PATCH", "/Groups/"+id, patchOf(`[{"op":"`+op+`","path":"members","value":`+value+`}]`))
				refused(t, a, 400, "invalidValue", "members")
			}
			refused(t, c.do("PUT", "/Groups/"+id, `{"displayName":"renamed","members":`+value+`}`), 400, "invalidValue",
				"members")
		}
		refused(t, c.do("PUT", "/Groups/"+id, `{"displayName":"renamed","members":"`+ben+`"}`), 400, "invalidValue",
			"members must be a list")
		if diff := c.membersOf("renamed", "ada"); diff != "" {
			t.Error(diff)
		}
	})
}

// TestTextForAnotherType checks that the text of an object never becomes an address, a role or a
// manager.
func TestTextForAnotherType(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *client) {
		id := c.create("/Users", `{"userName":"ada","emails":[{"value":"ada@x.example","type":"work"}]}`)
		before := c.want(200, "GET", "/Users/"+id, "").text
		for _, attribute := range []string{"emails", "phoneNumbers", "ims", "photos", "roles", "entitlements",
			"x509Certificates", "addresses"} {
			values := []string{`"[]"`, `"null"`, `"{}"`, `" [ ] "`, `"a@x.example"`, `["[]"]`, `["null"]`,
				quotedJSON(t, `[{"value":"b@x.example"}]`), quotedJSON(t, `{"value":"b@x.example"}`)}
			if attribute != "roles" && attribute != "entitlements" && attribute != "addresses" {
				values = append(values, `[{"value":"[]"}]`, `[{"value":"null"}]`,
					`[{"value":`+quotedJSON(t, `{"value":"b@x.example"}`)+`}]`)
			}
			for _, value := range values {
				body := `{"userName":"ben","` + attribute + `":` + value + `}`
				refused(t, c.do("POST", "/Users", body), 400, "invalidValue", attribute)
				refused(t, c.do("PUT", "/Users/"+id, body), 400, "invalidValue", attribute)
				refused(t, c.do("POST", "/Users", `{"userName":"ben","`+coreUser+`:`+attribute+`":`+value+`}`), 400,
					"invalidValue", attribute)
				if value == quotedJSON(t, `{"value":"b@x.example"}`) ||
					value == `"a@x.example"` && attribute != "addresses" {
					continue // some clients send a bare address in a PATCH, or an element as a text
				}
				for _, op := range []string{"add", "replace"} {
					refused(t, c.do("PATCH", "/Users/"+id, patchOf(
						`[{"op":"`+op+`","path":"`+attribute+`","value":`+value+`}]`)), 400, "invalidValue", attribute)
					refused(t, c.do("PATCH", "/Users/"+id, patchOf(
						`[{"op":"`+op+`","value":{"`+attribute+`":`+value+`}}]`)), 400, "invalidValue", attribute)
				}
			}
		}
		for _, path := range []string{`emails[type eq \"work\"].value`, `emails[type eq \"work\"]`, `emails.value`} {
			for _, value := range []string{`"[]"`, `"null"`, `["null"]`} {
				a := c.do("PATCH", "/Users/"+id, patchOf(`[{"op":"replace","path":"`+path+`","value":`+value+`}]`))
				refused(t, a, 400, "invalidValue", "emails")
			}
		}
		if after := c.want(200, "GET", "/Users/"+id, "").text; after != before {
			t.Errorf("now %s", after)
		}
		for i, manager := range []string{`"[]"`, `"null"`, `["[]"]`, `{"value":"[]"}`, `{"value":"{}"}`} {
			extension := `"` + enterprise + `":{"manager":` + manager + `}`
			refused(t, c.do("POST", "/Users", `{"userName":"ben",`+extension+`}`), 400, "invalidValue", "manager")
			a := c.do("PATCH", "/Users/"+id, patchOf(`[{"op":"add","path":"manager","value":`+manager+`}]`))
			refused(t, a, 400, "invalidValue", "manager")
			if t.Failed() {
				t.Fatalf("case %d", i)
			}
		}
		for name, manager := range map[string]string{"text": quotedJSON(t, `{"value":"26118915"}`), "id": `"26118915"`,
			"inner": `{"value":` + quotedJSON(t, `{"value":"26118915"}`) + `}`} {
			a := c.want(201, "POST", "/Users", `{"userName":"`+name+`","`+enterprise+`":{"manager":`+manager+`}}`)
			if got := a.path(enterprise, "manager", "value"); got != "26118915" {
				t.Errorf("%s: manager %v", manager, got)
			}
		}
		a := c.want(201, "POST", "/Users", `{"userName":"role","roles":[{"value":`+quotedJSON(t, `{"id":"r"}`)+`}]}`)
		if got := a.path("roles", 0, "value"); got != `{"id":"r"}` {
			t.Errorf("Entra's role became %v", got)
		}
		a = c.want(201, "POST", "/Users",
			`{"userName":"phone","phoneNumbers":[{"value":"5551234"}],"roles":"","emails":""}`)
		if got := a.path("phoneNumbers", 0, "value"); got != "5551234" {
			t.Errorf("a number of digits became %v", got)
		}
	})
}

// TestBulkTakesTheSameValues sends what a single request takes and refuses as operations of a Bulk
// request.
func TestBulkTakesTheSameValues(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *client) {
		id := c.user("ada")
		a := c.want(200, "POST", "/Bulk", bulkOf(
			`{"method":"PATCH","path":"/Users/`+id+`","data":`+
				patchOf(`[{"op":"replace","value":[{"active":false}]}]`)+`}`,
			`{"method":"PATCH","path":"/Users/`+id+`","data":`+
				patchOf(`[{"op":"replace","value":`+quotedJSON(t, `{"title":["Pilot"],"nope":1}`)+`}]`)+`}`,
			`{"method":"PUT","path":"/Users/`+id+`","data":{"userName":"ada","title":"Pilot"}}`,
			`{"method":"PUT","path":"/Users/`+id+`","data":{"userName":"ada","roles":"[]"}}`,
			`{"method":"PUT","path":"/Users/`+id+`","data":{"schemas":["`+coreGroup+`"],"userName":"ada"}}`,
			`{"method":"PATCH","path":"/Users/`+id+`","data":{"schemas":["`+coreUser+
				`"],"Operations":[{"op":"add","path":"title","value":"x"}]}}`,
			`{"method":"POST","path":"/Users","data":{"userName":"ben"}}`,
			`{"method":"POST","path":"/Users","bulkId":"","data":{"userName":"ben"}}`,
			`{"method":"POST","path":"/Users","bulkId":7,"data":{"userName":"ben"}}`,
			`{"method":"POST","path":"/Users","bulkId":null,"data":{"userName":"ben"}}`,
			`{"method":"POST","path":"/Users","bulkId":"b","data":{"userName":"ben"}}`))
		want := "200, 200, 200, 400 invalidValue" + strings.Repeat(", 400 invalidSyntax", 6) + ", 201"
		if got := a.outcome(); got != want {
			t.Errorf("outcome %s, want %s: %s", got, want, a.text)
		}
		if detail, _ := a.path("Operations", 6, "response", "detail").(string); !strings.Contains(detail, "bulkId") {
			t.Errorf("detail %q", detail)
		}
		a = c.want(200, "GET", "/Users/"+id, "")
		if a.body["active"] != false || a.body["title"] != "Pilot" || a.body["roles"] != nil {
			t.Errorf("stored %s", a.text)
		}
	})
}

// setStrict makes the client's directory strict.
func (c *client) setStrict() {
	c.t.Helper()
	if _, err := directory.In(c.org).UpdateDirectory(c.t.Context(), c.directory.ID,
		func(d *directory.DirectoryFields) error {
			d.Strict = true
			return nil
		}); err != nil {
		c.t.Fatal(err)
	}
}
