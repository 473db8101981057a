package sso_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"rollcall/model/connection"
	"rollcall/model/refusal"
	"rollcall/model/signon"
	"rollcall/testidp"
)

// TestPersonSignsOutAtTheOpenIDProviderToo: our session ends first. The request to the provider
// names the provider's session, and the provider sends the browser back.
func TestPersonSignsOutAtTheOpenIDProviderToo(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		o := w.newOpenID("contoso-oidc", "oidc.example", testidp.PlainSAML, "GenericOIDC")
		signedIn := func() *browser {
			b := w.browser()
			if a := o.signIn(b, ada(o.tenant), o.login()); a.status != http.StatusSeeOther || !b.signedIn() {
				t.Fatalf("%d %s", a.status, a.body)
			}
			return b
		}
		b := signedIn()
		if a := b.submit("/sso/logout", url.Values{}); a.status != http.StatusOK || b.signedIn() {
			t.Errorf("before the connection says so, the browser is sent to %q: %d", a.location, a.status)
		}
		w.update(o.tenant, func(c *connection.ConnectionFields) { c.Logout = connection.LogoutIDP })
		b = signedIn()
		in, err := signon.Across(w.store).SessionByToken(t.Context(), b.sessionToken(t))
		must(t, err)
		hint, err := connection.In(o.org).IDToken(t.Context(), in.Session.ID)
		must(t, err)
		sent := b.submit("/sso/logout", url.Values{})
		q := sent.location.Query()
		back := w.url + "/sso/oidc/" + o.id + "/logout"
		if sent.status != http.StatusSeeOther || !strings.HasPrefix(sent.location.String(), o.server.URL+"/") ||
			q.Get("id_token_hint") != hint ||
			q.Get("client_id") != "rollcall client" || q.Get("post_logout_redirect_uri") != back ||
			q.Get("state") == "" {
			t.Fatalf("%d to %s", sent.status, sent.location)
		}
		if b.signedIn() {
			t.Error("our session waits for the provider")
		}
		other := signedIn()
		theirs := other.submit("/sso/logout", url.Values{}).location.Query().Get("state")
		for _, c := range []struct {
			name    string
			browser *browser
			state   string
			reason  refusal.Reason
		}{
			{"another browser's state", b, theirs, refusal.LogoutForeign},
			{"in another browser", other, q.Get("state"), refusal.LogoutForeign},
			{"no state", b, "", refusal.LogoutUnknown},
			{"an address as state", b, "https://evil.example/", refusal.LogoutUnknown},
			{"two slashes as state", b, "//evil.example", refusal.LogoutUnknown},
		} {
			t.Run(c.name, func(t *testing.T) {
				w.logoutRefused(o.tenant, c.browser.get(back+"?"+url.Values{"state": {c.state}}.Encode()),
					string(c.reason))
			})
		}
		if a := b.get(back + "?state=" + q.Get("state")); a.status != http.StatusOK ||
			!strings.Contains(a.body, "You are signed out") {
			t.Errorf("%d %s", a.status, a.body)
		}
		w.logoutRefused(o.tenant, b.get(back+"?state="+q.Get("state")), string(refusal.LogoutUsed))
		if a := b.get(w.sp(o.connection, "/slo")); a.status != http.StatusNotFound {
			t.Errorf("it has a single logout service of SAML: %d", a.status)
		}
	})
}

// TestOpenIDProviderThatCannotBeAsked: the session here ends all the same.
func TestOpenIDProviderThatCannotBeAsked(t *testing.T) {
	t.Parallel()
	w := one(t)
	o := w.newOpenID("contoso-oidc", "oidc.example", testidp.PlainSAML, "GenericOIDC")
	w.update(o.tenant, func(c *connection.ConnectionFields) { c.Logout = connection.LogoutIDP })
	b := w.browser()
	o.signIn(b, ada(o.tenant), o.login())
	o.server.Close()
	// A replica that has not read the provider's configuration yet.
	a := w.send(b, http.MethodPost, w.replica(t).server.URL+"/sso/logout", "Content-Type", formType, "Sec-Fetch-Site",
		"same-origin", "Accept", "text/html")
	if a.status != http.StatusOK || b.signedIn() || !strings.Contains(a.body, "you may still be signed in") {
		t.Errorf("%d to %q: %s", a.status, a.location, a.body)
	}
}
