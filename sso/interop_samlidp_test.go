//go:build interop

package sso_test

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"rollcall/model/modeltest"
)

// TestInteropSAMLIdP signs people in at saml-idp, which signs only the assertion.
func TestInteropSAMLIdP(t *testing.T) {
	p := startProgram(t, modeltest.SQLite(t))
	address, port := freePort(t)
	base := "http://" + address
	home := t.TempDir()
	key, certificate := filepath.Join(home, "key.pem"), filepath.Join(home, "certificate.pem")
	makeKey(t, key, certificate)
	// The connection exists first, since the address of the service provider has its id. It needs
	// the identity provider's entity ID for that. Its address does not change when it gets the
	// metadata.
	text, err := os.ReadFile(certificate)
	must(t, err)
	l := p.connect(t, "saml-idp", map[string]any{"idp_entity_id": "urn:example:idp",
		"idp_sso_url": base + "/saml/sso", "idp_certificates": []string{string(text)}})
	start(t, base+"/metadata", nil, "node", absolute(t, "..", ".cache", "saml-idp", "node_modules", "saml-idp", "bin",
		"run.js"),
		"--host", "127.0.0.1", "--port", port, "--acsUrl", l.SAML.ACSURL, "--audience", l.SAML.EntityID, "--issuer",
		"urn:example:idp",
		"--no-signResponse", "--key", key, "--cert", certificate, "--configFile", absolute(t, "testdata", "saml-idp",
			"config.js"))
	p.call(t, http.MethodPatch, "/connections/"+l.ID, map[string]any{"saml": map[string]any{"idp_metadata_url": base +
		"/metadata"}}, nil)

	signIn := func(t *testing.T, v *visitor, location, email string) page {
		t.Helper()
		login := v.mustForm(v.get(location), "_authnRequest")
		return v.post(v.mustForm(v.post(login, "userName", email, "email", email), "SAMLResponse"))
	}
	t.Run("the first login makes the draft active", func(t *testing.T) {
		in := signIn(t, newVisitor(t), p.url+"/sso/saml/"+l.ID+"/login", "saml@contoso.example")
		if got := p.state(t, l); in.status != http.StatusOK || in.url.Path != "/sso/signed-in" || got != "active" {
			t.Fatalf("the connection is %s: %s", got, in)
		}
	})
	t.Run("the application learns who came", func(t *testing.T) {
		status, who := p.profile(t, p.exchange(t, signIn(t, newVisitor(t), p.authorize(l), "saml@contoso.example")))
		if status != http.StatusOK || who.Email != "saml@contoso.example" || who.FirstName != "Saml" ||
			who.LastName != "O'Jackson <&>" ||
			who.IDPID != "saml@contoso.example" || !slices.Equal(who.Groups, []string{"Cloud", "West Coast"}) {
			t.Errorf("%d %+v", status, who)
		}
	})
	t.Run("a response counts once", func(t *testing.T) {
		v := newVisitor(t)
		response := v.mustForm(v.post(v.mustForm(v.get(p.authorize(l)), "_authnRequest"), "userName",
			"saml@contoso.example", "email", "saml@contoso.example"), "SAMLResponse")
		if n := response.signatures(t); n != 1 {
			t.Errorf("the response has %d signatures", n)
		}
		p.exchange(t, v.post(response))
		p.ledOn(t, v.post(response))
	})
	t.Run("an address of another domain creates no user", func(t *testing.T) {
		if back := signIn(t, newVisitor(t), p.authorize(l),
			"eve@elsewhere.example"); back.status != http.StatusForbidden {
			t.Errorf("she sees %s", back)
		}
		if reason := p.lastReason(t, l); reason != "not_provisioned" {
			t.Errorf("the login log says %q", reason)
		}
	})
	p.stop(t)
}
