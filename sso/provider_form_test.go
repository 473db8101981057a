package sso_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"rollcall/model/organization"
)

// TestRequestsByForms keep out of addresses what nobody reads there, and ID tokens: addresses are
// written into logs and histories, and a form is chosen because of that.
func TestRequestsByForms(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.activate(w.tenant)
		w.changeApp(func(a *organization.ApplicationFields) { a.PostLogoutRedirectURIs = []string{afterwards} })
		b, other := w.browser(), w.browser()
		hint := w.opened(b.signInAt(w.openID()).code(t))["id_token"].(string)
		foreign := w.opened(other.comesBack(other.get(w.openID()), person(w.tenant, 1)).code(t))["id_token"].(string)
		sends := func(b *browser, path, address, hint string) string {
			asked, err := url.Parse(address)
			must(t, err)
			form := asked.Query()
			form.Set("id_token_hint", hint)
			form.Set("client_secret", "a mistake")
			a := b.post(w.url+path, form)
			if a.status != 303 || a.location.Path != path || strings.Contains(a.location.String(), hint) ||
				strings.Contains(a.location.String(), "mistake") {
				t.Fatalf("%s: %d to %s", path, a.status, a.location)
			}
			return a.location.String()
		}
		const authorize, logout = "/oauth2/authorize", "/oauth2/logout"
		for name, c := range map[string]struct{ hint, want string }{
			"of the session":     {hint, ""},
			"of somebody else":   {foreign, "login_required"},
			"damaged":            {hint + "x", "invalid_request"},
			"no token":           {"no-token", "invalid_request"},
			"damaged and sealed": {strings.Repeat("seal", 40), "invalid_request"},
		} {
			a := b.get(sends(b, authorize, w.openID("prompt", "none"), c.hint))
			if got := a.location.Query(); got.Get("error") != c.want || got.Has("code") != (c.want == "") {
				t.Errorf("a hint %s: %d to %s, want %q", name, a.status, a.location, c.want)
			}
		}
		if a := b.post(w.url+authorize, url.Values{"client_id": {w.clientID()}, "redirect_uri": {callback},
			"request": {"a.secret.object"}}); strings.Contains(a.location.String(), "secret") ||
			b.get(a.location.String()).location.Query().Get("error") != "request_not_supported" {
			t.Errorf("a request object: %s", a.location)
		}
		if a := b.get(sends(b, logout, w.logoutAddress(), foreign)); !strings.Contains(a.body, "Sign out?") {
			t.Errorf("a hint of another browser: %d to %s", a.status, a.location)
		}
		late := sends(b, logout, w.logoutAddress(), hint)
		w.clock.Advance(10 * time.Minute)
		if a := b.get(late); !strings.Contains(a.body, "Sign out?") {
			t.Errorf("ten minutes later: %d to %s", a.status, a.location)
		}
		now := b.get(sends(b, logout, w.logoutAddress(), hint))
		if !strings.HasPrefix(now.location.String(), afterwards+"?state=a") || b.signedIn() {
			t.Errorf("%d to %s", now.status, now.location)
		}
	})
}
