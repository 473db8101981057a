package sso_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"rollcall/model"
	"rollcall/testidp"
)

// TestSpaceAroundWhatIsPasted: people copy identifiers and addresses from tables and pages. What is
// around them and cannot be seen is taken away, or refused around a secret.
func TestSpaceAroundWhatIsPasted(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.activate(w.tenant)
		o := w.newOpenID("contoso-oidc", "oidc.example", testidp.PlainSAML, "GenericOIDC")
		patch := func(id string, body map[string]any) answer {
			text, err := json.Marshal(body)
			must(t, err)
			return w.send(nil, http.MethodPatch, "/connections/"+url.PathEscape(id+" "), "Authorization",
				"Bearer "+bootstrapKey, "Content-Type", "application/json", "", string(text))
		}
		for name, around := range map[string]string{"a space": " ", "a line break": "\r\n", "a tab": "\t",
			"a space of HTML": "\u00a0", "a space without width": "\u200b", "a byte order mark": "\ufeff"} {
			t.Run(name, func(t *testing.T) {
				wrap := func(text string) string { return around + text + around }
				a := patch(o.id, map[string]any{"name": wrap("Northwind"), "username_attribute": wrap("upn"),
					"attribute_mapping": map[string]any{"email": wrap("email"), "groups": wrap("groups")},
					"oidc": map[string]any{"issuer": wrap(o.idp.OIDCIssuer()), "client_id": wrap("rollcall client"),
						"scopes": []string{wrap("openid"), wrap("email")}}})
				if a.status != http.StatusOK {
					t.Fatalf("%d %s", a.status, a.body)
				}
				said := a.object(t)
				own, mapping := said["oidc"].(map[string]any), said["attribute_mapping"].(map[string]any)
				for what, got := range map[string][2]any{
					"name": {said["name"], "Northwind"}, "username_attribute": {said["username_attribute"], "upn"},
					"issuer": {own["issuer"], o.idp.OIDCIssuer()}, "client_id": {own["client_id"], "rollcall client"},
					"scopes": {strings.Join(texts(own["scopes"]), "|"), "email|openid"},
					"email":  {mapping["email"], "email"}, "groups": {mapping["groups"], "groups"},
				} {
					if got[0] != got[1] {
						t.Errorf("%s is %q", what, got[0])
					}
				}
				o.signIn(w.browser(), ada(o.tenant), w.authorize(o.tenant)).code(t)
				a = patch(o.id, map[string]any{"oidc": map[string]any{"client_secret": clientSecret + around}})
				if a.status != http.StatusUnprocessableEntity || !strings.Contains(a.body, "white space") ||
					strings.Contains(a.body, clientSecret) {
					t.Errorf("a secret: %d %s", a.status, a.body)
				}
				a = patch(model.ConnectionPrefix.ID(w.connection.ID), map[string]any{
					"subject_attribute": wrap("uid"), "attribute_mapping": map[string]any{"email": wrap("mail")},
					"saml": map[string]any{"idp_entity_id": wrap("https://idp.example/saml"),
						"idp_sso_url": wrap("https://idp.example/sso"), "idp_slo_url": wrap("https://idp.example/slo"),
						"name_id_format": wrap("urn:oasis:names:tc:SAML:2.0:nameid-format:persistent")}})
				if a.status != http.StatusOK {
					t.Fatalf("%d %s", a.status, a.body)
				}
				said = a.object(t)
				saml := said["saml"].(map[string]any)
				if said["subject_attribute"] != "uid" || saml["idp_entity_id"] != "https://idp.example/saml" ||
					saml["idp_sso_url"] != "https://idp.example/sso" ||
					saml["idp_slo_url"] != "https://idp.example/slo" {
					t.Errorf("%v", said)
				}
				pasted := url.PathEscape(around)
				for _, path := range []string{"/sso/oidc/" + o.id + pasted + "/login", "/login/contoso-oidc" + pasted} {
					if a := w.browser().get(path); a.status != http.StatusSeeOther {
						t.Errorf("%s: %d", path, a.status)
					}
				}
			})
		}
	})
}
