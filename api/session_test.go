package api_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/refusal"
	"rollcall/model/signon"
	"rollcall/sso/saml"
	"rollcall/trust"
)

func TestSessions(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		tenant, other := w.tenant(w.client, "contoso"), w.tenant(w.client, "fabrikam")
		connection := w.connect(w.client, tenant.organization, nil).text("id")
		ada := tenant.signIn(w, connection, "ada", "ada@contoso.example")
		bob := tenant.signIn(w, connection, "bob", "bob@contoso.example")
		again := tenant.signIn(w, connection, "ada", "ADA@contoso.example")
		id := func(s *signon.SignInResult) string { return model.SessionPrefix.ID(s.Session.ID) }
		user := func(s *signon.SignInResult) string { return model.UserPrefix.ID(s.User.ID) }

		t.Run("they are listed by user and by organization, newest first", func(t *testing.T) {
			for query, want := range map[string][]string{
				"user=" + user(ada): {id(again), id(ada)}, "user=" + user(bob): {id(bob)},
				"organization_id=" + tenant.organization:                        {id(again), id(bob), id(ada)},
				"organization_id=" + tenant.organization + "&user=" + user(bob): {id(bob)},
				"organization_id=" + tenant.organization + "&limit=1":           {id(again)},
				"organization_id=" + other.organization:                         {},
			} {
				if diff := cmp.Diff(want, w.get("/sessions?"+query).ids()); diff != "" {
					t.Errorf("%s: %s", query, diff)
				}
			}
		})
		t.Run("one tells whose it is and how it began, and no secret", func(t *testing.T) {
			want := map[string]any{"object": "session", "id": id(bob), "organization_id": tenant.organization,
				"user_id": user(bob),
				"method":  "sso", "connection_id": connection,
				"profile_id": model.ProfilePrefix.ID(bob.Session.IdentityID),
				"created_at": bob.Session.CreatedAt.String(), "expires_at": bob.Session.ExpiresAt.String()}
			if diff := cmp.Diff([]any{want}, w.get("/sessions?user=" + user(bob))["data"]); diff != "" {
				t.Error(diff)
			}
		})
		t.Run("one is ended, and the user's others are not", func(t *testing.T) {
			w.want(204, "DELETE", "/sessions/"+id(ada), nil)
			w.want(204, "DELETE", "/sessions/"+id(ada), nil)
			if got := w.get("/sessions?user=" + user(ada)).ids(); len(got) != 1 || got[0] != id(again) {
				t.Errorf("left are %v", got)
			}
			if _, err := signon.Across(w.store).SessionByToken(t.Context(), ada.SessionToken); err == nil {
				t.Error("the session is still good")
			}
			must[*signon.SignedIn](t)(signon.Across(w.store).SessionByToken(t.Context(), again.SessionToken))
		})
		t.Run("a user who is unassigned has none", func(t *testing.T) {
			w.want(204, "DELETE", "/users/"+user(bob), nil)
			w.want(404, "GET", "/sessions?user="+user(bob), nil)
			if got := w.get("/sessions?organization_id=" + tenant.organization).ids(); len(got) != 1 {
				t.Errorf("left are %v", got)
			}
		})
		for name, test := range map[string]struct {
			path   string
			status int
			field  string
		}{
			"sessions of nobody": {"/sessions", 422, "user"},
			"a user of another organization": {"/sessions?organization_id=" + other.organization + "&user=" +
				user(ada), 404, ""},
			"no user's id": {"/sessions?user=ada", 404, ""},
			"a cursor of another list": {"/sessions?user=" + user(ada) + "&after=" + user(ada),
				422, "after"},
			"an unknown organization's": {"/sessions?organization_id=org_" + anID, 404, ""},
			"a login log with a cursor of another": {"/connections/" + connection + "/login_attempts?after=" +
				user(ada), 422, "after"},
			"the login log of no connection": {"/connections/conn_" + anID + "/login_attempts", 404, ""},
		} {
			t.Run(name, func(t *testing.T) {
				status, _, o := w.send("GET", test.path, nil)
				if status != test.status || o.text("errors.0.field") != test.field {
					t.Errorf("answers %d %v", status, o)
				}
			})
		}
	})
}

func TestLoginAttempts(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		tenant := w.tenant(w.client, "contoso")
		conn := w.connect(w.client, tenant.organization, nil).text("id")
		path := "/connections/" + conn + "/login_attempts"
		if o := w.get(path); len(o.data()) != 0 {
			t.Errorf("a new connection's log has %v", o)
		}
		tenant.failSignIn(w, conn, signon.LoginAttempt{Reason: string(saml.WrongAudience),
			Expected: "https://a.example", Received: "https://b.example", Reference: "r-1"})
		tenant.failSignIn(w, conn, signon.LoginAttempt{Reason: string(refusal.NotProvisioned), Reference: "r-2",
			Email: "eve@contoso.example", Subject: "eve", Address: "192.0.2.7"})
		in := tenant.signIn(w, conn, "ada", "ada@contoso.example")

		list, generic := w.get(path), &connection.Connection{Type: "GenericSAML"}
		want := []map[string]any{
			{"status": "succeeded", "reason": nil, "message": nil, "where": nil, "expected": nil, "received": nil,
				"reference": "r-ada", "ip_address": "192.0.2.1",
				"email": "ada@contoso.example", "idp_id": "ada", "user_id": model.UserPrefix.ID(in.User.ID)},
			{"status": "failed", "reason": "not_provisioned", "message": trust.Advice("not_provisioned", generic),
				"where": trust.Screen("not_provisioned", generic), "expected": nil, "received": nil, "reference": "r-2",
				"ip_address": "192.0.2.7", "email": "eve@contoso.example", "idp_id": "eve", "user_id": nil},
			{"status": "failed", "reason": "wrong_audience", "message": trust.Advice("wrong_audience", generic),
				"where": trust.Screen("wrong_audience", generic), "expected": "https://a.example",
				"received":  "https://b.example",
				"reference": "r-1", "ip_address": nil, "email": nil, "idp_id": nil, "user_id": nil},
		}
		if len(list.data()) != len(want) {
			t.Fatalf("got %v", list)
		}
		for i, o := range list.data() {
			if id := o.text("id"); !strings.HasPrefix(id, "login_attempt_") || o["created_at"] == nil {
				t.Errorf("entry %d is %v", i, o)
			}
			delete(o, "id")
			delete(o, "created_at")
			want[i]["response_expires_at"] = nil
			want[i]["object"], want[i]["organization_id"], want[i]["connection_id"], want[i]["notes"] = "login_attempt",
				tenant.organization, conn, []any{}
			if diff := cmp.Diff(want[i], map[string]any(o)); diff != "" {
				t.Errorf("entry %d: %s", i, diff)
			}
		}
		first := w.get(path + "?limit=2")
		rest := w.get(path + "?limit=2&after=" + first.text("list_metadata.after"))
		if len(rest.data()) != 1 || rest.text("data.0.reference") != "r-1" {
			t.Errorf("the second page is %v", rest)
		}
	})
}

func TestDefaultConnection(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		organization := w.tenant(w.client, "contoso").organization
		connection := w.connect(w.client, organization, nil).text("id")
		foreign := w.connect(w.client, w.tenant(w.client, "fabrikam").organization, nil).text("id")
		path := "/organizations/" + organization
		put := func(status int, value any) object {
			t.Helper()
			return w.want(status, "PUT", path, object{"rollcall": object{"default_connection_id": value}})
		}
		shown := func() any { return w.get(path).at("rollcall.default_connection_id") }

		if put(200, connection); shown() != connection {
			t.Errorf("shown is %v", shown())
		}
		t.Run("the other settings leave it", func(t *testing.T) {
			if w.want(200, "PUT", path, object{"rollcall": object{"jit": false}}); shown() != connection {
				t.Errorf("shown is %v", shown())
			}
		})
		for name, test := range map[string]struct {
			value any
			field string
		}{
			"another organization's":  {foreign, "default_connection_id"},
			"one that does not exist": {"conn_" + anID, "default_connection_id"},
			"no connection's id":      {organization, "default_connection_id"},
			"an empty one":            {"", "default_connection_id"},
			"a number":                {1, "rollcall.default_connection_id"},
		} {
			t.Run(name, func(t *testing.T) {
				if o := put(422, test.value); o.text("errors.0.field") != test.field || shown() != connection {
					t.Errorf("answers %v, shown is %v", o, shown())
				}
				body := object{"name": "New", "rollcall": object{"default_connection_id": test.value}}
				if o := w.want(422, "POST", "/organizations", body); o.text("errors.0.field") != test.field {
					t.Errorf("at creation answers %v", o)
				}
			})
		}
		t.Run("null is none", func(t *testing.T) {
			if put(200, nil); shown() != nil {
				t.Errorf("shown is %v", shown())
			}
		})
		t.Run("a deleted one is in nobody's way", func(t *testing.T) {
			put(200, connection)
			w.want(204, "DELETE", "/connections/"+connection, nil)
			w.want(200, "PUT", path, object{"rollcall": object{"jit": true, "default_connection_id": connection}})
			put(200, nil)
			put(422, connection)
		})
	})
}
