package sso_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"rollcall/model/organization"
	"rollcall/testidp"
)

// TestTheApplicationHearsOfARefusal follows the way back from the page of a refusal.
func TestTheApplicationHearsOfARefusal(t *testing.T) {
	t.Parallel()
	w := one(t)
	o := w.newOpenID("oidc", "oidc.example", testidp.PlainSAML, "GenericOIDC")
	must(t, func() error {
		o.signIn(w.browser(), ada(o.tenant), o.login()) // which makes the connection active
		return nil
	}())
	for _, n := range []tenant{w.tenant, o.tenant} {
		w.settings(n, func(g *organization.OrganizationFields) { g.Settings.JIT = false })
	}
	b := w.browser()
	for name, a := range map[string]answer{
		"SAML":           b.signIn(w.tenant, person(w.tenant, 5), "state", "a&b=\"<c>"),
		"OpenID Connect": o.signIn(b, person(o.tenant, 5), w.authorize(o.tenant, "state", "a&b=\"<c>")),
	} {
		back := ""
		for _, link := range hrefs(t, a.body, "section") {
			if strings.HasPrefix(link, callback) {
				back = link
			}
		}
		if a.status != http.StatusForbidden || !strings.Contains(a.body, ">Back to Analytics</a>") ||
			!strings.Contains(a.body, a.header.Get("X-Request-Id")) {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, back, nil)
		must(t, err)
		q := r.URL.Query()
		if q.Get("error") != "access_denied" || q.Get("state") != "a&b=\"<c>" || q.Get("iss") != w.url ||
			q.Has("code") {
			t.Errorf("%s: back to %s", name, back)
		}
	}
	// Nobody waits for a login at a connection's own address.
	a := b.post(w.sp(w.connection, "/acs"), w.answer(t, b.get(w.sp(w.connection, "/login")), person(w.tenant, 6),
		testidp.ResponseOptions{}))
	if a.status != http.StatusForbidden || strings.Contains(a.body, "Back to") {
		t.Errorf("%d %s", a.status, a.body)
	}
	// The address may belong to somebody else by now.
	sent := b.get(w.authorize(w.tenant))
	_, err := organization.Across(w.store).UpdateApplication(t.Context(), w.app.ID,
		func(a *organization.ApplicationFields) error {
			a.RedirectURIs = []string{"https://new.example/callback"}
			return nil
		})
	must(t, err)
	a = b.post(w.sp(w.connection, "/acs"), w.answer(t, sent, person(w.tenant, 6), testidp.ResponseOptions{}))
	old := func(link string) bool { return strings.HasPrefix(link, callback) }
	if a.status != http.StatusForbidden || strings.Contains(a.body, "Back to") ||
		slices.ContainsFunc(hrefs(t, a.body, "section"), old) {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// TestEveryAnswerSaysWhoseItIs reads iss (RFC 9207) of answers with a code and with an error.
func TestEveryAnswerSaysWhoseItIs(t *testing.T) {
	t.Parallel()
	w := one(t)
	b := w.browser()
	for name, a := range map[string]answer{
		"a code":                      b.signIn(w.tenant, ada(w.tenant)),
		"a code of a live session":    b.get(w.asks()),
		"a silent request":            w.browser().get(w.asks("prompt", "none")),
		"another response type":       b.get(w.asks("response_type", "token")),
		"an organization that is not": b.get(w.authorize(w.tenant, "connection", "", "organization", "org_x")),
	} {
		if q := a.location.Query(); !strings.HasPrefix(a.location.String(), callback+"?") ||
			!slices.Equal(q["iss"], []string{w.url}) || q.Get("state") != "a state" {
			t.Errorf("%s: %d to %s", name, a.status, a.location)
		}
	}
}
