package sso_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"rollcall/model/organization"
)

// TestFormPost answers by a form, after a request by a form of another site.
func TestFormPost(t *testing.T) {
	t.Parallel()
	w := one(t)
	b := w.browser()
	asked, err := url.Parse(w.openID("response_mode", "form_post"))
	must(t, err)
	sent := b.post(w.url+"/oauth2/authorize", asked.Query())
	if sent.status != http.StatusSeeOther || sent.location.Path != "/oauth2/authorize" {
		t.Fatalf("%d to %s", sent.status, sent.location)
	}
	a := b.comesBack(b.get(sent.location.String()), ada(w.tenant))
	form := fields(t, a.body)
	if a.status != 200 || !strings.Contains(a.body, `action="`+callback+`"`) || form.Get("state") != "a state" ||
		form.Get("iss") != w.url {
		t.Fatalf("%d %s", a.status, a.body)
	}
	w.opened(form.Get("code"))
	live := b.get(b.post(w.url+"/oauth2/authorize", asked.Query()).location.String())
	w.opened(fields(t, live.body).Get("code"))
}

// TestFormPostToAnotherProgram: a page posts to web addresses only. The schemes of native
// applications are answered in the query, errors too.
func TestFormPostToAnotherProgram(t *testing.T) {
	t.Parallel()
	w := one(t)
	const program, loopback = "com.example.app:/callback", "http://127.0.0.1/callback"
	w.changeApp(func(a *organization.ApplicationFields) {
		a.RedirectURIs, a.Native = []string{callback, program, loopback}, true
	})
	b := w.browser()
	b.signInAt(w.openID()).code(t)
	refused := b.get(w.openID("redirect_uri", program, "response_mode", "form_post"))
	if q := refused.location.Query(); !strings.HasPrefix(refused.location.String(), program+"?") ||
		q.Get("error") != "invalid_request" || q.Get("state") != "a state" || q.Get("iss") != w.url ||
		!strings.Contains(q.Get("error_description"), "response_mode") || q.Has("code") {
		t.Errorf("%d to %q %s", refused.status, refused.location, refused.body)
	}
	other := b.get(w.openID("redirect_uri", program, "response_mode", "form_post", "response_type", "token"))
	if !strings.HasPrefix(other.location.String(), program+"?error=") {
		t.Errorf("another error: %d to %q %s", other.status, other.location, other.body)
	}
	if a := b.get(w.openID("redirect_uri", program)); a.location.Query().Get("code") == "" {
		t.Errorf("by the query: %d to %q", a.status, a.location)
	}
	const port = "http://127.0.0.1:5012/callback"
	for _, uri := range []string{callback, port} {
		a := b.get(w.openID("redirect_uri", uri, "response_mode", "form_post"))
		if !strings.Contains(a.body, `action="`+uri+`"`) || fields(t, a.body).Get("code") == "" {
			t.Errorf("%s: %d %s", uri, a.status, a.body)
		}
	}
}
