//go:build interop

package sso_test

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"rollcall/model/modeltest"
)

// TestInteropSimpleSAMLphpLogout ends sessions both ways. SimpleSAMLphp refuses logout messages
// that we do not sign, and we those of its that are not signed.
func TestInteropSimpleSAMLphpLogout(t *testing.T) {
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		w := &simpleSAMLWorld{program: startProgram(t, db), idp: startSimpleSAML(t, true, redirectBinding, postBinding)}
		w.link = w.connect(t, "with single logout", map[string]any{"idp_metadata_url": w.idp.metadata()})
		w.idp.trust(t, w.program, w.link)
		t.Run("who signs out here is signed out there", w.signOutHere)
		t.Run("a sign-out there ends the session here, and no other", w.signOutThere)
		t.Run("an altered request ends nothing there", w.alteredLogout)
		w.stop(t)
	})
}

// comeIn signs a person in without an application.
func (w *simpleSAMLWorld) comeIn(t *testing.T, name string) *visitor {
	t.Helper()
	v := newVisitor(t)
	if in := v.post(v.signIn(v.get(w.url+"/sso/saml/"+w.link.ID+"/login"), name)); in.status != http.StatusOK ||
		in.url.Path != "/sso/signed-in" {
		t.Fatalf("after the login: %s", in)
	}
	return v
}

// here reports whether a visitor has a session at Rollcall.
func (w *simpleSAMLWorld) here(v *visitor) bool {
	return v.get(w.url+"/sso/session").status == http.StatusOK
}

// there reports whether the visitor has a session at the identity provider, which then answers a
// login at once.
func (w *simpleSAMLWorld) there(v *visitor) bool {
	return v.get(w.url+"/sso/saml/"+w.link.ID+"/login").form("SAMLResponse") != nil
}

// signOut is what the button on our page does.
func (w *simpleSAMLWorld) signOut(v *visitor) page {
	return v.post(&form{action: w.url + "/sso/logout", site: "same-origin", fields: url.Values{}})
}

func (w *simpleSAMLWorld) signOutHere(t *testing.T) {
	v := w.comeIn(t, "anna")
	out := w.signOut(v)
	if out.status != http.StatusOK || out.url.Path != "/sso/saml/"+w.link.ID+"/slo" ||
		!strings.Contains(out.body, "here and at your identity provider") {
		t.Fatalf("after signing out: %s", out)
	}
	if w.here(v) || w.there(v) {
		t.Errorf("still signed in: here %v, there %v", w.here(v), w.there(v))
	}
}

func (w *simpleSAMLWorld) signOutThere(t *testing.T) {
	v, elsewhere, bo := w.comeIn(t, "anna"), w.comeIn(t, "anna"), w.comeIn(t, "bo")
	back := v.get(w.idp.url + "/saml2/idp/SingleLogoutService.php?" +
		url.Values{"ReturnTo": {w.idp.metadata()}}.Encode())
	if back.status != http.StatusOK || !strings.HasPrefix(back.url.String(), w.idp.metadata()) {
		t.Fatalf("after signing out there: %s", back)
	}
	if w.here(v) || w.there(v) {
		t.Errorf("still signed in: here %v, there %v", w.here(v), w.there(v))
	}
	if !w.here(elsewhere) || !w.here(bo) {
		t.Errorf("signed out with it: the other browser %v, somebody else %v", !w.here(elsewhere), !w.here(bo))
	}
}

// alteredLogout proves that the identity provider checks our signature, and that our messages
// follow the schema.
func (w *simpleSAMLWorld) alteredLogout(t *testing.T) {
	v := w.comeIn(t, "anna")
	stop := *v
	stop.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	sent := w.signOut(&stop).location
	deflated, err := base64.StdEncoding.DecodeString(sent.Query().Get("SAMLRequest"))
	must(t, err)
	document, err := io.ReadAll(flate.NewReader(bytes.NewReader(deflated)))
	must(t, err)
	followsSchema(t, document, "saml-schema-protocol-2.0.xsd")
	q := sent.Query()
	q.Set("RelayState", q.Get("RelayState")+"x")
	altered := *sent
	altered.RawQuery = q.Encode()
	again := *v
	again.http.CheckRedirect = nil
	w.complains(t, again.get(altered.String()), "Unable to validate signature on query string")
	if !w.there(&again) {
		t.Error("it signs out there")
	}
}
