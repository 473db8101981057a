package sso_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"rollcall/model"
	"rollcall/model/organization"
	"rollcall/testidp"
)

// logoutURL is where the application sends a browser to sign a user out.
func (w *world) logoutURL(profileID any) string {
	w.t.Helper()
	a := w.send(nil, http.MethodPost, "/sso/logout/authorize", "Authorization", "Bearer "+w.secret,
		"Content-Type", "application/json", "", `{"profile_id":"`+profileID.(string)+`"}`)
	if a.status != http.StatusOK {
		w.t.Fatalf("%d %s", a.status, a.body)
	}
	conforms(w.t, "SsoLogoutAuthorizeResponse", a.body)
	return a.object(w.t)["logout_url"].(string)
}

func TestApplicationSignsUserOut(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.activate(w.tenant)
		const after = "https://app.example/bye?x=1"
		_, err := organization.Across(w.store).UpdateApplication(t.Context(), w.app.ID,
			func(a *organization.ApplicationFields) error {
				a.PostLogoutRedirectURIs = []string{after, "https://app.example/other"}
				return nil
			})
		must(t, err)
		b, token := w.signedInBrowser(w.tenant, ada(w.tenant))
		elsewhere, other := w.signedInBrowser(w.tenant, ada(w.tenant))
		strange, stranger := w.signedInBrowser(w.tenant, person(w.tenant, 1))
		pending := b.get(w.asks()).code(t)
		location, another := w.logoutURL(w.profile(token)["id"]), w.logoutURL(w.profile(token)["id"])
		a := b.get(location)
		if a.status != http.StatusSeeOther || a.location.String() != after || a.cookie(sessionCookie) == nil ||
			a.cookie(sessionCookie).MaxAge >= 0 {
			t.Errorf("%d to %s: %s", a.status, a.location, a.body)
		}
		if w.profile(token) != nil || b.signedIn() {
			t.Error("the session lives on")
		}
		if status, body := w.exchange(pending); status != http.StatusBadRequest || body["error"] != "invalid_grant" {
			t.Errorf("a code of the ended session: %d %v", status, body)
		}
		if w.profile(other) == nil || !elsewhere.signedIn() {
			t.Error("the person's other browser is signed out, too")
		}
		// A browser that has no session of the person: they are meant wherever they are.
		if a := strange.get(another); a.location.String() != after {
			t.Errorf("%d to %s", a.status, a.location)
		}
		if w.profile(other) != nil || elsewhere.signedIn() {
			t.Error("the person is still signed in somewhere")
		}
		if w.profile(stranger) == nil || !strange.signedIn() {
			t.Error("somebody else is signed out")
		}
	})
}

func TestLogoutTokens(t *testing.T) {
	t.Parallel()
	w := one(t)
	b, token := w.signedInBrowser(w.tenant, ada(w.tenant))
	profile := w.profile(token)["id"].(string)
	location := w.logoutURL(profile)
	late := func() string { w.clock.Advance(11 * time.Minute); return location }
	altered := location[:len(location)-2] + "xx"
	for name, c := range map[string]func() string{
		"altered": func() string { return altered }, "nonsense": func() string { return "/sso/logout?token=x" },
		"an access token": func() string { return "/sso/logout?token=" + token }, "late": late,
	} {
		if a := b.get(c()); a.status != http.StatusNotFound || !b.signedIn() || w.profile(token) == nil {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}

	fabrikam := w.newTenant("fabrikam", "fabrikam.example", testidp.PlainSAML, "GenericSAML")
	w.activate(fabrikam)
	stranger := &organization.Application{ApplicationFields: organization.ApplicationFields{
		Name: "Billing", RedirectURIs: []string{callback},
	}}
	foreign, err := organization.Across(w.store).CreateApplication(t.Context(), stranger,
		[]model.OrganizationID{fabrikam.org.ID})
	must(t, err)
	for name, c := range map[string]struct {
		key, kind, body string
		status          int
	}{
		"no key":          {"", "application/json", `{"profile_id":"` + profile + `"}`, 400},
		"a wrong key":     {"sk_x", "application/json", `{"profile_id":"` + profile + `"}`, 400},
		"no profile":      {w.secret, "application/json", `{}`, 404},
		"no profile's id": {w.secret, "application/json", `{"profile_id":"x"}`, 404},
		"an unknown profile": {w.secret, "application/json",
			`{"profile_id":"prof_01GWQ1G0H2FM6ASEF0HS1HCW94"}`, 404},
		"a profile it may not reach": {foreign, "application/json", `{"profile_id":"` + profile + `"}`, 404},
		"no type":                    {w.secret, "", `{"profile_id":"` + profile + `"}`, 400},
	} {
		a := w.send(nil, http.MethodPost, "/sso/logout/authorize", "Authorization", "Bearer "+c.key,
			"Content-Type", c.kind, "", c.body)
		if o := a.object(t); a.status != c.status || o["logout_token"] != nil {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
}

// TestLogoutWithoutAnAddress shows a page where the application has nowhere to go on to.
func TestLogoutWithoutAnAddress(t *testing.T) {
	t.Parallel()
	w := one(t)
	b, token := w.signedInBrowser(w.tenant, ada(w.tenant))
	if a := b.get(w.logoutURL(w.profile(token)["id"])); a.status != http.StatusOK ||
		!strings.Contains(a.body, "You are signed out") || b.signedIn() {
		t.Errorf("%d to %q: %s", a.status, a.location, a.body)
	}
	b, token = w.signedInBrowser(w.tenant, ada(w.tenant))
	location := w.logoutURL(w.profile(token)["id"])
	must(t, organization.Across(w.store).DeleteApplication(t.Context(), w.app.ID))
	if a := b.get(location); a.status != http.StatusNotFound || !b.signedIn() {
		t.Errorf("the application was deleted: %d %s", a.status, a.body)
	}
}

// TestALinkSignsOutOnce follows a link again, and one that is older than the session.
func TestALinkSignsOutOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.activate(w.tenant)
		b, token := w.signedInBrowser(w.tenant, ada(w.tenant))
		profile := w.profile(token)["id"]
		used, unused := w.logoutURL(profile), w.logoutURL(profile)
		b.get(used)
		if b.signedIn() || w.profile(token) != nil {
			t.Error("the link signs nobody out")
		}
		w.clock.Advance(time.Second)
		b, token = w.signedInBrowser(w.tenant, ada(w.tenant))
		for name, c := range map[string]struct {
			browser  *browser
			location string
			status   int
		}{
			"used, in this browser":           {b, used, http.StatusNotFound},
			"used, in another browser":        {w.browser(), used, http.StatusNotFound},
			"older than the session":          {b, unused, http.StatusOK},
			"older, and used, somewhere else": {w.browser(), unused, 0},
		} {
			a := c.browser.get(c.location)
			if c.status == http.StatusNotFound && a.status != c.status {
				t.Errorf("%s: %d %s", name, a.status, a.body)
			}
			if !b.signedIn() || w.profile(token) == nil {
				t.Errorf("%s: the later session has ended", name)
			}
		}
	})
}

func TestPersonSignsOut(t *testing.T) {
	t.Parallel()
	w := one(t)
	b, token := w.signedInBrowser(w.tenant, ada(w.tenant))
	if a := b.get("/sso/logout"); a.status != http.StatusOK || !b.signedIn() {
		t.Errorf("a link alone signs out: %d %s", a.status, a.body)
	}
	for name, headers := range map[string][]string{
		"another site":           {"Sec-Fetch-Site", "cross-site"},
		"a site of the domain":   {"Sec-Fetch-Site", "same-site"},
		"another origin":         {"Origin", "https://evil.example"},
		"a sandboxed page":       {"Origin", "null"},
		"another site's address": {"Sec-Fetch-Site", "cross-site", "Origin", w.url},
	} {
		a := w.send(b, http.MethodPost, "/sso/logout", append(headers, "Content-Type", formType,
			"Accept", "text/html")...)
		if a.status != http.StatusForbidden || !b.signedIn() {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	a := b.submit("/sso/logout", url.Values{})
	if a.status != http.StatusOK || !strings.Contains(a.body, "You are signed out") || b.signedIn() ||
		w.profile(token) != nil {
		t.Errorf("%d %s", a.status, a.body)
	}
	if gone := a.cookie(sessionCookie); gone == nil || gone.MaxAge >= 0 || gone.Value != "" || !gone.Secure ||
		!gone.HttpOnly || gone.Path != "/" {
		t.Errorf("%v", gone)
	}
	if a := b.submit("/sso/logout", url.Values{}); a.status != http.StatusOK {
		t.Errorf("a second time: %d", a.status)
	}
	if a := b.get("/sso/signed-in"); a.status != http.StatusUnauthorized {
		t.Errorf("the page that says who signed in: %d", a.status)
	}
}
