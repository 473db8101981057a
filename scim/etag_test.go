package scim_test

import (
	"strings"
	"testing"
)

// TestEntityTags checks the version of a user and of a group after every kind of request.
func TestEntityTags(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *client) {
		for _, of := range []struct{ endpoint, create, attribute string }{
			{"/Users", `{"userName":"ada","title":"Pilot"}`, "title"},
			{"/Groups", `{"displayName":"Pilots","externalId":"p"}`, "externalId"},
		} {
			t.Run(of.endpoint, func(t *testing.T) {
				tagged := func(a reply, want string) reply {
					t.Helper()
					if got := a.header.Get("ETag"); got != want || a.body != nil && a.path("meta", "version") != want {
						t.Errorf("ETag %s, meta.version %v, want %s", got, a.path("meta", "version"), want)
					}
					return a
				}
				a := tagged(c.want(201, "POST", of.endpoint, of.create), `W/"1"`)
				path := of.endpoint + "/" + a.body["id"].(string)
				replace := func(value string) string {
					return patchOf(`[{"op":"replace","path":"` + of.attribute + `","value":"` + value + `"}]`)
				}
				tagged(c.want(200, "GET", path, ""), `W/"1"`)
				tagged(c.want(200, "PUT", path, of.create), `W/"1"`)
				tagged(c.want(200, "PATCH", path, replace("x")), `W/"2"`)
				tagged(c.want(200, "PATCH", path, replace("x")), `W/"2"`)

				for _, stale := range []string{`W/"1"`, `"1"`, `1`, `"x,2"`, `W/"1", "3"`, `"2`, `""`} {
					if stale == `"2` { // without the last quote it is still the version
						tagged(c.want(200, "PATCH", path, replace("x"), "If-Match", stale), `W/"2"`)
						continue
					}
					for _, write := range []string{"PUT", "PATCH", "DELETE"} {
						body := map[string]string{"PUT": of.create, "PATCH": replace("y")}[write]
						refused(t, c.do(write, path, body, "If-Match", stale), 412, "", "If-Match")
					}
				}
				for _, there := range []string{"*", `W/"2"`, `"1",W/"2"`} {
					refused(t, c.do("PATCH", path, replace("y"), "If-None-Match", there), 412, "", "If-None-Match")
					refused(t, c.do("DELETE", path, "", "If-None-Match", there), 412, "", "If-None-Match")
				}
				tagged(c.want(200, "PATCH", path, replace("y"), "If-Match", `W/"2"`), `W/"3"`)
				tagged(c.want(200, "PATCH", path, replace("z"), "If-Match", "*", "If-None-Match", `W/"1"`), `W/"4"`)

				for _, same := range []string{"*", `W/"4"`, `"4"`, `"1", W/"4"`} {
					for _, method := range []string{"GET", "HEAD"} {
						if a := tagged(c.want(304, method, path, "", "If-None-Match", same), `W/"4"`); a.text != "" {
							t.Errorf("304 with %q", a.text)
						}
					}
				}
				tagged(c.want(200, "GET", path, "", "If-None-Match", `W/"3"`), `W/"4"`)
				c.want(204, "DELETE", path, "", "If-Match", `"4"`)
				refused(t, c.do("DELETE", path, "", "If-Match", `"4"`), 404, "")
			})
		}
	})
}

// TestEntityTagOfGroups changes the groups of a user, which are shown with the user but belong to
// the version of the group.
func TestEntityTagOfGroups(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *client) {
		user := "/Users/" + c.user("ada")
		alone := c.want(200, "GET", user, "").header.Get("ETag")
		group := "/Groups/" + c.group("Pilots", strings.TrimPrefix(user, "/Users/"))
		a := c.want(200, "GET", user, "", "If-None-Match", alone)
		member := a.header.Get("ETag")
		if member == alone || a.path("meta", "version") != member || a.path("groups", 0, "display") != "Pilots" {
			t.Errorf("ETag %s was %s: %s", member, alone, a.text)
		}
		c.want(304, "GET", user, "", "If-None-Match", member)
		list := c.want(200, "GET", filtered("/Users", `userName eq "ada"`), "")
		if list.path("Resources", 0, "meta", "version") != member {
			t.Errorf("the list has %s", list.text)
		}
		c.want(200, "PATCH", user, patchOf(`[{"op":"add","path":"title","value":"Pilot"}]`), "If-Match", alone)
		refused(t, c.do("PATCH", user, patchOf(`[{"op":"add","path":"title","value":"x"}]`), "If-Match", member),
			412, "")
		now := c.want(200, "GET", user, "").header.Get("ETag")
		c.want(200, "PATCH", group, patchOf(`[{"op":"replace","path":"displayName","value":"Crew"}]`))
		c.want(200, "GET", user, "", "If-None-Match", now)

		a = c.want(204, "PATCH", group,
			patchOf(`[{"op":"remove","path":"members[value eq \"`+strings.TrimPrefix(user, "/Users/")+`\"]"}]`))
		if a.header.Get("ETag") != `W/"3"` {
			t.Errorf("ETag %s of a change without a body", a.header.Get("ETag"))
		}
		c.want(304, "GET", user, "", "If-None-Match", `W/"2"`)
	})
}

// TestLocation checks that every answer about one resource has its location, as in RFC 7644 §3.4.1
// and §3.5.1.
func TestLocation(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *client) {
		for _, of := range []struct{ endpoint, body, more string }{
			{"/Users", `{"userName":"ada"}`, `[{"op":"add","path":"title","value":"Pilot"}]`},
			{"/Groups", `{"displayName":"Pilots"}`, `[{"op":"add","path":"members","value":[]}]`},
		} {
			a := c.want(201, "POST", of.endpoint, of.body)
			path := of.endpoint + "/" + a.body["id"].(string)
			for _, a := range []reply{
				a, c.want(200, "GET", path, ""), c.want(200, "HEAD", path, ""),
				c.want(304, "GET", path, "", "If-None-Match", "*"),
				c.want(200, "PUT", path, of.body), c.want(200, "PATCH", path+"?attributes=id", patchOf(of.more)),
			} {
				if got := a.header.Get("Location"); !strings.HasPrefix(got, public) || !strings.HasSuffix(got, path) {
					t.Errorf("%s: Location %q", path, got)
				}
			}
		}
		group := "/Groups/" + c.group("Crew")
		a := c.want(204, "PATCH", group,
			patchOf(`[{"op":"add","path":"members","value":[{"value":"`+c.user("ben")+`"}]}]`))
		if got := a.header.Get("Location"); !strings.HasSuffix(got, group) {
			t.Errorf("Location %q of a change without a body", got)
		}
		if got := c.want(200, "GET", "/Users", "").header.Get("Location"); got != "" {
			t.Errorf("Location %q of a list", got)
		}
	})
}
