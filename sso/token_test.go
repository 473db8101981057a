package sso_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/model"
	"rollcall/model/organization"
)

const formType = "application/x-www-form-urlencoded"

// clientForm is what the application sends with a code.
func (w *world) clientForm(code string) url.Values {
	return url.Values{"client_id": {model.ApplicationPrefix.ID(w.app.ID)}, "client_secret": {w.secret},
		"grant_type": {"authorization_code"}, "code": {code}}
}

// newCode is a code of a new browser.
func (w *world) newCode(extra ...string) string {
	w.t.Helper()
	return w.browser().signIn(w.tenant, ada(w.tenant), extra...).code(w.t)
}

func TestCodeIsExchangedByFormAndJSON(t *testing.T) {
	t.Parallel()
	w := one(t)
	object := func(v url.Values) string {
		o := map[string]string{}
		for name := range v {
			o[name] = v.Get(name)
		}
		text, err := json.Marshal(o)
		must(t, err)
		return string(text)
	}
	for name, c := range map[string]struct {
		kind string
		body func(url.Values) string
	}{
		"form":                {formType, url.Values.Encode},
		"form with a charset": {formType + "; charset=utf-8", url.Values.Encode},
		"JSON":                {"application/json", object},
		"JSON with a charset": {"application/json; charset=utf-8", object},
	} {
		t.Run(name, func(t *testing.T) {
			a := w.send(nil, http.MethodPost, "/sso/token", "Content-Type", c.kind, "",
				c.body(w.clientForm(w.newCode())))
			if a.status != http.StatusOK || a.header.Get("Cache-Control") != "no-store" {
				t.Fatalf("%d %s %v", a.status, a.body, a.header)
			}
			conforms(t, "SsoTokenResponse", a.body)
			profile := w.send(nil, http.MethodGet, "/sso/profile",
				"Authorization", "Bearer "+a.object(t)["access_token"].(string))
			conforms(t, "Profile", profile.body)
			groups, _ := profile.object(t)["groups"].([]any)
			if profile.status != http.StatusOK || len(groups) == 0 {
				t.Errorf("%d %s", profile.status, profile.body)
			}
		})
	}
}

func TestCodeIsRefused(t *testing.T) {
	t.Parallel()
	w := one(t)
	other := &organization.Application{ApplicationFields: organization.ApplicationFields{
		Name: "Billing", AllOrganizations: true, RedirectURIs: []string{callback},
	}}
	foreign, err := organization.Across(w.store).CreateApplication(t.Context(), other, nil)
	must(t, err)
	change := func(name, value string) func(url.Values) string {
		return func(v url.Values) string {
			v.Set(name, value)
			if value == "" {
				v.Del(name)
			}
			return v.Encode()
		}
	}
	for _, c := range []struct {
		name, query, kind string
		body              func(url.Values) string
		code              string
	}{
		{"the secret in the query", "?client_secret=" + url.QueryEscape(w.secret), formType, url.Values.Encode,
			"invalid_request"},
		{"all in the query", "?" + w.clientForm("x").Encode(), formType, func(url.Values) string {
			return ""
		}, "invalid_request"},
		{"the code in the query", "?code=x", formType, url.Values.Encode, "invalid_request"},
		{"no type", "", "", url.Values.Encode, "invalid_request"},
		{"text", "", "text/plain", url.Values.Encode, "invalid_request"},
		{"broken JSON", "", "application/json", func(url.Values) string { return "{" }, "invalid_request"},
		{"a JSON list", "", "application/json", func(url.Values) string { return "[]" }, "invalid_request"},
		{"JSON null", "", "application/json", func(url.Values) string { return "null" }, "invalid_client"},
		{"numbers in JSON", "", "application/json", func(url.Values) string {
			return `{"client_id":1,"client_secret":2}`
		}, "invalid_client"},
		{"a parameter twice", "", formType, func(v url.Values) string {
			return v.Encode() + "&code=x"
		}, "invalid_request"},
		{"a broken form", "", formType, func(url.Values) string { return "%zz" }, "invalid_request"},
		{"a wrong secret", "", formType, change("client_secret", w.secret[:len(w.secret)-1]+"_"), "invalid_client"},
		{"no secret", "", formType, change("client_secret", ""), "invalid_client"},
		{"the bootstrap key", "", formType, change("client_secret", bootstrapKey), "invalid_client"},
		{"another application's secret", "", formType, change("client_secret", foreign), "invalid_client"},
		{"no client", "", formType, change("client_id", ""), "invalid_client"},
		{"another client", "", formType, change("client_id", model.ApplicationPrefix.ID(other.ID)), "invalid_client"},
		{"another application", "", formType, func(v url.Values) string {
			v.Set("client_id", model.ApplicationPrefix.ID(other.ID))
			v.Set("client_secret", foreign)
			return v.Encode()
		}, "invalid_grant"},
		{"another grant type", "", formType, change("grant_type", "password"), "unsupported_grant_type"},
		{"no grant type", "", formType, change("grant_type", ""), "unsupported_grant_type"},
		{"no code", "", formType, change("code", ""), "invalid_request"},
		{"an unknown code", "", formType, change("code", "rc_code_"+strings.Repeat("A", 43)), "invalid_grant"},
		{"a NUL in the code", "", formType, change("code", "\x00"), "invalid_grant"},
		{"another redirect_uri", "", formType, change("redirect_uri", callback+"/"), "invalid_grant"},
		{"a verifier without a challenge", "", formType, change("code_verifier", strings.Repeat("v", 43)),
			"invalid_grant"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code := w.newCode()
			a := w.send(nil, http.MethodPost, "/sso/token"+c.query, "Content-Type", c.kind, "",
				c.body(w.clientForm(code)))
			o := a.object(t)
			if a.status != http.StatusBadRequest || o["error"] != c.code || o["error_description"] == "" ||
				len(o) != 2 {
				t.Errorf("%d %s, want %s", a.status, a.body, c.code)
			}
			if strings.Contains(a.body, w.secret) || strings.Contains(a.body, code) {
				t.Errorf("the answer repeats a secret: %s", a.body)
			}
			if status, body := w.exchange(code, "redirect_uri", callback); status != http.StatusOK {
				t.Errorf("what was refused used the code up: %d %v", status, body)
			}
		})
	}
	if a := w.send(nil, http.MethodPost, "/sso/token", "Content-Type", formType, "",
		"code="+strings.Repeat("x", 64<<10)); a.status != http.StatusRequestEntityTooLarge {
		t.Errorf("64 KiB and more: %d %s", a.status, a.body)
	}
	if a := w.send(nil, http.MethodGet, "/sso/token"); a.status != http.StatusMethodNotAllowed ||
		a.object(t)["error"] != "invalid_request" {
		t.Errorf("GET: %d %s", a.status, a.body)
	}
}

func TestCodeIsGoodOnceAndForAMinute(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.activate(w.tenant)
		code := w.newCode()
		w.clock.Advance(59 * time.Second)
		_, body := w.exchange(code)
		token := body["access_token"].(string)
		if w.profile(token) == nil {
			t.Fatal("the token opens nothing")
		}
		// A second exchange is refused, and nothing shows which of the two was the thief.
		other := w.replica(t)
		a := w.send(nil, http.MethodPost, other.server.URL+"/sso/token", "Content-Type", formType, "",
			w.clientForm(code).Encode())
		if a.status != http.StatusBadRequest || a.object(t)["error"] != "invalid_grant" || w.profile(token) != nil {
			t.Errorf("%d %s; the first token opens %v", a.status, a.body, w.profile(token))
		}
		code = w.newCode()
		w.clock.Advance(61 * time.Second)
		if status, body := w.exchange(code); status != http.StatusBadRequest || body["error"] != "invalid_grant" {
			t.Errorf("after 61 s: %d %v", status, body)
		}
	})
}

func TestPKCE(t *testing.T) {
	t.Parallel()
	w := one(t)
	verifier := strings.Repeat("v~", 30)
	sum := sha256.Sum256([]byte(verifier))
	challenge := base64.RawURLEncoding.EncodeToString(sum[:])
	for name, c := range map[string]struct {
		verifier string
		ok       bool
	}{
		"the verifier": {verifier, true}, "another one": {verifier + "x", false}, "the challenge": {challenge,
			false}, "none": {"", false},
	} {
		for _, reused := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				b := w.browser()
				pkce := []string{"code_challenge", challenge, "code_challenge_method", "S256"}
				a := b.signIn(w.tenant, ada(w.tenant), pkce...)
				if reused {
					a = b.get(w.asks(pkce...))
				}
				status, body := w.exchange(a.code(t), "code_verifier", c.verifier)
				if c.ok != (status == http.StatusOK) || !c.ok && body["error"] != "invalid_grant" {
					t.Errorf("%d %v", status, body)
				}
			})
		}
	}
}

func TestProfileNeedsALiveToken(t *testing.T) {
	t.Parallel()
	w := one(t)
	token := w.token(w.tenant, w.browser(), ada(w.tenant))
	for name, headers := range map[string][]string{
		"nothing":            nil,
		"an unknown token":   {"Authorization", "Bearer rc_at_" + strings.Repeat("A", 43)},
		"another scheme":     {"Authorization", "Basic " + token},
		"the token alone":    {"Authorization", token},
		"the API key":        {"Authorization", "Bearer " + w.secret},
		"the bootstrap key":  {"Authorization", "Bearer " + bootstrapKey},
		"the token and more": {"Authorization", "Bearer " + token + "x"},
		"a cookie":           {"Cookie", sessionCookie + "=" + token},
		"a NUL":              {"Authorization", "Bearer \t"},
	} {
		a := w.send(nil, http.MethodGet, "/sso/profile", headers...)
		if a.status != http.StatusUnauthorized || a.object(t)["error"] != "Unauthorized" ||
			!strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Bearer") {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	if a := w.send(nil, http.MethodGet, "/sso/profile?access_token="+token); a.status != http.StatusUnauthorized {
		t.Errorf("a token in the address: %d", a.status)
	}
	if a := w.send(nil, http.MethodGet, "/sso/profile", "Authorization", "bearer "+token); a.status != http.StatusOK {
		t.Errorf("the scheme in small letters (RFC 9110, section 11.1): %d", a.status)
	}
	if strings.Contains(w.logged.String(), "level=ERROR") {
		t.Error("a token that has ended is an error in the log")
	}
	w.clock.Advance(24 * time.Hour)
	if w.profile(token) != nil {
		t.Error("the token outlives its session")
	}
}

func TestProfile(t *testing.T) {
	t.Parallel()
	w := one(t)
	who := person(w.tenant, 1)
	profile := w.profile(w.token(w.tenant, w.browser(), who))
	user := w.user(w.tenant, who.UserName)
	for name, want := range map[string]any{
		"object": "profile", "id": model.ProfilePrefix.ID(user.ProfileIDs[0]),
		"user_id": model.UserPrefix.ID(user.ID), "idp_id": who.UserName,
		"organization_id": model.OrganizationPrefix.ID(string(w.org.ID)),
		"connection_id":   model.ConnectionPrefix.ID(w.connection.ID),
		"connection_type": "GenericSAML", "email": who.UserName, "first_name": who.GivenName,
		"last_name": who.FamilyName, "name": who.Name(),
	} {
		if profile[name] != want {
			t.Errorf("%s is %v, want %v", name, profile[name], want)
		}
	}
	var groups []string
	for _, g := range profile["groups"].([]any) {
		groups = append(groups, g.(string))
	}
	if !slices.Equal(groups, []string{"Engineering", "Everyone"}) {
		t.Errorf("groups %v", groups)
	}
	if raw := profile["raw_attributes"].(map[string]any); raw["firstName"] == nil || raw["groups"] == nil {
		t.Errorf("raw attributes %v", raw)
	}
}

func TestKeySetOfAnApplication(t *testing.T) {
	t.Parallel()
	w := one(t)
	a := w.send(nil, http.MethodGet, "/sso/jwks/"+model.ApplicationPrefix.ID(w.app.ID))
	if a.status != http.StatusOK || a.body != w.send(nil, http.MethodGet, "/oauth2/jwks").body {
		t.Errorf("%d %s", a.status, a.body)
	}
	for _, id := range []string{"x", "client_01HZBC6N1EB1ZY7KG32X000000",
		model.ApplicationPrefix.ID("01890000-0000-7000-8000-000000000000")} {
		if a := w.send(nil, http.MethodGet, "/sso/jwks/"+id); a.status != http.StatusNotFound ||
			a.object(t)["message"] == "" {
			t.Errorf("%s: %d %s", id, a.status, a.body)
		}
	}
}

func TestBrowserSession(t *testing.T) {
	t.Parallel()
	w := one(t)
	b := w.browser()
	if a := b.get("/sso/session"); a.status != http.StatusUnauthorized || a.object(t)["error"] == nil {
		t.Errorf("%d %s", a.status, a.body)
	}
	who := person(w.tenant, 2)
	b.signIn(w.tenant, who, "state", "")
	o := b.get("/sso/session").object(t)
	user, organization, connection := o["user"].(map[string]any), o["organization"].(map[string]any),
		o["connection"].(map[string]any)
	if user["email"] != who.UserName || user["id"] != model.UserPrefix.ID(w.user(w.tenant, who.UserName).ID) ||
		organization["name"] != "contoso" ||
		connection["type"] != "GenericSAML" || o["role"] != "member" ||
		o["expires_at"] != w.clock.Now().Add(24*time.Hour).Format("2006-01-02T15:04:05.000Z") {
		t.Errorf("%v", o)
	}
	b.continues(b.signIn(w.tenant, ada(w.tenant), "prompt", "login"))
	if got := b.get("/sso/session").object(t)["user"].(map[string]any)["email"]; got != ada(w.tenant).UserName {
		t.Errorf("after somebody else signed in it is still %v", got)
	}
}
