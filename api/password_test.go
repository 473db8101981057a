package api_test

import (
	"net/url"
	"strings"
	"testing"

	"rollcall/model"
)

func TestPasswordSetup(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		tenant := w.tenant(w.client, "contoso")
		ada := model.UserPrefix.ID(tenant.user(w, "ada@contoso.example").ID)
		path := "/users/" + ada + "/password_setup"
		t.Run("a member gets none", func(t *testing.T) {
			o := w.want(409, "POST", path, nil)
			if o.text("errors.0.field") != "user_id" || !strings.Contains(o.text("message"), "administrator") {
				t.Errorf("%v", o)
			}
		})
		w.want(200, "PATCH", "/users/"+ada, object{"role": "admin"})
		var first string
		t.Run("an administrator's is an address with a token, shown once", func(t *testing.T) {
			o := w.want(201, "POST", path, nil)
			first = o.text("url")
			u, err := url.Parse(first)
			if err != nil || !strings.HasPrefix(first, publicURL+"/password/") || len(u.Path) < 50 {
				t.Errorf("%v", o)
			}
			if o.text("object") != "password_setup" || o.text("user_id") != ada ||
				o.text("organization_id") != tenant.organization || o.text("expires_at") == "" {
				t.Errorf("%v", o)
			}
			if again := w.want(201, "POST", path, nil).text("url"); again == first {
				t.Error("the same again")
			}
		})
		t.Run("the event has no token", func(t *testing.T) {
			events := w.get("/events?events=user.password_setup_created&organization_id=" + tenant.organization).data()
			if len(events) != 2 || events[0].text("data.user_id") != ada || events[0].at("data.url") != nil {
				t.Errorf("%v", events)
			}
		})
		t.Run("an application makes one within its organizations only", func(t *testing.T) {
			w.application([]string{tenant.organization}).want(201, "POST", path, nil)
			w.application([]string{}).want(404, "POST", path, nil)
			w.as("sk_wrong").want(401, "POST", path, nil)
		})
		t.Run("the last administrator stays one", func(t *testing.T) {
			o := w.want(409, "PATCH", "/users/"+ada, object{"role": "member"})
			if !strings.Contains(o.text("message"), "last administrator") ||
				w.get("/users/"+ada).text("role") != "admin" {
				t.Errorf("%v", o)
			}
			w.want(409, "DELETE", "/users/"+ada, nil)
		})
		settings := func(status int, change object) object {
			return w.want(status, "PUT", "/organizations/"+tenant.organization, object{"rollcall": change})
		}
		t.Run("none where passwords are switched off", func(t *testing.T) {
			settings(200, object{"allow_admin_passwords": false})
			if o := w.want(409, "POST", path, nil); !strings.Contains(o.text("message"), "allow_admin_passwords") {
				t.Errorf("%v", o)
			}
		})
		t.Run("sign-on is required only once tested", func(t *testing.T) {
			o := settings(422, object{"sso_required": true})
			if o.text("errors.0.field") != "sso_required" || !strings.Contains(o.text("message"), "sign in once") {
				t.Errorf("%v", o)
			}
			connection := w.connect(w.client, tenant.organization, nil).text("id")
			settings(422, object{"sso_required": true})
			tenant.signIn(w, connection, "bob", "bob@contoso.example")
			if o := settings(200, object{"sso_required": true}); o.at("rollcall.sso_required") != true {
				t.Errorf("%v", o)
			}
			w.want(422, "POST", "/organizations", object{"name": "New", "rollcall": object{"sso_required": true}})
		})
	})
}
