package api_test

import (
	"bytes"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"log/slog"
	"maps"
	"math/big"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/modeltest"
	"rollcall/model/signon"
	"rollcall/model/store"
	"rollcall/testidp"
)

// idps are the applications of a test identity provider, each with its own entity ID and key. They
// are made only once, because keys take long.
var idps = sync.OnceValues(func() ([]*testidp.Application, error) {
	s, err := testidp.New(
		testidp.Options{Applications: []testidp.ApplicationOptions{{Name: "first"}, {Name: "second"}}})
	if err != nil {
		return nil, err
	}
	return s.Applications(), nil
})

func idp(t *testing.T, number int) *testidp.Application {
	t.Helper()
	return must[[]*testidp.Application](t)(idps())[number]
}

func metadata(t *testing.T, number int) string {
	t.Helper()
	return string(idp(t, number).SAMLMetadata())
}

// connect makes a connection from metadata.
func (w *world) connect(c *client, organization string, more object) object {
	w.t.Helper()
	body := object{"organization_id": organization, "name": "Contoso", "connection_type": "GenericSAML",
		"saml": object{"idp_metadata_xml": metadata(w.t, 0)}}
	for name, value := range more {
		body[name] = value
	}
	return c.want(201, "POST", "/connections", body)
}

// signIn signs a user in at a connection, as the service provider does after it has verified a
// response.
func (t tenant) signIn(w *world, conn, subject, email string) *signon.SignInResult {
	w.t.Helper()
	id, _ := model.ConnectionPrefix.Parse(conn)
	ctx := w.t.Context()
	c := must[*connection.Connection](w.t)(connection.In(t.org).Connection(ctx, id))
	login := &signon.Login{ConnectionID: id, RequestID: "_" + subject + email, BrowserHash: []byte("browser")}
	signon.In(t.org).StartLogin(login)
	return must[*signon.SignInResult](w.t)(signon.In(t.org).SignIn(ctx, signon.SignIn{
		Connection: c, Login: login, AssertionID: "_" + login.ID, ReplayUntil: 1 << 60,
		Claims: signon.Claims{Issuer: c.IDPEntityID, Subject: subject, NameID: subject, Email: email,
			EmailVerified: true},
		Attempt: signon.LoginAttempt{Reference: "r-" + subject, Address: "192.0.2.1"},
	}))
}

func TestConnection(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		tenant := w.tenant(w.client, "contoso")
		o := w.connect(w.client, tenant.organization, nil)
		path := "/connections/" + o.text("id")
		first := idp(t, 0)

		t.Run("a new one is a draft with all that the identity provider needs", func(t *testing.T) {
			base := publicURL + "/sso/saml/" + o.text("id")
			saml, _ := o["saml"].(map[string]any)
			certificates := saml["idp_certificates"]
			delete(saml, "idp_certificates")
			delete(saml, "certificates") // TestCertificatesAreShown
			want := map[string]any{"sp_entity_id": base + "/metadata", "acs_url": base + "/acs",
				"sp_metadata_url": base + "/metadata",
				"idp_entity_id":   first.SAMLEntityID(), "idp_sso_url": first.SAMLSignOnURL(), "idp_metadata_url": nil,
				"slo_url": base + "/slo", "idp_slo_url": first.SAMLLogoutURL(),
				"metadata": nil, "sign_requests": true, "allow_encrypted": "off", "name_id_format": nil,
				"refuse_expired_certificates": false}
			if diff := cmp.Diff(want, saml); diff != "" {
				t.Error(diff)
			}
			certificate := first.Certificate()
			wantCertificates := []any{
				map[string]any{"fingerprint_sha256": fingerprint(certificate), "subject": certificate.Subject.String(),
					"not_before": model.TimeOf(certificate.NotBefore).String(),
					"not_after":  model.TimeOf(certificate.NotAfter).String()}}
			if diff := cmp.Diff(wantCertificates, certificates); diff != "" {
				t.Error(diff)
			}
			for name, value := range map[string]any{"state": "draft", "status": "unlinked", "name": "Contoso",
				"connection_type": "GenericSAML",
				"organization_id": tenant.organization, "allow_idp_initiated": false, "application_id": nil,
				"subject_attribute":  nil,
				"username_attribute": nil, "trust_email": false, "reauthentication": "enforced", "logout": "idp"} {
				if got, ok := o[name]; !ok || got != value {
					t.Errorf("%s is %v, want %v", name, got, value)
				}
			}
			if o.text("domains.0.domain") != "contoso.example" {
				t.Errorf("domains %v", o["domains"])
			}
		})
		t.Run("it is shown again, alone and in the list", func(t *testing.T) {
			alone := w.get(path)
			if diff := cmp.Diff(map[string]any(alone), w.get("/connections").at("data.0")); diff != "" {
				t.Error(diff)
			}
			if alone.text("saml.idp_certificates.0.fingerprint_sha256") != fingerprint(first.Certificate()) {
				t.Errorf("got %v", alone)
			}
		})
		t.Run("one login makes it active", func(t *testing.T) {
			tenant.signIn(w, o.text("id"), "ada", "ada@contoso.example")
			if o := w.get(path); o.text("state") != "active" || o.text("status") != "linked" {
				t.Errorf("got %v", o)
			}
		})
		t.Run("it is deleted", func(t *testing.T) {
			w.want(204, "DELETE", path, nil)
			w.want(404, "GET", path, nil)
			w.want(404, "DELETE", path, nil)
			if got := w.get("/connections").ids(); len(got) != 0 {
				t.Errorf("still listed: %v", got)
			}
		})
	})
}

func TestListConnections(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		contoso, fabrikam := w.tenant(w.client, "contoso").organization, w.tenant(w.client, "fabrikam").organization
		a := w.connect(w.client, contoso, nil).text("id")
		b := w.connect(w.client, contoso, object{"name": "Backup", "connection_type": "OktaSAML"}).text("id")
		c := w.connect(w.client, fabrikam, object{"connection_type": "AzureSAML"}).text("id")
		for query, want := range map[string]string{
			"": c + b + a, "order=asc": a + b + c, "limit=1": c, "after=" + b: a,
			"organization_id=" + contoso: b + a, "domain=FABRIKAM.example": c, "domain=nowhere.example": "",
			"search=BACK": b, "connection_type=OktaSAML": b, "connection_type=OktaOIDC": "",
			"connection_type=GenericSAML&organization_id=" + fabrikam: "",
		} {
			if got := strings.Join(w.get("/connections?"+query).ids(), ""); got != want {
				t.Errorf("%q lists %s, want %s", query, got, want)
			}
		}
		if o := w.get("/connections/" + c); o.text("subject_attribute") != connection.EntraObjectID {
			t.Errorf("a connection to Entra ID begins with %v", o)
		}
	})
}

// TestUpdateConnection checks that an update changes only the members that are sent.
func TestUpdateConnection(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		tenant := w.tenant(w.client, "contoso")
		id := w.connect(w.client, tenant.organization, nil).text("id")
		path := "/connections/" + id
		app := w.applicationOf(w.application("all"))
		in := tenant.signIn(w, id, "ada", "ada@contoso.example")
		patch := func(body object) object { t.Helper(); return w.want(200, "PATCH", path, body) }

		for name, value := range map[string]any{
			"name": "Renamed", "allow_idp_initiated": true, "application_id": app, "subject_attribute": "uid",
			"username_attribute": "upn", "trust_email": true, "reauthentication": "requested", "logout": "local",
		} {
			t.Run("only "+name, func(t *testing.T) {
				want := w.get(path)
				want[name] = value
				if slices.Contains([]string{"subject_attribute", "username_attribute", "trust_email"}, name) {
					want["rollcall"] = map[string]any{"tested_at": nil} // a login depends on it
				}
				got := patch(object{name: value})
				delete(want, "updated_at")
				delete(got, "updated_at")
				if diff := cmp.Diff(want, got); diff != "" {
					t.Error(diff)
				}
			})
		}
		t.Run("null takes back what may be missing, and leaves the rest", func(t *testing.T) {
			o := patch(object{"subject_attribute": nil, "username_attribute": nil, "application_id": nil, "name": nil,
				"saml": nil, "accounts": nil, "oidc": nil})
			if o["subject_attribute"] != nil || o["username_attribute"] != nil || o["application_id"] != nil ||
				o["name"] != "Renamed" {
				t.Errorf("got %v", o)
			}
		})
		t.Run("what was read and can be set may be sent back", func(t *testing.T) {
			before := w.get(path)
			sent := maps.Clone(before)
			for _, readOnly := range []string{"saml", "id", "object", "status", "domains", "rollcall", "created_at",
				"updated_at"} {
				delete(sent, readOnly) // saml has fingerprints instead of certificates
			}
			if after := patch(sent); after.text("state") != "active" {
				t.Errorf("got %v", after)
			}
			after := w.get(path)
			if diff := cmp.Diff(before, after); diff != "" {
				t.Error(diff)
			}
		})
		t.Run("new certificates leave it active and people signed in", func(t *testing.T) {
			o := patch(object{"saml": object{"idp_certificates": []string{pemOf(idp(t, 1).Certificate())}}})
			if o.text("state") != "active" {
				t.Errorf("got %v", o)
			}
			must[*signon.SignedIn](t)(signon.Across(w.store).SessionByToken(t.Context(), in.SessionToken))
		})
		t.Run("another identity provider makes it a draft and signs everybody out", func(t *testing.T) {
			o := patch(object{"saml": object{"idp_metadata_xml": metadata(t, 1)}})
			if o.text("state") != "draft" || o.text("saml.idp_entity_id") != idp(t, 1).SAMLEntityID() {
				t.Errorf("got %v", o)
			}
			if _, err := signon.Across(w.store).SessionByToken(t.Context(), in.SessionToken); err == nil {
				t.Error("the session is still good")
			}
			e := w.get("/events?events=connection.deactivated,user.access_ended")
			if e.text("data.0.data.id") != id || e.text("data.1.data.reason") != "connection_changed" {
				t.Errorf("got %v", e)
			}
		})
	})
}

// TestBadConnection expects an error with the wrong field, and no change.
func TestBadConnection(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		tenant, other := w.tenant(w.client, "contoso"), w.tenant(w.client, "fabrikam")
		path := "/connections/" + w.connect(w.client, tenant.organization, nil).text("id")
		elsewhere := w.applicationOf(w.application([]string{other.organization}))
		before := w.get("/connections")
		long := strings.Repeat("x", 501)
		const post, patch, both = "POST", "PATCH", "POST PATCH"
		for _, test := range []struct {
			name, calls, member string
			value               any // of the member; the others are right
			status              int
			field               string
		}{
			{"no organization", post, "organization_id", nil, 422, "organization_id"},
			{"an unknown organization", post, "organization_id", "org_" + anID, 404, ""},
			{"another organization", patch, "organization_id", other.organization, 422, "organization_id"},
			{"an organization of the wrong type", both, "organization_id", 1, 422, "organization_id"},
			{"no name", post, "name", nil, 422, "name"},
			{"a blank name", both, "name", " ", 422, "name"},
			{"no type", post, "connection_type", nil, 422, "connection_type"},
			{"an unknown type", post, "connection_type", "LDAP", 422, "connection_type"},
			{"OpenID Connect", both, "connection_type", "GenericOIDC", 422, "connection_type"},
			{"OpenID Connect in the reference's other spelling", both, "connection_type", "AdpOidc", 422,
				"connection_type"},
			{"another type", patch, "connection_type", "OktaSAML", 422, "connection_type"},
			{"settings of OpenID Connect", both, "oidc", object{"issuer": "https://idp.example"}, 422, "oidc"},
			{"empty ones", both, "oidc", object{}, 422, "oidc"},
			{"accounts", both, "accounts", []string{"acct_1"}, 422, "accounts"},
			{"accounts of the wrong type", both, "accounts", "all", 422, "accounts"},
			{"half an identity provider", post, "saml", object{"idp_entity_id": "https://idp.example"}, 422,
				"saml.idp_sso_url"},
			{"a wish of the wrong type", both, "allow_idp_initiated", "yes", 422, "allow_idp_initiated"},
			{"an application that does not serve the organization", both, "application_id", elsewhere, 422,
				"application_id"},
			{"an application that is unknown", both, "application_id", "app_" + anID, 422, "application_id"},
			{"no application's id", both, "application_id", tenant.organization, 422, "application_id"},
			{"an application of the wrong type", both, "application_id", []string{}, 422, "application_id"},
			{"a subject attribute without end", both, "subject_attribute", long, 422, "subject_attribute"},
			{"a username attribute without end", both, "username_attribute", long, 422, "username_attribute"},
			{"an attribute of the wrong type", both, "username_attribute", 1, 422, "username_attribute"},
			{"an unknown logout", both, "logout", "global", 422, "logout"},
			{"an unknown reauthentication", both, "reauthentication", "never", 422, "reauthentication"},
		} {
			t.Run(test.name, func(t *testing.T) {
				for method := range strings.FieldsSeq(test.calls) {
					body := object{"organization_id": tenant.organization, "name": "Renamed",
						"connection_type": "GenericSAML",
						"saml":            object{"idp_metadata_xml": metadata(t, 1)}, test.member: test.value}
					status, _, o := w.send(method, map[string]string{post: "/connections", patch: path}[method], body)
					if status != test.status || o.text("errors.0.field") != test.field {
						t.Errorf("%s answers %d %v, want %d about %q", method, status, o, test.status, test.field)
					}
				}
			})
		}
		if diff := cmp.Diff(before, w.get("/connections")); diff != "" {
			t.Errorf("something was written: %s", diff)
		}
	})
}

// TestConnectionKey checks that the key of a connection fits its certificate and appears in no
// answer and no log.
func TestConnectionKey(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		var logged bytes.Buffer
		log := slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
		w := startLogged(t, modeltest.Open(t, db, store.Options{Log: log}), log)
		tenant := w.tenant(w.client, "contoso")
		id := w.connect(w.client, tenant.organization, nil).text("id")
		stored, _ := model.ConnectionPrefix.Parse(id)
		c := must[*connection.Connection](t)(connection.In(tenant.org).Connection(t.Context(), stored))
		pkcs8 := must[[]byte](t)(connection.Across(w.store).ConnectionKey(c))
		key := must[any](t)(x509.ParsePKCS8PrivateKey(pkcs8)).(*rsa.PrivateKey)
		block, _ := pem.Decode([]byte(c.SPCertificate))
		certificate := must[*x509.Certificate](t)(x509.ParseCertificate(block.Bytes))
		if !key.PublicKey.Equal(certificate.PublicKey) || certificate.Subject.CommonName != id {
			t.Errorf("the certificate of %s is not the key's", certificate.Subject)
		}

		tenant.signIn(w, id, "ada", "ada@contoso.example")
		w.send("PATCH", "/connections/"+id, object{"saml": object{"idp_metadata_xml": "<broken"}})
		var seen strings.Builder
		for _, path := range []string{"/connections", "/connections/" + id, "/connections/" + id + "/login_attempts",
			"/events?limit=100"} {
			seen.WriteString(string(must[[]byte](t)(json.Marshal(w.get(path)))))
		}
		w.want(204, "DELETE", "/connections/"+id, nil)
		seen.WriteString(logged.String())
		if !strings.Contains(seen.String(), id) {
			t.Fatal("nothing was seen of the connection")
		}
		for _, secret := range [][]byte{pkcs8, key.D.Bytes(), key.Primes[0].Bytes(), c.SPKey} {
			for _, form := range []string{base64.StdEncoding.EncodeToString(secret),
				base64.RawURLEncoding.EncodeToString(secret),
				hex.EncodeToString(secret), new(big.Int).SetBytes(secret).String(), "PRIVATE KEY"} {
				if strings.Contains(seen.String(), form[:min(40, len(form))]) {
					t.Errorf("%.10s… is in an answer", form)
				}
			}
		}
	})
}

func fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return hex.EncodeToString(sum[:])
}

// failSignIn records a refused login, as the service provider does.
func (t tenant) failSignIn(w *world, connection string, a signon.LoginAttempt) {
	w.t.Helper()
	a.ConnectionID, _ = model.ConnectionPrefix.Parse(connection)
	if kept := must[bool](w.t)(signon.In(t.org).RecordFailedLogin(w.t.Context(), a, "Ask your administrator.")); !kept {
		w.t.Fatal("the refusal was not kept")
	}
}
