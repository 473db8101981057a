package sso_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"rollcall/model"
	"rollcall/model/modeltest"
	"rollcall/model/organization"
	"rollcall/model/people"
	"rollcall/model/store"
	"rollcall/testidp"
)

// TestEnforcement is docs/design/identity.md, "Administrators": which users may sign in by which
// method under which settings. Each user had a password before, and the identity provider knows
// each.
func TestEnforcement(t *testing.T) {
	t.Parallel()
	w := newWorld(t, modeltest.SQLite(t), store.Options{})
	type settings struct{ required, passwords bool }
	// kinds are kinds of users, each with a function that makes a user so.
	kinds := []struct {
		name       string
		owned      bool
		make       func(n tenant, d scimDirectory, id string)
		bySSO      bool
		byPassword map[settings]bool
	}{
		{"member", false, func(n tenant, _ scimDirectory, id string) { w.role(n, id, people.Member) }, true, nil},
		{"admin", false, func(tenant, scimDirectory, string) {}, true,
			map[settings]bool{{false, true}: true, {true, true}: true}},
		{"member of a directory", true, func(n tenant, _ scimDirectory, id string) {
			w.role(n, id, people.Member)
		}, true, nil},
		{"admin of a directory", true, func(tenant, scimDirectory, string) {}, true,
			map[settings]bool{{false, true}: true, {true, true}: true}},
		{"inactive admin", true, func(_ tenant, d scimDirectory, id string) { d.setActive(id, false) }, false, nil},
		{"inactive member", true, func(n tenant, d scimDirectory, id string) {
			w.role(n, id, people.Member)
			d.setActive(id, false)
		}, false, nil},
	}
	for i, s := range []settings{{false, true}, {false, false}, {true, true}, {true, false}} {
		for _, protocol := range []string{"SAML", "OpenID Connect"} {
			slug := fmt.Sprint("tenant-", i, "-", strings.ToLower(protocol[:4]))
			var n tenant
			var signIn func(b *browser, who testidp.Person, start string) answer
			if protocol == "SAML" {
				n = w.newTenant(slug, slug+".example", testidp.PlainSAML, "GenericSAML")
				w.activate(n)
				signIn = func(b *browser, who testidp.Person, start string) answer {
					return b.post(w.sp(n.connection, "/acs"), n.answer(t, b.get(start), who, testidp.ResponseOptions{}))
				}
			} else {
				o := w.newOpenID(slug, slug+".example", testidp.PlainSAML, "GenericOIDC")
				n, signIn = o.tenant, o.signIn
			}
			d := w.newDirectory(n, "generic scim v2.0")
			w.admin(n, "stand-in@"+slug+".example")
			for j, k := range kinds {
				who := person(n, j+1)
				if k.owned {
					d.provision(who.UserName, who.ExternalID, who)
				}
				signIn(w.browser(), who, w.authorize(n)).code(t)
				id := w.user(n, who.UserName).ID
				w.role(n, id, people.Admin)
				w.setPassword(id, password)
				k.make(n, d, id)
			}
			w.settings(n, func(g *organization.OrganizationFields) {
				g.Settings.SSORequired, g.Settings.AllowAdminPasswords = s.required, s.passwords
			})
			for j, k := range kinds {
				t.Run(fmt.Sprintf("%s, required %t, passwords %t, by %s", k.name, s.required, s.passwords, protocol),
					func(t *testing.T) {
						who := person(n, j+1)
						b := w.browser()
						b.address = fmt.Sprintf("198.51.%d.%d", 100+i, j+1)
						signIn(b, who, w.authorize(n))
						if got := b.signedIn(); got != k.bySSO {
							t.Errorf("signed in by %s: %t", protocol, got)
						}
						b = &browser{w, w.browser().http, b.address}
						before := len(w.events())
						a := b.enter(who.UserName, password)
						if got, want := b.signedIn(), k.byPassword[s]; got != want {
							t.Errorf("signed in by a password: %t: %d %s", got, a.status, a.body)
						}
						var want []string
						if k.byPassword[s] {
							want = append(want, "authentication.password_succeeded")
						}
						if k.byPassword[s] && s.required {
							want = append(want, "break_glass.used")
						}
						if got := w.typesSince(before); !slices.Equal(got, want) {
							t.Errorf("events %v, want %v", got, want)
						}
					})
			}
		}
	}
}

// role gives a user a role by the API.
func (w *world) role(n tenant, id string, r people.Role) {
	w.t.Helper()
	a := w.send(nil, http.MethodPatch, "/users/"+model.UserPrefix.ID(id), "Authorization", "Bearer "+bootstrapKey,
		"Content-Type", "application/json", "", `{"role":"`+string(r)+`"}`)
	if a.status != http.StatusOK {
		w.t.Fatalf("%d %s", a.status, a.body)
	}
}

// TestBreakGlass: when the identity provider is down, administrators sign in by a password and
// reach the application. An event and an alert say so.
func TestBreakGlass(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.activate(w.tenant)
		hedy := w.admin(w.tenant, admin)
		w.setPassword(hedy.ID, password)
		w.settings(w.tenant, func(g *organization.OrganizationFields) { g.Settings.SSORequired = true })
		ask := w.authorize(w.tenant, "connection", "", "organization", model.OrganizationPrefix.ID(string(w.org.ID)))

		t.Run("it answers with an error", func(t *testing.T) {
			b := w.browser()
			sent := b.get(w.authorize(w.tenant)) // the application names the connection
			_, _, relayState := request(t, sent)
			refused := b.post(w.sp(w.connection, "/acs"), url.Values{"SAMLResponse": {"AAAA"},
				"RelayState": {relayState}})
			ways := hrefs(t, refused.body, "main") // and back to the application
			if refused.status != http.StatusForbidden || len(ways) != 2 {
				t.Fatalf("%d %s", refused.status, refused.body)
			}
			if a := w.browser().get(ways[0]); strings.Contains(a.body, "Analytics") {
				t.Error("another browser is taken to the application")
			}
			before := len(w.events())
			back := b.continues(b.get(ways[0]), "email", admin, "password", password)
			status, body := w.exchange(back.code(t))
			if status != http.StatusOK || w.profile(first(status, body))["method"] != "password" {
				t.Errorf("%d %v", status, body)
			}
			w.alarmed(t, hedy, before)
		})
		t.Run("it answers nothing at all", func(t *testing.T) {
			b := w.browser()
			if a := b.get(ask); !a.toProvider(w.tenant) {
				t.Fatalf("%d to %s", a.status, a.location)
			}
			before := len(w.events())
			page := b.continues(b.get("/login"), "email", admin, "with", "password")
			if a := b.continues(page, "password", password); a.location.String() != w.url+"/sso/signed-in" {
				t.Errorf("%d to %s: %s", a.status, a.location, a.body)
			}
			w.alarmed(t, hedy, before)
			b.get(ask).code(t)
			if a := b.get(w.authorize(w.tenant)); !a.toProvider(w.tenant) {
				t.Errorf("an application that asks for the identity provider's word gets another: %d to %s", a.status,
					a.location)
			}
			if a := b.get(ask + "&prompt=login"); !a.toProvider(w.tenant) {
				t.Errorf("prompt=login: %d to %s", a.status, a.location)
			}
			if a := b.get(ask + "&max_age=0"); !a.toProvider(w.tenant) {
				t.Errorf("max_age=0: %d to %s", a.status, a.location)
			}
		})
		t.Run("members have no such way", func(t *testing.T) {
			if a := w.browser().enter(ada(w.tenant).UserName, password); a.status != http.StatusForbidden {
				t.Errorf("%d", a.status)
			}
		})
		t.Run("without passwords the page has no password form", func(t *testing.T) {
			w.settings(w.tenant, func(g *organization.OrganizationFields) { g.Settings.AllowAdminPasswords = false })
			b := w.begin(w.tenant)
			_, _, relayState := request(t, b.sent)
			refused := b.post(w.sp(w.connection, "/acs"), url.Values{"SAMLResponse": {"AAAA"},
				"RelayState": {relayState}})
			if ways := hrefs(t, refused.body, "main"); refused.status != http.StatusForbidden || len(ways) != 1 ||
				!strings.HasPrefix(ways[0], callback) {
				t.Errorf("%d %v", refused.status, ways)
			}
		})
	})
}

// alarmed demands the alert of a break-glass login.
func (w *world) alarmed(t *testing.T, u *people.User, before int) {
	t.Helper()
	alarms := slices.DeleteFunc(slices.Clone(w.events()[before:]), func(e event) bool {
		return e.Event != "break_glass.used"
	})
	if len(alarms) != 1 {
		t.Fatalf("%v", w.typesSince(before))
	}
	if data := alarms[0].Data; data["alert"] != true || data["id"] != model.UserPrefix.ID(u.ID) ||
		data["cause"] != "sso_required" || data["ip_address"] == nil || data["session_id"] == nil {
		t.Errorf("%v", data)
	}
}

// TestLinkedAdministratorIsOnePerson to an application, by whichever way they come.
func TestLinkedAdministratorIsOnePerson(t *testing.T) {
	t.Parallel()
	w := one(t)
	id := w.user(w.tenant, ada(w.tenant).UserName).ID
	before := w.profile(w.token(w.tenant, w.browser(), ada(w.tenant)))
	w.role(w.tenant, id, people.Admin)
	w.setPassword(id, password)
	b := w.browser()
	b.enter(ada(w.tenant).UserName, password)
	status, body := w.exchange(b.get(w.authorize(w.tenant, "connection", "", "organization",
		model.OrganizationPrefix.ID(string(w.org.ID)))).code(t))
	after := w.profile(first(status, body))
	for _, name := range []string{"id", "idp_id", "user_id", "email", "connection_id", "connection_type"} {
		if after[name] != before[name] || after[name] == nil {
			t.Errorf("%s was %v, is %v", name, before[name], after[name])
		}
	}
	if after["method"] != "password" || before["method"] != "sso" ||
		len(after["groups"].([]any)) != len(before["groups"].([]any)) {
		t.Errorf("%v", after)
	}
}

// TestProfileOutsideByPassword: a password is no way around docs/design/identity.md, "Disclosure".
func TestProfileOutsideByPassword(t *testing.T) {
	t.Parallel()
	w := newWorld(t, modeltest.SQLite(t), store.Options{})
	u := w.admin(w.tenant, "consultant@elsewhere.example")
	w.setPassword(u.ID, password)
	ask := w.authorize(w.tenant, "connection", "", "organization", model.OrganizationPrefix.ID(string(w.org.ID)))
	b := w.browser()
	a := b.continues(b.get(b.get(ask).location.String()), "email", u.Email, "password", password)
	if a.location.Query().Get("error") != "profile_not_allowed_outside_organization" ||
		a.location.Query().Get("state") != "a state" || b.signedIn() {
		t.Errorf("%d to %s", a.status, a.location)
	}
	b.enter(u.Email, password, "organization", "contoso")
	if a := b.get(ask); a.location.Query().Get("error") != "profile_not_allowed_outside_organization" {
		t.Errorf("by a session that lives: %d to %s", a.status, a.location)
	}
	w.settings(w.tenant, func(g *organization.OrganizationFields) { g.AllowProfilesOutsideOrganization = true })
	b.get(ask).code(t)
}

// TestLoginPageStaysHere, whatever the query of its URL says.
func TestLoginPageStaysHere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, modeltest.SQLite(t), store.Options{})
	w.setPassword(w.admin(w.tenant, admin).ID, password)
	for _, to := range []string{"https://evil.example/", "//evil.example", `/\evil.example`, "https:evil.example",
		"https://" + domain + "@evil.example", "/x\r\nLocation: https://evil.example"} {
		for _, name := range []string{"return_to", "redirect_uri", "next", "pending", "organization", "state"} {
			b := w.browser()
			page := b.get("/login?" + url.Values{name: {to}}.Encode())
			page = b.continues(page, "email", admin, "with", "password")
			a := b.continues(page, "password", password, name, to)
			if a.location.String() != w.url+"/sso/signed-in" || strings.Contains(page.body, "evil") &&
				name != "organization" {
				t.Errorf("%s=%q: %d to %s", name, to, a.status, a.location)
			}
		}
	}
}

// TestPendingAuthorization is answered once, in its browser, in time, and at its own organization.
func TestPendingAuthorization(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.setPassword(w.admin(w.tenant, admin).ID, password)
		fabrikam := w.newTenant("fabrikam", "fabrikam.example", testidp.PlainSAML, "GenericSAML")
		w.setPassword(w.admin(fabrikam, "admin@fabrikam.example").ID, password)
		ask := w.authorize(w.tenant, "connection", "", "organization", model.OrganizationPrefix.ID(string(w.org.ID)))
		b := w.browser()
		sent := b.get(ask)
		pending := sent.location.Query().Get("pending")
		without := func(name string, a answer) {
			t.Helper()
			if a.location.String() != w.url+"/sso/signed-in" {
				t.Errorf("%s: %d to %s: %s", name, a.status, a.location, a.body)
			}
		}
		without("in another browser", w.browser().enter(admin, password, "pending", pending))
		without("at another organization", b.enter("admin@fabrikam.example", password, "pending", pending))
		other := w.replica(t)
		a := (&browser{w: w, http: b.http}).submit(other.server.URL+"/login/password",
			url.Values{"email": {admin}, "password": {password}, "pending": {pending}})
		a.code(t)
		without("a second time", b.enter(admin, password, "pending", pending))
		fresh := w.browser()
		late := fresh.get(ask).location.Query().Get("pending")
		w.clock.Advance(601e9)
		without("too late", fresh.enter(admin, password, "pending", late))
		if a := w.browser().get(ask + "&prompt=none"); a.location.Query().Get("error") != "login_required" {
			t.Errorf("prompt=none: %d to %s", a.status, a.location)
		}
	})
}
