package sso_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/modeltest"
	"rollcall/model/operator"
	"rollcall/model/organization"
	"rollcall/model/refusal"
	"rollcall/model/store"
	"rollcall/testidp"
)

// asks is the address of a request with parts replaced; those without a value are left out.
func (w *world) asks(parts ...string) string { return w.authorize(w.tenant, parts...) }

// TestNoRedirectToUnknownAddress: without a known client and exactly one of its redirect URIs, the
// browser is not redirected (RFC 9700, section 4.11).
func TestNoRedirectToUnknownAddress(t *testing.T) {
	t.Parallel()
	w := one(t)
	for name, location := range map[string]string{
		"no client":                   w.asks("client_id", ""),
		"unknown client":              w.asks("client_id", "client_01HZBC6N1EB1ZY7KG32X000000"),
		"id of something else":        w.asks("client_id", model.OrganizationPrefix.ID(string(w.org.ID))),
		"client twice":                w.asks() + "&client_id=" + model.ApplicationPrefix.ID(w.app.ID),
		"no redirect_uri":             w.asks("redirect_uri", ""),
		"unregistered redirect_uri":   w.asks("redirect_uri", "https://evil.example/callback"),
		"redirect_uri twice":          w.asks() + "&redirect_uri=" + url.QueryEscape(callback),
		"another redirect_uri behind": w.asks() + "&redirect_uri=https://evil.example/",
		"a slash behind":              w.asks("redirect_uri", callback+"/"),
		"a query behind":              w.asks("redirect_uri", callback+"?x=1"),
		"a fragment behind":           w.asks("redirect_uri", callback+"#x"),
		"a path behind":               w.asks("redirect_uri", callback+"/../evil"),
		"another host behind":         w.asks("redirect_uri", "https://app.example.evil.example/callback"),
		"userinfo":                    w.asks("redirect_uri", "https://app.example@evil.example/callback"),
		"another case":                w.asks("redirect_uri", strings.Replace(callback, "app", "APP", 1)),
		"the default port":            w.asks("redirect_uri", "https://app.example:443/callback"),
		"http":                        w.asks("redirect_uri", strings.Replace(callback, "https", "http", 1)),
		"space before":                w.asks("redirect_uri", " "+callback),
		"escaped twice":               w.asks("redirect_uri", url.QueryEscape(callback)),
		"script":                      w.asks("redirect_uri", "javascript:alert(1)"),
		"a damaged query":             w.asks() + "&x=%zz",
		"semicolons":                  w.asks() + ";x=1",
		"no parameters":               w.url + "/sso/authorize",
	} {
		t.Run(name, func(t *testing.T) {
			a := w.browser().get(location)
			if a.status != http.StatusBadRequest || a.location.String() != "" ||
				!strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
				t.Errorf("%d to %q: %s", a.status, a.location, a.body)
			}
			if strings.Contains(a.body, "evil.example") {
				t.Errorf("the page repeats the address: %s", a.body)
			}
		})
	}
}

func TestAuthorizationErrorsGoToTheApplication(t *testing.T) {
	t.Parallel()
	w := one(t)
	fabrikam := w.newTenant("fabrikam", "fabrikam.example", testidp.PlainSAML, "GenericSAML")
	w.activate(fabrikam)
	draft := tenant{org: w.org, idp: w.idp}
	draft.connection = w.connect(draft, "GenericSAML")
	unconnected := &organization.Organization{OrganizationFields: organization.OrganizationFields{
		Name: "Initech", Slug: "initech", Settings: organization.DefaultSettings(),
	}}
	must(t, operator.Across(w.store).CreateOrganization(t.Context(), model.System, model.Everywhere(), unconnected,
		map[string]organization.DomainState{"initech.example": organization.DomainStatePending}))
	_, err := organization.Across(w.store).UpdateApplication(t.Context(), w.app.ID,
		func(a *organization.ApplicationFields) error {
			a.AllOrganizations = false
			return nil
		})
	must(t, err)
	for _, id := range []model.OrganizationID{w.org.ID, unconnected.ID} {
		must(t, organization.Across(w.store).SetApplicationOrganization(t.Context(), w.app.ID, id, true))
	}
	challenge := strings.Repeat("A", 43)
	org := func(id model.OrganizationID) string { return model.OrganizationPrefix.ID(string(id)) }
	for _, c := range []struct{ name, location, code string }{
		{"no response_type", w.asks("response_type", ""), "unsupported_response_type"},
		{"another response_type", w.asks("response_type", "token"), "unsupported_response_type"},
		{"a provider", w.asks("connection", "", "provider", "GoogleOAuth"), "unsupported_provider"},
		{"a provider besides", w.asks("provider", "GoogleOAuth"), "unsupported_provider"},
		{"a plain challenge", w.asks("code_challenge", challenge, "code_challenge_method", "plain"), "invalid_request"},
		{"a challenge without its method, which would be plain", w.asks("code_challenge", challenge),
			"invalid_request"},
		{"a method without a challenge", w.asks("code_challenge_method", "S256"), "invalid_request"},
		{"a challenge that is too short", w.asks("code_challenge", "AAAA", "code_challenge_method", "S256"),
			"invalid_request"},
		{"a challenge in padded base64", w.asks("code_challenge", challenge+"=", "code_challenge_method", "S256"),
			"invalid_request"},
		{"an empty challenge", w.asks("code_challenge_method", "S256") + "&code_challenge=", "invalid_request"},
		{"a word for max_age", w.asks("max_age", "soon"), "invalid_request"},
		{"a negative max_age", w.asks("max_age", "-1"), "invalid_request"},
		{"an endless max_age", w.asks("max_age", "99999999999999999999"), "invalid_request"},
		{"a parameter twice", w.asks() + "&prompt=none&prompt=login", "invalid_request"},
		{"prompt none with another", w.asks("prompt", "none login"), "invalid_request"},
		{"nothing to sign in at", w.asks("connection", ""), "invalid_request"},
		{"two things to sign in at", w.asks("organization", org(w.org.ID)), "invalid_request"},
		{"an unknown connection", w.asks("connection", "conn_01E4ZCR3C56J083X43JQXF3JK5"), "connection_invalid"},
		{"no connection's id", w.asks("connection", "contoso"), "connection_invalid"},
		{"a connection of another organization", w.authorize(fabrikam), "connection_invalid"},
		{"a draft", w.authorize(draft), "connection_unlinked"},
		{"an unknown organization", w.asks("connection", "", "organization", "org_01EHQMYV6MBK39QC5PZXHY59C3"),
			"organization_invalid"},
		{"no organization's id", w.asks("connection", "", "organization", "contoso"), "organization_invalid"},
		{"an organization that it does not serve", w.asks("connection", "", "organization", org(fabrikam.org.ID)),
			"organization_invalid"},
		{"an organization without a connection", w.asks("connection", "", "organization", org(unconnected.ID)),
			"organization_invalid"},
		{"an unknown domain", w.asks("connection", "", "domain", "nowhere.example"), "domain_invalid"},
		{"a domain of an organization that it does not serve", w.asks("connection", "", "domain", "fabrikam.example"),
			"domain_invalid"},
		{"a domain that is not verified", w.asks("connection", "", "domain", "initech.example"), "domain_invalid"},
		{"what is no domain", w.asks("connection", "", "domain", "..\x00"), "domain_invalid"},
		{"prompt none without a session", w.asks("prompt", "none"), "login_required"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := w.browser().get(c.location)
			q := a.location.Query()
			if a.status != http.StatusSeeOther || !strings.HasPrefix(a.location.String(), callback+"?") {
				t.Fatalf("%d to %q: %s", a.status, a.location, a.body)
			}
			if q.Get("error") != c.code || q.Get("state") != "a state" || q.Get("error_description") == "" ||
				q.Has("code") {
				t.Errorf("sent back with %v, want %s", q, c.code)
			}
		})
	}
}

func TestState(t *testing.T) {
	t.Parallel()
	w := one(t)
	for name, c := range map[string]struct{ sent, back, err string }{
		"as it came":           {"a b&c=d#é%00\"<script>", "a b&c=d#é%00\"<script>", ""},
		"the longest":          {strings.Repeat("s", 4096), strings.Repeat("s", 4096), ""},
		"too long to be right": {strings.Repeat("s", 4097), "", "invalid_request"},
		"none":                 {"", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := w.browser()
			a := b.get(w.asks("state", c.sent))
			if c.err == "" {
				a = b.post(w.sp(w.connection, "/acs"), w.answer(t, a, ada(w.tenant), testidp.ResponseOptions{}))
				a.code(t)
			}
			q := a.location.Query()
			if q.Get("state") != c.back || q.Has("state") != (c.back != "") || q.Get("error") != c.err {
				t.Errorf("%.100v", q)
			}
		})
	}
	t.Run("twice", func(t *testing.T) {
		q := w.browser().get(w.asks() + "&state=other").location.Query()
		if q.Get("error") != "invalid_request" || q.Has("state") {
			t.Errorf("%v", q)
		}
	})
}

func TestConnectionIsFound(t *testing.T) {
	t.Parallel()
	w := one(t)
	for name, location := range map[string]string{
		"by its id": w.asks(),
		"by its organization": w.asks("connection", "", "organization",
			model.OrganizationPrefix.ID(string(w.org.ID))),
		"by a domain":             w.asks("connection", "", "domain", domain),
		"by a domain in capitals": w.asks("connection", "", "domain", strings.ToUpper(domain)),
		"by the login address":    w.url + "/login/contoso",
	} {
		t.Run(name, func(t *testing.T) {
			if a := w.browser().get(location); !a.toProvider(w.tenant) {
				t.Errorf("%d to %q: %s", a.status, a.location, a.body)
			}
		})
	}
	second := w.second(w.tenant)
	ask := w.asks("connection", "", "organization", model.OrganizationPrefix.ID(string(w.org.ID)), "login_hint", "ada")
	for _, location := range []string{ask, w.url + "/login/contoso"} {
		page := w.browser().get(location)
		for _, c := range []*connection.Connection{w.connection, second.connection} {
			if page.status != http.StatusOK || !strings.Contains(page.body, model.ConnectionPrefix.ID(c.ID)) {
				t.Errorf("%d, the choice has no %s: %s", page.status, c.ID, page.body)
			}
		}
		links := hrefs(t, page.body, "main")
		if len(links) != 2 {
			t.Fatalf("%v", links)
		}
		if a := w.browser().get(links[0]); !a.toProvider(w.tenant) {
			t.Errorf("the first choice leads to %d %s", a.status, a.location)
		}
	}
	if a := w.browser().get(ask + "&prompt=none"); a.location.Query().Get("error") != "interaction_required" {
		t.Errorf("asked silently: %d to %q", a.status, a.location)
	}
	w.settings(w.tenant, func(g *organization.OrganizationFields) {
		g.Settings.DefaultConnection = organization.ConnectionRef(second.connection.ID)
	})
	for _, location := range []string{ask, w.url + "/login/contoso"} {
		b := w.browser()
		a := b.get(location)
		if !a.toProvider(w.tenant) {
			t.Fatalf("the default connection is not taken: %d %s", a.status, a.body)
		}
		if document, _, _ := request(t, a); !strings.Contains(document,
			model.ConnectionPrefix.ID(second.connection.ID)) {
			t.Errorf("another connection is taken: %s", document)
		}
	}
	for path, status := range map[string]int{"/login/nobody": 404,
		"/sso/saml/conn_01E4ZCR3C56J083X43JQXF3JK5/login": 404, "/sso/saml/x/login": 404, "/sso/saml/x/metadata": 404} {
		if a := w.browser().get(path); a.status != status {
			t.Errorf("%s: %d", path, a.status)
		}
	}
}

func TestLoginHint(t *testing.T) {
	t.Parallel()
	w := one(t)
	okta := w.newTenant("okta", "okta.example", testidp.OktaSAML, "OktaSAML")
	w.activate(okta)
	for _, c := range []struct {
		n    tenant
		want string
	}{{okta, "anna&x=1@okta.example"}, {w.tenant, ""}} {
		a := w.browser().get(w.authorize(c.n, "login_hint", "anna&x=1@okta.example"))
		if got := a.location.Query().Get("login_hint"); got != c.want || a.location.Query().Has("x") ||
			!a.toProvider(c.n) {
			t.Errorf("%s: %q", a.location, got)
		}
	}
}

// TestReauthentication: AuthnInstant decides whether the person authenticated again.
func TestReauthentication(t *testing.T) {
	t.Parallel()
	w := newWorld(t, modeltest.SQLite(t), store.Options{})
	entra := w.newTenant("entra", "entra.example", testidp.EntraSAML, connection.AzureSAML)
	w.activate(entra)
	stale := string(refusal.StaleAuthentication)
	for _, c := range []struct {
		name   string
		extra  []string
		mode   connection.Reauthentication
		age    time.Duration // of the authentication when the response is made
		force  bool
		reason string
	}{
		{"nothing was asked", nil, connection.ReauthenticationEnforced, 40 * 24 * time.Hour, false, ""},
		{"prompt=login, ignored", []string{"prompt", "login"}, connection.ReauthenticationEnforced,
			40 * 24 * time.Hour, true, stale},
		{"prompt=login, ignored by minutes", []string{"prompt", "login"}, connection.ReauthenticationEnforced,
			4 * time.Minute, true, stale},
		{"prompt=login, done within the skew", []string{"prompt", "login"}, connection.ReauthenticationEnforced,
			150 * time.Second, true, ""},
		{"prompt=login, done", []string{"prompt", "login"}, connection.ReauthenticationEnforced, time.Second, true, ""},
		{"prompt=login select_account, ignored", []string{"prompt", "login select_account"},
			connection.ReauthenticationEnforced, 40 * 24 * time.Hour, true, stale},
		{"prompt=login, requested only", []string{"prompt", "login"}, connection.ReauthenticationRequested,
			40 * 24 * time.Hour, true, ""},
		{"max_age, too old", []string{"max_age", "3600"}, connection.ReauthenticationEnforced, 63 * time.Minute, true,
			stale},
		{"max_age, young enough", []string{"max_age", "3600"}, connection.ReauthenticationEnforced, 59 * time.Minute,
			true, ""},
		{"max_age=0, too old", []string{"max_age", "0"}, connection.ReauthenticationEnforced, 3 * time.Minute, true,
			stale},
		{"max_age=0, now", []string{"max_age", "0"}, connection.ReauthenticationEnforced, 0, true, ""},
		{"max_age, requested only", []string{"max_age", "1"}, connection.ReauthenticationRequested,
			40 * 24 * time.Hour, true, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.update(entra, func(co *connection.ConnectionFields) { co.Reauthentication = c.mode })
			b := w.browser()
			sent := b.get(w.authorize(entra, c.extra...))
			if document, _, _ := request(t, sent); strings.Contains(document, `ForceAuthn="true"`) != c.force {
				t.Errorf("ForceAuthn: %s", document)
			}
			w.clock.Advance(time.Minute)
			form := entra.answer(t, sent, ada(entra), testidp.ResponseOptions{AuthnInstant: w.clock.Now().Add(-c.age)})
			a := b.post(w.sp(entra.connection, "/acs"), form)
			if c.reason == "" {
				a.code(t)
				return
			}
			w.refused(entra, a, c.reason)
		})
	}
}
