package scim_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCreateGroup(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *client) {
		ada := c.user("ada")
		a := c.want(201, "POST", "/Groups",
			`{"displayName":"Drivers","externalId":"G","members":[{"value":"`+ada+`"},"`+ada+`"],
			"schemas":["`+coreGroup+`","http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],`+
				`"meta":{"resourceType":"Group"}}`)
		id, _ := a.body["id"].(string)
		want := map[string]any{
			"schemas": []any{coreGroup}, "id": id, "displayName": "Drivers", "externalId": "G",
			"members": []any{map[string]any{"value": ada, "$ref": c.location + "/Users/" + ada, "type": "User"}},
			"meta": map[string]any{"resourceType": "Group", "created": a.path("meta", "created"),
				"lastModified": a.path("meta", "created"),
				"location":     c.location + "/Groups/" + id, "version": `W/"1"`},
		}
		if diff := cmp.Diff(want, a.body); diff != "" {
			t.Error(diff)
		}
		if got := a.header.Get("Location"); got != c.location+"/Groups/"+id {
			t.Errorf("Location %q", got)
		}
		if diff := cmp.Diff(want, c.want(200, "GET", "/Groups/"+id, "").body); diff != "" {
			t.Error(diff)
		}
		refused(t, c.do("POST", "/Groups", `{"displayName":"DRIVERS"}`), 409, "uniqueness", "displayName")
	})
}

// TestChangeGroup begins each time with a group of Ada and Ben.
func TestChangeGroup(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, method, body string // ids by the names ADA, BEN, CLEO
		status             int
		members            string
		version            string
	}{
		{"adds one", "PATCH", patchOf(`[{"op":"add","path":"members","value":[{"value":"CLEO"}]}]`), 204,
			"ada ben cleo", `W/"2"`},
		{"adds who is in", "PATCH", patchOf(`[{"op":"Add","path":"members","value":[{"$ref":null,"value":"ADA"}]}]`),
			204, "ada ben", `W/"1"`},
		{"removes one", "PATCH", patchOf(`[{"op":"remove","path":"members[value eq \"ADA\"]"}]`), 204, "ben", `W/"2"`},
		{"removes as Entra does", "PATCH", patchOf(`[{"op":"Remove","path":"members","value":[{"value":"ADA"}]}]`),
			204, "ben", `W/"2"`},
		{"removes who is not in", "PATCH", patchOf(`[{"op":"remove","path":"members[value eq \"CLEO\"]"}]`), 204,
			"ada ben", `W/"1"`},
		{"removes who is nobody", "PATCH", patchOf(`[{"op":"remove","path":"members[value eq \"nobody\"]"}]`), 204,
			"ada ben", `W/"1"`},
		{"removes all", "PATCH", patchOf(`[{"op":"remove","path":"members"}]`), 200, "", `W/"2"`},
		{"one out, one in", "PATCH", patchOf(`[{"op":"remove","path":"members[value eq \"BEN\"]"},{"op":"add",` +
			`"path":"members","value":[{"value":"CLEO"}]}]`),
			204, "ada cleo", `W/"2"`},
		{"out and in again", "PATCH", patchOf(`[{"op":"remove","path":"members[value eq \"BEN\"]"},{"op":"add",` +
			`"path":"members","value":[{"value":"BEN"}]}]`),
			204, "ada ben", `W/"1"`},
		{"replaces all", "PATCH", patchOf(`[{"op":"replace","path":"members","value":[{"value":"CLEO"},` +
			`{"value":"ADA"}]}]`), 204, "ada cleo", `W/"2"`},
		{"replaces by nobody", "PATCH", patchOf(`[{"op":"replace","path":"members","value":[]}]`), 200, "", `W/"2"`},
		{"a name and members", "PATCH", patchOf(
			`[{"op":"replace","value":{"displayName":"Pilots","members":[{"value":"CLEO"}]}}]`), 204, "cleo", `W/"2"`},
		{"the same name", "PATCH", patchOf(`[{"op":"replace","value":{"id":"x","displayName":"Drivers"}}]`), 200,
			"ada ben", `W/"1"`},
		{"PUT", "PUT", `{"displayName":"Drivers","members":[{"value":"BEN"},{"value":"CLEO"}]}`, 200,
			"ben cleo", `W/"2"`},
		{"PUT of the same", "PUT", `{"displayName":"Drivers","members":[{"value":"BEN"},{"value":"ADA"}]}`, 200,
			"ada ben", `W/"1"`},
		{"PUT of an empty list", "PUT", `{"displayName":"Drivers","members":[]}`, 200, "", `W/"2"`},
		{"PUT without members", "PUT", `{"displayName":"Drivers"}`, 200, "", `W/"2"`},
	}
	each(t, func(t *testing.T, c *client) {
		ids := map[string]string{"ADA": c.user("ada"), "BEN": c.user("ben"), "CLEO": c.user("cleo")}
		named := func(text string) string {
			for name, id := range ids {
				text = strings.ReplaceAll(text, name, id)
			}
			return text
		}
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				group := c.group("Drivers", ids["ADA"], ids["BEN"])
				a := c.want(test.status, test.method, "/Groups/"+group, named(test.body))
				stored := c.want(200, "GET", "/Groups/"+group, "")
				if test.status == 200 {
					if diff := cmp.Diff(stored.body, a.body); diff != "" {
						t.Errorf("the answer is not what is stored: %s", diff)
					}
				} else if a.text != "" {
					t.Errorf("answer %s", a.text)
				}
				got := map[string]bool{}
				for _, m := range stored.path("members").([]any) {
					got[m.(map[string]any)["value"].(string)] = true
				}
				for name, id := range ids {
					if want := strings.Contains(test.members, strings.ToLower(name)); got[id] != want {
						t.Errorf("%s is a member: %v, want %v", name, got[id], want)
					}
				}
				if got := stored.path("meta", "version"); got != test.version {
					t.Errorf("version %v, want %s", got, test.version)
				}
				c.want(204, "DELETE", "/Groups/"+group, "")
			})
		}
	})
}

func TestPatchGroupAnswersOktaAndEntraWithoutABody(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *client) {
		for _, kind := range []string{"okta scim v2.0", "azure scim v2.0"} {
			v := c.clientOf(c.directory.OrganizationID, kind)
			group := v.group("Drivers of " + kind)
			for _, operations := range []string{`[{"op":"replace","path":"displayName","value":"Pilots of ` + kind +
				`"}]`, `[{"op":"remove","path":"members"}]`} {
				if a := v.want(204, "PATCH", "/Groups/"+group, patchOf(operations)); a.text != "" {
					t.Errorf("%s: %s answers %s", kind, operations, a.text)
				}
			}
		}
	})
}

func TestPatchGroupAnswer(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *client) {
		ada := c.user("ada")
		group := c.group("Drivers")
		add := patchOf(`[{"op":"add","path":"members","value":[{"value":"` + ada + `"}]}]`)
		c.want(204, "PATCH", "/Groups/"+group+"?excludedAttributes=members", add)
		a := c.want(200, "PATCH", "/Groups/"+group+"?attributes=members.value", add)
		want := map[string]any{"members": []any{map[string]any{"value": ada}}}
		if diff := cmp.Diff(want, shown(t, a.body)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestRefusedGroupChanges(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *client) {
		ada := c.user("ada")
		group := c.group("Drivers", ada)
		c.group("Pickers")
		before := c.want(200, "GET", "/Groups/"+group, "").text
		const nobody = "01900000-0000-7000-8000-000000000000"
		tests := []struct {
			name, method, path, body string
			status                   int
			scimType, detail         string
		}{
			{"an unknown member", "PATCH", "/Groups/" + group,
				patchOf(`[{"op":"replace","path":"displayName","value":"New"},
				{"op":"remove","path":"members[value eq \"` + ada +
					`\"]"},{"op":"add","path":"members","value":[{"value":"` + nobody + `"}]}]`),
				400, "invalidValue", nobody},
			{"a member with no id", "PATCH", "/Groups/" + group,
				patchOf(`[{"op":"add","path":"members","value":["string id 1"]}]`),
				400, "invalidValue", "string id 1"},
			{"a member without a value", "PATCH", "/Groups/" + group,
				patchOf(`[{"op":"add","path":"members","value":[{"display":"Ada"}]}]`),
				400, "invalidValue", "members"},
			{"a removal that names nobody", "PATCH", "/Groups/" + group,
				patchOf(`[{"op":"remove","path":"members","value":[{"display":"Ada"}]}]`),
				400, "invalidValue", "members"},
			{"an unknown member in a new group", "POST", "/Groups",
				`{"displayName":"New","members":[{"value":"` + nobody + `"}]}`,
				400, "invalidValue", nobody},
			{"an unknown member in a PUT", "PUT", "/Groups/" + group,
				`{"displayName":"Drivers","members":[{"value":"` + nobody + `"}]}`,
				400, "invalidValue", nobody},
			{"a taken name", "PATCH", "/Groups/" + group,
				patchOf(`[{"op":"replace","path":"displayName","value":"pickers"}]`), 409, "uniqueness", "displayName"},
			{"a taken name in a PUT", "PUT", "/Groups/" + group, `{"displayName":"PICKERS"}`, 409,
				"uniqueness", "displayName"},
			{"no name", "POST", "/Groups", `{"members":[]}`, 400, "invalidValue", "displayName"},
			{"an empty name", "PUT", "/Groups/" + group, `{"displayName":""}`, 400, "invalidValue", "displayName"},
			{"the removal of the name", "PATCH", "/Groups/" + group, patchOf(`[{"op":"remove","path":"displayName"}]`),
				400, "mutability", "displayName"},
			{"an unknown group", "PATCH", "/Groups/" + nobody, patchOf(`[{"op":"remove","path":"members"}]`), 404,
				"", nobody},
			{"an unknown group in a PUT", "PUT", "/Groups/" + nobody, `{"displayName":"x"}`, 404, "", nobody},
			{"an unknown group in a DELETE", "DELETE", "/Groups/" + nobody, "", 404, "", nobody},
		}
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				refused(t, c.do(test.method, test.path, test.body), test.status, test.scimType, test.detail)
				if now := c.want(200, "GET", "/Groups/"+group, "").text; now != before {
					t.Errorf("changed: %s\n%s", before, now)
				}
				if n := c.want(200, "GET", "/Groups", "").body["totalResults"]; n != 2.0 {
					t.Errorf("%v groups", n)
				}
			})
		}
	})
}
