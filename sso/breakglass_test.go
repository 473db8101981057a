package sso_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/organization"
	"rollcall/model/people"
)

// TestProfileAfterAPasswordNamesAConnection: the reference's clients raise an error where
// connection_id or connection_type is null, and somebody signs in by a password when the identity
// provider is down.
func TestProfileAfterAPasswordNamesAConnection(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		prepare func(w *world) (want *connection.Connection)
	}{
		{"the only connection", func(w *world) *connection.Connection { return w.connection }},
		{"an active one before an older draft", func(w *world) *connection.Connection {
			return w.second(w.tenant).connection
		}},
		{"the default one", func(w *world) *connection.Connection {
			w.activate(w.tenant)
			other := w.second(w.tenant).connection
			w.settings(w.tenant, func(g *organization.OrganizationFields) {
				g.Settings.DefaultConnection = organization.ConnectionRef(other.ID)
			})
			return other
		}},
		{"the oldest one where the default is gone", func(w *world) *connection.Connection {
			w.activate(w.tenant)
			other := w.second(w.tenant).connection
			w.settings(w.tenant, func(g *organization.OrganizationFields) {
				g.Settings.DefaultConnection = organization.ConnectionRef(other.ID)
			})
			must(w.t, connection.In(w.org).DeleteConnection(w.t.Context(), other.ID))
			return w.connection
		}},
		{"none", func(w *world) *connection.Connection {
			must(w.t, connection.In(w.org).DeleteConnection(w.t.Context(), w.connection.ID))
			return &connection.Connection{ID: string(w.org.ID), Type: "Pending"}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, w *world) {
				want := c.prepare(w)
				w.setPassword(w.admin(w.tenant, admin).ID, password)
				w.breaksGlass(t, want)
			})
		})
	}
	t.Run("that of the user's identity before all others", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, w *world) {
			w.activate(w.tenant)
			other := w.second(w.tenant)
			w.settings(w.tenant, func(g *organization.OrganizationFields) {
				g.Settings.DefaultConnection = organization.ConnectionRef(w.connection.ID)
			})
			u := w.admin(w.tenant, admin)
			_, err := people.In(w.org).LinkIdentity(t.Context(), people.Identity{ConnectionID: other.connection.ID,
				Issuer: "https://idp.example", Subject: "hedy", UserID: u.ID})
			must(t, err)
			w.setPassword(u.ID, password)
			w.breaksGlass(t, other.connection)
		})
	})
}

// breaksGlass has the administrator sign in at the application by the password, and demands that
// both profiles are as the reference has them and name the connection.
func (w *world) breaksGlass(t *testing.T, want *connection.Connection) {
	t.Helper()
	b := w.browser()
	b.enter(admin, password)
	status, answered := w.exchange(b.get(w.authorize(w.tenant, "connection", "", "organization",
		model.OrganizationPrefix.ID(string(w.org.ID)), "login_hint", admin)).code(t))
	if status != http.StatusOK {
		t.Fatalf("%d %v", status, answered)
	}
	token := answered["access_token"].(string)
	for _, p := range []map[string]any{answered["profile"].(map[string]any), w.profile(token)} {
		text, err := json.Marshal(p)
		must(t, err)
		conforms(t, "Profile", string(text))
		if p["connection_id"] != model.ConnectionPrefix.ID(want.ID) || p["connection_type"] != want.Type ||
			p["method"] != "password" {
			t.Errorf("%v of type %v by %v, want %s of %s", p["connection_id"], p["connection_type"], p["method"],
				model.ConnectionPrefix.ID(want.ID), want.Type)
		}
	}
}
