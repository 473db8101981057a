package sso_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/organization"
	"rollcall/model/people"
)

// TestOpenIDProvider walks from discovery to the end of access.
func TestOpenIDProvider(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.activate(w.tenant)
		found := w.send(nil, http.MethodGet, "/.well-known/openid-configuration").object(t)
		if found["issuer"] != w.url || found["token_endpoint"] != w.url+"/oauth2/token" ||
			found["request_uri_parameter_supported"] != false {
			t.Errorf("%v", found)
		}
		b := w.browser()
		back := b.signInAt(w.openID())
		if q := back.location.Query(); q.Get("iss") != w.url || q.Get("state") != "a state" {
			t.Errorf("sent back to %s", back.location)
		}
		tokens := w.opened(back.code(t))
		if tokens["token_type"] != "Bearer" || tokens["scope"] != "openid profile email" ||
			tokens["refresh_token"] != nil {
			t.Errorf("%v", tokens)
		}
		said, _ := w.verified(tokens["id_token"].(string))
		u := w.user(w.tenant, ada(w.tenant).UserName)
		want := map[string]any{
			"iss": w.url, "sub": model.UserPrefix.ID(u.ID), "aud": w.clientID(), "nonce": "a nonce",
			"email": u.Email, "email_verified": true, "organization_name": "contoso", "role": "member",
			"organization_id": model.OrganizationPrefix.ID(string(w.org.ID)),
			"connection_id":   model.ConnectionPrefix.ID(w.connection.ID),
		}
		for name, value := range want {
			if said[name] != value {
				t.Errorf("%s is %v, want %v", name, said[name], value)
			}
		}
		for _, name := range []string{"exp", "iat", "auth_time", "sid", "at_hash", "name", "given_name", "family_name",
			"preferred_username", "updated_at", "profile_id", "accounts", "permissions"} {
			if said[name] == nil {
				t.Errorf("no %s in %v", name, said)
			}
		}
		if groups, _ := said["groups"].([]any); len(groups) == 0 {
			t.Errorf("groups: %v", said["groups"])
		}
		info := w.userinfo(tokens["access_token"].(string)).object(t)
		for name, value := range info {
			if diff := cmp.Diff(said[name], value); diff != "" {
				t.Errorf("userinfo differs in %s: %s", name, diff)
			}
		}
		silent := b.get(w.openID("prompt", "none", "scope", "openid"))
		again, _ := w.verified(w.opened(silent.code(t))["id_token"].(string))
		if again["auth_time"] != said["auth_time"] || again["sid"] != said["sid"] || again["email"] != nil {
			t.Errorf("another session: %v", again)
		}
		_, err := people.In(w.org).RevokeSessions(t.Context(), u.ID)
		must(t, err)
		if a := w.userinfo(tokens["access_token"].(string)); a.status != http.StatusUnauthorized ||
			a.header.Get("WWW-Authenticate") != `Bearer error="invalid_token"` {
			t.Errorf("%d %v", a.status, a.header)
		}
	})
}

// TestKeysOfIDTokens walks through the life of signing keys, at two replicas.
func TestKeysOfIDTokens(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.activate(w.tenant)
		other := w.replica(t)
		other.url = other.server.URL
		kids := func(at *world) (out []string) {
			for _, k := range at.keySet().Keys {
				out = append(out, k.KeyID)
			}
			return out
		}
		signs := func() string {
			_, kid := w.verified(w.opened(w.openCode())["id_token"].(string))
			return kid
		}
		first := kids(w)
		if diff := cmp.Diff(first, kids(other)); diff != "" || len(first) < 2 {
			t.Fatalf("%v: %s", first, diff)
		}
		if signs() != first[0] {
			t.Error("the first key of the set does not sign")
		}
		next := first[0]
		for range 95 { // days
			w.clock.Advance(24 * time.Hour)
			set, kid := kids(w), signs()
			if diff := cmp.Diff(set, kids(other)); diff != "" {
				t.Fatal(diff)
			}
			if kid != set[0] {
				t.Errorf("%s signs, and %s is first", kid, set[0])
			}
			if kid != next && !strings.Contains(strings.Join(first, " "), kid) {
				t.Errorf("%s signs, which was not published a day before", kid)
			}
			first, next = set, kid
		}
	})
}

// TestECDSA has an application choose the algorithm of its ID tokens.
func TestECDSA(t *testing.T) {
	t.Parallel()
	w := one(t)
	w.changeApp(func(a *organization.ApplicationFields) { a.IDTokenAlgorithm = organization.SignES256 })
	_, kid := w.verified(w.opened(w.openCode())["id_token"].(string))
	if algorithm := w.keySet().Key(kid)[0].Algorithm; algorithm != "ES256" {
		t.Error(algorithm)
	}
}

// TestCodeOfTheProviderIsRefused: what does not fit changes nothing, so that the right request
// still gets tokens.
func TestCodeOfTheProviderIsRefused(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.activate(w.tenant)
		foreign := &organization.Application{ApplicationFields: organization.ApplicationFields{
			Name: "Billing", AllOrganizations: true, RedirectURIs: []string{callback}}}
		secret, err := organization.Across(w.store).CreateApplication(t.Context(), foreign, nil)
		must(t, err)
		code := w.openCode()
		for name, c := range map[string]struct {
			change []string
			status int
			want   string
		}{
			"another client": {[]string{"client_id", model.ApplicationPrefix.ID(foreign.ID), "client_secret", secret},
				400, "invalid_grant"},
			"another client's secret": {[]string{"client_secret", secret}, 401, "invalid_client"},
			"a wrong secret":          {[]string{"client_secret", "sk_wrong"}, 401, "invalid_client"},
			"an empty secret":         {[]string{"client_secret", ""}, 401, "invalid_client"},
			"no client":               {[]string{"client_id", ""}, 401, "invalid_client"},
			"no code":                 {[]string{"code", ""}, 400, "invalid_request"},
			"another code":            {[]string{"code", "rc_code_x"}, 400, "invalid_grant"},
			"no redirect_uri":         {[]string{"redirect_uri", ""}, 400, "invalid_request"},
			"another redirect_uri":    {[]string{"redirect_uri", callback + "/"}, 400, "invalid_grant"},
			"no verifier":             {[]string{"code_verifier", ""}, 400, "invalid_grant"},
			"a short verifier":        {[]string{"code_verifier", "short"}, 400, "invalid_request"},
			"another verifier":        {[]string{"code_verifier", verifier + "x"}, 400, "invalid_grant"},
			"the challenge":           {[]string{"code_verifier", challenge(verifier)}, 400, "invalid_grant"},
			"no grant_type":           {[]string{"grant_type", ""}, 400, "invalid_request"},
			"the password grant":      {[]string{"grant_type", "password"}, 400, "unsupported_grant_type"},
			"an assertion":            {[]string{"client_assertion", "x"}, 400, "invalid_request"},
		} {
			a := w.postForm("/oauth2/token", w.tokenForm(code, c.change...))
			if a.status != c.status || a.oauthError(t) != c.want {
				t.Errorf("%s: %d %s", name, a.status, a.body)
			}
			if a.status == 401 && a.header.Get("WWW-Authenticate") != `Basic realm="Rollcall"` {
				t.Errorf("%s: %v", name, a.header)
			}
		}
		for name, a := range map[string]answer{
			"a parameter twice": w.send(nil, "POST", "/oauth2/token", "Content-Type", formType, "",
				w.tokenForm(code).Encode()+"&code="+code),
			"in the address": w.send(nil, "POST", "/oauth2/token?"+w.tokenForm(code).Encode(), "Content-Type",
				formType),
			"JSON": w.send(nil, "POST", "/oauth2/token", "Content-Type", "application/json", "", "{}"),
			"both ways": w.postForm("/oauth2/token", w.tokenForm(code), "Authorization", basic(w.clientID(),
				w.secret)),
			"another client_id beside Basic": w.postForm("/oauth2/token", w.tokenForm(code, "client_secret", "",
				"client_id", model.ApplicationPrefix.ID(foreign.ID)), "Authorization", basic(w.clientID(), w.secret)),
		} {
			if a.status != 400 || a.oauthError(t) != "invalid_request" {
				t.Errorf("%s: %d %s", name, a.status, a.body)
			}
		}
		if a := w.postForm("/oauth2/token", w.tokenForm(code, "client_secret", ""), "Authorization",
			"Bearer "+w.secret); a.status != 401 || a.oauthError(t) != "invalid_client" {
			t.Errorf("a bearer as a client: %d %s", a.status, a.body)
		}
		if status, body := w.exchange(code, "code_verifier", verifier); status != 400 ||
			body["error"] != "invalid_grant" {
			t.Errorf("at /sso/token: %d %v", status, body)
		}
		if a := w.postForm("/oauth2/token", w.tokenForm(w.newCode(), "code_verifier", "")); a.status != 400 ||
			a.oauthError(t) != "invalid_grant" {
			t.Errorf("a code of /sso/authorize: %d %s", a.status, a.body)
		}
		tokens := w.postForm("/oauth2/token", w.tokenForm(code, "client_secret", "", "client_id", ""),
			"Authorization", basic(w.clientID(), w.secret))
		if tokens.status != 200 {
			t.Fatalf("the right request: %d %s", tokens.status, tokens.body)
		}
		access := tokens.object(t)["access_token"].(string)
		theirs := w.tokenForm(code, "client_id", model.ApplicationPrefix.ID(foreign.ID), "client_secret", secret)
		if a := w.postForm("/oauth2/token", theirs); a.status != 400 || w.userinfo(access).status != 200 {
			t.Errorf("another client ended access: %d", a.status)
		}
		if a := w.postForm("/oauth2/token", w.tokenForm(code)); a.oauthError(t) != "invalid_grant" ||
			w.userinfo(access).status != 401 {
			t.Errorf("a second use: %d %s", a.status, a.body)
		}
		late := w.openCode()
		w.clock.Advance(time.Minute)
		if a := w.postForm("/oauth2/token", w.tokenForm(late)); a.oauthError(t) != "invalid_grant" {
			t.Errorf("after a minute: %d %s", a.status, a.body)
		}
	})
}

// TestCodeOfTheProviderIsUsedOnce sends one code many times at once, to two replicas.
func TestCodeOfTheProviderIsUsedOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.activate(w.tenant)
		other := w.replica(t)
		other.url = other.server.URL
		code := w.openCode()
		var wait sync.WaitGroup
		statuses := make([]int, 32)
		for i := range statuses {
			wait.Go(func() {
				statuses[i] = []*world{w, other}[i%2].postForm("/oauth2/token", w.tokenForm(code)).status
			})
		}
		wait.Wait()
		count := map[int]int{}
		for _, status := range statuses {
			count[status]++
		}
		if count[200] != 1 || count[400] != len(statuses)-1 {
			t.Errorf("%v", count)
		}
	})
}

func basic(id, secret string) string {
	r := http.Request{Header: http.Header{}}
	r.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret))
	return r.Header.Get("Authorization")
}

// TestWrongSecretsAreCounted: too many of a client and an address are refused faster, and the right
// one never is.
func TestWrongSecretsAreCounted(t *testing.T) {
	t.Parallel()
	w := one(t)
	wrong := func(address string) answer {
		return w.postForm("/oauth2/token", w.tokenForm("x", "client_secret", "sk_wrong"), "X-Forwarded-For", address)
	}
	for i := range 20 {
		if a := wrong("192.0.2.1"); a.status != 401 {
			t.Fatalf("%d: %d", i, a.status)
		}
	}
	if a := wrong("192.0.2.1"); a.status != 429 || a.header.Get("Retry-After") == "" ||
		a.oauthError(t) != "invalid_client" {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := wrong("192.0.2.2"); a.status != 401 {
		t.Errorf("another address: %d", a.status)
	}
	if a := w.postForm("/oauth2/token", w.tokenForm("x"), "X-Forwarded-For",
		"192.0.2.1"); a.oauthError(t) != "invalid_grant" {
		t.Errorf("the right secret: %d %s", a.status, a.body)
	}
	w.clock.Advance(time.Minute)
	if a := wrong("192.0.2.1"); a.status != 401 {
		t.Errorf("a minute later: %d", a.status)
	}
}

// TestNamesOfNoClientAreCountedTogether: a stranger who makes up a long client_id for each request
// fills no memory, and is refused like anybody who guesses.
func TestNamesOfNoClientAreCountedTogether(t *testing.T) {
	t.Parallel()
	w := one(t)
	guess := func(i int) answer {
		id := fmt.Sprintf("%s%d", strings.Repeat("x", 50_000), i)
		switch i % 4 {
		case 0:
			return w.postForm("/oauth2/token", url.Values{"grant_type": {"x"}}, "Authorization", basic(id, "sk_wrong"))
		case 1:
			return w.postForm("/oauth2/revoke", w.tokenForm("x", "client_id", "app_"+id, "client_secret", ""))
		case 2:
			return w.postForm("/oauth2/introspect", w.tokenForm("x", "client_id", w.clientID()+id))
		}
		return w.postForm("/oauth2/token", w.tokenForm("x", "client_id", id))
	}
	for i := range 20 {
		if a := guess(i); a.status != 401 || a.oauthError(t) != "invalid_client" {
			t.Fatalf("%d: %d %s", i, a.status, a.body)
		}
	}
	for i := range 4 {
		if a := guess(20 + i); a.status != 429 || a.header.Get("Retry-After") == "" {
			t.Errorf("%d more: %d %s", i+1, a.status, a.body)
		}
	}
	if a := w.postForm("/oauth2/token", w.tokenForm("x", "client_secret", "sk_wrong")); a.status != 401 {
		t.Errorf("a client that exists, at the same address: %d", a.status)
	}
	if a := w.postForm("/oauth2/token", w.tokenForm("x")); a.oauthError(t) != "invalid_grant" {
		t.Errorf("the right secret: %d %s", a.status, a.body)
	}
}

// TestUserinfoIsRefused sends what is no access token of the provider.
func TestUserinfoIsRefused(t *testing.T) {
	t.Parallel()
	w := one(t)
	token := w.opened(w.openCode())["access_token"].(string)
	ours := w.token(w.tenant, w.browser(), ada(w.tenant))
	for name, c := range map[string]struct {
		a         answer
		status    int
		want      string
		challenge string
	}{
		"none":         {w.send(nil, "GET", "/oauth2/userinfo"), 401, "invalid_token", `Bearer realm="Rollcall"`},
		"unknown":      {w.userinfo("rc_at_x"), 401, "invalid_token", `Bearer error="invalid_token"`},
		"in the query": {w.send(nil, "GET", "/oauth2/userinfo?access_token="+token), 400, "invalid_request", ""},
		"twice": {w.postForm("/oauth2/userinfo", url.Values{"access_token": {token}},
			"Authorization", "Bearer "+token), 400, "invalid_request", ""},
		"of /sso/token": {w.userinfo(ours), 403, "insufficient_scope",
			`Bearer error="insufficient_scope", scope="openid"`},
	} {
		if c.a.status != c.status || c.a.oauthError(t) != c.want || c.a.header.Get("WWW-Authenticate") != c.challenge {
			t.Errorf("%s: %d %v %s", name, c.a.status, c.a.header, c.a.body)
		}
	}
	if a := w.postForm("/oauth2/userinfo", url.Values{"access_token": {token}}); a.status != 200 {
		t.Errorf("in a form: %d %s", a.status, a.body)
	}
	if w.profile(token) != nil {
		t.Error("/sso/profile takes the token of the other endpoint")
	}
}

// TestScriptsOfPublicApplications have CORS for their own origins.
func TestScriptsOfPublicApplications(t *testing.T) {
	t.Parallel()
	w := one(t)
	allowed := func(method, origin string) string {
		return w.send(nil, method, "/oauth2/token", "Origin", origin, "Content-Type", formType).
			header.Get("Access-Control-Allow-Origin")
	}
	const origin = "https://app.example"
	if got := allowed("OPTIONS", origin); got != "" {
		t.Errorf("of a confidential application: %s", got)
	}
	w.changeApp(func(a *organization.ApplicationFields) { a.Public = true })
	w.clock.Advance(time.Second)
	for _, method := range []string{"OPTIONS", "POST"} {
		if got := allowed(method, origin); got != origin {
			t.Errorf("%s: %q", method, got)
		}
		for _, other := range []string{"https://evil.example", "null", "http://app.example", origin + ":444"} {
			if got := allowed(method, other); got != "" {
				t.Errorf("%s of %s: %q", method, other, got)
			}
		}
	}
	for _, path := range []string{"/oauth2/jwks", "/.well-known/openid-configuration"} {
		if got := w.send(nil, "GET", path).header.Get("Access-Control-Allow-Origin"); got != "*" {
			t.Errorf("%s: %q", path, got)
		}
	}
	code := w.openCode()
	if a := w.postForm("/oauth2/token", w.tokenForm(code, "client_secret", "")); a.status != 200 {
		t.Errorf("without a secret: %d %s", a.status, a.body)
	}
	if a := w.browser().get(w.openID("code_challenge", "", "code_challenge_method", "")); !strings.Contains(
		fmt.Sprint(a.location), "error=invalid_request") {
		t.Errorf("without PKCE: %s", a.location)
	}
}
