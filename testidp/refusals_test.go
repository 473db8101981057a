package testidp_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/crewjam/saml"

	"rollcall/testidp"
)

func TestHostileRequestsAreRefused(t *testing.T) {
	t.Parallel()
	i := newSignOnIDP(t, testidp.PlainSAML)
	sso := func(document string) string {
		return i.SAMLSignOnURL() + "?" + url.Values{"SAMLRequest": {deflated(t, []byte(document))}}.Encode()
	}
	changed := func(change func(*saml.AuthnRequest)) string { _, a := i.request(t, change); return a }
	genuine := changed(nil)
	for name, tt := range map[string]struct{ address, says string }{
		"an ACS URL of somebody else": {
			changed(func(q *saml.AuthnRequest) { q.AssertionConsumerServiceURL = "https://evil.example/acs" }),
			"evil.example"},
		"another issuer": {changed(func(q *saml.AuthnRequest) { q.Issuer.Value = "https://evil.example" }),
			"connected is"},
		"another destination": {changed(func(q *saml.AuthnRequest) { q.Destination = "https://evil.example/sso" }),
			"The AuthnRequest is for"},
		"another binding": {changed(func(q *saml.AuthnRequest) { q.ProtocolBinding = saml.HTTPArtifactBinding }),
			"only"},
		"another version":    {changed(func(q *saml.AuthnRequest) { q.Version = "1.1" }), "version"},
		"no ID":              {changed(func(q *saml.AuthnRequest) { q.ID = "" }), "no usable ID"},
		"an ID with markup":  {changed(func(q *saml.AuthnRequest) { q.ID = `"><script>` }), "no usable ID"},
		"a DOCTYPE":          {sso(`<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>`), "DOCTYPE"},
		"another document":   {sso(`<Response/>`), "cannot be read"},
		"no XML":             {sso("<a"), "not well-formed"},
		"nested without end": {sso(strings.Repeat("<a>", 20000)), "cannot be read"},
		"a deflate bomb":     {sso(strings.Repeat(" ", 16<<20)), "more than 65536 bytes"},
		"a boolean that is none": {
			sso(`<AuthnRequest xmlns="urn:oasis:names:tc:SAML:2.0:protocol" ForceAuthn="maybe"/>`),
			"neither true nor false"},
		"not deflated":  {i.SAMLSignOnURL() + "?SAMLRequest=PGEvPg%3D%3D", "inflated"},
		"not in base64": {i.SAMLSignOnURL() + "?SAMLRequest=%25", "base64"},
		"no request":    {i.SAMLSignOnURL(), "no SAMLRequest"},
		"a long RelayState": {strings.Replace(genuine, "RelayState=", "RelayState="+strings.Repeat("x", 1<<10), 1),
			"RelayState"},
		"nobody of that name": {genuine + "&person=mallory", "no such person"},
		"no name":             {genuine, "Name who signs in"},
	} {
		answer, status := i.script(t, http.MethodGet, tt.address)
		if status < 400 || status > 499 || !strings.Contains(answer["error"], tt.says) ||
			answer["saml_response"] != "" {
			t.Errorf("%s: answers %d %v, want an error that says %q", name, status, answer, tt.says)
		}
	}
	if page, status := i.get(t, changed(func(q *saml.AuthnRequest) { q.ID = "" })); status != http.StatusBadRequest ||
		!strings.Contains(page, "no usable ID") {
		t.Errorf("a browser is answered %d", status)
	}
	large := url.Values{"SAMLRequest": {strings.Repeat("A", 80<<10)}}
	if _, status := i.post(t, "/applications/1/saml/sso", large, "cross-site"); status != http.StatusBadRequest {
		t.Errorf("an oversized form answers %d, want 400", status)
	}
	r, err := http.NewRequest(http.MethodGet, genuine, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "evil.example"
	if _, status := i.send(t, r, nil); status != http.StatusForbidden {
		t.Errorf("another host name answers %d, want 403", status)
	}
}

func TestOtherSitesCannotSignAnybodyIn(t *testing.T) {
	t.Parallel()
	i := newSignOnIDP(t, testidp.PlainSAML)
	_, address := i.request(t, nil)
	page, _ := i.get(t, address)
	form := fields(page)
	form.Set("person", "amara.okafor")
	forged := url.Values{"person": {"amara.okafor"}, "SAMLRequest": form["SAMLRequest"], "token": {"guess"}}
	for _, path := range []string{"sign-in", "open", "sign-out", "connect"} {
		if _, status := i.post(t, "/applications/1/saml/"+path, form, "cross-site"); status != http.StatusForbidden {
			t.Errorf("%s from another site answers %d", path, status)
		}
		if _, status := i.post(t, "/applications/1/saml/"+path, forged, "same-origin"); status != http.StatusForbidden {
			t.Errorf("%s without the token answers %d", path, status)
		}
	}
	r, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Cookie", "northwind="+base64.RawURLEncoding.EncodeToString([]byte("amara.okafor|1"))+".c2VhbA")
	if page, _ := i.send(t, r, nil); !asks(page) {
		t.Error("a cookie that was made up signs in")
	}
}
