package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
)

// everything is a world with an object for each route, and their ids by the first segments of the
// routes.
func everything(t *testing.T, w *world) (ids map[string]string) {
	t.Helper()
	tenant := w.tenant(w.client, "contoso")
	ada := tenant.user(w, "ada@contoso.example")
	account := w.want(201, "POST", "/accounts", object{"organization_id": tenant.organization, "name": "Sales"})
	group := w.want(201, "POST", "/accounts/"+account.text("id")+"/groups", object{"name": "Sellers"})
	return map[string]string{
		"/organizations":        tenant.organization,
		"/organization_domains": w.get("/organizations/" + tenant.organization).text("domains.0.id"),
		"/directories":          tenant.directory,
		"/applications":         w.applicationOf(w.application("all")),
		"/connections":          w.connect(w.client, tenant.organization, nil).text("id"),
		"/users":                model.UserPrefix.ID(ada.ID),
		"/accounts":             account.text("id"),
		":group":                group.text("id"),
		":urn":                  crewURN,
	}
}

// TestMembersThatCannotBeSet sends each call that writes a member that it does not know, and each
// member of its object that is read-only. A member that is silently ignored looks like one that was
// set.
func TestMembersThatCannotBeSet(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		ids := everything(t, w)
		readOnly := map[string][]string{
			"PUT /organizations/:id":                {"domains_verified", "slug", "stripe_customer_id"},
			"PATCH /directories/:id":                {"organization_id", "type", "state", "metadata", "scim", "domain"},
			"PATCH /connections/:id":                {"status", "domains", "type", "rollcall", "tested_at"},
			"POST /connections":                     {"status", "domains", "type", "rollcall", "tested_at"},
			"PATCH /users/:id":                      {"email", "user_name", "first_name", "active", "organization_id"},
			"PATCH /accounts/:id":                   {"organization_id", "seats_used"},
			"POST /accounts":                        {"seats_used"},
			"PATCH /applications/:id":               {"client_id", "client_secret"},
			"POST /applications":                    {"client_id", "client_secret"},
			"PATCH /accounts/:id/groups/:group":     {"account_id", "mappings"},
			"POST /accounts/:id/groups":             {"account_id"},
			"POST /directories/:id/tokens":          {"bearer_token", "last_used_at"},
			"POST /organization_domains":            {"state", "verification_token"},
			"POST /organization_domains/:id/verify": {"domain", "state"},
			"PUT /organizations/:id/schemas/:urn":   {"organization_id"},
		}
		before := w.get("/events?limit=100&order=desc")
		calls := 0
		w.routes(func(method, route string) {
			if method == http.MethodGet {
				return
			}
			calls++
			path := route
			for name, id := range ids {
				if strings.HasPrefix(route, name+"/:id") {
					path = strings.Replace(path, ":id", id, 1)
				}
				path = strings.Replace(path, name, id, strings.Count(name, ":"))
			}
			path = pathOf(path)
			for _, member := range append([]string{"no_such_member", "Name", "id", "object", "created_at",
				"updated_at"}, readOnly[method+" "+route]...) {
				status, _, o := w.send(method, path, object{member: "x"})
				if status != 422 || o.text("errors.0.field") != member || !strings.Contains(o.text("message"), member) {
					t.Errorf("%s %s with %s answers %d %v", method, route, member, status, o)
				}
			}
		})
		if calls < 40 {
			t.Errorf("only %d calls write", calls)
		}
		if diff := cmp.Diff(before, w.get("/events?limit=100&order=desc")); diff != "" {
			t.Errorf("something was written: %s", diff)
		}
	})
}

// TestMembersWithinMembers are refused by their paths.
func TestMembersWithinMembers(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		ids := everything(t, w)
		g, c := "/organizations/"+ids["/organizations"], "/connections/"+ids["/connections"]
		for _, test := range []struct{ method, path, body, field, text string }{
			{"PUT", g, `{"rollcall":{"jitt":true}}`, "rollcall.jitt", "did you mean jit?"},
			{"PUT", g, `{"rollcall":{"id":"x"}}`, "rollcall.id", "these can: "},
			{"PUT", g, `{"domain_data":[{"domain":"a.example","state":"pending","verified":true}]}`,
				"domain_data.verified", ""},
			{"PATCH", c, `{"saml":{"acs_url":"https://app.example/acs"}}`, "saml.acs_url", ""},
			{"PATCH", c, `{"saml":{"metadata":null}}`, "saml.metadata", ""},
			{"PATCH", c, `{"saml_options":{"idp_metadata":"x"}}`, "saml_options.idp_metadata",
				"did you mean idp_metadata_url?"},
			{"PATCH", c, `{"attribute_maps":{"standard_attributes":{"mail":"x"}}}`,
				"attribute_maps.standard_attributes.mail", "did you mean email?"},
			{"PATCH", c, `{"attribute_maps":{"groups":"x"}}`, "attribute_maps.groups", ""},
			{"PUT", g + "/role_mapping", `{"name":"x","names":["y"]}`, "names", "did you mean name?"},
			{"PUT", g + "/schemas/" + crewURN,
				`{"name":"Crew","attributes":[{"name":"a","subAttributes":[{"nam":"b"}]}]}`,
				"attributes.subAttributes.nam", "did you mean name?"},
			{"POST", g + "/entitlement_preview", `{"role_mapping":{"nam":"x"}}`, "role_mapping.nam",
				"did you mean name?"},
			{"POST", g + "/entitlement_preview", `{"groups":[{"id":"x","mappings":[{"nam":"x"}]}]}`,
				"groups.mappings.nam", ""},
			{"POST", "/users/" + ids["/users"] + "/revoke_sessions", `{"a":{"b":1}}`, "a", ""},
			{"PUT", g, fmt.Sprintf(`{%q:1}`, strings.Repeat("é", 5000)), strings.Repeat("é", 32) + "…", ""},
		} {
			o := w.want(422, test.method, test.path, test.body)
			if o.text("errors.0.field") != test.field || !strings.Contains(o.text("message"), test.text) {
				t.Errorf("%s %s %.80s answers %v", test.method, test.path, test.body, o)
			}
		}
		t.Run("what SDKs send without members is taken", func(t *testing.T) {
			for _, body := range []any{nil, "", "{}", "null"} {
				w.want(200, "POST", "/users/"+ids["/users"]+"/revoke_sessions", body)
			}
			w.want(400, "POST", "/users/"+ids["/users"]+"/revoke_sessions", "[]")
			w.want(400, "POST", "/users/"+ids["/users"]+"/revoke_sessions", "x=y")
		})
	})
}
