package sso_test

import (
	"fmt"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/model"
	"rollcall/model/modeltest"
	"rollcall/model/operator"
	"rollcall/model/organization"
	"rollcall/model/people"
	"rollcall/model/store"
	"rollcall/sso"
	"rollcall/testidp"
)

// TestAdministratorSignsInByPassword walks from the link to the application.
func TestAdministratorSignsInByPassword(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		ask := w.authorize(w.tenant, "connection", "", "organization", model.OrganizationPrefix.ID(string(w.org.ID)))
		hedy := w.admin(w.tenant, admin)
		if a := w.browser().get(ask); a.location.Query().Get("error") != "organization_invalid" {
			t.Errorf("while nobody could sign in: %d to %s", a.status, a.location)
		}
		link := w.link(hedy.ID)
		for range 2 { // a mail scanner, then the person
			if a := w.browser().get(link); a.status != http.StatusOK || !strings.Contains(a.body, admin) {
				t.Fatalf("%d %s", a.status, a.body)
			}
		}
		for text, c := range map[string]struct{ one, other string }{
			"The two passwords differ": {password, "another"}, "at least 15": {"short",
				"short"}, "easily guessed": {"passwordpassword", "passwordpassword"},
		} {
			a := w.browser().submit(link, url.Values{"password": {c.one}, "again": {c.other}})
			if a.status != http.StatusBadRequest || !strings.Contains(a.body, text) ||
				strings.Contains(a.body, c.one+`"`) {
				t.Errorf("%s: %d %s", text, a.status, a.body)
			}
		}
		if a := w.browser().submit(link, url.Values{"password": {password},
			"again": {password}}); a.status != http.StatusOK || !strings.Contains(a.body, "Your password is set") {
			t.Fatalf("%d %s", a.status, a.body)
		}
		for _, a := range []answer{w.browser().get(link), w.browser().
			submit(link, url.Values{"password": {password}, "again": {password}})} {
			if a.status != http.StatusNotFound {
				t.Errorf("the link again: %d", a.status)
			}
		}

		b := w.browser()
		sent := b.get(ask)
		if sent.status != http.StatusSeeOther || sent.location.Path != "/login" {
			t.Fatalf("%d to %s", sent.status, sent.location)
		}
		page := b.get(sent.location.String())
		if !strings.Contains(page.body, "Analytics") || !strings.Contains(page.body, "contoso") {
			t.Errorf("it does not say where to: %s", page.body)
		}
		wrong := b.continues(page, "email", admin, "password", "not it")
		if wrong.status != http.StatusForbidden || b.signedIn() {
			t.Errorf("%d %s", wrong.status, wrong.body)
		}
		back := b.continues(wrong, "password", password)
		status, body := w.exchange(back.code(t))
		if status != http.StatusOK || back.location.Query().Get("state") != "a state" {
			t.Fatalf("%d %v", status, body)
		}
		token := body["access_token"].(string)
		user := model.UserPrefix.ID(hedy.ID)
		if p := w.profile(token); p["method"] != "password" || p["connection_id"] == nil || p["email"] != admin ||
			p["user_id"] != user ||
			p["id"] != model.ProfilePrefix.ID(hedy.ID) || p["role"].(map[string]any)["slug"] != "admin" {
			t.Errorf("%v", p)
		}
		if o := b.get("/sso/session").object(t); o["method"] != "password" || o["connection"] != nil ||
			o["role"] != "admin" {
			t.Errorf("%v", o)
		}
		if a := b.get("/sso/signed-in"); a.status != http.StatusOK {
			t.Errorf("%d %s", a.status, a.body)
		}
		if status, o := w.call(http.MethodGet, "/sessions?user="+user, bootstrapKey, nil); status != 200 ||
			o["data"].([]any)[0].(map[string]any)["method"] != "password" {
			t.Errorf("%d %v", status, o)
		}
		b.get(ask).code(t) // as often as the application asks
		if again := b.get(sent.location.String()); strings.Contains(again.body, "Analytics") {
			t.Error("an application is answered twice")
		}
		a := b.get(w.logoutURL(w.profile(token)["id"]))
		if w.profile(token) != nil || b.signedIn() {
			t.Errorf("the application cannot sign out: %d %s", a.status, a.body)
		}
	})
}

// TestHomeRealm leads each address where it belongs (docs/design/identity.md, "Login page").
func TestHomeRealm(t *testing.T) {
	t.Parallel()
	w := one(t)
	fabrikam := w.newTenant("fabrikam", "fabrikam.example", testidp.PlainSAML, "OktaSAML")
	w.activate(fabrikam)
	unconnected := &organization.Organization{OrganizationFields: organization.OrganizationFields{
		Name: "Unconnected", Slug: "unconnected", Settings: organization.DefaultSettings(),
	}}
	must(t, operator.Across(w.store).CreateOrganization(t.Context(), "operator:test", model.Everywhere(), unconnected,
		map[string]organization.DomainState{
			"unconnected.example": organization.DomainStateVerified,
			"pending.example":     organization.DomainStatePending}))
	enter := func(email string, more ...string) answer {
		b := w.browser()
		return b.continues(b.get("/login"), append([]string{"email", email}, more...)...)
	}
	t.Run("to the identity provider of the domain, with the address", func(t *testing.T) {
		a := enter(" someone@FABRIKAM.example ")
		if !a.toProvider(fabrikam) || a.location.Query().Get("login_hint") != "someone@FABRIKAM.example" {
			t.Errorf("%d to %s", a.status, a.location)
		}
		if a := enter("anybody@contoso.example"); !a.toProvider(w.tenant) {
			t.Errorf("%d to %s", a.status, a.location)
		}
	})
	t.Run("to the password, for every address", func(t *testing.T) {
		for _, email := range []string{"a@nobody.example", "a@unconnected.example", "a@pending.example",
			"a@[127.0.0.1]", "a@sub.fabrikam.example"} {
			if a := enter(email); a.status != http.StatusOK || !strings.Contains(a.body, `type="password"`) {
				t.Errorf("%s: %d %s", email, a.status, a.body)
			}
		}
		if a := enter("a@contoso.example", "with", "password"); !strings.Contains(a.body, `type="password"`) {
			t.Errorf("%d to %s", a.status, a.location)
		}
	})
	t.Run("nowhere without an address", func(t *testing.T) {
		for _, email := range []string{"", "ada", "@contoso.example", "ada@",
			strings.Repeat("a", 300) + "@contoso.example"} {
			if a := enter(email); a.status != http.StatusBadRequest || !strings.Contains(a.body, `role="alert"`) {
				t.Errorf("%q: %d %s", email, a.status, a.body)
			}
		}
	})
	t.Run("to a choice where there are several", func(t *testing.T) {
		w.second(fabrikam)
		if a := enter("someone@fabrikam.example"); a.location.Path != "/login/fabrikam" {
			t.Errorf("%d to %s", a.status, a.location)
		}
	})
	t.Run("to the identity provider alone where there are no passwords", func(t *testing.T) {
		w.settings(w.tenant, func(g *organization.OrganizationFields) { g.Settings.AllowAdminPasswords = false })
		if a := enter("a@contoso.example", "with", "password"); !a.toProvider(w.tenant) {
			t.Errorf("%d to %s", a.status, a.location)
		}
	})
	t.Run("to the application, which asks for it", func(t *testing.T) {
		_, err := organization.Across(w.store).UpdateApplication(t.Context(), w.app.ID,
			func(a *organization.ApplicationFields) error {
				a.InitiateLoginURI = "https://app.example/login"
				return nil
			})
		must(t, err)
		if a := enter("a@contoso.example"); a.location.Host != "app.example" ||
			a.location.Query().Get("login_hint") != "a@contoso.example" {
			t.Errorf("%d to %s", a.status, a.location)
		}
	})
}

// TestPasswordsUnderNoVerifiedDomain are of the organization that the page's address names, or that
// the browser remembers, and of no other.
func TestPasswordsUnderNoVerifiedDomain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, modeltest.SQLite(t), store.Options{})
	fabrikam := w.newTenant("fabrikam", "fabrikam.example", testidp.PlainSAML, "GenericSAML")
	const shared = "consultant@elsewhere.example"
	here := w.admin(w.tenant, shared)
	w.admin(fabrikam, shared)
	w.setPassword(here.ID, password)
	in := func(a answer) bool { return a.status == http.StatusSeeOther && a.cookie(sessionCookie) != nil }
	if a := w.browser().enter(shared, password); in(a) {
		t.Error("without an organization")
	}
	if a := w.browser().enter(shared, password, "organization", "fabrikam"); in(a) {
		t.Error("at another organization")
	}
	if a := w.browser().enter(shared, password, "organization", "nobody"); in(a) {
		t.Error("at no organization")
	}
	if a := w.browser().enter(shared, password, "organization", "contoso"); !in(a) {
		t.Errorf("%d %s", a.status, a.body)
	}
	b := w.browser()
	if a := b.get("/login/contoso"); a.status != http.StatusOK || !strings.Contains(a.body, `type="password"`) {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := b.enter(shared, password); !in(a) {
		t.Errorf("the browser does not remember: %d %s", a.status, a.body)
	}
	must(t, func() error {
		_, err := organization.In(fabrikam.org).CreateDomain(t.Context(), "elsewhere.example",
			organization.DomainStateVerified)
		return err
	}())
	if a := w.browser().enter(shared, password, "organization", "contoso"); in(a) {
		t.Error("another organization has the domain verified")
	}
}

// inTurn is modeltest.EachDatabase for what measures the whole process: nothing runs in parallel.
func inTurn(t *testing.T, test func(t *testing.T, db modeltest.Database)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, modeltest.SQLite(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, modeltest.Postgres(t)) })
}

// work is how much an attempt hashes, by the memory that it takes: argon2id alone takes 19 MiB.
func work(run func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	run()
	runtime.ReadMemStats(&after)
	return (after.TotalAlloc - before.TotalAlloc + 1<<20) >> 20 / 19
}

// TestNobodyLearnsWhichAccountsExist: the answer is the same for every address, after the same
// statements and the same hashing.
func TestNobodyLearnsWhichAccountsExist(t *testing.T) {
	inTurn(t, func(t *testing.T, db modeltest.Database) {
		var counter modeltest.Statements
		o := counter.Options()
		o.PasswordMemory = 19 << 10
		w := newWorld(t, db, o)
		w.activate(w.tenant)
		d := w.newDirectory(w.tenant, "generic scim v2.0")
		w.setPassword(w.admin(w.tenant, admin).ID, password)
		w.admin(w.tenant, "no-password@"+domain)
		who := person(w.tenant, 5)
		gone := d.provision(who.UserName, who.ExternalID, who)
		_, err := people.In(w.org).SetRole(t.Context(), gone, people.Admin)
		must(t, err)
		w.setPassword(gone, password)
		d.setActive(gone, false)
		attempts := 0
		from := func() *browser {
			attempts++
			return &browser{w, w.browser().http, fmt.Sprint("198.51.100.", attempts)} // nobody has to wait
		}
		from().enter("warm@nobody.example", "up")
		var first answer
		var statements []string
		for _, email := range []string{admin, "nobody@" + domain, ada(w.tenant).UserName, who.UserName,
			"no-password@" + domain} {
			guess := "a wrong guess at it"
			if email == who.UserName {
				guess = password // right, but they are gone
			}
			b := from()
			page := b.continues(b.get("/login"), "email", email, "with", "password")
			var a answer
			var list []string
			if n := work(func() {
				list = counter.During(func() { a = b.continues(page, "password", guess) })
			}); n != 1 {
				t.Errorf("%s: %d hashes", email, n)
			}
			shown := func(a answer) string { return strings.ReplaceAll(a.body, email, admin) }
			if statements == nil {
				first, statements = a, list
			}
			if a.status != http.StatusForbidden || shown(a) != first.body || len(a.header.Values("Set-Cookie")) != 0 {
				t.Errorf("%s: %d %s", email, a.status, a.body)
			}
			if !slices.Equal(list, statements) {
				t.Errorf("%s: other statements:\n%s", email, strings.Join(list, "\n"))
			}
		}
		// An address of an unverified domain gets an answer of its own. The rest is the same.
		var a answer
		if n := work(func() {
			a = from().enter("who@nobody.example", "a wrong guess at it")
		}); n != 1 || a.status != http.StatusForbidden {
			t.Errorf("%d, %d hashes", a.status, n)
		}
	})
}

// TestGuessingIsSlowedDown for the account, from every address and on all replicas, and for no
// other account.
func TestGuessingIsSlowedDown(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		w := newWorld(t, db, store.Options{})
		w.setPassword(w.admin(w.tenant, admin).ID, password)
		w.setPassword(w.admin(w.tenant, "other@"+domain).ID, password)
		other := w.replica(t)
		b := w.browser()
		b.address = "198.51.100.7"
		guess := func(i int, email, text string) answer {
			location := []string{w.server.URL, other.server.URL}[i%2] + "/login/password"
			return b.submit(location, url.Values{"email": {email}, "password": {text}})
		}
		for _, email := range []string{admin, "nobody@" + domain} {
			for i := range 6 {
				b.address = "198.51.100." + string(rune('1'+i)) + map[string]string{admin: "0"}[email]
				if a := guess(i, email, "a wrong guess"); a.status != http.StatusForbidden {
					t.Fatalf("guess %d at %s: %d %s", i, email, a.status, a.body)
				}
			}
			b.address = "203.0.113.9"
			for i := range 2 {
				a := guess(i, email, password)
				if a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") == "" ||
					!strings.Contains(a.body, "Too many attempts") {
					t.Errorf("%s on replica %d: %d %s", email, i, a.status, a.body)
				}
			}
		}
		if a := guess(0, "other@"+domain, password); a.status != http.StatusSeeOther {
			t.Errorf("somebody else: %d %s", a.status, a.body)
		}
		w.clock.Advance(16 * time.Minute)
		if a := guess(1, admin, password); a.status != http.StatusSeeOther {
			t.Errorf("nobody is locked out for good: %d %s", a.status, a.body)
		}
		t.Run("one address at many accounts", func(t *testing.T) {
			b = w.browser()
			b.address = "203.0.113.77"
			for i := range 6 {
				guess(i, string(rune('a'+i))+"@"+domain, "a wrong guess")
			}
			if a := guess(0, admin, password); a.status != http.StatusTooManyRequests {
				t.Errorf("%d", a.status)
			}
		})
	})
}

// TestFormsOfOtherSitesAreRefused walks every route of this package that takes a form.
func TestFormsOfOtherSitesAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, modeltest.SQLite(t), store.Options{})
	exempt := []string{"/sso/token", "/sso/saml/:connection/acs", "/sso/saml/:connection/slo", "/sso/logout/authorize",
		// docs/design/signon.md, "One login, one browser"
		// to which an OpenID provider may send a browser by a form; one only begins a login, and
		// the other ends one of this browser
		"/sso/oidc/:connection/login", "/sso/oidc/:connection/callback",
		// an application sends a browser there by a form, whose answer is the same as an address
		"/oauth2/authorize", "/oauth2/logout",
		// which scripts of an application call; no cookie counts there
		"/oauth2/token", "/oauth2/userinfo", "/oauth2/introspect", "/oauth2/revoke"}
	checked := 0
	for _, route := range sso.Routes(t, w.store) {
		if route.Method == http.MethodGet || route.Method == http.MethodHead || slices.Contains(exempt, route.Path) {
			continue
		}
		checked++
		path := strings.NewReplacer(":token", "x", ":connection", "conn_x").Replace(route.Path)
		for name, headers := range map[string][]string{
			"another site": {"Sec-Fetch-Site", "cross-site"}, "a site of the domain": {"Sec-Fetch-Site", "same-site"},
			"another origin": {"Origin", "https://evil.example"}, "a sandboxed page": {"Origin", "null"},
		} {
			a := w.send(nil, route.Method, path, append(headers, "Content-Type", formType, "Accept", "text/html")...)
			if a.status != http.StatusForbidden || !strings.Contains(a.body, "Another site sent this form") {
				t.Errorf("%s %s from %s: %d", route.Method, path, name, a.status)
			}
		}
	}
	if checked < 4 {
		t.Errorf("only %d routes take a form", checked)
	}
}
