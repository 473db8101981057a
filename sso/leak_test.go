package sso_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"rollcall/model"
	"rollcall/model/organization"
	"rollcall/testidp"
)

// secrets collects texts that neither the log nor the answer to a failure may have.
type secrets map[string]string // what it is, by its value

func (s secrets) add(what string, values ...string) {
	for _, v := range values {
		if len(v) > 3 {
			s[v] = what
		}
	}
}

// person adds the personal data of a user.
func (s secrets) person(who testidp.Person) {
	s.add("an e-mail address", who.UserName, strings.SplitN(who.UserName, "@", 2)[0])
	s.add("a name", who.GivenName, who.FamilyName)
	s.add("an id of the person", who.ExternalID)
}

func (s secrets) foundIn(t *testing.T, where, text string) {
	t.Helper()
	for v, what := range s {
		if strings.Contains(text, v) || strings.Contains(text, url.QueryEscape(v)) {
			t.Errorf("%s has %s, %.60q", where, what, v)
		}
	}
}

// TestNothingLeaks walks through logins that succeed and that fail: neither the log nor any answer
// to a failure says who it was or holds what opens something.
func TestNothingLeaks(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.activate(w.tenant)
		known := secrets{}
		d := w.newDirectory(w.tenant, "generic scim v2.0")
		known.add("a secret", w.secret, d.token, bootstrapKey)
		acs := w.sp(w.connection, "/acs")
		failed := map[string]answer{}

		who := person(w.tenant, 7)
		known.person(who)
		b := w.begin(w.tenant, "login_hint", who.UserName, "state", "state-of-the-application")
		known.add("the state", "state-of-the-application")
		known.add("the cookie of a login", b.sent.cookie(loginCookie).Value)
		form := w.answer(t, b.sent, who, testidp.ResponseOptions{})
		known.add("an assertion", form.Get("SAMLResponse")[:200], form.Get("SAMLResponse")[2000:2200])
		a := b.post(acs, form)
		code := a.code(t)
		known.add("a session", a.cookie(sessionCookie).Value)
		token := first(w.exchange(code))
		known.add("a code", code)
		known.add("an access token", token)
		profile := w.profile(token)
		location := w.logoutURL(profile["id"])
		_, logout, _ := strings.Cut(location, "token=")
		known.add("a logout token", logout)

		again := b.post(acs, form)
		known.foundIn(t, "a replay", again.location.String()+again.body)
		failed["a foreign browser"] = w.browser().post(acs, w.answer(t, w.begin(w.tenant).sent, who,
			testidp.ResponseOptions{}))
		failed["an unsolicited response"] = w.browser().post(acs, w.unasked(t, who, ""))
		failed["a wrong code"] = w.send(nil, http.MethodPost, "/sso/token",
			"Content-Type", "application/x-www-form-urlencoded", "", w.clientForm(code).Encode())
		failed["a secret in the address"] = w.send(nil, http.MethodPost, "/sso/token?"+w.clientForm(code).Encode())
		failed["a token in the address"] = w.send(nil, http.MethodGet, "/sso/profile?access_token="+token)
		failed["a logout token that is damaged"] = w.browser().get(location + "x")
		failed["an unknown redirect_uri"] = w.browser().get(w.asks("redirect_uri",
			"https://x.example/"+url.QueryEscape(who.UserName), "login_hint", who.UserName))
		failed["no page"] = w.browser().get("/sso/saml/" + url.PathEscape(who.UserName) + "/login")

		id := d.provision(person(w.tenant, 8).UserName, person(w.tenant, 8).ExternalID, person(w.tenant, 8))
		known.person(person(w.tenant, 8))
		d.setActive(id, false)
		failed["somebody unassigned"] = w.refuse(person(w.tenant, 8))
		w.settings(w.tenant, func(g *organization.OrganizationFields) { g.Settings.JIT = false })
		known.person(person(w.tenant, 9))
		failed["somebody unknown"] = w.refuse(person(w.tenant, 9))
		known.person(ada(w.tenant))

		for name, a := range failed {
			if a.status < 400 {
				t.Errorf("%s: %d", name, a.status)
			}
			known.foundIn(t, name, a.body)
		}
		if text := w.logged.String(); !strings.Contains(text, "login refused") {
			t.Error("the log says nothing of the refusals")
		} else {
			known.foundIn(t, "the log", text)
		}
	})
}

// refuse makes a login that is refused.
func (w *world) refuse(who testidp.Person) answer {
	w.t.Helper()
	b := w.begin(w.tenant)
	return b.post(w.sp(w.connection, "/acs"), w.answer(w.t, b.sent, who, testidp.ResponseOptions{}))
}

// innards are words that would show how the server is built.
var innards = regexp.MustCompile(`(?i)\bsql|database|gorm|pgx|postgres|sqlite|` +
	`\.go\b|goroutine|panic|/tmp/|closed|select |insert `)

// TestBrokenDatabase: while the database is broken, a request gets only the advice to try again.
func TestBrokenDatabase(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.activate(w.tenant)
		b, token := w.signedInBrowser(w.tenant, ada(w.tenant))
		sent := b.get(w.asks("prompt", "login"))
		answered := w.answer(t, sent, ada(w.tenant), testidp.ResponseOptions{})
		code := b.get(w.asks()).code(t)
		location := w.logoutURL(w.profile(token)["id"])
		must(t, w.store.Close())
		for name, a := range map[string]answer{
			"authorize": b.get(w.asks()), "login": b.get(w.sp(w.connection,
				"/login")), "organization": b.get("/login/contoso"),
			"acs": b.post(w.sp(w.connection, "/acs"), answered), "metadata": b.get(w.sp(w.connection, "/metadata")),
			"session": b.get("/sso/session"), "signed-in": b.get("/sso/signed-in"), "logout": b.submit("/sso/logout",
				url.Values{}), "logout by token": b.get(location),
			"token": w.send(nil, http.MethodPost, "/sso/token", "Content-Type", "application/x-www-form-urlencoded",
				"", w.clientForm(code).Encode()),
			"profile": w.send(nil, http.MethodGet, "/sso/profile", "Authorization", "Bearer "+token),
			"jwks":    w.send(nil, http.MethodGet, "/sso/jwks/"+model.ApplicationPrefix.ID(w.app.ID)),
		} {
			if a.status != http.StatusServiceUnavailable && a.status != http.StatusInternalServerError {
				t.Errorf("%s: %d %s", name, a.status, a.body)
			}
			if found := innards.FindString(a.body); found != "" || a.location.String() != "" ||
				a.cookie(sessionCookie) != nil {
				t.Errorf("%s: %q in %s", name, found, a.body)
			}
		}
		known := secrets{}
		known.person(ada(w.tenant))
		known.add("a token", token, code, w.secret)
		known.foundIn(t, "the log", w.logged.String())
	})
}
