package sso_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"rollcall/model/connection"
	"rollcall/model/people"
	"rollcall/testidp"
)

// TestOpenIDConnectionInTheAPI is what an administrator meets who sets a connection up.
func TestOpenIDConnectionInTheAPI(t *testing.T) {
	t.Parallel()
	w := one(t)
	o := w.newOpenID("contoso-oidc", "oidc.example", testidp.PlainSAML, "GenericOIDC")
	call := func(method, path string, body any) answer {
		text, err := json.Marshal(body)
		must(t, err)
		return w.send(nil, method, path, "Authorization", "Bearer "+bootstrapKey, "Content-Type", "application/json",
			"", string(text))
	}
	shown := w.api(http.MethodGet, "/connections/"+o.id, nil)
	own, _ := shown["oidc"].(map[string]any)
	if own["redirect_uri"] != o.callback() || own["initiate_login_uri"] != o.login() ||
		own["issuer"] != o.idp.OIDCIssuer() || own["client_id"] != "rollcall client" ||
		own["client_secret"] != nil || shown["saml"] != nil || shown["connection_type"] != "GenericOIDC" ||
		shown["state"] != "active" {
		t.Errorf("%v", shown)
	}
	if strings.Contains(call(http.MethodGet, "/connections", nil).body, "signs") {
		t.Error("the list has the client's secret")
	}
	c, err := connection.In(o.org).Connection(t.Context(), o.connection.ID)
	must(t, err)
	if secret, err := connection.Across(w.store).ClientSecret(c); err != nil || secret != clientSecret ||
		strings.Contains(string(c.OIDCClientSecret), "secret") {
		t.Errorf("the store has %q: %v", c.OIDCClientSecret, err)
	}
	create := func(kind string, oidc map[string]any) answer {
		return call(http.MethodPost, "/connections", map[string]any{"organization_id": shown["organization_id"],
			"name": "Second", "connection_type": kind, "oidc": oidc})
	}
	good := func(change map[string]any) map[string]any {
		out := map[string]any{"issuer": o.idp.OIDCIssuer(), "client_id": "a", "client_secret": "b"}
		for name, value := range change {
			if out[name] = value; value == nil {
				delete(out, name)
			}
		}
		return out
	}
	for _, c := range []struct {
		name, kind string
		oidc       map[string]any
		says       string
	}{
		{"no issuer", "GenericOIDC", good(map[string]any{"issuer": nil}), "oidc.issuer is required"},
		{"no client", "GenericOIDC", good(map[string]any{"client_id": nil}), "oidc.client_id is required"},
		{"no secret", "GenericOIDC", good(map[string]any{"client_secret": nil}), "oidc.client_secret is required"},
		{"an empty secret", "GenericOIDC", good(map[string]any{"client_secret": ""}), "oidc.client_secret is text"},
		{"an issuer that is no URL", "GenericOIDC", good(map[string]any{"issuer": "contoso"}), "https URL"},
		{"an issuer over http", "GenericOIDC", good(map[string]any{"issuer": "http://192.0.2.1"}), "not reachable"},
		{"an issuer inside", "GenericOIDC", good(map[string]any{"issuer": "https://10.0.0.1"}), "not reachable"},
		{"an issuer with a query", "GenericOIDC", good(map[string]any{"issuer": "https://a.example?b"}),
			"without query"},
		{"the issuer with a slash", "GenericOIDC", good(map[string]any{"issuer": o.idp.OIDCIssuer() + "/"}),
			`It says: \"` + o.idp.OIDCIssuer() + `\"`},
		{"an issuer with nothing there", "GenericOIDC", good(map[string]any{"issuer": o.server.URL + "/nothing"}),
			"no discovery document"},
		{"all tenants of Entra ID", "GenericOIDC",
			good(map[string]any{"issuer": "https://login.microsoftonline.com/common/v2.0"}), "every tenant"},
		{"all companies of Entra ID", "EntraIdOIDC",
			good(map[string]any{"issuer": "https://login.microsoftonline.com/organizations/v2.0"}), "every tenant"},
		{"all private accounts", "EntraIdOIDC",
			good(map[string]any{
				"issuer": "https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0",
			}), "every tenant"},
		{"version 1 of Entra ID", "GenericOIDC",
			good(map[string]any{"issuer": "https://sts.windows.net/11111111-2222-4333-8444-555555555555/"}),
			"version 2.0"},
		{"Entra ID at another address", "EntraIdOIDC", good(nil), "version 2.0"},
		{"scopes that are none", "GenericOIDC", good(map[string]any{"scopes": []string{"openid email"}}),
			"oidc.scopes"},
		{"scopes without openid", "GenericOIDC", good(map[string]any{"scopes": []string{"email"}}), "openid"},
		{"SAML with settings of OpenID Connect", "GenericSAML", good(nil), "speaks SAML"},
		{"a type that demands a key of the client", "LoginGovOidc", good(nil), "connection_type"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := create(c.kind, c.oidc)
			if a.status != http.StatusUnprocessableEntity && a.status != http.StatusBadRequest ||
				!strings.Contains(a.body, c.says) {
				t.Errorf("%d %s", a.status, a.body)
			}
		})
	}
	patch := func(body map[string]any) answer { return call(http.MethodPatch, "/connections/"+o.id, body) }
	t.Run("a new secret keeps the users", func(t *testing.T) {
		must(t, o.idp.ConnectOIDC("rollcall client", "another", o.callback()))
		a := patch(map[string]any{"oidc": map[string]any{"client_secret": "another"}})
		if a.status != http.StatusOK || a.object(t)["state"] != "active" {
			t.Fatalf("%d %s", a.status, a.body)
		}
		o.signIn(w.browser(), ada(o.tenant), w.authorize(o.tenant)).code(t)
	})
	t.Run("another issuer needs a secret of its own, and begins as a draft", func(t *testing.T) {
		other := w.newOpenID("fabrikam-oidc", "fabrikam.example", testidp.PlainSAML, "GenericOIDC")
		moved := map[string]any{"issuer": other.idp.OIDCIssuer()}
		if a := patch(map[string]any{"oidc": moved}); a.status != http.StatusUnprocessableEntity ||
			!strings.Contains(a.body, "client_secret") {
			t.Errorf("%d %s", a.status, a.body)
		}
		moved["client_secret"] = "other"
		if a := patch(map[string]any{"oidc": moved}); a.status != http.StatusOK || a.object(t)["state"] != "draft" {
			t.Errorf("%d %s", a.status, a.body)
		}
		identities, err := people.In(o.org).Identities(t.Context(), w.users(o.tenant)[0].ID)
		if err != nil || len(identities) != 0 {
			t.Errorf("left: %v %v", identities, err)
		}
	})
	t.Run("a wish that the protocol has no place for", func(t *testing.T) {
		for name, value := range map[string]any{"allow_idp_initiated": true, "subject_attribute": "oid"} {
			if a := patch(map[string]any{name: value}); a.status != http.StatusUnprocessableEntity ||
				!strings.Contains(a.body, name) {
				t.Errorf("%s: %d %s", name, a.status, a.body)
			}
		}
	})
}
