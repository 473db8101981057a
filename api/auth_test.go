package api_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"rollcall/api"
	"rollcall/model"
	"rollcall/model/modeltest"
	"rollcall/model/store"
)

// anID is a well-formed id that no object has.
const anID = "01J0000000000000000000000Z"

// pathOf replaces the parameters of a route by ids that no object has.
func pathOf(route string) string {
	parts := strings.Split(route, "/")
	kinds := map[string]string{
		"organizations": "org_", "organization_domains": "org_domain_", "applications": "app_",
		"directories":     "directory_",
		"directory_users": "directory_user_", "directory_groups": "directory_group_", "users": "user_",
		"connections": "conn_", "sessions": "session_",
		"tombstones": "tombstone_", "tokens": "dtok_", "adoptions": "user_", "external_id": "",
		"accounts": "acct_", "groups": "group_", "licenses": "license_", "login_attempts": "login_attempt_",
	}
	for i, p := range parts {
		if strings.HasPrefix(p, ":") {
			parts[i] = kinds[parts[i-1]] + anID
		}
	}
	return strings.Join(parts, "/")
}

// routes calls visit for each route of the API.
func (w *world) routes(visit func(method, route string)) {
	known := 0
	for _, r := range w.echo.Routes() {
		if r.Method == http.MethodHead { // whose answers have no content
			continue
		}
		switch first, _, _ := strings.Cut(strings.TrimPrefix(r.Path, "/"), "/"); first {
		case "organizations", "organization_domains", "applications", "directories", "directory_users",
			"directory_groups", "users", "events", "connections", "sessions", "accounts", "licenses", "login_attempts":
			known++
			visit(r.Method, r.Path)
		}
	}
	if known < 75 {
		w.t.Errorf("only %d routes of the API are mounted", known)
	}
}

func TestAuthentication(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		t.Run("every route answers 401 without a known key", func(t *testing.T) {
			w.routes(func(method, route string) {
				for _, header := range []string{"", "Bearer", "Bearer ", "Bearer sk_unknown",
					"Basic " + bootstrapKey, bootstrapKey} {
					status, got, o := w.as("").send(method, pathOf(route), nil, "Authorization", header)
					if status != 401 || o.text("code") != "unauthorized" || got.Get("WWW-Authenticate") != "Bearer" {
						t.Errorf("%s %s with %q answers %d %v", method, route, header, status, o)
					}
				}
			})
		})
		t.Run("a route's own body is not read before the key", func(t *testing.T) {
			if status, _, o := w.as("").send("POST", "/organizations", `{"broken`); status != 401 {
				t.Errorf("answer %d %v", status, o)
			}
		})
		t.Run("the scheme is written in any case", func(t *testing.T) {
			status, _, o := w.as("").send("GET", "/organizations", nil, "Authorization", "bEARER  "+bootstrapKey)
			if status != 200 {
				t.Errorf("answer %d %v", status, o)
			}
		})
		t.Run("a deleted application's key is unknown", func(t *testing.T) {
			app := w.application("all")
			app.get("/organizations")
			w.want(204, "DELETE", "/applications/"+w.applicationOf(app), nil)
			app.want(401, "GET", "/organizations", nil)
		})
		t.Run("a directory's token is no API key", func(t *testing.T) {
			w.as(w.tenant(w.client, "fabrikam").token).want(401, "GET", "/organizations", nil)
		})
	})
}

// TestSeveralBootstrapKeys are all good, so that one can replace another without a pause.
func TestSeveralBootstrapKeys(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		const second = "sk_second_0123456789abcdef0123456789abcdef"
		h := ground(t, &api.Server{Store: s, BootstrapKey: bootstrapKey + ", " + second + ","})
		for key, want := range map[string]int{bootstrapKey: 200, second: 200, bootstrapKey + ", " + second + ",": 401,
			bootstrapKey + ",": 401, "": 401, ",": 401, second[:len(second)-1]: 401} {
			r := httptest.NewRequest("GET", "/applications", nil)
			r.Header.Set("Authorization", "Bearer "+key)
			if w := serve(h, r); w.Code != want {
				t.Errorf("%q answers %d, want %d", key, w.Code, want)
			}
		}
	})
}

func TestNoBootstrapKey(t *testing.T) {
	t.Parallel()
	h := ground(t, &api.Server{Store: modeltest.Open(t, modeltest.SQLite(t), store.Options{})})
	for _, header := range []string{"Bearer", "Bearer ", "Bearer  ", ""} {
		r := httptest.NewRequest("GET", "/organizations", nil)
		r.Header.Set("Authorization", header)
		if w := serve(h, r); w.Code != 401 {
			t.Errorf("an empty bootstrap key opens with %q: %d", header, w.Code)
		}
	}
}

func TestOperatorsOnly(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		app := w.application("all")
		id := w.applicationOf(app)
		w.routes(func(method, route string) {
			if !strings.HasPrefix(route, "/applications") {
				return
			}
			path := strings.Replace(pathOf(route), "app_"+anID, id, 1)
			status, _, o := app.send(method, path, object{"name": "Mine", "organizations": "all"})
			if status != 403 || o.text("code") != "forbidden" {
				t.Errorf("%s %s with an application's key answers %d %v", method, route, status, o)
			}
		})
		if o := w.get("/applications/" + id); o.text("name") != "An application" {
			t.Errorf("an application changed itself: %v", o)
		}
	})
}

// TestScope calls every route with the key of an application of one organization and the ids of
// another organization.
func TestScope(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		other := w.tenant(w.client, "other")
		app := w.application([]string{})
		mine := w.tenant(app, "mine")
		ada := other.user(w, "ada@other.example")
		staff := other.group(w, "Staff", ada.ID)
		gone := other.user(w, "gone@other.example")
		w.want(204, "DELETE", "/users/"+model.UserPrefix.ID(gone.ID), nil)
		mine.user(w, "ada@mine.example")
		w.want(200, "PUT", "/organizations/"+other.organization, object{"external_id": "theirs"})

		theirs := map[string]string{
			"/organizations/":             other.organization,
			"/organizations/external_id/": "theirs",
			"/organization_domains/":      w.get("/organizations/" + other.organization).text("domains.0.id"),
			"/directories/":               other.directory,
			"/directory_users/":           model.DirectoryUserPrefix.ID(ada.ID),
			"/directory_groups/":          model.DirectoryGroupPrefix.ID(staff.ID),
			"/users/":                     model.UserPrefix.ID(ada.ID),
			"/organizations/:id/tombstones/": w.get("/organizations/" + other.organization +
				"/tombstones").text("data.0.id"),
			"/directories/:id/tokens/":    w.get("/directories/" + other.directory + "/tokens").text("data.0.id"),
			"/directories/:id/adoptions/": model.UserPrefix.ID(ada.ID),
			"/organizations/:id/schemas/": crewURN,
		}
		w.want(201, "PUT", "/organizations/"+other.organization+"/schemas/"+crewURN,
			object{"name": "Crew", "attributes": []object{{"name": "rank"}}})
		connection := w.connect(w.client, other.organization, nil).text("id")
		other.signIn(w, connection, "x-ada@other.example", "ada@other.example")
		theirs["/connections/"] = connection
		theirs["/sessions/"] = w.get("/sessions?organization_id=" + other.organization).text("data.0.id")
		theirs["/connections/:id/sp_keys/"] = w.want(201, "POST", "/connections/"+connection+"/sp_keys", nil).text("id")
		theirs["/login_attempts/"] = w.get("/connections/" + connection + "/login_attempts").text("data.0.id")
		w.want(200, "PUT", "/organizations/"+other.organization,
			object{"rollcall": object{"allow_manual_assignments": true}})
		account := w.want(201, "POST", "/accounts",
			object{"organization_id": other.organization, "name": "Workspace"}).text("id")
		theirs["/accounts/"] = account
		theirs["/accounts/:id/groups/"] = w.want(201, "POST", "/accounts/"+account+"/groups",
			object{"name": "Editors"}).text("id")
		theirs["/accounts/:id/groups/:group/users/"] = model.UserPrefix.ID(ada.ID)
		theirs["/licenses/"] = w.want(201, "POST", "/licenses",
			object{"user_id": model.UserPrefix.ID(ada.ID), "account_id": account}).text("id")
		own := w.connect(app, mine.organization, nil).text("id")
		ownAccount := w.want(201, "POST", "/accounts",
			object{"organization_id": mine.organization, "name": "Workspace"}).text("id")
		before := w.get("/events?limit=100&organization_id=" + other.organization).ids()

		w.routes(func(method, route string) {
			parts := strings.Split(route, "/")
			if parts[1] == "applications" || !strings.Contains(route, ":") {
				return
			}
			for i, p := range parts {
				if !strings.HasPrefix(p, ":") {
					continue
				}
				prefix := strings.Join(strings.Split(route, "/")[:i], "/") + "/"
				id, ok := theirs[prefix]
				if !ok {
					t.Fatalf("the test has nothing for %s", prefix)
				}
				parts[i] = id
			}
			body := object{}
			if strings.Contains(route, "/groups") && (method == http.MethodPost || method == http.MethodPatch) {
				body["name"] = "Stolen" // is read before the group is
			}
			path := strings.Join(parts, "/")
			status, _, o := app.send(method, path, body)
			if status != 404 || strings.Contains(o.text("message"), "other") {
				t.Errorf("%s %s of another organization answers %d %v", method, route, status, o)
			}
			// An object of another organization below an organization of the key. PUT creates a
			// schema under any name.
			if len(parts) > 4 && method != http.MethodGet &&
				!(method == http.MethodPut && strings.Contains(route, "/schemas/")) {
				parts[2] = map[string]string{"organizations": mine.organization, "directories": mine.directory,
					"connections": own, "accounts": ownAccount}[parts[1]]
				if status, _, o := app.send(method, strings.Join(parts, "/"), body); status != 404 {
					t.Errorf("%s %s below an own one answers %d %v", method, route, status, o)
				}
			}
		})

		tests := []struct {
			name, method, path string
			body               any
			status             int
		}{
			{"a directory in it", "POST", "/directories",
				object{"organization_id": other.organization, "name": "x", "type": "okta scim v2.0"}, 404},
			{"a domain in it", "POST", "/organization_domains",
				object{"organization_id": other.organization, "domain": "x.example"}, 404},
			{"a connection in it", "POST", "/connections",
				object{"organization_id": other.organization, "name": "x", "connection_type": "GenericSAML"}, 404},
			{"its connections", "GET", "/connections?organization_id=" + other.organization, nil, 404},
			{"its sessions", "GET", "/sessions?organization_id=" + other.organization, nil, 404},
			{"its user's sessions", "GET", "/sessions?user=" + model.UserPrefix.ID(ada.ID), nil, 404},
			{"its directories", "GET", "/directories?organization_id=" + other.organization, nil, 404},
			{"its directory's users", "GET", "/directory_users?directory=" + other.directory, nil, 404},
			{"its group's users", "GET", "/directory_users?group=" + model.DirectoryGroupPrefix.ID(staff.ID), nil, 404},
			{"its groups", "GET", "/directory_groups?directory=" + other.directory, nil, 404},
			{"its user's groups", "GET", "/directory_groups?user=" + model.DirectoryUserPrefix.ID(ada.ID), nil, 404},
			{"its users", "GET", "/users?organization_id=" + other.organization, nil, 404},
			{"after its event", "GET", "/events?after=" + before[0], nil, 400},
		}
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				status, _, theirs := app.send(test.method, test.path, test.body)
				unknown := strings.NewReplacer(other.organization, "org_"+anID, other.directory, "directory_"+anID,
					model.DirectoryGroupPrefix.ID(staff.ID), "directory_group_"+anID,
					model.DirectoryUserPrefix.ID(ada.ID), "directory_user_"+anID,
					model.UserPrefix.ID(ada.ID), "user_"+anID, before[0], "event_"+anID)
				body := test.body
				if sent, ok := body.(object); ok {
					other := maps.Clone(sent)
					other["organization_id"] = "org_" + anID
					body = other
				}
				again, _, nothing := app.send(test.method, unknown.Replace(test.path), body)
				if status != test.status || again != test.status {
					t.Errorf("answers %d, and %d for what does not exist; want %d", status, again, test.status)
				}
				if a, b := unknown.Replace(theirs.text("message")), nothing.text("message"); a != b {
					t.Errorf("the answers differ: %q and %q", a, b)
				}
			})
		}

		t.Run("lists hold only what is in scope", func(t *testing.T) {
			for path, want := range map[string]string{
				"/organizations": mine.organization,
				"/organizations?domains=other.example,mine.example": mine.organization,
				"/connections": own, "/connections?search=CONTOSO": own,
				"/connections?connection_type=GenericSAML": own,
				"/directories": mine.directory, "/directories?search=e": mine.directory,
			} {
				if got := app.get(path).ids(); len(got) != 1 || got[0] != want {
					t.Errorf("%s lists %v", path, got)
				}
			}
			for _, e := range app.get("/events?limit=100").data() {
				for _, id := range before {
					if e.text("id") == id {
						t.Errorf("the feed shows %s of another organization", e.text("event"))
					}
				}
			}
			if got := app.get("/events?organization_id=" + other.organization).data(); len(got) != 0 {
				t.Errorf("the feed of another organization shows %d events", len(got))
			}
		})
		if after := w.get("/events?limit=100&organization_id=" + other.organization).ids(); len(after) != len(before) {
			t.Errorf("the other organization has %d events, had %d", len(after), len(before))
		}
	})
}

// TestTrust compares what three keys may decide about domains: the operator's, that of an
// application of all organizations and that of an application of some.
func TestTrust(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		all, some := w.application("all"), w.application([]string{})
		verified := func(name string) object {
			return object{"name": name, "domain_data": []object{{"domain": name + ".example", "state": "verified"}}}
		}
		w.want(201, "POST", "/organizations", verified("operator"))
		all.want(201, "POST", "/organizations", verified("everywhere"))
		some.want(403, "POST", "/organizations", verified("somewhere"))
		some.want(403, "POST", "/organizations", object{"name": "x", "allow_profiles_outside_organization": true})
		if got := some.get("/organizations").data(); len(got) != 0 {
			t.Errorf("a refused organization was made: %v", got)
		}

		g := some.want(201, "POST", "/organizations",
			object{"name": "Some", "domain_data": []object{{"domain": "some.example", "state": "pending"}}})
		path, domain := "/organizations/"+g.text("id"), g.text("domains.0.id")
		some.want(403, "PUT", path,
			object{"name": "Renamed", "domain_data": []object{{"domain": "some.example", "state": "verified"}}})
		// the answers do not show which domain another organization has verified
		for _, elsewhere := range []string{"operator.example", "nowhere.example"} {
			some.want(403, "PUT", path, object{"domain_data": []object{{"domain": elsewhere, "state": "verified"}}})
		}
		some.want(403, "PUT", path, object{"allow_profiles_outside_organization": true})
		for _, k := range []*client{some, all} { // they need a record, and there is none
			if o := k.want(201, "POST", "/organization_domains/"+domain+"/verify", nil); o.text("state") != "pending" {
				t.Errorf("an application's word verifies: %v", o)
			}
			k.want(403, "POST", "/organization_domains/"+domain+"/verify", object{"force": true})
		}
		if o := some.get(path); o.text("domains.0.state") != "pending" || o.text("name") != "Some" {
			t.Errorf("a refused change was made: %v", o)
		}
		w.want(201, "POST", "/organization_domains/"+domain+"/verify", nil)
		o := w.want(400, "POST", "/organization_domains/"+domain+"/verify", nil)
		if o.text("code") != "domain_already_verified" {
			t.Errorf("a second verification answers %v", o)
		}

		t.Run("what is verified already may be repeated", func(t *testing.T) {
			o := some.want(200, "PUT", path, object{"domain_data": []object{
				{"domain": "SOME.example", "state": "verified"}, {"domain": "more.example", "state": "pending"}}})
			if o.text("domains.0.id") != domain || o.text("domains.0.state") != "verified" ||
				o.text("domains.1.state") != "pending" {
				t.Errorf("got %v", o["domains"])
			}
		})
		t.Run("pending does not take a verification back", func(t *testing.T) {
			o := some.want(200, "PUT", path, object{"domains": []string{"some.example"}})
			if o.text("domains.0.state") != "verified" || o.at("domains.1") != nil {
				t.Errorf("got %v", o["domains"])
			}
		})
		t.Run("an organization joins the list of the application that made it", func(t *testing.T) {
			if o := w.get("/applications/" + w.applicationOf(some)); o.text("organizations.0") != g.text("id") {
				t.Errorf("got %v", o["organizations"])
			}
		})
	})
}
