package api_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/modeltest"
	"rollcall/model/store"
)

// ending is a certificate that expires in some days.
func ending(t *testing.T, days int) string {
	t.Helper()
	key := must[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	template := &x509.Certificate{SerialNumber: big.NewInt(int64(1000 + days)), Subject: pkix.Name{CommonName: "idp"},
		NotBefore: time.Now().AddDate(0, 0, days-365), NotAfter: time.Now().AddDate(0, 0, days)}
	der := must[[]byte](t)(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))
	return pemOf(must[*x509.Certificate](t)(x509.ParseCertificate(der)))
}

func TestSAMLSettings(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		organization := w.tenant(w.client, "contoso").organization
		const persistent = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
		given := byHand(idp(t, 0))
		for name, value := range (object{"sign_requests": false, "allow_encrypted": "gcm", "name_id_format": persistent,
			"refuse_expired_certificates": true}) {
			given[name] = value
		}
		mapping := object{"email": "workEmail", "groups": "Abteilungen"}
		settings := func(o object) object {
			got := object{"attribute_mapping": o["attribute_mapping"]}
			for _, name := range []string{"sign_requests", "allow_encrypted", "name_id_format",
				"refuse_expired_certificates"} {
				got[name] = o.at("saml." + name)
			}
			return got
		}
		initially := object{"sign_requests": true, "allow_encrypted": "off", "name_id_format": nil,
			"refuse_expired_certificates": false, "attribute_mapping": map[string]any{}}
		if diff := cmp.Diff(initially, settings(w.connect(w.client, organization, nil))); diff != "" {
			t.Errorf("initially: -want +got:\n%s", diff)
		}
		all := object{"sign_requests": false, "allow_encrypted": "gcm", "name_id_format": persistent,
			"refuse_expired_certificates": true, "attribute_mapping": map[string]any(mapping)}
		created := w.connect(w.client, organization, object{"saml": given, "attribute_mapping": mapping})
		path := "/connections/" + created.text("id")
		for _, o := range []object{created, w.get(path)} {
			if diff := cmp.Diff(all, settings(o)); diff != "" {
				t.Errorf("created: -want +got:\n%s", diff)
			}
		}
		for _, step := range []struct {
			body object
			want object
		}{
			{object{"saml": object{"allow_encrypted": "cbc"}}, object{"allow_encrypted": "cbc"}},
			{object{"saml": object{"sign_requests": true}}, object{"sign_requests": true}},
			{object{"saml": object{"name_id_format": nil}}, object{"name_id_format": nil}},
			{object{"saml": object{"refuse_expired_certificates": false}},
				object{"refuse_expired_certificates": false}},
			{object{"attribute_mapping": object{"last_name": "nachname"}},
				object{"attribute_mapping": map[string]any{"last_name": "nachname"}}},
			{object{"attribute_mapping": nil}, object{"attribute_mapping": map[string]any{}}},
			{object{"saml": object{}}, object{}},
			{object{"saml": object{"sign_requests": nil, "allow_encrypted": nil}}, object{}},
		} {
			for name, value := range step.want {
				all[name] = value
			}
			if diff := cmp.Diff(all, settings(w.want(200, "PATCH", path, step.body))); diff != "" {
				t.Errorf("%v: -want +got:\n%s", step.body, diff)
			}
		}
		before := w.get(path)
		for _, bad := range []struct {
			body  object
			field string
		}{
			{object{"saml": object{"allow_encrypted": "yes"}}, "saml.allow_encrypted"},
			{object{"saml": object{"allow_encrypted": true}}, "saml.allow_encrypted"},
			{object{"saml": object{"sign_requests": "no"}}, "saml.sign_requests"},
			{object{"saml": object{"name_id_format": "persistent"}}, "saml.name_id_format"},
			{object{"saml": object{"name_id_format": "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"}},
				"saml.name_id_format"},
			{object{"saml": object{"refuse_expired_certificates": 1}}, "saml.refuse_expired_certificates"},
			{object{"attribute_mapping": object{"role": "role"}}, "attribute_mapping"},
			{object{"attribute_mapping": object{"email": ""}}, "attribute_mapping"},
			{object{"attribute_mapping": object{"email": strings.Repeat("x", 501)}}, "attribute_mapping"},
			{object{"attribute_mapping": []string{"email"}}, "attribute_mapping"},
		} {
			if status, _, o := w.send("PATCH", path, bad.body); status != 422 || o.text("errors.0.field") != bad.field {
				t.Errorf("%v is answered with %d %v", bad.body, status, o)
			}
		}
		if diff := cmp.Diff(before, w.get(path)); diff != "" {
			t.Errorf("something was written: %s", diff)
		}
	})
}

// TestMetadataIsShown checks the URL of the metadata and the result of the last attempt to read it.
func TestMetadataIsShown(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		tenant := w.tenant(w.client, "contoso")
		address := w.idp.text("/metadata", metadata(t, 0))
		o := w.connect(w.client, tenant.organization, object{"saml": object{"idp_metadata_url": address}})
		if o.text("saml.metadata.url") != address || o.text("saml.metadata.refreshed_at") == "" ||
			o.at("saml.metadata.error") != nil || o.at("saml.metadata.tried_at") != nil {
			t.Errorf("got %v", o.at("saml.metadata"))
		}
		path := "/connections/" + o.text("id")
		id, _ := model.ConnectionPrefix.Parse(o.text("id"))
		must[*connection.Connection](t)(
			connection.In(tenant.org).RefuseMetadata(t.Context(), id, address, "The address answers with status 503."))
		if o := w.get(path); o.text("saml.metadata.error") != "The address answers with status 503." {
			t.Errorf("got %v", o.at("saml.metadata"))
		}
		if o := w.want(200, "PATCH", path,
			object{"saml": object{"idp_metadata_url": address}}); o.at("saml.metadata.error") != nil {
			t.Errorf("after it was sent again: %v", o.at("saml.metadata"))
		}
		if o := w.want(200, "PATCH", path, object{"saml": byHand(idp(t, 0))}); o.at("saml.metadata") != nil {
			t.Errorf("of fields by hand: %v", o.at("saml.metadata"))
		}
	})
}

func TestCertificatesAreShown(t *testing.T) {
	t.Parallel()
	w := start(t, modeltest.Open(t, modeltest.SQLite(t), store.Options{}))
	given := byHand(idp(t, 0))
	given["idp_certificates"] = []string{ending(t, 300), ending(t, 20), ending(t, -1), ending(t, 400)}
	o := w.connect(w.client, w.tenant(w.client, "contoso").organization, object{"saml": given})
	var states []string
	for _, c := range o.at("saml.certificates").([]any) {
		c := object(c.(map[string]any))
		states = append(states, c.text("certificate_type")+" "+c.text("state"))
		if len(c.text("fingerprint_sha256")) != 64 || c.text("subject") == "" || c.text("not_after") == "" ||
			c.text("not_before") == "" {
			t.Errorf("got %v", c)
		}
	}
	want := []string{"ResponseSigning valid", "ResponseSigning expiring", "ResponseSigning expired",
		"ResponseSigning not_yet_valid", "RequestSigning valid"}
	if !slices.Equal(states, want) {
		t.Errorf("got %q, want %q", states, want)
	}
}

func TestSPKeys(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		tenant := w.tenant(w.client, "contoso")
		path := "/connections/" + w.connect(w.client, tenant.organization, nil).text("id")
		roles := func() (roles, ids []string) {
			for _, k := range w.get(path + "/sp_keys").data() {
				roles, ids = append(roles, k.text("role")), append(ids, k.text("id"))
				if k.text("object") != "sp_key" || !strings.HasPrefix(k.text("certificate"),
					"-----BEGIN CERTIFICATE-----") || strings.Contains(k.text("certificate"), "PRIVATE") {
					t.Errorf("got %v", k)
				}
			}
			return roles, ids
		}
		_, first := roles()
		added := w.want(http.StatusCreated, "POST", path+"/sp_keys", nil)
		both, ids := roles()
		if !slices.Equal(both, []string{"current", "standby"}) || ids[0] != first[0] || ids[1] != added.text("id") {
			t.Errorf("got %q %q", both, ids)
		}
		if n := len(w.get(path).at("saml.certificates").([]any)); n != 3 {
			t.Errorf("the connection shows %d certificates", n)
		}
		for _, c := range []struct {
			method, path string
			status       int
		}{
			{"POST", "/sp_keys", 409},
			{"POST", "/sp_keys/0000/promote", 404},
			{"DELETE", "/sp_keys/0000", 404},
			{"DELETE", "/sp_keys/" + ids[0], 409},
		} {
			if status, _, o := w.send(c.method, path+c.path, nil); status != c.status {
				t.Errorf("%s %s: %d %v", c.method, c.path, status, o)
			}
		}
		w.want(200, "POST", path+"/sp_keys/"+ids[1]+"/promote", nil)
		if _, now := roles(); !slices.Equal(now, []string{ids[1], ids[0]}) {
			t.Errorf("after the promotion there are %q", now)
		}
		w.want(204, "DELETE", path+"/sp_keys/"+ids[0], nil)
		if _, now := roles(); !slices.Equal(now, []string{ids[1]}) {
			t.Errorf("after the removal there are %q", now)
		}
	})
}
