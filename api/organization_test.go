package api_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
)

func TestOrganization(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		g := w.want(201, "POST", "/organizations", object{
			"name": "Contoso & Söhne", "domains": []string{"old.example"}, "external_id": "c-1",
			"domain_data": []object{{"domain": "contoso.example", "state": "verified"}},
			"metadata":    object{"tier": "gold", "region": "eu"}, "rollcall": object{"jit": false},
			"allow_profiles_outside_organization": true,
		})
		path := "/organizations/" + g.text("id")
		t.Run("what was sent is shown, with defaults for the rest", func(t *testing.T) {
			want := object{"slug": "contoso-sohne", "sso_required": false, "jit": false, "allow_admin_passwords": true,
				"allow_manual_assignments": false, "session_lifetime_seconds": 86400.0, "session_idle_seconds": 0.0,
				"login_response_days": 7.0, "default_connection_id": nil}
			if diff := cmp.Diff(map[string]any(want), g["rollcall"]); diff != "" {
				t.Error(diff)
			}
			states := map[string]string{}
			for i := range 2 {
				d := g.at("domains").([]any)[i].(map[string]any)
				states[d["domain"].(string)] = d["state"].(string) + " by " + d["verification_strategy"].(string)
			}
			diff := cmp.Diff(
				map[string]string{"contoso.example": "verified by manual", "old.example": "pending by dns"}, states)
			if diff != "" {
				t.Error(diff)
			}
			if g["allow_profiles_outside_organization"] != true || g["external_id"] != "c-1" {
				t.Errorf("got %v", g)
			}
			for _, same := range []string{path, "/organizations/external_id/c-1"} {
				if diff := cmp.Diff(g, w.get(same)); diff != "" {
					t.Errorf("%s: %s", same, diff)
				}
			}
		})

		updates := []struct {
			name string
			body object
			path string // into the answer
			want any
		}{
			{"a member that is not sent stays", object{"name": "Contoso"}, "external_id", "c-1"},
			{"one setting leaves the others", object{"rollcall": object{"session_lifetime_seconds": 600}},
				"rollcall.jit", false},
			{"a slug is changed", object{"rollcall": object{"slug": "contoso"}}, "rollcall.slug", "contoso"},
			{"a key of the metadata is added", object{"metadata": object{"new": "1"}}, "metadata",
				map[string]any{"tier": "gold", "region": "eu", "new": "1"}},
			{"a key that is null goes", object{"metadata": object{"tier": nil}}, "metadata",
				map[string]any{"region": "eu", "new": "1"}},
			{"metadata that is null goes whole", object{"metadata": nil}, "metadata", map[string]any{}},
			{"an external_id that is null goes", object{"external_id": nil}, "external_id", nil},
			{"null for anything else changes nothing", object{"name": nil, "domains": nil, "rollcall": nil},
				"name", "Contoso"},
			{"profiles outside are switched off", object{"allow_profiles_outside_organization": false},
				"allow_profiles_outside_organization", false},
			{"a list of domains is the new list",
				object{"domain_data": []object{{"domain": "contoso.example", "state": "pending"}}}, "domains.1", nil},
			{"an empty list removes them", object{"domains": []string{}}, "domains", []any{}},
		}
		for _, test := range updates {
			t.Run(test.name, func(t *testing.T) {
				o := w.want(200, "PUT", path, test.body)
				if diff := cmp.Diff(test.want, o.at(test.path)); diff != "" {
					t.Error(diff)
				}
				if diff := cmp.Diff(o, w.get(path)); diff != "" {
					t.Errorf("read again: %s", diff)
				}
			})
		}

		t.Run("conflicts say what is taken", func(t *testing.T) {
			w.want(201, "POST", "/organizations",
				object{"name": "Fabrikam", "external_id": "f-1", "rollcall": object{"slug": "fabrikam"},
					"domain_data": []object{{"domain": "fabrikam.example", "state": "verified"}}})
			for _, c := range []struct {
				status int
				code   string
				body   object
			}{
				{400, "external_id_already_used", object{"name": "x", "external_id": "f-1"}},
				{409, "conflict", object{"name": "x", "rollcall": object{"slug": "fabrikam"}}},
				{409, "conflict", object{"name": "x", "external_id": "free", "rollcall": object{"slug": "fabrikam"}}},
				{409, "domain_already_exists", object{"name": "x", "external_id": "f-1x",
					"domain_data": []object{{"domain": "fabrikam.example", "state": "verified"}}}},
			} {
				for method, at := range map[string]string{"POST": "/organizations", "PUT": path} {
					if o := w.want(c.status, method, at, c.body); o.text("code") != c.code {
						t.Errorf("%s %v: %v", method, c.body, o)
					}
				}
			}
			if o := w.get(path); o.text("name") != "Contoso" {
				t.Errorf("a refused change was made: %v", o)
			}
		})
		t.Run("lists find by domain and by name", func(t *testing.T) {
			for query, want := range map[string]int{
				"domains=FABRIKAM.example": 1, "domains=a.example,fabrikam.example": 1,
				"domains[]=a.example&domains[]=fabrikam.example": 1,
				"domains=a.example": 0, "domains=nonsense": 0, "search=ABRI": 1, "search=%25": 0, "search=": 2,
			} {
				if got := w.get("/organizations?" + query).ids(); len(got) != want {
					t.Errorf("%s finds %d, want %d", query, len(got), want)
				}
			}
		})
	})
}

func TestDeletes(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		tenant := w.tenant(w.client, "contoso")
		g, d := "/organizations/"+tenant.organization, "/directories/"+tenant.directory
		ada := tenant.user(w, "ada@contoso.example")
		domain := w.get(g).text("domains.0.id")
		token := w.get(d + "/tokens").text("data.0.id")
		app := w.application("all")
		w.want(204, "DELETE", "/users/"+model.UserPrefix.ID(ada.ID), nil)
		stone := w.get(g + "/tombstones").text("data.0.id")
		w.want(204, "PUT", "/applications/"+w.applicationOf(app)+g, nil)

		for _, test := range []struct {
			path   string
			status int
		}{
			{"/organization_domains/" + domain, 204},
			{d + "/tokens/" + token, 204},
			{g + "/tombstones/" + stone, 204},
			{"/applications/" + w.applicationOf(app), 204},
			{d, 200},
			{g, 200},
		} {
			w.want(test.status, "DELETE", test.path, nil)
			events := len(w.get("/events?limit=100").ids())
			again := w.want(404, "DELETE", test.path, nil)
			if strings.Count(test.path, "/") == 2 {
				w.want(404, "GET", test.path, nil)
			}
			if again.text("code") != "entity_not_found" || len(w.get("/events?limit=100").ids()) != events {
				t.Errorf("a second DELETE %s: %v", test.path, again)
			}
		}
		t.Run("leaving an application twice is once", func(t *testing.T) {
			other := w.tenant(w.client, "fabrikam")
			path := "/applications/" + w.applicationOf(w.application([]string{other.organization})) +
				"/organizations/" + other.organization
			w.want(204, "DELETE", path, nil)
			w.want(204, "DELETE", path, nil)
		})
		t.Run("a deleted organization's events stay", func(t *testing.T) {
			got := w.get("/events?order=desc&limit=1&organization_id=" + tenant.organization)
			if got.text("data.0.event") != "organization.deleted" {
				t.Errorf("the last is %v", got)
			}
		})
	})
}

func TestApplication(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		one, two := w.tenant(w.client, "one"), w.tenant(w.client, "two")
		a := w.want(201, "POST", "/applications", object{
			"name": "Notes", "redirect_uris": []string{"https://notes.example/callback", "http://localhost:3000/"},
			"post_logout_redirect_uris": []string{"https://notes.example/"},
			"backchannel_logout_uri":    "https://notes.example/logout",
			"organizations":             []string{two.organization, one.organization},
		})
		path := "/applications/" + a.text("id")
		key := w.as(a.text("client_secret"))
		t.Run("the secret is an API key and is shown once", func(t *testing.T) {
			if !strings.HasPrefix(key.key, "sk_") || a.text("client_id") != a.text("id") {
				t.Errorf("got %v", a)
			}
			delete(a, "client_secret")
			if diff := cmp.Diff(a, w.get(path)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(map[string]any(a), w.get("/applications").at("data.0")); diff != "" {
				t.Error(diff)
			}
		})
		t.Run("its organizations are those it was given", func(t *testing.T) {
			if diff := cmp.Diff([]any{one.organization, two.organization}, a["organizations"]); diff != "" {
				t.Error(diff)
			}
			key.get("/organizations/" + one.organization)
			w.want(204, "DELETE", path+"/organizations/"+one.organization, nil)
			key.want(404, "GET", "/organizations/"+one.organization, nil)
			w.want(204, "PUT", path+"/organizations/"+one.organization, nil)
			w.want(204, "PUT", path+"/organizations/"+one.organization, nil)
			key.get("/organizations/" + one.organization)
		})
		t.Run("a change leaves what it does not send", func(t *testing.T) {
			o := w.want(200, "PATCH", path,
				object{"redirect_uris": []string{}, "initiate_login_uri": "https://notes.example/login"})
			want := a
			want["redirect_uris"], want["initiate_login_uri"], want["updated_at"] = []any{},
				"https://notes.example/login", o["updated_at"]
			if diff := cmp.Diff(want, o); diff != "" {
				t.Error(diff)
			}
		})
		t.Run("its reach widens and narrows", func(t *testing.T) {
			three := w.tenant(w.client, "three")
			if o := w.want(200, "PATCH", path, object{"organizations": "all"}); o["organizations"] != "all" {
				t.Errorf("got %v", o)
			}
			key.get("/organizations/" + three.organization)
			o := w.want(200, "PATCH", path, object{"organizations": []string{three.organization}})
			if diff := cmp.Diff([]any{three.organization}, o["organizations"]); diff != "" {
				t.Error(diff)
			}
			key.get("/organizations/" + three.organization)
			key.want(404, "GET", "/organizations/"+one.organization, nil)
		})
	})
}

// TestKeyOfSomeOrganizationsLearnsNoNames of others: neither from a conflict, nor from the number
// in a slug.
func TestKeyOfSomeOrganizationsLearnsNoNames(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		theirs := w.want(201, "POST", "/organizations", object{"name": "Fabrikam", "external_id": "f-1",
			"rollcall": object{"slug": "fabrikam"}}).text("id")
		app, other := w.application([]string{}), w.application([]string{})
		var made []string
		for _, c := range []*client{app, other} {
			o := c.want(201, "POST", "/organizations", object{"name": "Fabrikam", "external_id": "f-1"})
			made = append(made, o.text("id"))
			if o.text("external_id") != "f-1" || !strings.HasPrefix(o.text("rollcall.slug"), "fabrikam-") {
				t.Errorf("got %v", o)
			}
			if again := c.want(400, "POST", "/organizations", object{"name": "x", "external_id": "f-1"}); again.
				text("code") != "external_id_already_used" {
				t.Errorf("got %v", again)
			}
			if got := c.get("/organizations/external_id/f-1"); got.text("id") != o.text("id") {
				t.Errorf("found %v", got)
			}
			free := c.want(201, "POST", "/organizations", object{"name": "Quite Free"})
			if !strings.HasPrefix(free.text("rollcall.slug"), "quite-free-") {
				t.Errorf("got %v", free)
			}
			for _, slug := range []string{"fabrikam", "quite-free-name"} {
				if o := c.want(403, "POST", "/organizations", object{"name": "x",
					"rollcall": object{"slug": slug}}); o.text("message") == "" {
					t.Errorf("got %v", o)
				}
				c.want(403, "PUT", "/organizations/"+made[len(made)-1], object{"rollcall": object{"slug": slug}})
			}
			c.want(200, "PUT", "/organizations/"+o.text("id"), object{"external_id": "f-1", "name": "Renamed",
				"rollcall": object{"slug": o.text("rollcall.slug")}})
			c.want(422, "PUT", "/organizations/"+o.text("id"), object{"external_id": "\u241f"})
		}
		seen := w.want(201, "POST", "/organizations", object{"name": "Seen", "external_id": "f-2"}).text("id")
		w.want(204, "PUT", "/applications/"+w.applicationOf(app)+"/organizations/"+seen, nil)
		app.want(400, "PUT", "/organizations/"+made[0], object{"external_id": "f-2"})
		other.want(200, "PUT", "/organizations/"+made[1], object{"external_id": "f-2"})
		other.want(200, "PUT", "/organizations/"+made[1], object{"external_id": "f-1"})
		if got := w.get("/organizations/external_id/f-1"); got.text("id") != theirs {
			t.Errorf("the operator finds %v", got)
		}
		w.want(400, "POST", "/organizations", object{"name": "x", "external_id": "f-1"})
		w.want(200, "PUT", "/organizations/"+theirs, object{"external_id": nil})
		if got := w.get("/organizations/external_id/f-1").text("id"); got != made[0] {
			t.Errorf("the operator finds %s", got)
		}
	})
}
