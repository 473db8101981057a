package scim_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/model/people"
)

func TestCreateUser(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *client) {
		a := c.want(201, "POST", "/Users",
			`{"userName":"Ada@Northwind.example","password":"s3cret","name":{"givenName":"Ada <&>"},
			"emails":[{"value":"ada@northwind.example","type":"work","primary":"True"}],"groups":[],"roles":[],
			"id":"mine",
			"nickName":null,"locale":"","`+strings.ToLower(enterprise)+
				`":{"department":"IT"},"urn:example:custom":{"Badge":7}}`)
		id, _ := a.body["id"].(string)
		created := a.path("meta", "created")
		want := map[string]any{
			"schemas":  []any{coreUser, "urn:example:custom", enterprise},
			"id":       id,
			"userName": "Ada@Northwind.example", "active": true,
			"name": map[string]any{"givenName": "Ada <&>"},
			"emails": []any{
				map[string]any{"value": "ada@northwind.example", "type": "work", "primary": true}},
			enterprise:           map[string]any{"department": "IT"},
			"urn:example:custom": map[string]any{"Badge": 7.0},
			"meta": map[string]any{"resourceType": "User", "created": created, "lastModified": created,
				"location": c.location + "/Users/" + id, "version": `W/"1"`},
		}
		if diff := cmp.Diff(want, a.body); diff != "" {
			t.Errorf("created (-want +got):\n%s", diff)
		}
		if _, err := time.Parse("2006-01-02T15:04:05.000Z", created.(string)); err != nil {
			t.Error(err)
		}
		if got := a.header.Get("Location"); got != c.location+"/Users/"+id {
			t.Errorf("Location %q", got)
		}
		if diff := cmp.Diff(want, c.want(200, "GET", "/Users/"+id, "").body); diff != "" {
			t.Errorf("read (-want +got):\n%s", diff)
		}
		t.Run("twice, in another case", func(t *testing.T) {
			again := c.do("POST", "/Users", `{"userName":"ADA@northwind.example"}`)
			refused(t, again, 409, "uniqueness", "userName")
		})
		t.Run("nothing personal is logged", func(t *testing.T) {
			text := strings.ToLower(c.log.String())
			if strings.Contains(text, "ada@") || strings.Contains(text, strings.ToLower(c.token)) {
				t.Errorf("log %s", text)
			}
			if !strings.Contains(c.log.String(), "type=uniqueness") {
				t.Errorf("the log does not tell why a request is refused: %s", c.log)
			}
			if !strings.Contains(c.log.String(), "route=/scim/v2/:directory/Users/:id ") {
				t.Errorf("the log does not name the routes: %s", c.log)
			}
		})
	})
}

func TestInactiveUser(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *client) {
		id := c.create("/Users", `{"userName":"ada","active":"False"}`)
		if a := c.want(200, "GET", "/Users/"+id, ""); a.body["active"] != false {
			t.Errorf("created %s", a.text)
		}
		if got := c.want(200, "GET", filtered("/Users", `userName eq "ada"`), "").values("id"); len(got) != 1 {
			t.Error("who is inactive is not found")
		}
	})
}

// TestActive sends every spelling of a change of active, each to a user with the opposite value.
func TestActive(t *testing.T) {
	t.Parallel()
	deactivate := patchOf(`[{"op":"replace","path":"active","value":false}]`)
	tests := []struct {
		name, method, body string
		from, to           bool
	}{
		{"Okta's PATCH", "PATCH", patchOf(`[{"op":"replace","value":{"active":false}}]`), true, false},
		{"Entra's PATCH", "PATCH", patchOf(`[{"op":"Replace","path":"active","value":"False"}]`), true, false},
		{"Entra's return", "PATCH", patchOf(`[{"op":"Replace","path":"active","value":"True"}]`), false, true},
		{"an add", "PATCH", patchOf(`[{"op":"add","path":"active","value":false}]`), true, false},
		{"PUT", "PUT", `{"userName":"ada","active":false}`, true, false},
		{"PUT to return", "PUT", `{"userName":"ada","active":true}`, false, true},
		{"PUT without active leaves it false", "PUT", `{"userName":"ada","title":"t"}`, false, false},
		{"PUT without active leaves it true", "PUT", `{"userName":"ada","title":"t"}`, true, true},
		{"PUT with null leaves it false", "PUT", `{"userName":"ada","active":null}`, false, false},
		{"PUT with nothing leaves it false", "PUT", `{"userName":"ada","active":[]}`, false, false},
		{"PUT with null leaves it true", "PUT", `{"userName":"ada","active":null}`, true, true},
		{"a removal leaves it true", "PATCH", patchOf(`[{"op":"remove","path":"active"}]`), true, true},
		{"a removal leaves it false", "PATCH", patchOf(`[{"op":"remove","path":"active"}]`), false, false},
		{"null leaves it false", "PATCH", patchOf(`[{"op":"replace","path":"active","value":null}]`), false, false},
	}
	each(t, func(t *testing.T, c *client) {
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				id := c.user("ada")
				if !test.from {
					c.want(200, "PATCH", "/Users/"+id, deactivate)
				}
				if a := c.want(200, test.method, "/Users/"+id, test.body); a.body["active"] != test.to {
					t.Errorf("answer %s", a.text)
				}
				a := c.want(200, "GET", "/Users/"+id, "")
				u, err := people.In(c.org).User(t.Context(), id)
				if err != nil {
					t.Fatal(err)
				}
				if a.body["active"] != test.to || u.Active != test.to {
					t.Errorf("stored %s", a.text)
				}
				if ended := u.Epoch == 2; ended != (!test.from || !test.to) {
					t.Errorf("epoch %d", u.Epoch)
				}
				c.want(204, "DELETE", "/Users/"+id, "")
			})
		}
	})
}

func TestReplaceUser(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *client) {
		id := c.create("/Users", fullUser)
		group := c.group("Drivers", id)
		created := c.want(200, "GET", "/Users/"+id, "").path("meta", "created")
		a := c.want(200, "PUT", "/Users/"+id,
			`{"id":"other","userName":"ADA","groups":[],"meta":{"version":"W/\"9\""},"password":"s3cret"}`)
		want := map[string]any{
			"schemas": []any{coreUser}, "id": id, "userName": "ADA", "active": true,
			"groups": []any{map[string]any{"value": group, "$ref": c.location + "/Groups/" + group,
				"display": "Drivers", "type": "direct"}},
			"meta": map[string]any{"resourceType": "User", "created": created,
				"lastModified": a.path("meta", "lastModified"),
				"location":     c.location + "/Users/" + id, "version": a.path("meta", "version")},
		}
		if version := a.path("meta", "version"); !strings.HasPrefix(version.(string), `W/"2-`) {
			t.Errorf("version %v of a user with groups", version)
		}
		if diff := cmp.Diff(want, a.body); diff != "" {
			t.Error(diff)
		}
		again := c.want(200, "PUT", "/Users/"+id, a.text)
		if diff := cmp.Diff(a.body, again.body); diff != "" {
			t.Errorf("what was read, written back: %s", diff)
		}
	})
}

func TestPatchUser(t *testing.T) {
	t.Parallel()
	type object = map[string]any
	each(t, func(t *testing.T, c *client) {
		id := c.create("/Users", `{"userName":"ada","title":"Pilot"}`)
		a := c.want(200, "PATCH", "/Users/"+id, patchOf(`[
			{"op":"Add","path":"emails[type eq \"work\"].value","value":"ada@northwind.example"},
			{"op":"Add","path":"name.givenName","value":"Ada"},
			{"op":"Replace","path":"userName","value":"Ada"},
			{"op":"Remove","path":"title"},
			{"op":"Add","path":"`+enterprise+`:manager","value":"m-1"}]`))
		want := object{"userName": "Ada", "active": true, "name": object{"givenName": "Ada"},
			"emails":   []any{object{"type": "work", "value": "ada@northwind.example"}},
			enterprise: object{"manager": object{"value": "m-1"}}}
		if diff := cmp.Diff(want, shown(t, a.body)); diff != "" {
			t.Error(diff)
		}
		if a.path("meta", "version") != `W/"2"` {
			t.Errorf("version %v", a.path("meta", "version"))
		}
		got := c.want(200, "GET", filtered("/Users", `emails[type eq "work"].value eq "ada@northwind.example"`),
			"").values("id")
		if len(got) != 1 {
			t.Error("the new e-mail is not found")
		}
		t.Run("what changes nothing keeps the version", func(t *testing.T) {
			for _, operations := range []string{
				`[{"op":"replace","path":"userName","value":"Ada"}]`,
				`[{"op":"replace","value":{"active":true,"id":"` + id + `"}}]`,
				`[{"op":"remove","path":"title"}]`,
			} {
				if again := c.want(200, "PATCH", "/Users/"+id, patchOf(operations)); again.text != a.text {
					t.Errorf("%s: %s", operations, again.text)
				}
			}
		})
		t.Run("one wrong operation undoes all", func(t *testing.T) {
			refused(t, c.do("PATCH", "/Users/"+id, patchOf(`[{"op":"replace","path":"userName","value":"eve"},
				{"op":"replace","path":"emails[type eq \"home\" and not (primary eq true)].value","value":"x"}]`)), 400,
				"noTarget")
			if got := c.want(200, "GET", "/Users/"+id, ""); got.text != a.text {
				t.Errorf("now %s", got.text)
			}
		})
	})
}

func TestDeleteUser(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *client) {
		id := c.user("ada")
		group := c.group("Drivers", id)
		if a := c.want(204, "DELETE", "/Users/"+id, ""); a.text != "" {
			t.Errorf("body %q", a.text)
		}
		for _, method := range []string{"GET", "DELETE"} {
			refused(t, c.do(method, "/Users/"+id, ""), 404, "", id)
		}
		if members := c.want(200, "GET", "/Groups/"+group, "").path("members"); len(members.([]any)) != 0 {
			t.Errorf("members %v", members)
		}
		if again := c.user("ada"); again == id {
			t.Error("the new user has the old one's id")
		}
	})
}

// TestNumbersOutOfRange checks that numbers outside the range of PostgreSQL's numeric are refused
// as invalid on both databases.
func TestNumbersOutOfRange(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *client) {
		for _, n := range []string{"1e400", "-1e400", "1e-400000", "0.1e-131073", "0e-20000"} {
			refused(t, c.do("POST", "/Users", `{"userName":"ada","urn:acme:2.0:User":{"n":`+n+`}}`), 400,
				"invalidValue", "out of range")
		}
		for i, n := range []string{"1e-300", "-0", "1E+2", "12345678901234567890.5"} {
			c.create("/Users", fmt.Sprintf(`{"userName":"user-%d","urn:acme:2.0:User":{"n":%s}}`, i, n))
		}
	})
}

// TestContentTypes sends the types of RFC 7644 §8.1 and those of known identity providers.
func TestContentTypes(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *client) {
		for kind, status := range map[string]int{
			"application/scim+json":                201,
			"application/scim+json; charset=utf-8": 201,
			"Application/JSON":                     201,
			"":                                     201,
			"text/plain":                           415,
			"application/x-www-form-urlencoded":    415,
			"application/json-patch+json":          415,
			"nonsense/;":                           415,
		} {
			a := c.do("POST", "/Users", `{"userName":"user-`+strings.Map(letters, kind)+`"}`, "Content-Type", kind)
			if status == 415 {
				refused(t, a, 415, "", "Content-Type")
			} else if a.status != status {
				t.Errorf("%s: %d %s", kind, a.status, a.text)
			}
		}
		for method, path := range map[string]string{"POST": "/Users", "PUT": "/Users/x", "PATCH": "/Groups/x"} {
			a := c.do(method, path, `{"userName":"packed"}`, "Content-Encoding", "gzip")
			refused(t, a, 415, "", "Content-Encoding")
			if got := a.header.Values("Accept-Encoding"); !slices.Equal(got, []string{"identity"}) {
				t.Errorf("Accept-Encoding %q", got)
			}
			if a = c.do(method, path, `{}`, "Content-Type", "text/plain"); a.header.Get("Accept") == "" ||
				a.header.Values("Accept-Encoding") != nil {
				t.Errorf("another media type is answered with %v", a.header)
			}
		}
		c.want(201, "POST", "/Users", `{"userName":"plain"}`, "Content-Encoding", "Identity")
		// Okta sends a Content-Type with GET. No Accept is a reason to refuse a request.
		for _, accept := range []string{"application/scim+json; charset=utf-8", "text/html", "application/xml;q=0.1"} {
			a := c.do("GET", "/Users", "", "Content-Type", "text/plain", "Accept", accept)
			if a.status != http.StatusOK {
				t.Errorf("Accept %s: %d %s", accept, a.status, a.text)
			}
		}
	})
}

func letters(r rune) rune {
	if r < 'a' || r > 'z' {
		return -1
	}
	return r
}
