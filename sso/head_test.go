package sso_test

import (
	"net/http"
	"strings"
	"testing"

	"rollcall/model"
	"rollcall/testidp"
)

// TestHEADUsesNothingUp: link checkers and monitors ask by HEAD. It answers where GET does, and
// leaves every login, session and answer as it was.
func TestHEADUsesNothingUp(t *testing.T) {
	t.Parallel()
	w := one(t)
	o := w.newOpenID("contoso-oidc", "oidc.example", testidp.PlainSAML, "GenericOIDC")
	saml := "/sso/saml/" + model.ConnectionPrefix.ID(w.connection.ID)
	for path, want := range map[string]int{
		saml + "/metadata": http.StatusOK, saml + "/login": http.StatusSeeOther, "/login": http.StatusOK,
		"/sso/oidc/" + o.id + "/login": http.StatusSeeOther, "/login/contoso-oidc": http.StatusSeeOther,
		"/sso/logout": http.StatusOK, "/sso/logout?token=x": http.StatusMethodNotAllowed,
		"/sso/signed-in": http.StatusUnauthorized, "/sso/oidc/" + o.id + "/callback": http.StatusMethodNotAllowed,
		saml + "/slo": http.StatusMethodNotAllowed, "/nothing": http.StatusNotFound,
	} {
		a := w.send(nil, http.MethodHead, path)
		if a.status != want || a.body != "" {
			t.Errorf("%s: %d %q, want %d", path, a.status, a.body, want)
		}
		allowed := a.header.Get("Allow")
		if a.status == http.StatusMethodNotAllowed && (allowed == "" || strings.Contains(allowed, "HEAD")) {
			t.Errorf("%s: Allow is %q", path, allowed)
		}
	}
	kind := w.send(nil, http.MethodHead, saml+"/metadata").header.Get("Content-Type")
	if !strings.Contains(kind, "saml") {
		t.Errorf("the type of metadata is %q", kind)
	}
	b := w.browser()
	back := o.answer(b.get(w.authorize(o.tenant)), ada(o.tenant))
	for range 2 {
		if a := w.send(b, http.MethodHead, back); a.status != http.StatusMethodNotAllowed {
			t.Errorf("the callback: %d", a.status)
		}
	}
	b.get(back).code(t)
	if a := w.send(b, http.MethodPut, w.url+"/login"); a.status != http.StatusMethodNotAllowed ||
		!strings.Contains(a.header.Get("Allow"), "HEAD") {
		t.Errorf("PUT: %d, Allow %q", a.status, a.header.Get("Allow"))
	}
}
