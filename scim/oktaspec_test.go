package scim_test

import (
	"strings"
	"testing"
	"time"

	"rollcall/model/directory"
	"rollcall/model/modeltest"
	"rollcall/model/store"
)

// TestOktaSPEC sends the requests of Okta's test for SCIM 2.0 servers (docs/design/scim.md,
// "Okta"), with its assertions.
func TestOktaSPEC(t *testing.T) {
	t.Parallel()
	headers := []string{"Accept", "application/scim+json", "Accept-Charset", "utf-8", "Content-Type",
		"application/scim+json; charset=utf-8", "User-Agent", "OKTA SCIM Integration"}
	modeltest.Each(t, func(t *testing.T, store *store.Store) {
		d := deploy(t, store)
		c := d.clientOf(d.organization("Northwind"), directory.OktaDirectory)
		isUser := func(t *testing.T, u map[string]any) {
			t.Helper()
			a := reply{body: u}
			for _, path := range [][]any{{"id"}, {"userName"}, {"name", "givenName"}, {"name", "familyName"},
				{"emails", 0, "value"}} {
				if s, ok := a.path(path...).(string); !ok || s == "" {
					t.Errorf("%v is %v", path, a.path(path...))
				}
			}
			if _, ok := u["active"].(bool); !ok {
				t.Errorf("active is %v", u["active"])
			}
		}
		isError := func(t *testing.T, a reply, status string) {
			t.Helper()
			if a.path("schemas", 0) != errorURN || a.body["status"] != status || a.body["detail"] == "" {
				t.Error(a.text)
			}
		}
		const post = `{"schemas":["` + coreUser +
			`"],"userName":"Runscope300@atko.com","name":{"givenName":"Ada","familyName":"Runscope"},
			"emails":[{"primary":true,"value":"runscope300@atko.com","type":"work"}],"displayName":"Ada Runscope",
			"active":true}`
		seeded := c.create("/Users",
			strings.ReplaceAll(strings.ReplaceAll(post, "Runscope300", "seed"), "runscope300", "seed"))
		created := ""
		for _, step := range []struct {
			name string
			run  func(t *testing.T)
		}{
			{"O1 Required Test: Test Users endpoint", func(t *testing.T) {
				a := c.want(200, "GET", "/Users?count=1&startIndex=1", "", headers...)
				for _, name := range []string{"itemsPerPage", "startIndex", "totalResults"} {
					if n, ok := a.body[name].(float64); !ok || n < 1 {
						t.Errorf("%s is %v", name, a.body[name])
					}
				}
				if a.path("schemas", 0) != listURN {
					t.Error(a.text)
				}
				isUser(t, a.path("Resources", 0).(map[string]any))
			}},
			{"O2 Required Test: Get Users/{{id}}", func(t *testing.T) {
				a := c.want(200, "GET", "/Users/"+seeded, "", headers...)
				if isUser(t, a.body); a.body["id"] != seeded {
					t.Error(a.text)
				}
			}},
			{"O3 Required Test: Test invalid User by username", func(t *testing.T) {
				for _, name := range []string{"abcdefgh@atko.com", "runscope-nobody"} {
					a := c.want(200, "GET", filtered("/Users", `userName eq "`+name+`"`), "", headers...)
					if a.path("schemas", 0) != listURN || a.body["totalResults"] != 0.0 {
						t.Error(a.text)
					}
				}
			}},
			{"O4 Required Test: Test invalid User by ID", func(t *testing.T) {
				isError(t, c.want(404, "GET", "/Users/010101001010101011001010101011", "", headers...), "404")
			}},
			{"O5 Required Test: Create user with realistic values", func(t *testing.T) {
				a := c.want(201, "POST", "/Users", post, "Content-Type", "application/json", "Accept",
					"application/scim+json; charset=utf-8")
				created, _ = a.body["id"].(string)
				if isUser(t, a.body); a.body["active"] != true || a.path("name", "familyName") != "Runscope" ||
					a.path("schemas", 0) != coreUser {
					t.Error(a.text)
				}
			}},
			{"O5 Required Test: Verify that user was created", func(t *testing.T) {
				a := c.want(200, "GET", "/Users/"+created, "", headers...)
				if a.body["userName"] != "Runscope300@atko.com" || a.body["active"] != true {
					t.Error(a.text)
				}
			}},
			{"O6 Required Test: Expect failure when recreating user with same values", func(t *testing.T) {
				isError(t, c.want(409, "POST", "/Users", post, "Content-Type", "application/json"), "409")
			}},
			{"O7 Required Test: Username Case Sensitivity Check", func(t *testing.T) {
				a := c.want(200, "GET", filtered("/Users", `userName eq "RUNSCOPE300@ATKO.COM"`), "", headers...)
				if a.path("Resources", 0, "id") != created {
					t.Error(a.text)
				}
			}},
			{"O8 Optional Test: Verify Groups endpoint", func(t *testing.T) {
				start := time.Now()
				a := c.want(200, "GET", "/Groups", "", headers...)
				if _, ok := a.body["Resources"].([]any); !ok || time.Since(start) > 600*time.Millisecond {
					t.Errorf("%v: %s", time.Since(start), a.text)
				}
			}},
			{"O9 Required Test: Check status 401", func(t *testing.T) {
				isError(t, c.want(401, "GET", "/Users", "",
					append([]string{"Authorization", "Bearer non-token"}, headers...)...), "401")
			}},
			{"O9 Required Test: Check status 404", func(t *testing.T) {
				isError(t, c.want(404, "GET", "/Users/00919288221112222", "", headers...), "404")
			}},
		} {
			t.Run(step.name, step.run)
		}
	})
}
