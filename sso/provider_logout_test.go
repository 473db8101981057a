package sso_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"rollcall/model"
	"rollcall/model/organization"
)

const afterwards = "https://app.example/bye"

// logoutAddress is the address of a sign-out at the wish of an application.
func (w *world) logoutAddress(parts ...string) string {
	q := url.Values{"post_logout_redirect_uri": {afterwards}, "state": {"a state"}}
	for i := 0; i < len(parts); i += 2 {
		q.Set(parts[i], parts[i+1])
		if parts[i+1] == "" {
			q.Del(parts[i])
		}
	}
	return w.url + "/oauth2/logout?" + q.Encode()
}

// TestLogoutOfAnApplication: an ID token of this browser's session signs out at once, and anything
// else asks.
func TestLogoutOfAnApplication(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.activate(w.tenant)
		w.changeApp(func(a *organization.ApplicationFields) { a.PostLogoutRedirectURIs = []string{afterwards} })
		foreign := &organization.Application{ApplicationFields: organization.ApplicationFields{Name: "Billing",
			AllOrganizations: true, RedirectURIs: []string{callback}}}
		_, err := organization.Across(w.store).CreateApplication(t.Context(), foreign, nil)
		must(t, err)
		other := w.browser()
		elsewhere := w.opened(other.signInAt(w.openID()).code(t))["id_token"].(string)
		for name, c := range map[string]struct {
			ask  func(hint string) []string
			want string // out, asks, page
		}{
			"a hint": {func(hint string) []string { return []string{"id_token_hint", hint} }, "out"},
			"a hint and the client": {func(hint string) []string {
				return []string{"id_token_hint", hint, "client_id", w.clientID()}
			}, "out"},
			"a hint and another client": {func(hint string) []string {
				return []string{"id_token_hint", hint, "client_id", model.ApplicationPrefix.ID(foreign.ID)}
			}, "asks"},
			"a hint of another browser": {func(string) []string { return []string{"id_token_hint", elsewhere} },
				"asks"},
			"a damaged hint": {func(hint string) []string { return []string{"id_token_hint", hint + "x"} },
				"asks"},
			"no hint":          {func(string) []string { return nil }, "asks"},
			"the client alone": {func(string) []string { return []string{"client_id", w.clientID()} }, "asks"},
			"an unregistered address": {func(hint string) []string {
				return []string{"id_token_hint", hint, "post_logout_redirect_uri", afterwards + "/"}
			}, "page"},
			"no address": {func(hint string) []string {
				return []string{"id_token_hint", hint, "post_logout_redirect_uri", ""}
			}, "page"},
		} {
			b := w.browser()
			hint := w.opened(b.signInAt(w.openID()).code(t))["id_token"].(string)
			location := w.logoutAddress(c.ask(hint)...)
			if a := w.send(b, http.MethodHead, location); a.status != http.StatusMethodNotAllowed || !b.signedIn() {
				t.Errorf("%s: HEAD answers %d", name, a.status)
			}
			a := b.get(location)
			back := strings.HasPrefix(a.location.String(), afterwards+"?") &&
				a.location.Query().Get("state") == "a state"
			switch c.want {
			case "out":
				if !back || b.signedIn() {
					t.Errorf("%s: %d to %q", name, a.status, a.location)
				}
			case "page":
				if a.status != http.StatusOK || a.location.String() != "" || b.signedIn() {
					t.Errorf("%s: %d to %q", name, a.status, a.location)
				}
			case "asks":
				if a.status != http.StatusOK || !strings.Contains(a.body, "Sign out?") || !b.signedIn() {
					t.Fatalf("%s: %d to %q", name, a.status, a.location)
				}
				a = b.submit("/sso/logout", fields(t, a.body))
				known := name == "the client alone" || name == "a hint of another browser"
				if b.signedIn() || strings.HasPrefix(a.location.String(), afterwards) != known {
					t.Errorf("%s, agreed: %d to %q", name, a.status, a.location)
				}
			}
		}
	})
}

// TestLogoutHintIsKnownForLong: an ID token says who signs out long after it and its key are old.
func TestLogoutHintIsKnownForLong(t *testing.T) {
	t.Parallel()
	w := one(t)
	w.changeApp(func(a *organization.ApplicationFields) { a.PostLogoutRedirectURIs = []string{afterwards} })
	b := w.browser()
	hint := w.opened(b.signInAt(w.openID()).code(t))["id_token"].(string)
	asked, err := url.Parse(w.logoutAddress("id_token_hint", hint))
	must(t, err)
	posted := b.post(w.url+"/oauth2/logout", asked.Query())
	if a := b.get(posted.location.String()); !strings.HasPrefix(a.location.String(), afterwards+"?") {
		t.Errorf("by a form: %d to %q", a.status, a.location)
	}
	w.clock.Advance(200 * 24 * time.Hour)
	if a := b.get(w.logoutAddress("id_token_hint", hint)); !strings.HasPrefix(a.location.String(), afterwards+"?") {
		t.Errorf("%d to %q", a.status, a.location)
	}
	if a := b.get(w.logoutAddress() + "&state=x"); a.status != http.StatusBadRequest {
		t.Errorf("a parameter twice: %d", a.status)
	}
	if a := b.submit("/sso/logout", url.Values{"next": {afterwards}}); a.location.String() != "" {
		t.Errorf("an address of a stranger: %q", a.location)
	}
}
