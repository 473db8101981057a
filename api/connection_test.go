package api_test

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/testidp"
)

// idps are the applications of a test identity provider, each with an entity ID and a key of its
// own. They are made once: keys take long.
var idps = sync.OnceValues(func() ([]*testidp.Application, error) {
	s, err := testidp.New(testidp.Options{Applications: []testidp.ApplicationOptions{{Name: "first"}, {Name: "second"}}})
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

// signIn signs somebody in at a connection, as the service provider does once a response is verified.
func (t tenant) signIn(w *world, connection, subject, email string) *model.SignedUp {
	w.t.Helper()
	id, _ := model.ConnectionPrefix.Parse(connection)
	ctx := w.t.Context()
	c := must[*model.Connection](w.t)(t.org.Connection(ctx, id))
	login := &model.Login{ConnectionID: id, RequestID: "_" + subject + email, BrowserHash: []byte("browser")}
	if err := t.org.StartLogin(ctx, login); err != nil {
		w.t.Fatal(err)
	}
	return must[*model.SignedUp](w.t)(t.org.SignIn(ctx, model.SignIn{
		Connection: c, Login: login, AssertionID: "_" + login.ID, ReplayUntil: 1 << 60,
		Claims:  model.Claims{Issuer: c.IDPEntityID, Subject: subject, NameID: subject, Email: email, EmailVerified: true},
		Attempt: model.LoginAttempt{Reference: "r-" + subject, Address: "192.0.2.1"},
	}))
}

func TestConnection(t *testing.T) {
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
			want := map[string]any{"sp_entity_id": base + "/metadata", "acs_url": base + "/acs", "sp_metadata_url": base + "/metadata",
				"idp_entity_id": first.SAMLEntityID(), "idp_sso_url": first.SAMLSignOnURL(), "idp_metadata_url": nil}
			if diff := cmp.Diff(want, saml); diff != "" {
				t.Error(diff)
			}
			certificate := first.Certificate()
			wantCertificates := []any{map[string]any{"fingerprint_sha256": fingerprint(certificate), "subject": certificate.Subject.String(),
				"not_before": model.TimeOf(certificate.NotBefore).String(), "not_after": model.TimeOf(certificate.NotAfter).String()}}
			if diff := cmp.Diff(wantCertificates, certificates); diff != "" {
				t.Error(diff)
			}
			for name, value := range map[string]any{"state": "draft", "status": "unlinked", "name": "Contoso", "connection_type": "GenericSAML",
				"organization_id": tenant.organization, "allow_idp_initiated": false, "application_id": nil, "subject_attribute": nil,
				"username_attribute": nil, "trust_email": false, "reauthentication": "enforced"} {
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
		if o := w.get("/connections/" + c); o.text("subject_attribute") != model.EntraObjectID {
			t.Errorf("a connection to Entra ID begins with %v", o)
		}
	})
}

func fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return hex.EncodeToString(sum[:])
}

// failSignIn notes a refused login, as the service provider does.
func (t tenant) failSignIn(w *world, connection string, a model.LoginAttempt) {
	w.t.Helper()
	a.ConnectionID, _ = model.ConnectionPrefix.Parse(connection)
	if kept := must[bool](w.t)(t.org.RecordFailedLogin(w.t.Context(), a, "Ask your administrator.")); !kept {
		w.t.Fatal("the refusal was not kept")
	}
}
