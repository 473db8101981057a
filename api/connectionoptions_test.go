package api_test

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/sso/saml"
)

// theirs describes an identity provider in the members of the reference's newer SDKs.
func theirs(t *testing.T, number int) object {
	t.Helper()
	o := byHand(idp(t, number))
	return object{"idp_entity_id": o["idp_entity_id"], "idp_sso_url": o["idp_sso_url"],
		"idp_signing_certs": o["idp_certificates"]}
}

// discovery publishes the discovery document of an OpenID provider and returns its address. The
// issuer ends with what is given.
func (w *world) discovery(path, end string) (address, issuer string) {
	w.t.Helper()
	base := w.idp.URL + path
	text, err := json.Marshal(object{"issuer": base + end, "authorization_endpoint": base + "/authorize",
		"token_endpoint": base + "/token", "jwks_uri": base + "/jwks"})
	if err != nil {
		w.t.Fatal(err)
	}
	return w.idp.text(path+"/.well-known/openid-configuration", string(text)), base + end
}

// TestConnectionInTheReferencesMembers creates and changes connections as the reference's SDKs do.
func TestConnectionInTheReferencesMembers(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		organization := w.tenant(w.client, "contoso").organization
		post := func(more object) object {
			t.Helper()
			body := object{"organization_id": organization}
			for name, value := range more {
				body[name] = value
			}
			return w.want(201, "POST", "/connections", body)
		}
		t.Run("SAML by hand", func(t *testing.T) {
			o := post(object{"saml_options": theirs(t, 0), "attribute_maps": object{"standard_attributes": object{
				"idp_id": "uid", "email": "mail", "name": "cn", "groups": nil}}})
			if o.text("connection_type") != "GenericSAML" || o.text("name") != "contoso" ||
				o.text("saml.idp_entity_id") != idp(t, 0).SAMLEntityID() ||
				o.text("saml.idp_certificates.0.fingerprint_sha256") != fingerprint(idp(t, 0).Certificate()) ||
				o.text("subject_attribute") != "uid" {
				t.Errorf("got %v", o)
			}
			path := "/connections/" + o.text("id")
			want := map[string]any{"email": "mail", "display_name": "cn"}
			if diff := cmp.Diff(any(want), o["attribute_mapping"]); diff != "" {
				t.Error(diff)
			}
			o = w.want(200, "PATCH", path, object{"attribute_maps": object{"standard_attributes": object{
				"email": nil, "first_name": "given", "idp_id": nil}}})
			want = map[string]any{"first_name": "given", "display_name": "cn"}
			if diff := cmp.Diff(any(want), o["attribute_mapping"]); diff != "" || o["subject_attribute"] != nil {
				t.Error(diff, o["subject_attribute"])
			}
			w.want(200, "PATCH", path, object{"connection_type": "GenericSAML", "saml_options": object{
				"acs_url": o.text("saml.acs_url"), "sp_entity_id": o.text("saml.sp_entity_id"),
				"idp_sso_url": "https://idp.example/sso"}})
			if got := w.get(path); got.text("saml.idp_sso_url") != "https://idp.example/sso" {
				t.Errorf("got %v", got)
			}
		})
		t.Run("SAML by the address of metadata", func(t *testing.T) {
			address := w.idp.text("/theirs", metadata(t, 1))
			o := post(object{"name": "Okta", "connection_type": "OktaSAML",
				"saml_options": object{"idp_metadata_url": address}})
			if o.text("connection_type") != "OktaSAML" || o.text("saml.idp_metadata_url") != address ||
				o.text("saml.idp_entity_id") != idp(t, 1).SAMLEntityID() {
				t.Errorf("got %v", o)
			}
		})
		for _, end := range []string{"", "/"} {
			t.Run("OpenID Connect whose issuer ends with "+end, func(t *testing.T) {
				address, issuer := w.discovery("/oidc"+end+"x", end)
				o := post(object{"oidc_options": object{"discovery_endpoint": address, "client_id": "us",
					"client_secret": "secret", "pkce": true, "token_authentication_method": "client_secret_post",
					"id_token_signature_algorithm": "ES256", "fetch_user_info": true}})
				if o.text("connection_type") != "GenericOIDC" || o.text("oidc.issuer") != issuer ||
					o.text("oidc.client_id") != "us" || o.text("oidc.redirect_uri") == "" {
					t.Errorf("got %v", o)
				}
				w.want(200, "PATCH", "/connections/"+o.text("id"), object{"oidc_options": object{
					"client_secret": "another", "redirect_uri": o.text("oidc.redirect_uri")}})
			})
		}
		t.Run("an external_id is created once", func(t *testing.T) {
			body := object{"organization_id": organization, "name": "Once", "external_id": "their-1",
				"saml_options": theirs(t, 0)}
			var wait sync.WaitGroup
			ids := make([]string, 8)
			for i := range ids {
				wait.Go(func() {
					status, _, o := w.send("POST", "/connections", body)
					if ids[i] = o.text("id"); status/100 != 2 {
						t.Errorf("%d %v", status, o)
					}
				})
			}
			wait.Wait()
			again := w.want(200, "POST", "/connections", body)
			for _, id := range ids {
				if id != again.text("id") || id == "" {
					t.Errorf("%s and %s", id, again.text("id"))
				}
			}
			if again.text("external_id") != "their-1" {
				t.Errorf("got %v", again)
			}
			other := post(object{"saml_options": theirs(t, 1), "external_id": "their-2"})
			o := w.want(409, "PATCH", "/connections/"+other.text("id"), object{"external_id": "their-1"})
			if o.text("errors.0.field") != "external_id" {
				t.Errorf("got %v", o)
			}
			for range 2 { // null is no name, however often
				w.want(200, "PATCH", "/connections/"+other.text("id"), object{"external_id": nil})
				other = post(object{"saml_options": theirs(t, 1), "external_id": nil})
			}
			elsewhere := w.tenant(w.client, "fabrikam").organization
			body["organization_id"] = elsewhere
			w.want(201, "POST", "/connections", body)
		})
	})
}

// TestKeysThatAreBroughtAlong sign and decrypt from the first day.
func TestKeysThatAreBroughtAlong(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		tenant := w.tenant(w.client, "contoso")
		pair := func(name string, pkcs1 bool) (object, *rsa.PrivateKey, string) {
			key, certificate, err := saml.NewKey(name, w.store.Now())
			if err != nil {
				t.Fatal(err)
			}
			block := pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}
			if !pkcs1 {
				block = pem.Block{Type: "PRIVATE KEY", Bytes: must[[]byte](t)(x509.MarshalPKCS8PrivateKey(key))}
			}
			return object{"key": string(pem.EncodeToMemory(&block)), "cert": pemOf(certificate)}, key,
				fingerprint(certificate)
		}
		first, key, signs := pair("first", true)
		second, _, decrypts := pair("second", false)
		options := theirs(t, 0)
		options["sp_signing_key_pair"], options["sp_encryption_key_pairs"] = first, []object{first, second}
		body := object{"organization_id": tenant.organization, "name": "Moved", "saml_options": options}
		o := w.want(201, "POST", "/connections", body)
		id, _ := model.ConnectionPrefix.Parse(o.text("id"))
		c := must[*connection.Connection](t)(connection.In(tenant.org).Connection(t.Context(), id))
		stored := must[any](t)(x509.ParsePKCS8PrivateKey(must[[]byte](t)(connection.Across(w.store).ConnectionKey(c))))
		if !key.Equal(stored) {
			t.Error("another key is stored")
		}
		if keys := w.get("/connections/" + o.text("id") + "/sp_keys").ids(); len(keys) != 2 || keys[0] != signs ||
			keys[1] != decrypts {
			t.Errorf("keys %v, want %s and %s", keys, signs, decrypts)
		}
		app := w.application("all")
		delete(options, "sp_encryption_key_pairs")
		for name, wrong := range map[string]object{
			"of another certificate": {"key": first["key"], "cert": second["cert"]},
			"no key":                 {"key": "x", "cert": first["cert"]},
			"no certificate":         {"key": first["key"], "cert": "x"},
			"of nothing":             {},
		} {
			options["sp_signing_key_pair"] = wrong
			o := w.want(422, "POST", "/connections", body)
			if o.text("errors.0.field") != "saml_options.sp_signing_key_pair" {
				t.Errorf("%s: %v", name, o)
			}
		}
		options["sp_signing_key_pair"] = first
		app.want(422, "POST", "/connections", body)
		w.want(422, "PATCH", "/connections/"+o.text("id"), object{"saml_options": object{"sp_signing_key_pair": first}})
	})
}

// TestBadConnectionOptions expects an error in the words of the call, and no change.
func TestBadConnectionOptions(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		organization := w.tenant(w.client, "contoso").organization
		before := w.get("/connections")
		address, _ := w.discovery("/good", "")
		other, _ := w.discovery("/other", "/elsewhere")
		oidc := func(name string, value any) object {
			return object{"discovery_endpoint": address, "client_id": "us", "client_secret": "secret", name: value}
		}
		hand := func(name string, value any) object { o := theirs(t, 0); o[name] = value; return o }
		for _, test := range []struct {
			name  string
			body  object
			field string
		}{
			{"neither", object{}, "connection_type"},
			{"both", object{"saml_options": theirs(t, 0), "oidc_options": oidc("pkce", true)}, "oidc_options"},
			{"in both ways", object{"saml_options": theirs(t, 0), "saml": byHand(idp(t, 0)),
				"connection_type": "GenericSAML"}, "saml_options"},
			{"of the other protocol", object{"saml_options": theirs(t, 0), "connection_type": "GenericOIDC"},
				"connection_type"},
			{"no certificate", object{"saml_options": hand("idp_signing_certs", []string{})},
				"saml_options.idp_signing_certs"},
			{"a broken certificate", object{"saml_options": hand("idp_signing_certs", []string{"x"})},
				"saml_options.idp_signing_certs"},
			{"an address of their own", object{"saml_options": hand("acs_url", "https://app.example/acs")},
				"saml_options.acs_url"},
			{"an entity ID of their own", object{"saml_options": hand("sp_entity_id", "urn:app")},
				"saml_options.sp_entity_id"},
			{"metadata that is not there", object{"saml_options": object{"idp_metadata_url": w.idp.URL + "/gone"}},
				"saml_options.idp_metadata_url"},
			{"no discovery", object{"oidc_options": oidc("discovery_endpoint", nil)},
				"oidc_options.discovery_endpoint"},
			{"no discovery document", object{"oidc_options": oidc("discovery_endpoint", w.idp.URL)},
				"oidc_options.discovery_endpoint"},
			{"a document of another issuer", object{"oidc_options": oidc("discovery_endpoint", other)},
				"oidc_options.discovery_endpoint"},
			{"no secret", object{"oidc_options": oidc("client_secret", nil)}, "oidc_options.client_secret"},
			{"no PKCE", object{"oidc_options": oidc("pkce", false)}, "oidc_options.pkce"},
			{"a key for a secret", object{"oidc_options": oidc("token_authentication_method", "private_key_jwt")},
				"oidc_options.token_authentication_method"},
			{"a symmetric signature", object{"oidc_options": oidc("id_token_signature_algorithm", "HS256")},
				"oidc_options.id_token_signature_algorithm"},
			{"no userinfo", object{"oidc_options": oidc("fetch_user_info", false)}, "oidc_options.fetch_user_info"},
			{"a redirect URI of their own", object{"oidc_options": oidc("redirect_uri", "https://app.example/cb")},
				"oidc_options.redirect_uri"},
			{"a key to sign with", object{"oidc_options": oidc("jwt_signing_key_pair", object{})},
				"oidc_options.jwt_signing_key_pair"},
			{"a custom attribute", object{"saml_options": theirs(t, 0), "attribute_maps": object{
				"custom_attributes": object{"shoe": "size"}}}, "attribute_maps.custom_attributes"},
			{"a state", object{"saml_options": theirs(t, 0), "state": "active"}, "state"},
			{"an external_id without end", object{"saml_options": theirs(t, 0),
				"external_id": strings.Repeat("x", 129)}, "external_id"},
		} {
			body := object{"organization_id": organization}
			for name, value := range test.body {
				body[name] = value
			}
			status, _, o := w.send(http.MethodPost, "/connections", body)
			if status != 422 || o.text("errors.0.field") != test.field {
				t.Errorf("%s: %d %v, want 422 about %s", test.name, status, o, test.field)
			}
		}
		if diff := cmp.Diff(before, w.get("/connections")); diff != "" {
			t.Errorf("something was written: %s", diff)
		}
	})
}
