package sso_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"rollcall/model"
	"rollcall/model/refusal"
	"rollcall/sso/saml"
	"rollcall/testidp"
)

// What other sites and other browsers do with a login (docs/design/signon.md, "Attacks", browser).

const (
	sessionCookie = "__Host-rollcall"
	loginCookie   = "__Host-rollcall-login"
)

// begun is a login on its way in a browser.
type begun struct {
	*browser
	sent answer
}

func (w *world) begin(n tenant, extra ...string) begun {
	w.t.Helper()
	b := w.browser()
	return begun{b, b.get(w.authorize(n, extra...))}
}

func TestLoginEndsOnlyInTheBrowserInWhichItBegan(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.activate(w.tenant)
		attacker := w.begin(w.tenant)
		form := w.answer(t, attacker.sent, person(w.tenant, 1), testidp.ResponseOptions{})
		other := w.begin(w.tenant)
		for _, c := range []struct {
			name    string
			browser *browser
			cookie  string // sent besides
		}{
			{"without any cookie", w.browser(), ""},
			{"with the cookie of its own login", other.browser, ""},
			{"with a cookie of no login", w.browser(), loginCookie + "=" + strings.Repeat("A", 43)},
			{"with an empty cookie", w.browser(), loginCookie + "="},
			{"with the cookie under the name that it has over http", w.browser(),
				"rollcall-login=" + attacker.sent.cookie(loginCookie).Value},
		} {
			t.Run(c.name, func(t *testing.T) {
				headers := []string{"Content-Type", "application/x-www-form-urlencoded", "Accept", "text/html", "",
					form.Encode()}
				if c.cookie != "" {
					headers = append(headers, "Cookie", c.cookie)
				}
				w.refused(w.tenant, w.send(c.browser, http.MethodPost, w.sp(w.connection, "/acs"), headers...),
					string(refusal.LoginForeign))
				if c.browser.signedIn() {
					t.Error("the victim is signed in as the attacker")
				}
			})
		}
		if len(w.users(w.tenant)) != 1 {
			t.Error("a refused login made a user")
		}
		// A stranger cannot use up the login of the person who began it.
		attacker.post(w.sp(w.connection, "/acs"), form).code(t)
	})
}

func TestRelayStateIsNoAddress(t *testing.T) {
	t.Parallel()
	w := one(t)
	second := w.second(w.tenant)
	elsewhere := w.browser().get(w.authorize(second))
	_, _, otherConnection := request(t, elsewhere)
	stranger := w.begin(w.at(w.tenant))
	_, _, otherBrowser := request(t, stranger.sent)
	for _, c := range []struct{ name, relayState, reason string }{
		{"absolute URL", "https://evil.example/", string(refusal.LoginUnknown)},
		{"two slashes", "//evil.example", string(refusal.LoginUnknown)},
		{"backslash", `\evil.example`, string(refusal.LoginUnknown)},
		{"slash and backslash", `/\evil.example`, string(refusal.LoginUnknown)},
		{"line break", "/\r\nLocation: https://evil.example", string(refusal.LoginUnknown)},
		{"userinfo", "https://rollcall.example@evil.example", string(refusal.LoginUnknown)},
		{"other scheme", "javascript:alert(1)", string(refusal.LoginUnknown)},
		{"NUL", "\x00", string(refusal.LoginUnknown)},
		{"no UTF-8", "\xff\xfe", string(refusal.LoginUnknown)},
		{"SQL", "' OR '1'='1", string(refusal.LoginUnknown)},
		{"very long", strings.Repeat("a", 200_000), string(refusal.LoginUnknown)},
		{"our own page", "/sso/signed-in", string(refusal.LoginUnknown)},
		{"empty", "", string(refusal.LoginUnknown)},
		{"a login that nobody began", "01890000-0000-7000-8000-000000000000", string(refusal.LoginUnknown)},
		{"a login at another connection", otherConnection, string(refusal.LoginUnknown)},
		{"a login in another browser", otherBrowser, string(refusal.LoginForeign)},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := w.begin(w.tenant)
			form := w.answer(t, b.sent, ada(w.tenant), testidp.ResponseOptions{})
			form.Set("RelayState", c.relayState)
			w.refused(w.tenant, b.post(w.sp(w.connection, "/acs"), form), c.reason)
			if b.signedIn() {
				t.Error("somebody is signed in")
			}
		})
	}
	t.Run("missing", func(t *testing.T) {
		b := w.begin(w.tenant)
		form := w.answer(t, b.sent, ada(w.tenant), testidp.ResponseOptions{})
		form.Del("RelayState")
		w.refused(w.tenant, b.post(w.sp(w.connection, "/acs"), form), string(refusal.LoginUnknown))
	})
}

func TestACSTakesOnlyPost(t *testing.T) {
	t.Parallel()
	w := one(t)
	form := w.answer(t, w.begin(w.tenant).sent, ada(w.tenant), testidp.ResponseOptions{})
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete,
		http.MethodPatch} {
		a := w.send(nil, method, w.sp(w.connection, "/acs")+"?"+form.Encode(), "Accept", "text/html")
		if a.status != http.StatusMethodNotAllowed || !strings.Contains(a.header.Get("Allow"), http.MethodPost) ||
			strings.Contains(a.body, form.Get("SAMLResponse")) {
			t.Errorf("%s: %d, Allow %q: %s", method, a.status, a.header.Get("Allow"), a.body)
		}
	}
}

func TestCookies(t *testing.T) {
	t.Parallel()
	w := one(t)
	plain := httptest.NewServer(nil)
	t.Cleanup(plain.Close)
	mount(t, plain, w.store, plain.URL, w.logged.to(t))
	for _, c := range []struct {
		name, prefix, url string
		secureSession     bool
	}{
		{"https", "__Host-", w.url, true},
		{"http on loopback", "", plain.URL, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			base := c.url + "/sso/saml/" + model.ConnectionPrefix.ID(w.connection.ID)
			must(t, w.idp.ConnectSAML(base+"/metadata", base+"/acs"))
			sent := w.send(nil, http.MethodGet, base+"/login")
			login := sent.cookie(c.prefix + "rollcall-login")
			if login == nil {
				t.Fatalf("no cookie for the login: %v", sent.header)
			}
			// Go's jar withholds Secure cookies over http, where browsers do send them to loopback.
			var cookies []string
			for _, c := range (&http.Response{Header: sent.header}).Cookies() {
				cookies = append(cookies, c.Name+"="+c.Value)
				if !strings.HasPrefix(c.Name, login.Name) || !c.Secure || !c.HttpOnly || c.Path != "/" ||
					c.SameSite != http.SameSiteNoneMode || c.Domain != "" || c.MaxAge < 600 {
					t.Errorf("%s", c.Raw)
				}
			}
			a := w.send(nil, http.MethodPost, base+"/acs", "Content-Type", "application/x-www-form-urlencoded",
				"Cookie", strings.Join(cookies, "; "),
				"", w.answer(t, sent, ada(w.tenant), testidp.ResponseOptions{}).Encode())
			session := a.cookie(c.prefix + "rollcall")
			if session == nil {
				t.Fatalf("no cookie for the session: %d %v", a.status, a.header)
			}
			for _, want := range []struct {
				*http.Cookie
				secure   bool
				sameSite http.SameSite
				maxAge   int
			}{
				{login, true, http.SameSiteNoneMode, 3600},
				{session, c.secureSession, http.SameSiteLaxMode, 0},
				{a.cookie(c.prefix + "rollcall-session"), true, http.SameSiteNoneMode, 0},
			} {
				if want.Secure != want.secure || !want.HttpOnly || want.SameSite != want.sameSite ||
					want.Path != "/" || want.Domain != "" || want.MaxAge != want.maxAge {
					t.Errorf("%s", want.Raw)
				}
				if len(want.Value) < 43 {
					t.Errorf("%s has fewer than 256 bits", want.Raw)
				}
			}
		})
	}
}

func TestSessionCookieIsNewAtEachLogin(t *testing.T) {
	t.Parallel()
	w := one(t)
	b := w.browser()
	first := b.signIn(w.tenant, ada(w.tenant)).cookie(sessionCookie)
	second := b.signIn(w.tenant, ada(w.tenant), "prompt", "login").cookie(sessionCookie)
	if first == nil || second == nil || first.Value == second.Value {
		t.Errorf("%v, then %v", first, second)
	}
}

func TestTwoTabs(t *testing.T) {
	t.Parallel()
	w := one(t)
	b := w.browser()
	left, right := b.get(w.authorize(w.tenant)), b.get(w.authorize(w.tenant))
	if left.cookie(loginCookie).Value != right.cookie(loginCookie).Value {
		t.Error("the second tab takes the first one's cookie away")
	}
	for _, sent := range []answer{right, left} {
		b.post(w.sp(w.connection, "/acs"), w.answer(t, sent, ada(w.tenant), testidp.ResponseOptions{})).code(t)
	}
	if !b.signedIn() {
		t.Error("nobody is signed in")
	}
}

func TestLoginIsGoodOnceAndForTenMinutes(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.activate(w.tenant)
		acs := w.sp(w.connection, "/acs")
		b := w.begin(w.tenant)
		form := w.answer(t, b.sent, ada(w.tenant), testidp.ResponseOptions{})
		code := b.post(acs, form).code(t)

		again := w.answer(t, b.sent, ada(w.tenant), testidp.ResponseOptions{})
		other := w.replica(t)
		elsewhere := &browser{w: w, http: b.http}
		for _, second := range []answer{
			b.post(acs, form),  // the back button
			b.post(acs, again), // the back button at the identity provider
			elsewhere.post(strings.Replace(acs, w.url, other.server.URL, 1), form),
			elsewhere.post(strings.Replace(acs, w.url, other.server.URL, 1), again),
		} {
			w.ledBack(b.browser, second, w.url+"/sso/signed-in")
		}
		// Without the session, the browser is refused.
		left := &browser{w: w, http: &http.Client{Jar: crossSite{b.http.Jar}, Transport: b.http.Transport,
			CheckRedirect: b.http.CheckRedirect}}
		w.refused(w.tenant, left.get(left.post(acs, form).location.String()), string(refusal.LoginUsed))
		if status, body := w.exchange(code); status != http.StatusOK {
			t.Errorf("the replays took the first login's code: %d %v", status, body)
		}

		late := w.begin(w.tenant)
		w.clock.Advance(11 * time.Minute)
		w.refused(w.tenant, late.post(acs, w.answer(t, late.sent, ada(w.tenant), testidp.ResponseOptions{})),
			string(refusal.LoginUsed))
		punctual := w.begin(w.tenant)
		w.clock.Advance(9 * time.Minute)
		punctual.post(acs, w.answer(t, punctual.sent, ada(w.tenant), testidp.ResponseOptions{})).code(t)
	})
}

// TestReplicasShareALogin begins at one server and ends at another.
func TestReplicasShareALogin(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		other := w.replica(t)
		b := w.browser()
		form := w.answer(t, b.get(w.sp(w.connection, "/login")), ada(w.tenant), testidp.ResponseOptions{})
		a := b.post(strings.Replace(w.sp(w.connection, "/acs"), w.url, other.server.URL, 1), form)
		if a.status != http.StatusSeeOther || !b.signedIn() {
			t.Errorf("%d %s", a.status, a.body)
		}
	})
}

// TestResponsesOfOthers posts what is genuine elsewhere.
func TestResponsesOfOthers(t *testing.T) {
	t.Parallel()
	w := one(t)
	fabrikam := w.newTenant("fabrikam", "fabrikam.example", testidp.PlainSAML, "GenericSAML")
	w.activate(fabrikam)
	second := w.second(w.tenant)
	for _, c := range []struct {
		name     string
		of, at   tenant
		ofOption func(id string) testidp.ResponseOptions
		reason   string
	}{
		{"another connection of the same identity provider", second, w.tenant, nil, string(saml.WrongDestination)},
		{"the other way round", w.tenant, second, nil, string(saml.WrongDestination)},
		{"another organization's identity provider", fabrikam, w.tenant, nil, string(saml.WrongDestination)},
		{"ours at another organization", w.tenant, fabrikam, nil, string(saml.WrongDestination)},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := w.begin(w.at(c.at))
			_, id, relayState := request(t, b.sent)
			response, err := w.at(c.of).idp.Respond(ada(c.of).ID, testidp.ResponseOptions{InResponseTo: id})
			must(t, err)
			w.refused(c.at, b.post(w.sp(c.at.connection, "/acs"),
				url.Values{"SAMLResponse": {response}, "RelayState": {relayState}}), c.reason)
		})
	}
	t.Run("another organization's identity provider, made out for us", func(t *testing.T) {
		b := w.begin(w.at(w.tenant))
		must(t, fabrikam.idp.ConnectSAML(w.sp(w.connection, "/metadata"), w.sp(w.connection, "/acs")))
		form := fabrikam.answer(t, b.sent, ada(fabrikam), testidp.ResponseOptions{})
		// Both organizations have the same signing key. Only the issuer differs.
		w.refused(w.tenant, b.post(w.sp(w.connection, "/acs"), form), string(saml.WrongIssuer))
	})
}

func TestFormsThatAreNone(t *testing.T) {
	t.Parallel()
	w := one(t)
	b := w.begin(w.tenant)
	good := w.answer(t, b.sent, ada(w.tenant), testidp.ResponseOptions{})
	form := func(change func(url.Values)) string {
		v := url.Values{"SAMLResponse": good["SAMLResponse"], "RelayState": good["RelayState"]}
		change(v)
		return v.Encode()
	}
	const urlencoded = "application/x-www-form-urlencoded"
	for _, c := range []struct{ name, kind, body, reason string }{
		{"SAMLResponse twice", urlencoded, good.Encode() + "&SAMLResponse=x", string(saml.Repeated)},
		{"RelayState twice", urlencoded, good.Encode() + "&RelayState=x", string(saml.Repeated)},
		{"no SAMLResponse", urlencoded, form(func(v url.Values) { v.Del("SAMLResponse") }), string(saml.NoResponse)},
		{"empty SAMLResponse", urlencoded, form(func(v url.Values) {
			v.Set("SAMLResponse", "")
		}), string(saml.NoResponse)},
		{"empty", urlencoded, "", string(saml.NoResponse)},
		{"a broken escape", urlencoded, "SAMLResponse=%zz", string(saml.NoResponse)},
		{"1 MiB and more", urlencoded, form(func(v url.Values) {
			v.Set("padding", strings.Repeat("x", 1<<20))
		}), string(saml.TooLarge)},
		{"a response of 600 KiB", urlencoded, form(func(v url.Values) {
			v.Set("SAMLResponse", strings.Repeat("A", 600<<10*4/3))
		}), string(saml.TooLarge)},
		{"JSON", "application/json", `{"SAMLResponse":"x"}`, string(saml.NoResponse)},
		{"text", "text/plain", good.Encode(), string(saml.NoResponse)},
		{"multipart", "multipart/form-data; boundary=x",
			"--x\r\nContent-Disposition: form-data; name=\"SAMLResponse\"\r\n\r\nx\r\n--x--\r\n",
			string(saml.NoResponse)},
		{"no type", "", good.Encode(), string(saml.NoResponse)},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := w.send(b.browser, http.MethodPost, w.sp(w.connection, "/acs"), "Content-Type", c.kind,
				"Accept", "text/html", "", c.body)
			w.refused(w.tenant, a, c.reason)
		})
	}
	t.Run("in the address", func(t *testing.T) {
		a := w.send(b.browser, http.MethodPost, w.sp(w.connection, "/acs")+"?"+good.Encode(),
			"Content-Type", urlencoded, "Accept", "text/html")
		w.refused(w.tenant, a, string(saml.NoResponse))
	})
	t.Run("9 MiB are not even read", func(t *testing.T) {
		a := w.send(b.browser, http.MethodPost, w.sp(w.connection, "/acs"), "Content-Type", urlencoded,
			"Accept", "text/html", "", strings.Repeat("x", 9<<20))
		if a.status != http.StatusRequestEntityTooLarge {
			t.Errorf("%d", a.status)
		}
	})
	b.post(w.sp(w.connection, "/acs"), good).code(t) // none of them used the login up
}
