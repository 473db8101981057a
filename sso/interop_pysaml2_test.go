//go:build interop

package sso_test

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rollcall/model/modeltest"
)

// TestInteropPysaml2 signs people in at an identity provider of pysaml2, which has xmlsec1 sign
// with SHA-256 and refuses what we do not sign.
func TestInteropPysaml2(t *testing.T) {
	p := startProgram(t, modeltest.SQLite(t))
	address, port := freePort(t)
	base, home := "http://"+address, t.TempDir()
	must(t, os.Mkdir(filepath.Join(home, "sp"), 0o700))
	makeKey(t, filepath.Join(home, "key.pem"), filepath.Join(home, "certificate.pem"))
	start(t, base+"/metadata", nil, "/usr/bin/python3", absolute(t, "testdata", "pysaml2", "idp.py"), port, home)
	l := p.connect(t, "pysaml2", map[string]any{"idp_metadata_url": base + "/metadata"})
	_, document := p.send(t, http.MethodGet, l.SAML.MetadataURL, "", "", nil)
	must(t, os.WriteFile(filepath.Join(home, "sp", "rollcall.xml"), document, 0o600))
	in := func(v *visitor, location, name string) *form {
		return v.mustForm(v.post(v.mustForm(v.get(location), "user"), "user", name), "SAMLResponse")
	}

	t.Run("the first login makes the draft active", func(t *testing.T) {
		v := newVisitor(t)
		response := in(v, p.url+"/sso/saml/"+l.ID+"/login", "anna")
		if n := response.signatures(t); n != 2 {
			t.Errorf("the response has %d signatures", n)
		}
		if back := v.post(response); back.status != http.StatusOK || back.url.Path != "/sso/signed-in" {
			t.Fatalf("after the login: %s", back)
		}
		if got := p.state(t, l); got != "active" {
			t.Errorf("the connection is %s", got)
		}
	})
	t.Run("the application learns who came", func(t *testing.T) {
		v := newVisitor(t)
		status, who := p.profile(t, p.exchange(t, v.post(in(v, p.authorize(l), "anna"))))
		if status != http.StatusOK || who.IDPID != "id-of-anna" || who.Email != "anna@contoso.example" ||
			who.FirstName != "Anna" || who.LastName != "Bergström & Söhne" {
			t.Errorf("%d %+v", status, who)
		}
	})
	t.Run("an altered request is refused there", func(t *testing.T) {
		stop := *newVisitor(t)
		stop.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		sent := stop.get(p.authorize(l)).location
		q := sent.Query()
		q.Set("RelayState", q.Get("RelayState")+"x")
		sent.RawQuery = q.Encode()
		if there := newVisitor(t).get(sent.String()); there.status != http.StatusBadRequest ||
			!strings.Contains(there.body, "not signed by the service provider") {
			t.Errorf("%s", there)
		}
	})
	t.Run("a login that starts there begins a login here when it is allowed", func(t *testing.T) {
		tile := base + "/tile?" + url.Values{"sp": {l.SAML.EntityID}}.Encode()
		v := newVisitor(t)
		if back := v.post(in(v, tile, "bo")); back.status != http.StatusForbidden {
			t.Errorf("where it is not allowed: %s", back)
		}
		if reason := p.lastReason(t, l); reason != "unsolicited" {
			t.Errorf("the login log says %q", reason)
		}
		p.call(t, http.MethodPatch, "/connections/"+l.ID, map[string]any{"allow_idp_initiated": true}, nil)
		asked := v.post(in(v, tile, "bo"))
		if !strings.HasPrefix(asked.location.String(), initiate+"?") ||
			asked.location.Query().Get("connection") != l.ID {
			t.Fatalf("the application is not asked: %s", asked)
		}
		if _, who := p.profile(t, p.exchange(t, v.post(in(v, p.authorize(l),
			"bo")))); who.Email != "bo@contoso.example" {
			t.Errorf("%+v signed in", who)
		}
	})
	p.stop(t)
}
