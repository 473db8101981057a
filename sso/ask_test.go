package sso_test

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/organization"
	"rollcall/model/refusal"
	"rollcall/model/signon"
	"rollcall/testidp"
)

// asks demands the question to who is signed in, and returns the page.
func (a answer) asks(t testing.TB, texts ...string) answer {
	t.Helper()
	text := html.UnescapeString(a.body)
	for _, want := range append(texts, "You are signed in as ") {
		if a.status != http.StatusOK || !strings.Contains(text, want) {
			t.Fatalf("no question with %q: %d to %s: %s", want, a.status, a.location, a.body)
		}
	}
	if a.cookie(sessionCookie) != nil {
		t.Fatal("the session is made before the question is answered")
	}
	return a
}

// goesOn answers a question with yes, and follows our own redirect.
func (b *browser) goesOn(page answer) answer {
	b.w.t.Helper()
	a := b.continues(page)
	if strings.HasPrefix(a.location.String(), b.w.url) {
		// An older browser does not say which site began the request.
		return b.get(a.location.String())
	}
	return a
}

// stays answers a question with no.
func stays(t testing.TB, page answer) string {
	t.Helper()
	links := hrefs(t, page.body, "form")
	if len(links) != 1 {
		t.Fatalf("links %v", links)
	}
	return links[0]
}

// hostile is a second organization whose identity provider answers by itself.
func (w *world) hostile() tenant {
	w.t.Helper()
	n := w.newTenant("fabrikam", "fabrikam.example", testidp.PlainSAML, "GenericSAML")
	w.activate(n)
	return n
}

// TestALinkSignsNobodyInOverAnotherOrganizationsSession walks every address at which a login
// begins.
func TestALinkSignsNobodyInOverAnotherOrganizationsSession(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.activate(w.tenant)
		other := w.hostile()
		w.update(other, func(c *connection.ConnectionFields) { c.AllowIDPInitiated = true })
		draft := tenant{org: other.org, idp: other.idp}
		draft.connection = w.connect(draft, "GenericSAML")
		openID := w.newOpenID("oidc", "oidc.example", testidp.PlainSAML, "GenericOIDC")
		several := w.newTenant("several", "several.example", testidp.PlainSAML, "GenericSAML")
		w.activate(several)
		w.second(several)
		byOrganization := func(n tenant) string {
			return w.authorize(n, "connection", "", "organization", model.OrganizationPrefix.ID(string(n.org.ID)))
		}
		for name, c := range map[string]struct {
			address, next string
			tile          bool // the identity provider posts a response that nobody asked for
			posted        url.Values
		}{
			"an application, by the connection":    {address: w.authorize(other), next: "fabrikam"},
			"an application, by the organization":  {address: byOrganization(other), next: "fabrikam"},
			"an application, at several":           {address: byOrganization(several), next: "several"},
			"the login link of a SAML connection":  {address: w.sp(other.connection, "/login"), next: "fabrikam"},
			"the login link of a draft":            {address: w.sp(draft.connection, "/login"), next: "fabrikam"},
			"the login link of an OpenID provider": {address: openID.login(), next: "oidc"},
			"the tile of an OpenID provider":       {address: openID.login() + "?login_hint=x", next: "oidc"},
			"the tile of an OpenID provider, by a form": {address: openID.login(), next: "oidc",
				posted: url.Values{"login_hint": {"x"}}},
			"the organization's login address":             {address: w.url + "/login/fabrikam", next: "fabrikam"},
			"the organization's login address, at several": {address: w.url + "/login/several", next: "several"},
			"the tile of a SAML identity provider":         {tile: true, next: "fabrikam"},
		} {
			t.Run(name, func(t *testing.T) {
				b, token := w.signedInBrowser(w.tenant, ada(w.tenant))
				address := c.address
				if c.tile {
					w.at(other)
					a := b.post(w.sp(other.connection, "/acs"), other.unasked(t, ada(other), ""))
					address = a.location.String()
				}
				if c.posted != nil {
					address = b.post(address, c.posted).location.String()
				}
				for _, site := range []string{"cross-site", "same-site", ""} {
					var headers []string
					if site != "" {
						headers = []string{"Sec-Fetch-Site", site}
					}
					page := b.get(address, headers...).
						asks(t, ada(w.tenant).UserName+" at contoso", "Go on to "+c.next+"?")
					if len(page.header.Values("Set-Cookie")) > 0 && !strings.Contains(address, "/login/") {
						t.Errorf("a login began: %v", page.header)
					}
					if next := b.goesOn(page); next.location.String() == "" &&
						!strings.Contains(next.body, "Choose how to sign in") {
						t.Errorf("after the answer: %d %s", next.status, next.body)
					}
				}
				for _, site := range []string{"same-origin", "none"} {
					if a := b.get(address, "Sec-Fetch-Site", site); strings.Contains(a.body, "You are signed in as") {
						t.Errorf("asked although %s", site)
					}
				}
				if w.profile(token) == nil || !b.signedIn() {
					t.Error("the session has ended")
				}
			})
		}
	})
}

// TestAnotherOrganizationsSessionIsNeverEnded goes on after the question.
func TestAnotherOrganizationsSessionIsNeverEnded(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.activate(w.tenant)
		other := w.hostile()
		b, token := w.signedInBrowser(w.tenant, ada(w.tenant))
		before := len(w.events())
		sent := b.goesOn(b.get(w.authorize(w.at(other)), "Sec-Fetch-Site", "cross-site").asks(t))
		b.post(w.sp(other.connection, "/acs"), other.answer(t, sent, ada(other), testidp.ResponseOptions{})).code(t)
		if w.profile(token) == nil || slices.Contains(w.typesSince(before), "user.access_ended") {
			t.Error("the session of the other organization has ended")
		}
		o := b.get("/sso/session").object(t)["organization"].(map[string]any)
		if o["name"] != "fabrikam" {
			t.Errorf("signed in at %v", o)
		}
		// A password does not end it either.
		w.setPassword(w.admin(other, "admin@fabrikam.example").ID, password)
		b, token = w.signedInBrowser(w.tenant, ada(w.tenant))
		a := b.enter("admin@fabrikam.example", password)
		if a.status != http.StatusSeeOther || w.profile(token) == nil {
			t.Errorf("by a password: %d", a.status)
		}
	})
}

// TestNoIsAnAnswer stays, and the application hears of it.
func TestNoIsAnAnswer(t *testing.T) {
	t.Parallel()
	w := one(t)
	other := w.hostile()
	b, token := w.signedInBrowser(w.tenant, ada(w.tenant))
	told := func(location string) {
		t.Helper()
		u, err := url.Parse(location)
		must(t, err)
		if q := u.Query(); !strings.HasPrefix(location, callback+"?") || q.Get("error") != "access_denied" ||
			q.Get("state") != "a state" || q.Get("iss") != w.url || q.Has("code") {
			t.Errorf("sent to %s", location)
		}
	}
	told(stays(t, b.get(w.authorize(other)).asks(t)))
	told(stays(t, b.signIn(w.at(w.tenant), person(w.tenant, 1), "prompt", "login").asks(t)))
	if location := stays(t, b.get(w.sp(other.connection, "/login")).asks(t)); location != "/sso/signed-in" {
		t.Errorf("without an application: %s", location)
	}
	if w.profile(token) == nil || !b.signedIn() {
		t.Error("the session has ended")
	}
	if a := b.get(w.authorize(other, "prompt", "none")); a.location.Query().Get("error") != "login_required" {
		t.Errorf("a silent request shows a page: %d to %s", a.status, a.location)
	}
}

// TestAnotherPersonIsAskedAbout, whoever began the login.
func TestAnotherPersonIsAskedAbout(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.activate(w.tenant)
		o := w.newOpenID("oidc", "oidc.example", testidp.PlainSAML, "GenericOIDC")
		openID := func(b *browser, i int) answer {
			return o.signIn(b, person(o.tenant, i), w.authorize(o.tenant, "prompt", "login"))
		}
		saml := func(b *browser, i int) answer { return b.signIn(w.tenant, person(w.tenant, i), "prompt", "login") }
		for name, c := range map[string]struct {
			at     tenant
			signIn func(b *browser, i int) answer
		}{"SAML": {w.tenant, saml}, "OpenID Connect": {o.tenant, openID}} {
			t.Run(name, func(t *testing.T) {
				b := w.browser()
				first := c.signIn(b, 1)
				if q := first.asksNothing(t); q.Get("iss") != w.url {
					t.Errorf("%v", q)
				}
				_, body := w.exchange(first.code(t))
				token := body["access_token"].(string)
				users, lines := len(w.users(c.at)), len(w.log(c.at))
				page := c.signIn(b, 2).asks(t, "Go on as "+person(c.at, 2).UserName)
				if len(w.users(c.at)) != users || len(w.log(c.at)) != lines || w.profile(token) == nil {
					t.Error("something happened before the answer")
				}
				b.continues(page).code(t)
				if w.profile(token) != nil {
					t.Error("the replaced session lives on")
				}
				got := b.get("/sso/session").object(t)["user"].(map[string]any)["email"]
				if got != person(c.at, 2).UserName {
					t.Errorf("signed in as %v", got)
				}
				w.ledBack(b, b.continues(page), w.url+"/sso/signed-in")
				c.signIn(b, 2).asksNothing(t) // the same person
			})
		}
	})
}

// asksNothing demands that an answer goes to the application.
func (a answer) asksNothing(t testing.TB) url.Values {
	t.Helper()
	a.code(t)
	return a.location.Query()
}

// TestASessionThatBeginsDuringALoginIsAskedAbout begins the login before there is a session.
func TestASessionThatBeginsDuringALoginIsAskedAbout(t *testing.T) {
	t.Parallel()
	w := one(t)
	other := w.hostile()
	b := w.browser()
	sent := b.get(w.authorize(w.at(other)), "Sec-Fetch-Site", "cross-site")
	if !sent.toProvider(other) {
		t.Fatalf("%d to %s", sent.status, sent.location)
	}
	token := w.token(w.at(w.tenant), b, ada(w.tenant))
	w.at(other)
	page := b.post(w.sp(other.connection, "/acs"), other.answer(t, sent, ada(other), testidp.ResponseOptions{})).
		asks(t, ada(w.tenant).UserName+" at contoso", "Go on as "+ada(other).UserName+" at fabrikam?")
	if !b.signedIn() || w.profile(token) == nil {
		t.Error("the session has ended")
	}
	b.continues(page).code(t)
	if w.profile(token) == nil {
		t.Error("the other organization's session has ended")
	}
}

// TestAnAnswerIsForOneQuestion sends answers where they do not belong.
func TestAnAnswerIsForOneQuestion(t *testing.T) {
	t.Parallel()
	w := one(t)
	other := w.hostile()
	third := w.newTenant("third", "third.example", testidp.PlainSAML, "GenericSAML")
	w.activate(third)
	b, _ := w.signedInBrowser(w.tenant, ada(w.tenant))
	start := b.get(w.authorize(other)).asks(t)
	agreed := b.continues(start).location
	elsewhere := func(n tenant) string {
		return w.authorize(n, "agreed", agreed.Query().Get("agreed"))
	}
	if a := b.get(elsewhere(other)); !a.toProvider(other) {
		t.Errorf("the answer is not taken: %d", a.status)
	}
	b.get(elsewhere(third)).asks(t)
	stranger, _ := w.signedInBrowser(w.tenant, ada(w.tenant))
	stranger.get(elsewhere(other)).asks(t)

	question := b.signIn(w.at(w.tenant), person(w.tenant, 1), "prompt", "login").asks(t)
	w.refused(w.tenant, stranger.continues(question), string(refusal.LoginForeign))
	// Somebody else signed in while the question stood.
	b.continues(b.signIn(w.tenant, person(w.tenant, 2), "prompt", "login").asks(t)).code(t)
	b.continues(question).asks(t, "as "+person(w.tenant, 2).UserName)
	for _, path := range []string{"/sso/go-on", "/sso/replace"} {
		for _, sealed := range []string{
			"", "AAAA", fields(t, start.body).Get("sealed") + "A", agreed.Query().Get("agreed"),
		} {
			if a := b.submit(path, url.Values{"sealed": {sealed}}); a.status != http.StatusNotFound {
				t.Errorf("%s with %q: %d", path, sealed, a.status)
			}
		}
	}
	w.clock.Advance(10 * time.Minute)
	if a := b.continues(start); a.status != http.StatusNotFound {
		t.Errorf("too late: %d", a.status)
	}
	b.get(elsewhere(other)).asks(t)
	w.refused(w.tenant, b.continues(question), string(refusal.LoginUsed))
}

// TestAQuestionEndsWithWhatItIsAbout deactivates the person, and changes the connection, while the
// question stands.
func TestAQuestionEndsWithWhatItIsAbout(t *testing.T) {
	t.Parallel()
	w := one(t)
	b, _ := w.signedInBrowser(w.tenant, ada(w.tenant))
	question := b.signIn(w.tenant, person(w.tenant, 1), "prompt", "login").asks(t)
	w.settings(w.tenant, func(g *organization.OrganizationFields) { g.Settings.JIT = false })
	w.refused(w.tenant, b.continues(question), string(refusal.NotProvisioned))
	w.settings(w.tenant, func(g *organization.OrganizationFields) { g.Settings.JIT = true })

	question = b.signIn(w.tenant, person(w.tenant, 2), "prompt", "login").asks(t)
	w.update(w.tenant, func(c *connection.ConnectionFields) { c.SubjectAttribute = "email" })
	w.refused(w.tenant, b.continues(question), string(refusal.ConnectionReplaced))
}

// TestTheMarkerOpensNothing sends markers of others and no session.
func TestTheMarkerOpensNothing(t *testing.T) {
	t.Parallel()
	w := one(t)
	b, token := w.signedInBrowser(w.tenant, ada(w.tenant))
	in, err := signon.Across(w.store).SessionByToken(t.Context(), b.sessionToken(t))
	must(t, err)
	for _, marker := range []string{in.Session.ID, signon.Across(w.store).Marker(in.Session.ID)} {
		cookie := fmt.Sprint("__Host-rollcall-session=", marker)
		if a := w.browser().get("/sso/session", "Cookie", cookie); a.status != http.StatusUnauthorized {
			t.Errorf("%d %s", a.status, a.body)
		}
	}
	if w.profile(token) == nil {
		t.Error("the session has ended")
	}
	if a := w.send(nil, http.MethodGet, "/login", "Cookie", "__Host-rollcall-session=x"); a.status != http.StatusOK {
		t.Errorf("%d", a.status)
	}
}
