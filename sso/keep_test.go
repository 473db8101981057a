package sso_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"rollcall/model"
	"rollcall/model/modeltest"
	"rollcall/testidp"
)

// TestStrangersWriteNothing begins logins of every kind: nothing is stored before an identity
// provider has answered or a password was right.
func TestStrangersWriteNothing(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		var counter modeltest.Statements
		w := newWorld(t, db, counter.Options())
		w.activate(w.tenant)
		o := w.newOpenID("oidc", "oidc.example", testidp.PlainSAML, "GenericOIDC")
		by := w.newTenant("password", "password.example", testidp.PlainSAML, "GenericSAML")
		w.setPassword(w.admin(by, "admin@password.example").ID, password)
		state := strings.Repeat("é", 2048)
		for name, address := range map[string]string{
			"SAML":                    w.authorize(w.tenant, "state", state),
			"OpenID Connect":          w.authorize(o.tenant, "state", state),
			"the login link":          w.sp(w.connection, "/login"),
			"the OpenID login link":   o.login(),
			"the organization's page": w.url + "/login/contoso",
			"a password": w.authorize(by, "state", state, "connection", "", "organization",
				model.OrganizationPrefix.ID(string(by.org.ID))),
		} {
			var a answer
			for _, statement := range counter.During(func() { a = w.browser().get(address) }) {
				if !strings.HasPrefix(statement, "SELECT") {
					t.Errorf("%s: %s", name, statement)
				}
			}
			if a.status != http.StatusSeeOther {
				t.Errorf("%s: %d %s", name, a.status, a.body)
			}
		}
		b := w.browser()
		if got := b.signIn(w.tenant, ada(w.tenant), "state", state).location.Query().Get("state"); got != state {
			t.Errorf("a state of %d bytes comes back with %d", len(state), len(got))
		}
	})
}

// TestLoginsDoNotDrownTheBrowser begins one login after the other, as a hostile page could have the
// browser do. All cookies must fit into the 8 KiB of header that common proxies take.
func TestLoginsDoNotDrownTheBrowser(t *testing.T) {
	t.Parallel()
	w := one(t)
	b := w.browser()
	u, err := url.Parse(w.url)
	must(t, err)
	var sent answer
	sizes := []int{4096, 4096, 0, 10, 500, 1000, 2000, 4096}
	for i, size := range append(sizes, make([]int, 12)...) {
		sent = b.get(w.authorize(w.tenant, "state", strings.Repeat("x", size)))
		length := 0
		for _, c := range b.http.Jar.Cookies(u) {
			length += len(c.Name) + len(c.Value) + len("=; ")
			if len(c.Name)+len(c.Value) > 4096 {
				t.Errorf("%d: browsers do not keep %s", i, c.Name)
			}
		}
		if length > 7500 {
			t.Errorf("after %d logins the browser sends %d bytes of cookies", i+1, length)
		}
	}
	b.post(w.sp(w.connection, "/acs"), w.answer(t, sent, ada(w.tenant), testidp.ResponseOptions{})).code(t)
	for _, into := range []string{"image", "iframe", "empty", "script"} {
		a := w.browser().get(w.authorize(w.tenant), "Sec-Fetch-Dest", into)
		if a.status != http.StatusForbidden || len(a.header.Values("Set-Cookie")) > 0 {
			t.Errorf("embedded as %s: %d", into, a.status)
		}
	}
	if a := w.browser().get(w.authorize(w.tenant), "Sec-Fetch-Dest", "document"); !a.toProvider(w.tenant) {
		t.Errorf("%d", a.status)
	}
}
