package sso_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"rollcall/model/connection"
	"rollcall/model/organization"
	"rollcall/model/refusal"
	"rollcall/sso/saml"
	"rollcall/testidp"
)

// TestProviderEndsSessions: exactly those that it names, at its own connection.
func TestProviderEndsSessions(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.activate(w.tenant)
		beside, _ := w.signedInBrowser(w.second(w.tenant), ada(w.tenant)) // by another connection, with the same NameID
		w.at(w.tenant)
		w.logsOut(w.tenant)
		for _, post := range []bool{false, true} {
			first, token := w.signedInBrowser(w.tenant, ada(w.tenant))
			second, _ := w.signedInBrowser(w.tenant, ada(w.tenant))
			stranger, _ := w.signedInBrowser(w.tenant, person(w.tenant, 1))
			o := testidp.LogoutOptions{RelayState: "https://idp.example/a b?c=d&e",
				SessionIndexes: []string{w.indexOf(t, first)}}
			m := w.request(t, ada(w.tenant), o)
			sent := w.loggingOut(w.browser().bring(m, post)) // the front channel needs no session of ours
			if sent.parameter != saml.ResponseParameter || sent.root.Tag != "LogoutResponse" ||
				sent.to != w.idp.SAMLLogoutURL() || sent.relayState != o.RelayState ||
				sent.attribute("Destination") != w.idp.SAMLLogoutURL() ||
				sent.text("Issuer") != w.sp(w.connection, "/metadata") {
				t.Errorf("answered %+v", sent)
			}
			if code := sent.root.FindElement("Status/StatusCode"); code == nil ||
				!strings.HasSuffix(code.SelectAttrValue("Value", ""), ":Success") {
				t.Errorf("not a success")
			}
			if first.signedIn() || w.profile(token) != nil {
				t.Error("the session lives on")
			}
			if !second.signedIn() || !stranger.signedIn() {
				t.Error("another session has ended")
			}
			w.loggingOut(stranger.bring(w.request(t, ada(w.tenant), testidp.LogoutOptions{}), post))
			if second.signedIn() {
				t.Error("a request without SessionIndex leaves a session")
			}
			if !stranger.signedIn() {
				t.Error("somebody else's session has ended")
			}
			if !beside.signedIn() {
				t.Error("a session of another connection has ended")
			}
		}
	})
}

// TestPersonSignsOutAtTheProviderToo: our session ends first, then the identity provider's.
func TestPersonSignsOutAtTheProviderToo(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.activate(w.tenant)
		w.logsOut(w.tenant)
		for _, post := range []bool{false, true} {
			if post {
				w.byPost(w.tenant)
			}
			b, token := w.signedInBrowser(w.tenant, ada(w.tenant))
			index := w.indexOf(t, b)
			sent := w.loggingOut(b.submit("/sso/logout", url.Values{}))
			if sent.parameter != saml.RequestParameter || sent.root.Tag != "LogoutRequest" ||
				sent.to != w.idp.SAMLLogoutURL() ||
				sent.attribute("Destination") != sent.to || sent.text("NameID") != ada(w.tenant).UserName ||
				sent.text("SessionIndex") != index ||
				sent.root.FindElement("NameID").SelectAttrValue("Format",
					"") != "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress" {
				t.Errorf("asked %+v", sent)
			}
			if b.signedIn() || w.profile(token) != nil {
				t.Error("our session waits for the identity provider")
			}
			m, err := w.idp.LogoutResponse(testidp.LogoutOptions{InResponseTo: sent.attribute("ID"),
				RelayState: sent.relayState})
			must(t, err)
			if a := b.bring(m, post); a.status != http.StatusOK ||
				!strings.Contains(a.body, "here and at your identity provider") {
				t.Errorf("%d %s", a.status, a.body)
			}
			again, err := w.idp.LogoutResponse(testidp.LogoutOptions{InResponseTo: sent.attribute("ID"),
				RelayState: sent.relayState})
			must(t, err)
			w.logoutRefused(w.tenant, b.bring(again, post), string(refusal.LogoutUsed))
		}
	})
}

// TestApplicationSignsUserOutAtTheProviderToo: the browser comes back to the application's own
// address.
func TestApplicationSignsUserOutAtTheProviderToo(t *testing.T) {
	t.Parallel()
	w := one(t)
	w.logsOut(w.tenant)
	const after = "https://app.example/bye?x=1"
	_, err := organization.Across(w.store).UpdateApplication(t.Context(), w.app.ID,
		func(a *organization.ApplicationFields) error {
			a.PostLogoutRedirectURIs = []string{after}
			return nil
		})
	must(t, err)
	for name, c := range map[string]struct {
		status string
		signed bool
		log    string
	}{
		"it succeeds":       {"", true, ""},
		"it fails there":    {"urn:oasis:names:tc:SAML:2.0:status:PartialLogout", true, string(saml.BadStatus)},
		"it is not signed":  {"", false, ""},
		"it fails unsigned": {"urn:oasis:names:tc:SAML:2.0:status:RequestDenied", false, string(saml.BadStatus)},
	} {
		t.Run(name, func(t *testing.T) {
			b, token := w.signedInBrowser(w.tenant, ada(w.tenant))
			sent := w.loggingOut(b.get(w.logoutURL(w.profile(token)["id"])))
			m, err := w.idp.LogoutResponse(testidp.LogoutOptions{InResponseTo: sent.attribute("ID"),
				RelayState: sent.relayState, Status: c.status})
			must(t, err)
			location, err := m.URL()
			must(t, err)
			if !c.signed {
				location, _, _ = strings.Cut(location, "&SigAlg=")
			}
			if a := b.get(location); a.status != http.StatusSeeOther || a.location.String() != after {
				t.Errorf("%d to %q: %s", a.status, a.location, a.body)
			}
			w.noted(w.tenant, c.log)
		})
	}
	t.Run("an unsigned answer is not taken as the end at the identity provider", func(t *testing.T) {
		b, _ := w.signedInBrowser(w.tenant, ada(w.tenant))
		sent := w.loggingOut(b.submit("/sso/logout", url.Values{}))
		m, err := w.idp.LogoutResponse(testidp.LogoutOptions{InResponseTo: sent.attribute("ID"),
			RelayState: sent.relayState})
		must(t, err)
		location, err := m.URL()
		must(t, err)
		location, _, _ = strings.Cut(location, "&SigAlg=")
		if a := b.get(location); a.status != http.StatusOK || !strings.Contains(a.body, "you may still be signed in") {
			t.Errorf("%d: %s", a.status, a.body)
		}
	})
}

// TestSigningOutStaysHere where the identity provider does not take it, or the connection does not
// want it.
func TestSigningOutStaysHere(t *testing.T) {
	t.Parallel()
	w := one(t)
	for name, arrange := range map[string]func(){
		"the identity provider has no address": func() {},
		"the connection is local": func() {
			w.logsOut(w.tenant)
			w.update(w.tenant, func(c *connection.ConnectionFields) { c.Logout = connection.LogoutLocal })
		},
	} {
		t.Run(name, func(t *testing.T) {
			arrange()
			b, token := w.signedInBrowser(w.tenant, ada(w.tenant))
			a := b.submit("/sso/logout", url.Values{})
			if a.status != http.StatusOK || !strings.Contains(a.body, "you may still be signed in") || b.signedIn() ||
				w.profile(token) != nil {
				t.Errorf("%d to %q: %s", a.status, a.location, a.body)
			}
		})
	}
	t.Run("a session of another browser", func(t *testing.T) {
		w.update(w.tenant, func(c *connection.ConnectionFields) { c.Logout = connection.LogoutIDP })
		_, token := w.signedInBrowser(w.tenant, ada(w.tenant))
		if a := w.browser().get(w.logoutURL(w.profile(token)["id"])); a.status != http.StatusOK ||
			w.profile(token) != nil {
			t.Errorf("%d to %q: %s", a.status, a.location, a.body)
		}
	})
}

// TestMetadataOffersSingleLogout by both bindings.
func TestMetadataOffersSingleLogout(t *testing.T) {
	t.Parallel()
	w := one(t)
	d := fragment(t, w.browser().get(w.sp(w.connection, "/metadata")).body)
	services := d.FindElements("//SingleLogoutService")
	if len(services) != 2 || services[0].SelectAttrValue("Location", "") != w.sp(w.connection, "/slo") ||
		services[1].SelectAttrValue("Location", "") != w.sp(w.connection, "/slo") {
		t.Errorf("%d services", len(services))
	}
}

// TestLogoutResponsesOfOthers go on nowhere.
func TestLogoutResponsesOfOthers(t *testing.T) {
	t.Parallel()
	w := one(t)
	w.logsOut(w.tenant)
	b, _ := w.signedInBrowser(w.tenant, ada(w.tenant))
	sent := w.loggingOut(b.submit("/sso/logout", url.Values{}))
	other, _ := w.signedInBrowser(w.tenant, person(w.tenant, 1))
	theirs := w.loggingOut(other.submit("/sso/logout", url.Values{}))
	answer := func(id, relayState string) *testidp.LogoutMessage {
		m, err := w.idp.LogoutResponse(testidp.LogoutOptions{InResponseTo: id, RelayState: relayState})
		must(t, err)
		return m
	}
	id, relayState := sent.attribute("ID"), sent.relayState
	for _, c := range []struct {
		name    string
		browser *browser
		message *testidp.LogoutMessage
		reason  string
	}{
		{"to another request", b, answer("_foreign", relayState), string(saml.WrongInResponseTo)},
		{"to another browser's request", b, answer(theirs.attribute("ID"), relayState), string(saml.WrongInResponseTo)},
		{"in another browser", other, answer(id, relayState), string(refusal.LogoutForeign)},
		{"in a browser without cookies", w.browser(), answer(id, relayState), string(refusal.LogoutForeign)},
		{"to no request", b, answer("", relayState), string(saml.MissingInResponseTo)},
		{"without RelayState", b, answer(id, ""), string(refusal.LogoutUnknown)},
		{"with an address as RelayState", b, answer(id, "https://evil.example/"), string(refusal.LogoutUnknown)},
		{"with two slashes as RelayState", b, answer(id, "//evil.example"), string(refusal.LogoutUnknown)},
		{"with a backslash in RelayState", b, answer(id, `/\evil.example`), string(refusal.LogoutUnknown)},
		{"with line breaks in RelayState", b, answer(id, "/\r\nLocation: https://evil.example"),
			string(refusal.LogoutUnknown)},
		{"with another scheme in RelayState", b, answer(id, "javascript:alert(1)"), string(refusal.LogoutUnknown)},
		{"with userinfo in RelayState", b, answer(id, w.url+"@evil.example"), string(refusal.LogoutUnknown)},
		{"with NUL as RelayState", b, answer(id, "\x00"), string(refusal.LogoutUnknown)},
		{"with a long RelayState", b, answer(id, strings.Repeat("a", 20_000)), string(refusal.LogoutUnknown)},
		{"with a logout that nobody began", b, answer(id, "01890000-0000-7000-8000-000000000000"),
			string(refusal.LogoutUnknown)},
	} {
		for _, post := range []bool{false, true} {
			t.Run(c.name+map[bool]string{false: " by redirect", true: " by POST"}[post], func(t *testing.T) {
				w.logoutRefused(w.tenant, c.browser.bring(c.message, post), c.reason)
			})
		}
	}
	if a := b.bring(answer(id, relayState), true); a.status != http.StatusOK { // none of them used the logout up
		t.Errorf("%d %s", a.status, a.body)
	}
	w.clock.Advance(11 * time.Minute)
	w.logoutRefused(w.tenant, other.bring(answer(theirs.attribute("ID"), theirs.relayState), false),
		string(refusal.LogoutUsed))
}
