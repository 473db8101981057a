package sso_test

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/modeltest"
	"rollcall/model/organization"
	"rollcall/model/refusal"
	"rollcall/model/signon"
	"rollcall/model/store"
	"rollcall/testidp"
)

// TestSignInOverOpenIDConnect is the story of one person at each kind of provider.
func TestSignInOverOpenIDConnect(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		for _, c := range []struct {
			personality testidp.Personality
			kind        string
			userInfo    int // how often it is asked
		}{
			{testidp.PlainSAML, "GenericOIDC", 0},
			{testidp.OktaSAML, "OktaOIDC", 1},
			{testidp.EntraSAML, "EntraIdOIDC", 0},
		} {
			t.Run(c.kind, func(t *testing.T) {
				o := w.newOpenID(strings.ToLower(c.kind), strings.ToLower(c.kind)+".example", c.personality, c.kind)
				o.times("")
				who := person(o.tenant, 3)
				p := o.profileOf(who)
				for name, want := range map[string]any{
					"email": who.UserName, "first_name": who.GivenName, "last_name": who.FamilyName,
					"idp_id":          who.ExternalID,
					"connection_type": c.kind, "connection_id": o.id,
				} {
					if p[name] != want {
						t.Errorf("%s is %v, want %v", name, p[name], want)
					}
				}
				var groups []string
				for _, g := range o.idp.Groups() {
					if slices.Contains(g.Members, who.ID) {
						groups = append(groups, map[bool]string{true: g.ExternalID,
							false: g.Name}[c.personality == testidp.EntraSAML])
					}
				}
				slices.Sort(groups)
				if got := texts(p["groups"]); !slices.Equal(got, groups) || len(groups) == 0 {
					t.Errorf("groups %q, want %q", got, groups)
				}
				o.mu.Lock()
				asked := strings.Join(o.asked, " ")
				o.mu.Unlock()
				if strings.Contains(asked, "openid-configuration") || strings.Contains(asked, "jwks") ||
					strings.Count(asked, "userinfo") != c.userInfo || strings.Count(asked, "token") != 1 {
					t.Errorf("the second login asked for %s", asked)
				}
				raw, _ := p["raw_attributes"].(map[string]any)
				if raw["preferred_username"] != who.UserName || raw["nonce"] != nil || raw["at_hash"] != nil {
					t.Errorf("raw attributes %v", raw)
				}
			})
		}
	})
}

// What is asked of the provider is what the application asked of us, and nothing that opens
// something is in the address or the database.
func TestAuthenticationRequest(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		w := newWorld(t, db, store.Options{})
		o := w.newOpenID("contoso-oidc", "oidc.example", testidp.PlainSAML, "GenericOIDC")
		for _, c := range []struct {
			name  string
			asked []string
			want  map[string]string
		}{
			{"nothing special", nil, map[string]string{"prompt": "", "max_age": "", "login_hint": ""}},
			{"a hint", []string{"login_hint", "ada & co@oidc.example"},
				map[string]string{"login_hint": "ada & co@oidc.example"}},
			{"a new login", []string{"prompt", "login"}, map[string]string{"prompt": "login", "max_age": "0"}},
			{"a recent login", []string{"max_age", "300"}, map[string]string{"prompt": "", "max_age": "300"}},
			{"both", []string{"max_age", "300", "prompt", "login"},
				map[string]string{"prompt": "login", "max_age": "300"}},
		} {
			t.Run(c.name, func(t *testing.T) {
				sent := w.browser().get(w.authorize(o.tenant, c.asked...))
				q := sent.location.Query()
				for name, want := range c.want {
					if got := q.Get(name); got != want {
						t.Errorf("%s is %q, want %q", name, got, want)
					}
				}
				for name, want := range map[string]string{"response_type": "code", "client_id": "rollcall client",
					"redirect_uri": o.callback(),
					"scope":        "openid profile email groups", "code_challenge_method": "S256"} {
					if got := q.Get(name); got != want {
						t.Errorf("%s is %q, want %q", name, got, want)
					}
				}
				for _, name := range []string{"state", "nonce", "code_challenge"} {
					if len(q.Get(name)) < 36 {
						t.Errorf("%s is %q", name, q.Get(name))
					}
				}
				for _, cookie := range sent.header.Values("Set-Cookie") {
					if strings.Contains(cookie, q.Get("nonce")) {
						t.Errorf("the browser learns the nonce by %s", cookie)
					}
				}
			})
		}
	})
}

// TestFreshnessOverOpenIDConnect is docs/design/identity.md, "Sessions", by auth_time.
func TestFreshnessOverOpenIDConnect(t *testing.T) {
	t.Parallel()
	w := one(t)
	o := w.newOpenID("contoso-oidc", "oidc.example", testidp.PlainSAML, "GenericOIDC")
	at := func(ago time.Duration) func(map[string]any) {
		return func(c map[string]any) { c["auth_time"] = w.clock.Now().Add(-ago).Unix() }
	}
	none := func(c map[string]any) { delete(c, "auth_time") }
	for _, c := range []struct {
		name  string
		asked []string
		edit  func(map[string]any)
		mode  connection.Reauthentication
		stale bool
	}{
		{"weeks old and nobody minds", nil, at(40 * 24 * time.Hour), connection.ReauthenticationEnforced, false},
		{"missing and nobody minds", nil, none, connection.ReauthenticationEnforced, false},
		{"new, as asked", []string{"prompt", "login"}, at(0), connection.ReauthenticationEnforced, false},
		{"old though a new one was asked for", []string{"prompt", "login"}, at(3 * time.Minute),
			connection.ReauthenticationEnforced, true},
		{"missing though a new one was asked for", []string{"prompt", "login"}, none,
			connection.ReauthenticationEnforced, true},
		{"missing where it is only requested", []string{"prompt", "login"}, none,
			connection.ReauthenticationRequested, false},
		{"young enough", []string{"max_age", "600"}, at(9 * time.Minute), connection.ReauthenticationEnforced, false},
		{"too old", []string{"max_age", "600"}, at(13 * time.Minute), connection.ReauthenticationEnforced, true},
		{"missing with max_age", []string{"max_age", "600"}, none, connection.ReauthenticationEnforced, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.update(o.tenant, func(to *connection.ConnectionFields) { to.Reauthentication = c.mode })
			o.idp.VaryTokens(testidp.TokenOptions{Edit: c.edit})
			a := o.signIn(w.browser(), ada(o.tenant), w.authorize(o.tenant, c.asked...))
			if c.stale {
				w.refused(o.tenant, a, string(refusal.StaleAuthentication))
				return
			}
			a.code(t)
		})
	}
	t.Run("a session whose authentication is unknown does not satisfy max_age", func(t *testing.T) {
		w.update(o.tenant, func(to *connection.ConnectionFields) {
			to.Reauthentication = connection.ReauthenticationEnforced
		})
		o.idp.VaryTokens(testidp.TokenOptions{Edit: none})
		b := w.browser()
		o.signIn(b, ada(o.tenant), w.authorize(o.tenant)).code(t)
		if a := b.get(w.authorize(o.tenant, "max_age", "600")); !strings.HasPrefix(a.location.String(), o.server.URL) {
			t.Errorf("%d to %s", a.status, a.location)
		}
	})
}

// TestGroupsOverOpenIDConnect: a claim that is missing keeps, an empty one strips.
func TestGroupsOverOpenIDConnect(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		o := w.newOpenID("contoso-oidc", "oidc.example", testidp.EntraSAML, "EntraIdOIDC")
		many := []string{}
		for i := range 201 {
			many = append(many, "group "+strings.Repeat("x", i))
		}
		sign := func(vary testidp.TokenOptions) []string {
			o.idp.VaryTokens(vary)
			return texts(o.profileOf(ada(o.tenant))["groups"])
		}
		claim := func(v any) testidp.TokenOptions {
			return testidp.TokenOptions{Edit: func(c map[string]any) {
				if c["groups"] = v; v == nil {
					delete(c, "groups")
				}
			}}
		}
		for _, c := range []struct {
			name string
			vary testidp.TokenOptions
			want string
			note string
		}{
			{"a list", claim([]string{"one", "two"}), "one two", ""},
			{"missing", claim(nil), "one two", ""},
			{"overage", testidp.TokenOptions{Groups: many}, "one two", "more groups"},
			{"overage as the implicit flow tells it", testidp.TokenOptions{Edit: func(c map[string]any) {
				delete(c, "groups")
				c["hasgroups"] = true
			}}, "one two", "more groups"},
			{"one, which is no list", claim("three"), "three", ""},
			{"numbers", claim([]any{4, "five"}), "4 five", ""},
			{"empty", claim([]string{}), "", ""},
		} {
			if got := strings.Join(sign(c.vary), " "); got != c.want {
				t.Errorf("%s: %q, want %q", c.name, got, c.want)
			}
			if notes := strings.Join(o.attempt().Notes, " "); c.note == "" && notes != "" ||
				!strings.Contains(notes, c.note) {
				t.Errorf("%s: the log notes %q", c.name, notes)
			}
		}
		t.Run("of a claim with another name", func(t *testing.T) {
			w.api(http.MethodPatch, "/connections/"+o.id,
				map[string]any{"oidc": map[string]any{"groups_claim": "roles"}})
			got := sign(testidp.TokenOptions{Edit: func(c map[string]any) { c["roles"] = []string{"Writer"} }})
			if !slices.Equal(got, []string{"Writer"}) {
				t.Errorf("%q", got)
			}
		})
	})
}

// TestClaimsThatAConnectionNames: what is mapped comes from there only, and the provider's word on
// email is none on another claim.
func TestClaimsThatAConnectionNames(t *testing.T) {
	t.Parallel()
	w := one(t)
	o := w.newOpenID("contoso-oidc", "oidc.example", testidp.PlainSAML, "GenericOIDC")
	mapping := func(body map[string]any) {
		w.api(http.MethodPatch, "/connections/"+o.id, map[string]any{"attribute_mapping": body})
	}
	more := map[string]any{"vorname": "Augusta", "nachname": "King", "rufname": "Gus",
		"abteilungen": []string{"Engineers"}, "groups": []string{"Staff"}, "work_email": "gus@oidc.example"}
	says := func(c map[string]any) { maps.Copy(c, more); c["sub"] = "augusta" }
	o.idp.VaryTokens(testidp.TokenOptions{Edit: says})
	mapping(map[string]any{"first_name": "vorname", "last_name": "nachname", "display_name": "rufname",
		"groups": "abteilungen", "email": "work_email"})
	if a := o.signIn(w.browser(), ada(o.tenant), o.login()); a.status == http.StatusSeeOther {
		t.Errorf("somebody came in by an address that the provider does not vouch for: %v", o.attempt())
	}
	w.api(http.MethodPatch, "/connections/"+o.id, map[string]any{"trust_email": true})
	got := o.profileOf(ada(o.tenant))
	if got["email"] != "gus@oidc.example" || got["first_name"] != "Augusta" || got["last_name"] != "King" ||
		got["name"] != "Gus" || !slices.Equal(texts(got["groups"]), []string{"Engineers"}) {
		t.Errorf("got %v", got)
	}
	t.Run("from userinfo", func(t *testing.T) {
		o.idp.VaryTokens(testidp.TokenOptions{Edit: func(c map[string]any) { c["sub"] = "bea" },
			UserInfo: func(c map[string]any) { says(c); c["sub"], c["work_email"] = "bea", "bea@oidc.example" }})
		got := o.profileOf(ada(o.tenant))
		if got["email"] != "bea@oidc.example" || got["first_name"] != "Augusta" ||
			!slices.Equal(texts(got["groups"]), []string{"Engineers"}) {
			t.Errorf("got %v", got)
		}
	})
}

// A tile of the provider leads to our login address, with the person as a hint.
func TestLoginStartedByTheOpenIDProvider(t *testing.T) {
	t.Parallel()
	w := one(t)
	o := w.newOpenID("contoso-oidc", "oidc.example", testidp.PlainSAML, "GenericOIDC")
	initiate := func(method, issuer string) answer {
		form := url.Values{"iss": {issuer}, "login_hint": {"ada@oidc.example"},
			"target_link_uri": {"https://evil.example/"}}
		if method == http.MethodPost {
			a := w.send(nil, method, o.login(), "Content-Type", formType, "Sec-Fetch-Site", "cross-site", "",
				form.Encode())
			// The session's cookie did not come with the form. It does with what follows.
			if a.status != http.StatusSeeOther || !strings.HasPrefix(a.location.String(), o.login()+"?") {
				return a
			}
			return w.browser().get(a.location.String())
		}
		return w.browser().get(o.login() + "?" + form.Encode())
	}
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		a := initiate(method, o.idp.OIDCIssuer())
		if q := a.location.Query(); !strings.HasPrefix(a.location.String(), o.server.URL) ||
			q.Get("login_hint") != "ada@oidc.example" {
			t.Errorf("%s: %d to %s", method, a.status, a.location)
		}
	}
	if a := initiate(http.MethodGet, "https://evil.example"); a.status != http.StatusBadRequest ||
		a.location.String() != "" {
		t.Errorf("another issuer: %d to %s", a.status, a.location)
	}
	_, err := organization.Across(w.store).UpdateApplication(t.Context(), w.app.ID,
		func(a *organization.ApplicationFields) error {
			a.InitiateLoginURI = "https://app.example/login"
			return nil
		})
	must(t, err)
	a := initiate(http.MethodGet, o.idp.OIDCIssuer())
	if q := a.location.Query(); a.location.Host != "app.example" || q.Get("connection") != o.id ||
		q.Get("login_hint") != "ada@oidc.example" {
		t.Errorf("with an application: %d to %s", a.status, a.location)
	}
}

// The addresses of one protocol do not serve the other's connections.
func TestProtocolsAreApart(t *testing.T) {
	t.Parallel()
	w := one(t)
	o := w.newOpenID("contoso-oidc", "oidc.example", testidp.PlainSAML, "GenericOIDC")
	for _, path := range []string{"/sso/saml/" + o.id + "/metadata", "/sso/saml/" + o.id + "/login",
		"/sso/oidc/" + model.ConnectionPrefix.ID(w.connection.ID) + "/login", "/sso/oidc/" +
			model.ConnectionPrefix.ID(w.connection.ID) + "/callback?state=x"} {
		if a := w.browser().get(path); a.status != http.StatusNotFound {
			t.Errorf("%s: %d", path, a.status)
		}
	}
	if a := w.browser().post(w.url+"/sso/saml/"+o.id+"/acs",
		url.Values{"SAMLResponse": {"x"}}); a.status != http.StatusNotFound {
		t.Errorf("acs: %d", a.status)
	}
	a := w.browser().get("/login/contoso-oidc")
	if !strings.HasPrefix(a.location.String(), o.server.URL) {
		t.Errorf("the organization's address: %d to %s", a.status, a.location)
	}
}

// The identity provider can be asked to end its session.
func TestIDTokenIsKeptForLogout(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		o := w.newOpenID("contoso-oidc", "oidc.example", testidp.PlainSAML, "GenericOIDC")
		a := o.signIn(w.browser(), ada(o.tenant), w.authorize(o.tenant))
		in, err := signon.Across(w.store).SessionByToken(t.Context(), a.cookie(sessionCookie).Value)
		must(t, err)
		token, err := connection.In(o.org).IDToken(t.Context(), in.Session.ID)
		must(t, err)
		if strings.Count(token, ".") != 2 {
			t.Errorf("%q", token)
		}
		saml := w.browser()
		w.activate(w.tenant)
		in, err = signon.Across(w.store).SessionByToken(t.Context(),
			saml.signIn(w.tenant, ada(w.tenant)).cookie(sessionCookie).Value)
		must(t, err)
		if token, err := connection.In(w.org).IDToken(t.Context(), in.Session.ID); err != nil || token != "" {
			t.Errorf("a session over SAML has %q: %v", token, err)
		}
	})
}

// TestStatementsOverOpenIDConnect counts what reaches the database; the limits are today's numbers.
func TestStatementsOverOpenIDConnect(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		var counter modeltest.Statements
		w := newWorld(t, db, counter.Options())
		o := w.newOpenID("contoso-oidc", "oidc.example", testidp.PlainSAML, "GenericOIDC")
		b := w.browser()
		var back string
		for _, c := range []struct {
			what string
			most int
			run  func()
		}{
			{"begin", 5, func() { back = o.answer(b.get(w.authorize(o.tenant)), ada(o.tenant)) }},
			{"callback, a known person", 16, func() { b.get(back).code(t) }},
			{"callback, used", 8, func() { b.get(back) }},
			{"callback, nothing of ours", 5, func() { b.get(o.callback() + "?state=x&code=y") }},
		} {
			list := counter.During(c.run)
			t.Logf("%s: %d statements", c.what, len(list))
			if len(list) > c.most {
				t.Errorf("%s: %d statements, more than %d:\n%s", c.what, len(list), c.most, strings.Join(list, "\n"))
			}
		}
	})
}
