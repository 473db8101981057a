package api_test

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"rollcall/model"
)

// TestBadInput sends wrong input and expects an error that explains it, and no change.
func TestBadInput(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		tenant := w.tenant(w.client, "contoso")
		ada := tenant.user(w, "ada@contoso.example")
		g, d := "/organizations/"+tenant.organization, "/directories/"+tenant.directory
		app := "/applications/" + w.applicationOf(w.application("all"))
		user := "/users/" + model.UserPrefix.ID(ada.ID)
		domain := "/organization_domains/" + w.get(g).text("domains.0.id")
		events := w.get("/events?limit=100").ids()
		long := strings.Repeat("x", 700)

		tests := []struct {
			name, method, path string
			body               any
			status             int
			code, field        string // of the error; of its first entry
		}{
			{"no JSON", "POST", "/organizations", `{"name":`, 400, "invalid_request", ""},
			{"JSON and more", "POST", "/organizations", `{"name":"x"} {}`, 400, "invalid_request", ""},
			{"no body", "POST", "/organizations", ``, 400, "invalid_request", ""},
			{"no object", "POST", "/organizations", `["name"]`, 400, "invalid_request", ""},
			{"too deep", "PUT", g, strings.Repeat(`{"a":`, 20_000) + "1" + strings.Repeat("}", 20_000), 400,
				"invalid_request", ""},
			{"too large", "POST", "/organizations", `{"name":"` + strings.Repeat("x", 1<<20) + `"}`, 413,
				"too_large", ""},
			{"no UTF-8", "POST", "/organizations", "{\"name\":\"\xff\"}", 400, "invalid_request", ""},
			{"U+0000", "POST", "/organizations", `{"name":"a\u0000b"}`, 400, "invalid_request", ""},
			{"U+0000 in the query", "GET", "/organizations?search=%00", nil, 400, "invalid_request", ""},
			{"U+0000 in the path", "GET", "/organizations/external_id/%00", nil, 400, "invalid_request", ""},
			{"U+0000 in an encoded path", "GET", "/organizations/external_id/a%2F%00", nil, 400, "invalid_request", ""},
			{"a query that is not UTF-8", "GET", "/organizations?search=%ff", nil, 400, "invalid_request", ""},
			{"a broken query", "GET", "/organizations?search=%zz", nil, 400, "invalid_request", ""},

			{"no name", "POST", "/organizations", `{}`, 422, "invalid_request_parameters", "name"},
			{"a name that is a number", "POST", "/organizations", `{"name":1}`, 422,
				"invalid_request_parameters", "name"},
			{"a blank name", "PUT", g, `{"name":"  "}`, 422, "invalid_request_parameters", "name"},
			{"metadata that is a list", "PUT", g, `{"metadata":[]}`, 422, "invalid_request_parameters", "metadata"},
			{"metadata that is too long", "PUT", g, object{"metadata": object{"a": long}}, 400,
				"invalid_metadata", "metadata"},
			{"an external_id that is too long", "PUT", g, object{"external_id": long}, 422,
				"invalid_request_parameters", "external_id"},
			{"an empty external_id", "PUT", g, object{"external_id": ""}, 422,
				"invalid_request_parameters", "external_id"},
			{"a domain without its state", "PUT", g, `{"domain_data":[{"domain":"a.example"}]}`, 422,
				"invalid_request_parameters", "domain_data.state"},
			{"a state of the wrong type", "PUT", g, `{"domain_data":[{"domain":"a.example","state":1}]}`, 422,
				"invalid_request_parameters", "domain_data.state"},
			{"too many domains", "PUT", g, object{"domains": strings.Fields(fmt.Sprint(numbers(101)))}, 422,
				"invalid_request_parameters", "domain_data"},
			{"a domain that is none", "PUT", g, `{"name":"Renamed","domains":["localhost"]}`, 422,
				"invalid_request_parameters", "domain"},
			{"a public suffix", "POST", "/organizations", `{"name":"x","domains":["co.uk"]}`, 422,
				"invalid_request_parameters", "domain"},
			{"a setting of the wrong type", "PUT", g, `{"rollcall":{"jit":"no"}}`, 422,
				"invalid_request_parameters", "rollcall.jit"},
			{"settings of the wrong type", "PUT", g, `{"rollcall":true}`, 422,
				"invalid_request_parameters", "rollcall"},
			{"a setting out of range", "PUT", g, `{"rollcall":{"session_lifetime_seconds":1}}`, 422,
				"invalid_request_parameters", "session_lifetime_seconds"},
			{"a slug of other characters", "PUT", g, `{"rollcall":{"slug":"No Slug"}}`, 422,
				"invalid_request_parameters", "slug"},

			{"a domain of no organization", "POST", "/organization_domains", `{"domain":"a.example"}`, 422,
				"invalid_request_parameters", "organization_id"},
			{"a domain of an unknown organization", "POST", "/organization_domains",
				`{"domain":"a.example","organization_id":"org_x"}`, 404, "entity_not_found", ""},
			{"a second time the same domain", "POST", "/organization_domains", object{"domain": "Contoso.Example.",
				"organization_id": tenant.organization}, 409, "domain_already_exists", "domain"},
			{"a domain verified elsewhere", "POST", "/organizations",
				`{"name":"x","domain_data":[{"domain":"contoso.example","state":"verified"}]}`, 409,
				"domain_already_exists", "domain"},
			{"an id of another kind", "GET", strings.Replace(domain, "org_domain_", "org_", 1), nil, 404,
				"entity_not_found", ""},

			{"a directory of no organization", "POST", "/directories", `{"name":"x","type":"okta scim v2.0"}`, 422,
				"invalid_request_parameters", "organization_id"},
			{"a directory of no type", "POST", "/directories",
				object{"organization_id": tenant.organization, "name": "x"}, 422, "invalid_request_parameters", "type"},
			{"a directory of an unknown type", "POST", "/directories", object{"organization_id": tenant.organization,
				"name": "x", "type": "ldap"}, 422, "invalid_request_parameters", "type"},
			{"a directory without a name", "PATCH", d, `{"name":""}`, 422, "invalid_request_parameters", "name"},
			{"a share of nobody", "PATCH", d, `{"mass_change_percent":0}`, 422, "invalid_request_parameters",
				"mass_change_percent"},
			{"a share of more than all", "PATCH", d, `{"mass_change_percent":101}`, 422, "invalid_request_parameters",
				"mass_change_percent"},
			{"a share of half a percent", "PATCH", d, `{"mass_change_percent":0.5}`, 422, "invalid_request_parameters",
				"mass_change_percent"},
			{"a window of seconds", "PATCH", d, `{"mass_change_window_seconds":59}`, 422, "invalid_request_parameters",
				"mass_change_window_seconds"},
			{"a window of weeks", "PATCH", d, `{"mass_change_window_seconds":86401}`, 422, "invalid_request_parameters",
				"mass_change_window_seconds"},
			{"a token without a name", "POST", d + "/tokens", `{}`, 422, "invalid_request_parameters", "name"},
			{"a token that has expired", "POST", d + "/tokens", `{"name":"x","expires_at":"2020-01-01T00:00:00Z"}`, 422,
				"invalid_request_parameters", "expires_at"},
			{"a token that expires at no time", "POST", d + "/tokens", `{"name":"x","expires_at":"tomorrow"}`, 422,
				"invalid_request_parameters", "expires_at"},
			{"a token of another type", "POST", d + "/tokens", `{"name":"x","type":"basic"}`, 422,
				"invalid_request_parameters", "type"},
			{"no token's id", "DELETE", d + "/tokens/x", nil, 404, "entity_not_found", ""},
			{"no tombstone's id", "DELETE", g + "/tombstones/x", nil, 404, "entity_not_found", ""},
			{"no user's id", "POST", d + "/adoptions/x/confirm", nil, 404, "entity_not_found", ""},
			{"the adoption of one who is owned", "POST", d + "/adoptions/" + model.UserPrefix.ID(ada.ID) + "/confirm",
				nil, 409, "conflict", "user_id"},

			{"users of nothing", "GET", "/directory_users", nil, 422, "invalid_request_parameters", "directory"},
			{"an e-mail without a directory", "GET", "/directory_users?email=a@b.example", nil, 422,
				"invalid_request_parameters", "directory"},
			{"groups of nothing", "GET", "/directory_groups", nil, 422, "invalid_request_parameters", "directory"},
			{"users of no organization", "GET", "/users", nil, 422, "invalid_request_parameters", "organization_id"},
			{"no role", "PATCH", user, `{}`, 422, "invalid_request_parameters", "role"},
			{"an unknown role", "PATCH", user, `{"role":"owner"}`, 422, "invalid_request_parameters", "role"},
			{"a role of another shape", "PATCH", user, `{"role":{"slug":"admin"}}`, 422,
				"invalid_request_parameters", "role"},

			{"an application without a name", "POST", "/applications", `{}`, 422, "invalid_request_parameters", "name"},
			{"a redirect URI that is none", "PATCH", app, `{"name":"Renamed","redirect_uris":["http://app.example/"]}`,
				422, "invalid_request_parameters", "redirect_uris"},
			{"organizations in one word", "PATCH", app, `{"organizations":"some"}`, 422, "invalid_request_parameters",
				"organizations"},
			{"organizations that are numbers", "PATCH", app, `{"organizations":[1]}`, 422, "invalid_request_parameters",
				"organizations"},
			{"an organization that is unknown", "PATCH", app,
				object{"name": "Renamed", "organizations": []string{"org_" + anID}}, 404, "entity_not_found", ""},
			{"an organization that has no id", "POST", "/applications", `{"name":"x","organizations":["x"]}`, 404,
				"entity_not_found", ""},
			{"an organization to join that is unknown", "PUT", app + "/organizations/org_" + anID, nil, 404,
				"entity_not_found", ""},
			{"no application's id", "DELETE", "/applications/x", nil, 404, "entity_not_found", ""},

			{"a limit of 0", "GET", "/organizations?limit=0", nil, 422, "invalid_request_parameters", "limit"},
			{"a limit of 101", "GET", "/organizations?limit=101", nil, 422, "invalid_request_parameters", "limit"},
			{"a limit in words", "GET", "/organizations?limit=ten", nil, 422, "invalid_request_parameters", "limit"},
			{"an unknown order", "GET", "/directories?order=up", nil, 422, "invalid_request_parameters", "order"},
			{"both cursors", "GET", "/events?before=event_" + anID + "&after=event_" + anID, nil, 422,
				"invalid_request_parameters", "before"},
			{"a cursor of another list", "GET", "/directories?after=" + tenant.organization, nil, 422,
				"invalid_request_parameters", "after"},
			{"a cursor of no event", "GET", "/events?after=event_" + anID, nil, 400,
				"cursor_expired", "after"},
			{"a range that begins at no time", "GET", "/events?range_start=then", nil, 422,
				"invalid_request_parameters", "range_start"},
			{"events of no organization", "GET", "/events?organization_id=x", nil, 422, "invalid_request_parameters",
				"organization_id"},

			{"no route", "GET", "/organizations/a/b/c", nil, 404, "not_found", ""},
			{"no method", "PATCH", g, `{}`, 405, "method_not_allowed", ""},
		}
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				status, _, o := w.send(test.method, test.path, test.body)
				if status != test.status || o.text("code") != test.code || o.text("errors.0.field") != test.field {
					t.Errorf("answers %d %v, want %d %s about %q", status, o, test.status, test.code, test.field)
				}
			})
		}
		if after := w.get("/events?limit=100").ids(); len(after) != len(events) {
			t.Errorf("%d events were recorded", len(after)-len(events))
		}
		if o := w.get(app); o.text("name") != "An application" || o.text("organizations") != "all" {
			t.Errorf("the application changed: %v", o)
		}
	})
}

func numbers(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("d%d.example", i)
	}
	return out
}

func TestRequestForms(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		t.Run("only JSON is read", func(t *testing.T) {
			for kind, want := range map[string]int{
				"application/x-www-form-urlencoded": 415, "text/plain": 415, "": 415, ";": 415,
				"application/jsonx":               415,
				"application/json; charset=utf-8": 201, "APPLICATION/JSON": 201,
			} {
				status, _, o := w.send("POST", "/organizations", `{"name":"x"}`, "Content-Type", kind)
				if status != want {
					t.Errorf("%q answers %d %v, want %d", kind, status, o, want)
				}
			}
		})
		t.Run("text that only looks like U+0000 stays", func(t *testing.T) {
			o := w.want(201, "POST", "/organizations", `{"name":"a\\u0000b <&>"}`)
			if o.text("name") != `a\u0000b <&>` {
				t.Errorf("got %q", o.text("name"))
			}
		})
		t.Run("a chunked body beyond the server's limit", func(t *testing.T) {
			status, code := w.stream("POST", "/organizations", io.LimitReader(spaces{}, 9<<20))
			if status != 413 || code != "too_large" {
				t.Errorf("answers %d %s", status, code)
			}
		})
		t.Run("all problems of a query are reported at once", func(t *testing.T) {
			_, _, o := w.send("GET", "/users?limit=0&order=up&after=x", nil)
			if list, _ := o["errors"].([]any); len(list) != 4 {
				t.Errorf("got %v", o)
			}
		})
		t.Run("a method that is not allowed names those that are", func(t *testing.T) {
			_, header, _ := w.send("PATCH", "/organizations/org_x", nil)
			if allow := header.Get("Allow"); !strings.Contains(allow, "PUT") || !strings.Contains(allow, "DELETE") {
				t.Errorf("Allow: %q", allow)
			}
		})
	})
}

// spaces reads endless white space.
type spaces struct{}

func (spaces) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}
