package scim_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestElementsOfAList writes lists in every way that there is. An element without its value is left
// out, as one with null is, and those with the same value and type are one.
func TestElementsOfAList(t *testing.T) {
	t.Parallel()
	type object = map[string]any
	each(t, func(t *testing.T, c *client) {
		for _, attribute := range []string{"emails", "phoneNumbers", "ims", "photos", "roles", "entitlements",
			"x509Certificates"} {
			for _, test := range []struct{ sent, want string }{
				{`[{"type":"work"}]`, ``}, {`[{"type":"work","value":null}]`, ``}, {`[{"type":"work","value":""}]`, ``},
				{`[{"type":"work","primary":true},{"value":"aaaa"}]`, `[{"value":"aaaa"}]`},
				{`[{"value":"aaaa","type":"work"},{"value":"aaaa","type":"work"},
					{"value":"aaaa","type":"work","primary":true}]`, `[{"value":"aaaa","type":"work","primary":true}]`},
				{`[{"value":"aaaa","primary":"True"},{"value":"bbbb"},{"value":"aaaa","primary":false}]`,
					`[{"value":"aaaa","primary":true},{"value":"bbbb"}]`},
			} {
				for _, write := range []struct{ name, method, body string }{
					{"POST", "POST", `{"userName":"ada","` + attribute + `":` + test.sent + `}`},
					{"PUT", "PUT", `{"userName":"ada","` + attribute + `":` + test.sent + `}`},
					{"replace", "PATCH", patchOf(`[{"op":"replace","path":"` + attribute + `",` +
						`"value":` + test.sent + `}]`)},
					{"add", "PATCH", patchOf(`[{"op":"add","value":{"` + attribute + `":` + test.sent + `}}]`)},
				} {
					var a reply
					if write.method == "POST" {
						a = c.want(201, "POST", "/Users", write.body)
					} else {
						a = c.want(200, write.method, "/Users/"+c.user("ada"), write.body)
					}
					want := object{"userName": "ada", "active": true}
					if test.want != "" {
						want[attribute] = decodedList(t, test.want)
					}
					path := "/Users/" + a.body["id"].(string)
					if diff := cmp.Diff(want, shown(t, c.want(200, "GET", path, "").body)); diff != "" {
						t.Errorf("%s of %s %s: %s", write.name, attribute, test.sent, diff)
					}
					c.want(204, "DELETE", path, "")
				}
			}
		}
		a := c.want(201, "POST", "/Users", `{"userName":"home","addresses":[{"type":"home"},{"type":"home"}]}`)
		if diff := cmp.Diff(any([]any{object{"type": "home"}}), a.body["addresses"]); diff != "" {
			t.Errorf("addresses, which have no value: %s", diff)
		}
	})
}

// TestPartOfAnElement replaces what a filter selects by a part of it, which loses nothing in the
// default mode, and by a whole one.
func TestPartOfAnElement(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *client) {
		const before = `[{"value":"Member","type":"t"},{"value":"Other"}]`
		for _, test := range []struct{ path, value, lenient, strict string }{
			{`roles[value eq \"Member\"]`, `{"display":"x"}`,
				`[{"value":"Member","type":"t","display":"x"},{"value":"Other"}]`,
				`[{"display":"x"},{"value":"Other"}]`},
			{`roles[type eq \"t\"]`, `{"value":"New"}`, `[{"value":"New","type":"t"},{"value":"Other"}]`,
				`[{"value":"New"},{"value":"Other"}]`},
			{`roles[value eq \"Member\"]`, `{"value":"Member","display":"x"}`,
				`[{"value":"Member","display":"x"},{"value":"Other"}]`,
				`[{"value":"Member","display":"x"},{"value":"Other"}]`},
			{`roles[value eq \"Member\"]`, `{"type":null}`, `[{"value":"Member"},{"value":"Other"}]`, before},
			{`roles[value eq \"Member\"]`, `{"value":null}`, `[{"value":"Other"}]`, `[{"value":"Other"}]`},
		} {
			for _, strict := range []bool{false, true} {
				of, want := c.deployment.client(c.organization("Contoso")), test.lenient
				if strict {
					of.setStrict()
					want = test.strict
				}
				id := of.create("/Users", `{"schemas":["`+coreUser+`"],"userName":"ada","roles":`+before+`}`)
				of.want(200, "PATCH", "/Users/"+id,
					patchOf(`[{"op":"replace","path":"`+test.path+`","value":`+test.value+`}]`))
				got := of.want(200, "GET", "/Users/"+id, "").body["roles"]
				if diff := cmp.Diff(any(decodedList(t, want)), got); diff != "" {
					t.Errorf("%s %s, strict %v: %s", test.path, test.value, strict, diff)
				}
			}
		}
	})
}

// TestUnknownAttributes has attributes that no schema declares beside others.
func TestUnknownAttributes(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *client) {
		for name, body := range map[string][2]string{
			"a PUT": {"PUT", `{"userName":"a PUT","active":false,"nope":"x"}`},
			"a PATCH": {"PATCH", patchOf(`[{"op":"replace","value":{"nope":"x","active":false,"name.nope":"y",
				"` + enterprise + `":{"nope":1},"` + enterprise + `:nope":1}}]`)},
			"an add": {"PATCH", patchOf(`[{"op":"add","value":{"active":false,"Nope":{"x":1}}}]`)},
		} {
			id := c.user(name)
			a := c.want(200, body[0], "/Users/"+id, body[1])
			if diff := cmp.Diff(map[string]any{"userName": name, "active": false}, shown(t, a.body)); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
		id := c.user("paths")
		for _, path := range []string{"nope", "name.nope", enterprise + ":nope"} {
			refused(t, c.do("PATCH", "/Users/"+id, patchOf(`[{"op":"add","path":"`+path+`","value":"x"}]`)), 400,
				"invalidPath", "nope")
		}
		c.setStrict()
		refused(t, c.do("PATCH", "/Users/"+id, patchOf(`[{"op":"replace","value":{"active":false,"nope":"x"}}]`)), 400,
			"invalidPath", "nope")
		refused(t, c.do("POST", "/Users", `{"schemas":["`+coreUser+`"],"userName":"half","title":"\ud83d"}`), 400,
			"invalidValue", "title", "surrogate")
	})
}

// decodedList decodes a list.
func decodedList(t testing.TB, text string) (list []any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return list
}
