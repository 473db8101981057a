//go:build interop

package sso_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"rollcall/model/modeltest"
)

// TestInteropSimpleSAMLphpEncrypts: what SimpleSAMLphp encrypts is opened, with our first key and
// with the next one.
func TestInteropSimpleSAMLphpEncrypts(t *testing.T) {
	w := &simpleSAMLWorld{program: startProgram(t, modeltest.SQLite(t)), idp: startSimpleSAML(t, true, redirectBinding)}
	must(t, os.WriteFile(filepath.Join(w.idp.home, "encrypt"), nil, 0o600))
	w.link = w.connect(t, "encrypting", map[string]any{"idp_metadata_url": w.idp.metadata(), "allow_encrypted": "gcm"})
	path := "/connections/" + w.link.ID
	signIn := func() page {
		t.Helper()
		w.idp.trust(t, w.program, w.link)
		v := newVisitor(t)
		return v.post(v.signIn(v.get(w.url+"/sso/saml/"+w.link.ID+"/login"), "anna"))
	}
	w.refused(t, signIn(), "weak_encryption") // it has nothing but CBC
	w.call(t, http.MethodPatch, path, map[string]any{"saml": map[string]any{"allow_encrypted": "cbc"}}, nil)
	succeeds := func(when string) {
		t.Helper()
		if in := signIn(); in.status != http.StatusOK || in.url.Path != "/sso/signed-in" {
			t.Fatalf("%s: %s %s", when, in, w.lastReason(t, w.link))
		}
	}
	succeeds("with the first key")
	type key struct{ ID string }
	var first struct{ Data []key }
	var next key
	w.call(t, http.MethodGet, path+"/sp_keys", nil, &first)
	w.call(t, http.MethodPost, path+"/sp_keys", nil, &next)
	succeeds("with a key that stands by")
	w.call(t, http.MethodPost, path+"/sp_keys/"+next.ID+"/promote", nil, nil)
	succeeds("with the next key")
	status, body := w.send(t, http.MethodDelete, w.url+path+"/sp_keys/"+first.Data[0].ID, w.key, "", nil)
	if status != http.StatusNoContent {
		t.Fatalf("%d %s", status, body)
	}
	succeeds("without the first key")
	w.call(t, http.MethodPatch, path, map[string]any{"saml": map[string]any{"allow_encrypted": "off"}}, nil)
	v := newVisitor(t)
	p := v.get(w.url + "/sso/saml/" + w.link.ID + "/login")
	w.refused(t, v.post(v.signIn(p, "anna")), "encrypted_assertion") // it still has our metadata with a key for that
	w.stop(t)
}
