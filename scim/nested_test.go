package scim_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/model/modeltest"
	"rollcall/model/store"
)

// nobody is a valid id that no resource has.
const nobody = "01900000-0000-7000-8000-000000000000"

// TestGroupsInGroups follows RFC 7643 §4.2. A member is a user or a group, and the groups of a user
// include those that contain one of the user's groups.
func TestGroupsInGroups(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *client) {
		ada := c.user("ada")
		crew := c.group("Crew", ada)
		staff := c.create("/Groups", `{"displayName":"Staff","members":[{"value":"`+crew+
			`","type":"Group","$ref":"x","display":"y"},{"value":"`+ada+`","type":"User"}]}`)
		all := c.group("Everybody", staff)
		member := func(id, endpoint, display, kind string) map[string]any {
			m := map[string]any{"value": id, "$ref": c.location + endpoint + "/" + id, "type": kind}
			if display != "" {
				m["display"] = display
			}
			return m
		}
		want := []any{member(ada, "/Users", "", "User"), member(crew, "/Groups", "Crew", "Group")}
		for _, a := range []reply{c.want(200, "GET", "/Groups/"+staff, ""),
			c.want(200, "PUT", "/Groups/"+staff, c.want(200, "GET", "/Groups/"+staff, "").text)} {
			if diff := cmp.Diff(any(want), a.path("members")); diff != "" || a.path("meta", "version") != `W/"1"` {
				t.Errorf("%s: %s", a.text, diff)
			}
		}
		list := c.want(200, "GET", filtered("/Groups", `displayName eq "staff"`), "")
		if cmp.Diff(any(want), list.path("Resources", 0, "members")) != "" {
			t.Error(list.text)
		}
		groups := []any{member(crew, "/Groups", "Crew", "direct"), member(staff, "/Groups", "Staff", "direct"),
			member(all, "/Groups", "Everybody", "indirect")}
		if a := c.want(200, "GET", "/Users/"+ada, ""); cmp.Diff(any(groups), a.path("groups")) != "" {
			t.Errorf("%s", a.text)
		}
		for _, circle := range [][2]string{{crew, crew}, {crew, staff}, {crew, all}, {staff, all}} {
			add := patchOf(`[{"op":"add","path":"members","value":[{"value":"` + circle[1] + `"}]}]`)
			refused(t, c.do("PATCH", "/Groups/"+circle[0], add), 400, "invalidValue", circle[1])
		}
		remove := `[{"op":"remove","path":"members[value eq \"` + ada +
			`\"]"},{"op":"remove","path":"members[value eq \"` + crew + `\"]"}]`
		c.want(204, "PATCH", "/Groups/"+staff, patchOf(remove))
		if a := c.want(200, "GET", "/Groups/"+staff, ""); len(a.path("members").([]any)) != 0 {
			t.Error(a.text)
		}
		c.want(204, "PATCH", "/Groups/"+staff,
			patchOf(`[{"op":"Add","path":"members","value":[{"$ref":null,"value":"`+crew+`"}]}]`))
		c.want(204, "DELETE", "/Groups/"+staff, "")
		a := c.want(200, "GET", "/Groups/"+all, "")
		if len(a.path("members").([]any)) != 0 || a.path("meta", "version") != `W/"2"` {
			t.Error(a.text)
		}
		c.want(204, "PATCH", "/Groups/"+all,
			patchOf(`[{"op":"Remove","path":"members","value":[{"value":"`+staff+`"}]}]`))
	})
}

// TestUnknownMembers checks that a request with an unknown member fails and that the error has the
// id.
func TestUnknownMembers(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *client) {
		ada := c.user("ada")
		group := c.group("Crew", ada)
		elsewhere := c.deployment.client(c.organization("Contoso"))
		before := c.want(200, "GET", "/Groups/"+group, "").text
		for _, id := range []string{nobody, "nobody", "u'1", "0", elsewhere.user("eve"), elsewhere.group("Crew"),
			strings.Repeat("x", 60)} {
			value := `[{"value":"` + ada + `"},{"value":"` + id + `"}]`
			refused(t, c.do("POST", "/Groups", `{"displayName":"New","members":`+value+`}`), 400, "invalidValue", id)
			refused(t, c.do("PUT", "/Groups/"+group, `{"displayName":"New","members":`+value+`}`), 400,
				"invalidValue", id)
			for _, op := range []string{"add", "replace"} {
				refused(t, c.do("PATCH", "/Groups/"+group,
					patchOf(`[{"op":"`+op+`","path":"members","value":`+value+`}]`)), 400, "invalidValue", id)
			}
			c.want(204, "PATCH", "/Groups/"+group, patchOf(`[{"op":"remove","path":"members[value eq \"`+id+`\"]"}]`))
		}
		if now := c.want(200, "GET", "/Groups/"+group, "").text; now != before {
			t.Errorf("%s was %s", now, before)
		}
	})
}

// TestMembershipStatements checks that the number of statements does not grow with the number of
// operations that change members, and that members which are not shown are not read.
func TestMembershipStatements(t *testing.T) {
	t.Parallel()
	var statements modeltest.Statements
	o := statements.Options()
	o.Now = modeltest.NewClock().Now
	modeltest.EachWith(t, o, func(t *testing.T, store *store.Store) {
		const many = 1000
		c := newClient(t, store)
		var ids []string
		for i := range many - 10 {
			ids = append(ids, fmt.Sprintf("%s%012d", nobody[:24], i))
		}
		var members []string
		for i := range 10 {
			members = append(members, c.user(string(rune('a'+i))))
		}
		ids = append(ids, members...)
		group := c.group("Crew", members...)
		var one []string
		for _, id := range ids {
			one = append(one, `{"op":"remove","path":"members[value eq \"`+id+`\"]"}`)
		}
		for _, test := range []struct {
			name, method, path, body string
			status, most             int
		}{
			{"a thousand removals", "PATCH", "/Groups/" + group, patchOf("[" + strings.Join(one, ",") + "]"), 204, 5},
			{"ten additions", "PATCH", "/Groups/" + group,
				patchOf(`[{"op":"add","path":"members","value":["` + strings.Join(members, `","`) + `"]}]`), 204, 4},
			{"ten removals", "PATCH", "/Groups/" + group, patchOf("[" + strings.Join(one[many-10:], ",") + "]"),
				204, 4},
			{"a list without members", "GET", "/Groups?excludedAttributes=members", "", 200, 1},
			{"a list of other attributes", "GET", "/Groups?attributes=displayName", "", 200, 1},
			{"a group without members", "GET", "/Groups/" + group + "?attributes=displayName", "", 200, 1},
			{"a rename without members", "PATCH", "/Groups/" + group + "?excludedAttributes=members",
				patchOf(`[{"op":"replace","path":"displayName","value":"Pilots"}]`), 200, 3},
			{"a group that the client has", "GET", "/Groups/" + group, "", 304, 1},
		} {
			t.Run(test.name, func(t *testing.T) {
				tag := ""
				if test.status == 304 {
					tag = c.want(200, "GET", test.path, "").header.Get("ETag")
				}
				c.want(200, "GET", "/Schemas", "")
				got := statements.During(func() {
					c.want(test.status, test.method, test.path, test.body, "If-None-Match", tag)
				})
				t.Logf("%d statements", len(got))
				if len(got) > test.most {
					t.Errorf("%d statements, want at most %d:\n%s", len(got), test.most, strings.Join(got, "\n"))
				}
			})
		}
	})
}
