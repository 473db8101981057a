package scim_test

import (
	"fmt"
	"strings"
	"testing"

	"rollcall/model/modeltest"
	"rollcall/model/store"
	"rollcall/scim/patch"
)

// TestBadBodies sends wrong bodies to POST, PUT or PATCH and checks that nothing was written.
func TestBadBodies(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 2000)
	deep := strings.Repeat(`{"a":`, patch.MaxDepth+1) + "1" + strings.Repeat("}", patch.MaxDepth+1)
	const (
		users = "POST /Users"
		put   = "PUT /Users/$"
		patch = "PATCH /Users/$"
	)
	tests := []struct {
		name, request, body string
		status              int
		scimType, detail    string
	}{
		{"nothing", users, "", 400, "invalidSyntax", "JSON"},
		{"broken JSON", users, `{"userName":"eve",}`, 400, "invalidSyntax", "byte 19"},
		{"JSON that ends early", users, `{"userName":"eve"`, 400, "invalidSyntax", "byte 17"},
		{"something behind the JSON", users, `{"userName":"eve"}{}`, 400, "invalidSyntax", "byte 19"},
		{"a list", users, `[{"userName":"eve"}]`, 400, "invalidSyntax", "object"},
		{"no UTF-8", users, "{\"userName\":\"\xff\"}", 400, "invalidSyntax", "UTF-8"},
		{"an attribute twice", users, `{"userName":"eve","USERNAME":"ada"}`, 400, "invalidSyntax", "userName"},
		{"too deep", users, `{"userName":"eve","urn:example:custom":` + deep + `}`, 400, "invalidSyntax", "deep"},
		{"a zero character", users, `{"userName":"e\u0000ve"}`, 400, "invalidValue", "userName"},
		{"a zero character in an extension", users, `{"userName":"eve","urn:example:custom":{"a":"\u0000"}}`, 400,
			"invalidValue", `"a"`},
		{"no userName", users, `{"displayName":"Eve"}`, 400, "invalidValue", "userName"},
		{"an empty userName", users, `{"userName":""}`, 400, "invalidValue", "userName"},
		{"a blank userName", users, `{"userName":"  "}`, 400, "invalidValue", "userName"},
		{"a number for a string", users, `{"userName":5}`, 400, "invalidValue", "userName"},
		{"a word for true or false", users, `{"userName":"eve","active":"perhaps"}`, 400, "invalidValue", "active"},
		{"a string for an object", users, `{"userName":"eve","name":"Eve"}`, 400, "invalidValue", "name"},
		{"a wrong type within a list", users, `{"userName":"eve","emails":[{"value":{}}]}`, 400,
			"invalidValue", "emails.value"},
		{"a userName that is too long", users, `{"userName":"` + long + `"}`, 400, "invalidValue", "userName"},
		{"an externalId that is too long", users, `{"userName":"eve","externalId":"` + long + `"}`, 400,
			"invalidValue", "externalId"},
		{"an e-mail that is too long", users, `{"userName":"eve","emails":[{"value":"` + long + `"}]}`, 400,
			"invalidValue", "emails"},
		{"PUT without userName", put, `{"displayName":"Eve"}`, 400, "invalidValue", "userName"},
		{"PUT of broken JSON", put, `{`, 400, "invalidSyntax", "JSON"},
		{"PUT to a userName that is taken", put, `{"userName":"BEN"}`, 409, "uniqueness", "userName"},
		{"PATCH to a userName that is taken", patch, patchOf(`[{"op":"replace","path":"userName","value":"Ben"}]`), 409,
			"uniqueness", "userName"},
		{"PATCH with a user for operations", patch, `{"displayName":"Eve"}`, 400, "invalidSyntax", "Operations"},
		{"PATCH with an unknown op", patch, patchOf(`[{"op":"move","path":"title"}]`), 400, "invalidSyntax", "op"},
		{"PATCH of an unknown attribute", patch, patchOf(`[{"op":"add","path":"nick","value":"Eve"}]`), 400,
			"invalidPath", "nick"},
		{"PATCH with a path that is none", patch, patchOf(`[{"op":"add","path":"emails[","value":"x"}]`), 400,
			"invalidPath", ""},
		{"PATCH of an id", patch, patchOf(`[{"op":"replace","path":"id","value":"x"}]`), 400, "mutability", "id"},
		{"PATCH of groups", patch, patchOf(`[{"op":"add","path":"groups","value":[{"value":"x"}]}]`), 400,
			"mutability", "groups"},
		{"a removal without a path", patch, patchOf(`[{"op":"remove"}]`), 400, "noTarget", "path"},
		{"the removal of what is required", patch, patchOf(`[{"op":"remove","path":"userName"}]`), 400,
			"mutability", "userName"},
		{"a blank userName by PATCH", patch, patchOf(`[{"op":"replace","path":"userName","value":"  "}]`), 400,
			"invalidValue", "userName"},
	}
	each(t, func(t *testing.T, c *client) {
		id := c.user("ada")
		c.user("ben")
		before := c.want(200, "GET", "/Users", "").text
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				method, path, _ := strings.Cut(test.request, " ")
				refused(t, c.do(method, strings.Replace(path, "$", id, 1), test.body), test.status,
					test.scimType, test.detail)
				if now := c.want(200, "GET", "/Users", "").text; now != before {
					t.Errorf("written: %s", now)
				}
			})
		}
	})
}

func TestTooLarge(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *client) {
		const limit = 8 << 20
		body := func(size int) string {
			const start, end = `{"userName":"ada"`, `}`
			return start + strings.Repeat(" ", size-len(start)-len(end)) + end
		}
		refused(t, c.do("POST", "/Users", body(limit+1)), 413, "", fmt.Sprint(limit))
		chunked := c.send("POST", c.base+"/Users", &slowly{strings.NewReader(body(limit + 1))},
			map[string][]string{"Authorization": {"Bearer " + c.token}})
		refused(t, chunked, 413, "", fmt.Sprint(limit))
		if n := c.want(200, "GET", "/Users", "").body["totalResults"]; n != 0.0 {
			t.Errorf("%v users", n)
		}
		refused(t, c.do("POST", "/Users",
			`{"userName":"ada","urn:example:custom":{"a":"`+strings.Repeat("x", 1<<20)+`"}}`), 413, "", "KiB")
		c.want(201, "POST", "/Users", body(limit))
	})
}

// slowly hides the length of a body.
type slowly struct{ r *strings.Reader }

func (s *slowly) Read(p []byte) (int, error) { return s.r.Read(p) }

// TestBrokenDatabase closes the store of a running server. No answer may contain the cause.
func TestBrokenDatabase(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, store *store.Store) {
		c := newClient(t, store)
		user, group := c.user("ada"), c.group("Drivers")
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
		for _, r := range []struct{ method, path, body string }{
			{"GET", "/Users", ""}, {"POST", "/Users", `{"userName":"ben"}`},
			{"GET", filtered("/Users", `userName eq "ada"`), ""},
			{"GET", "/Users/" + user, ""}, {"PUT", "/Users/" + user, `{"userName":"ben"}`},
			{"PATCH", "/Users/" + user, patchOf(`[{"op":"replace","path":"active","value":false}]`)},
			{"DELETE", "/Users/" + user, ""},
			{"GET", "/Groups", ""}, {"POST", "/Groups", `{"displayName":"Pickers"}`},
			{"GET", "/Groups/" + group, ""}, {"PUT", "/Groups/" + group, `{"displayName":"Pickers"}`},
			{"PATCH", "/Groups/" + group, patchOf(`[{"op":"remove","path":"members"}]`)},
			{"DELETE", "/Groups/" + group, ""},
		} {
			for _, token := range []string{c.token, "unknown"} {
				a := c.do(r.method, r.path, r.body, "Authorization", "Bearer "+token)
				if a.status != 500 && a.status != 503 {
					t.Errorf("%s %s: %d", r.method, r.path, a.status)
				}
				refused(t, a, a.status, "")
				if wait := a.header.Get("Retry-After"); a.status == 503 && wait == "" {
					t.Error("503 does not say when to try again")
				}
				for _, word := range []string{"sql", "database is closed", "postgres", "SELECT",
					"directory_users", ".go"} {
					if strings.Contains(a.text, word) {
						t.Errorf("%s %s tells %q: %s", r.method, r.path, word, a.text)
					}
				}
			}
		}
	})
}
