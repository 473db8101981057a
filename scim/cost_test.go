package scim_test

import (
	"fmt"
	"strings"
	"testing"

	"rollcall/model/modeltest"
	"rollcall/model/store"
)

// TestStatements counts the statements that a request executes at the driver when its token is
// cached, without BEGIN and COMMIT. Each of them is a round trip to the database. That the token
// is still there is read by the statement that does the work, or by one more where that finds no
// row or where there is none.
func TestStatements(t *testing.T) {
	t.Parallel()
	const body = `{"userName":%q,"externalId":"X-%s","displayName":"Ada Okafor",
		"name":{"givenName":"Ada","familyName":"Okafor"},
		"emails":[{"value":"%s@northwind.example","type":"work","primary":true}],
		"phoneNumbers":[{"value":"+44 1","type":"mobile"}],
		"` + enterprise + `":{"department":"IT","manager":{"value":"m"}}}`
	var statements modeltest.Statements
	o := statements.Options()
	o.Now = modeltest.NewClock().Now // the token stays in the cache during the test
	modeltest.EachWith(t, o, func(t *testing.T, store *store.Store) {
		c := newClient(t, store)
		var ids []string
		for i := range 20 {
			ids = append(ids, c.create("/Users", fmt.Sprintf(body, fmt.Sprintf("user-%d", i), "1", "ada")))
		}
		group := c.group("Drivers", ids[:10]...)
		user := "/Users/" + ids[0]
		tests := []struct {
			name, method, path, body string
			status, most             int
		}{
			{"create", "POST", "/Users", fmt.Sprintf(body, "ben", "2", "ben"), 201, 4},
			{"userName eq", "GET", filtered("/Users", `userName eq "user-3"`), "", 200, 2},
			{"userName eq without groups", "GET",
				filtered("/Users", `userName eq "user-3"`) + "&excludedAttributes=groups", "", 200, 1},
			{"userName eq of nobody", "GET", filtered("/Users", `userName eq "nobody"`), "", 200, 2},
			{"a filter that no index answers", "GET", filtered("/Users", `title co "x" or name.givenName sw "a" and `+
				`emails[type eq "work" or display pr]`) + "&count=5", "", 200, 3},
			{"sorted", "GET", "/Users?count=10&sortBy=name.familyName", "", 200, 3},
			{"the first page by cursor", "GET", "/Users?count=10&cursor=", "", 200, 3},
			{"search", "POST", "/Users/.search", `{"filter":"userName eq \"user-3\""}`, 200, 2},
			{"everything", "GET", filtered("/", `displayName pr`) + "&count=50", "", 200, 4},
			{"everything without memberships", "GET", "/?count=5&excludedAttributes=groups,members", "", 200, 3},
			{"read", "GET", user, "", 200, 2},
			{"list", "GET", "/Users?count=10", "", 200, 3},
			{"deactivate", "PATCH", user, patchOf(`[{"op":"replace","path":"active","value":false}]`), 200, 4},
			{"reactivate without groups", "PATCH", user + "?excludedAttributes=groups",
				patchOf(`[{"op":"replace","path":"active","value":true}]`), 200, 3},
			{"change nothing", "PATCH", user + "?attributes=id",
				patchOf(`[{"op":"replace","path":"active","value":true}]`), 200, 1},
			{"add a member", "PATCH", "/Groups/" + group,
				patchOf(`[{"op":"add","path":"members","value":[{"value":"` + ids[10] + `"}]}]`), 204, 4},
			{"remove a member", "PATCH", "/Groups/" + group,
				patchOf(`[{"op":"remove","path":"members[value eq \"` + ids[10] + `\"]"}]`), 204, 4},
			{"rename", "PATCH", "/Groups/" + group, patchOf(`[{"op":"replace","path":"displayName","value":"Pilots"}]`),
				200, 4},
			{"read a group without members", "GET", "/Groups/" + group + "?excludedAttributes=members", "", 200, 1},
			{"a refused body", "POST", "/Users", `{"userName":""}`, 400, 1},
			{"a refused filter", "GET", filtered("/Users", `nick eq "x"`), "", 400, 1},
			{"discovery", "GET", "/Schemas", "", 200, 1},
		}
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				c.want(200, "GET", "/Schemas", "")
				got := statements.During(func() { c.want(test.status, test.method, test.path, test.body) })
				t.Logf("%d statements", len(got))
				if len(got) > test.most {
					t.Errorf("%d statements, want at most %d:\n%s", len(got), test.most, strings.Join(got, "\n"))
				}
			})
		}
	})
}
