package sso_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"rollcall/model"
	"rollcall/model/modeltest"
	"rollcall/model/organization"
	"rollcall/model/people"
	"rollcall/testidp"
)

// TestNoRedirectOfTheProviderToUnknownAddress: without a known client and exactly one of its
// redirect URIs there is a page, whatever else is wrong.
func TestNoRedirectOfTheProviderToUnknownAddress(t *testing.T) {
	t.Parallel()
	w := one(t)
	variants := map[string]string{
		"no client":        w.openID("client_id", ""),
		"unknown client":   w.openID("client_id", "app_01HZBC6N1EB1ZY7KG32X000000"),
		"client twice":     w.openID() + "&client_id=" + w.clientID(),
		"redirect twice":   w.openID() + "&redirect_uri=" + url.QueryEscape(callback),
		"a damaged query":  w.openID() + "&x=%zz",
		"no parameters":    w.url + "/oauth2/authorize",
		"no redirect_uri":  w.openID("redirect_uri", ""),
		"with prompt=none": w.openID("redirect_uri", "https://evil.example/", "prompt", "none"),
	}
	for _, uri := range []string{"https://evil.example/callback", callback + "/", callback + "?x=1", callback + "#x",
		callback + "/../evil", "https://app.example.evil.example/callback", "https://app.example@evil.example/callback",
		strings.Replace(callback, "app", "APP", 1), "https://app.example:443/callback", " " + callback, callback + " ",
		strings.Replace(callback, "https", "http", 1), url.QueryEscape(callback), "javascript:alert(1)", "/callback",
		"//app.example/callback", "http://127.0.0.1:1/callback", "com.example.app:/callback", callback + "%00",
		callback + "\n", strings.ToUpper(callback), callback + ";x", "https:app.example/callback"} {
		variants["redirect_uri "+uri] = w.openID("redirect_uri", uri)
		variants["form_post to "+uri] = w.openID("redirect_uri", uri, "response_mode", "form_post")
	}
	for name, location := range variants {
		a := w.browser().get(location)
		if a.status != http.StatusBadRequest || a.location.String() != "" || strings.Contains(a.body, "evil.example") {
			t.Errorf("%s: %d to %q", name, a.status, a.location)
		}
	}
}

// TestErrorsOfTheProvider are told to the application.
func TestErrorsOfTheProvider(t *testing.T) {
	t.Parallel()
	w := one(t)
	w.changeApp(func(a *organization.ApplicationFields) { a.RequirePKCE = true })
	stranger := w.newTenant("fabrikam", "fabrikam.example", testidp.PlainSAML, "GenericSAML")
	for name, c := range map[string]struct{ location, want string }{
		"no response_type":     {w.openID("response_type", ""), "invalid_request"},
		"token":                {w.openID("response_type", "token"), "unsupported_response_type"},
		"hybrid":               {w.openID("response_type", "code id_token"), "unsupported_response_type"},
		"no scope":             {w.openID("scope", ""), "invalid_scope"},
		"no openid":            {w.openID("scope", "profile openid2"), "invalid_scope"},
		"request":              {w.openID("request", "x"), "request_not_supported"},
		"request_uri":          {w.openID("request_uri", "https://app.example/r"), "request_uri_not_supported"},
		"response_mode":        {w.openID("response_mode", "fragment"), "invalid_request"},
		"no challenge":         {w.openID("code_challenge", "", "code_challenge_method", ""), "invalid_request"},
		"plain":                {w.openID("code_challenge_method", "plain"), "invalid_request"},
		"no method":            {w.openID("code_challenge_method", ""), "invalid_request"},
		"a short challenge":    {w.openID("code_challenge", "x"), "invalid_request"},
		"long nonce":           {w.openID("nonce", strings.Repeat("n", 513)), "invalid_request"},
		"nonce with NUL":       {w.openID("nonce", "a\x00b"), "invalid_request"},
		"long state":           {w.openID("state", strings.Repeat("s", 4097)), "invalid_request"},
		"scope twice":          {w.openID() + "&scope=openid", "invalid_request"},
		"nobody is signed in":  {w.openID("prompt", "none"), "login_required"},
		"nobody, and no place": {w.openID("prompt", "none", "connection", ""), "login_required"},
		"none and login":       {w.openID("prompt", "none login"), "invalid_request"},
		"max_age":              {w.openID("max_age", "old"), "invalid_request"},
		"two places": {w.openID("organization", model.OrganizationPrefix.ID(string(w.org.ID))),
			"invalid_request"},
		"unknown connection":   {w.openID("connection", "conn_01HZBC6N1EB1ZY7KG32X000000"), "invalid_request"},
		"unknown organization": {w.openID("connection", "", "organization", "org_x"), "invalid_request"},
		"a draft": {w.openID("connection", model.ConnectionPrefix.ID(stranger.connection.ID)),
			"access_denied"},
		"id_token_hint": {w.openID("id_token_hint", "x.y.z"), "invalid_request"},
		"unsigned hint": {w.openID("id_token_hint", "eyJhbGciOiJub25lIn0.e30."), "invalid_request"},
	} {
		for _, mode := range []string{"query", "form_post"} {
			location := c.location
			if mode == "form_post" && name != "response_mode" {
				location += "&response_mode=form_post"
			}
			a := w.browser().get(location)
			q := a.location.Query()
			if mode == "form_post" && name != "response_mode" {
				if a.status != http.StatusOK || !strings.Contains(a.body, `action="`+callback+`"`) {
					t.Errorf("%s: %d to %q %s", name, a.status, a.location, a.body)
					continue
				}
				q = fields(t, a.body)
			} else if !strings.HasPrefix(a.location.String(), callback+"?") {
				t.Errorf("%s: %d to %q %s", name, a.status, a.location, a.body)
			}
			if q.Get("error") != c.want || q.Get("iss") != w.url || q.Get("state") != "a state" &&
				name != "long state" ||
				q.Get("code") != "" {
				t.Errorf("%s, %s: %v, want %s", name, mode, q, c.want)
			}
		}
	}
}

// TestPrompts walks through what an application may demand of a person who is signed in.
func TestPrompts(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.activate(w.tenant)
		b := w.browser()
		hint := w.opened(b.signInAt(w.openID()).code(t))["id_token"].(string)
		other := w.browser()
		foreign := w.opened(other.comesBack(other.get(w.openID()), person(w.tenant, 1)).code(t))["id_token"].(string)
		place := []string{"connection", "", "state", "other"}
		w.clock.Advance(10 * time.Minute)
		for name, c := range map[string]struct {
			ask  []string
			want string // code, provider, login, or an error
		}{
			"nothing":                   {nil, "code"},
			"none":                      {[]string{"prompt", "none"}, "code"},
			"consent":                   {[]string{"prompt", "consent"}, "code"},
			"an unknown word":           {[]string{"prompt", "create"}, "code"},
			"login":                     {[]string{"prompt", "login"}, "provider"},
			"login and consent":         {[]string{"prompt", "login consent"}, "provider"},
			"select_account":            {[]string{"prompt", "select_account"}, "provider"},
			"max_age":                   {[]string{"max_age", "60"}, "provider"},
			"max_age, silent":           {[]string{"max_age", "60", "prompt", "none"}, "login_required"},
			"a long max_age":            {[]string{"max_age", "6000", "prompt", "none"}, "code"},
			"max_age of nothing":        {[]string{"max_age", "0"}, "provider"},
			"a hint":                    {[]string{"id_token_hint", hint, "prompt", "none"}, "code"},
			"a hint of another":         {[]string{"id_token_hint", foreign}, "provider"},
			"a hint of another, silent": {[]string{"id_token_hint", foreign, "prompt", "none"}, "login_required"},
			"no place":                  {place, "code"},
			"no place, silent":          {append([]string{"prompt", "none"}, place...), "code"},
			"no place, login":           {append([]string{"prompt", "login"}, place...), "provider"},
			"no place, select_account":  {append([]string{"prompt", "select_account"}, place...), "login"},
			"no place, a hint":          {append([]string{"id_token_hint", hint}, place...), "code"},
			"no place, another's hint":  {append([]string{"id_token_hint", foreign}, place...), "login"},
			"no place, hint, silent": {append([]string{"id_token_hint", foreign, "prompt", "none"}, place...),
				"login_required"},
			"claims, acr_values, ui, etc.": {[]string{"claims", "{}", "acr_values", "x", "ui_locales", "de", "display",
				"page"}, "code"},
		} {
			a := b.get(w.openID(c.ask...))
			got := a.location.Query().Get("error")
			switch {
			case a.location.Query().Get("code") != "":
				got = "code"
			case a.toProvider(w.tenant):
				got = "provider"
			case a.location.Path == "/login":
				got = "login"
			}
			if got != c.want {
				t.Errorf("%s: %d to %s, want %s", name, a.status, a.location, c.want)
			}
		}
	})
}

// TestProviderAsksForTheEmailAddress has the login page keep a request that names no organization.
func TestProviderAsksForTheEmailAddress(t *testing.T) {
	t.Parallel()
	w := one(t)
	b := w.browser()
	page := b.get(b.get(w.openID("connection", "", "domain_hint", domain)).location.String())
	if page.status != 200 || !strings.Contains(page.body, "@"+domain) {
		t.Fatalf("%d %s", page.status, page.body)
	}
	form := fields(t, page.body)
	form.Set("email", ada(w.tenant).UserName)
	next := b.submit("/login", form)
	if next.status != http.StatusSeeOther || next.location.Path != "/oauth2/authorize" ||
		next.location.Query().Get("login_hint") != form.Get("email") {
		t.Fatalf("%d to %s: %s", next.status, next.location, next.body)
	}
	said, _ := w.verified(w.opened(b.comesBack(b.get(next.location.String()),
		ada(w.tenant)).code(t))["id_token"].(string))
	if said["nonce"] != "a nonce" {
		t.Errorf("%v", said)
	}
	for name, request := range map[string]string{"no client": "scope=openid", "damaged": "client_id=%zz",
		"long": "client_id=x&state=" + strings.Repeat("s", 13000)} {
		a := b.get("/login?request=" + url.QueryEscape(request))
		if a.status != 200 || fields(t, a.body).Get("request") != "" {
			t.Errorf("%s is kept: %d", name, a.status)
		}
	}
}

// TestProviderTakesAPassword ends at the application after a password, with and without a place.
func TestProviderTakesAPassword(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.setPassword(w.admin(w.tenant, admin).ID, password)
		for name, ask := range map[string][]string{
			"organization": {"connection", "", "organization", model.OrganizationPrefix.ID(string(w.org.ID)),
				"max_age", "60"},
			"no place": {"connection", ""},
		} {
			b := w.browser()
			page := b.get(b.get(w.openID(append(ask, "response_mode", "form_post")...)).location.String())
			form := fields(t, page.body)
			if name == "no place" {
				form.Set("email", admin)
				page = b.get(b.get(b.submit("/login", form).location.String()).location.String())
				form = fields(t, page.body)
			}
			form.Set("email", admin)
			form.Set("password", password)
			a := b.submit("/login/password", form)
			said, _ := w.verified(w.opened(fields(t, a.body).Get("code"))["id_token"].(string))
			if amr, _ := said["amr"].([]any); len(amr) != 1 || amr[0] != "pwd" || said["connection_id"] != nil {
				t.Errorf("%s: %v", name, said)
			}
			silent := b.get(w.openID("connection", "", "prompt", "none"))
			if silent.location.Query().Get("code") == "" {
				t.Errorf("%s: %s", name, silent.location)
			}
		}
	})
}

// TestPasswordOfNoDomain signs in at the organization whose page the browser opened, where the
// e-mail address is under no verified domain.
func TestPasswordOfNoDomain(t *testing.T) {
	t.Parallel()
	w := one(t)
	const far = "ada@elsewhere.example"
	w.settings(w.tenant, func(g *organization.OrganizationFields) { g.AllowProfilesOutsideOrganization = true })
	w.setPassword(w.admin(w.tenant, far).ID, password)
	b := w.browser()
	b.get("/login/contoso")
	form := fields(t, b.get(b.get(w.openID("connection", "", "prompt", "select_account")).location.String()).body)
	form.Set("email", far)
	form = fields(t, b.submit("/login", form).body)
	form.Set("email", far)
	form.Set("password", password)
	a := b.get(b.submit("/login/password", form).location.String())
	w.opened(a.code(t))
}

// TestNativeApplications may choose the port on loopback, and nobody else may.
func TestNativeApplications(t *testing.T) {
	t.Parallel()
	w := one(t)
	registered := []string{"http://127.0.0.1/callback", "http://[::1]:8000/callback", "com.example.app:/callback"}
	set := func(native bool) {
		w.changeApp(func(a *organization.ApplicationFields) { a.RedirectURIs, a.Native = registered, native })
	}
	set(true)
	status := func(uri string) int { return w.browser().get(w.openID("redirect_uri", uri)).status }
	for _, uri := range []string{"http://127.0.0.1/callback", "http://127.0.0.1:51004/callback",
		"http://[::1]:51004/callback", "com.example.app:/callback"} {
		if got := status(uri); got != http.StatusSeeOther {
			t.Errorf("%s: %d", uri, got)
		}
	}
	for _, uri := range []string{"http://127.0.0.1:51004/other", "http://127.0.0.2:51004/callback",
		"http://localhost:51004/callback", "https://127.0.0.1:51004/callback", "http://127.0.0.1:51004/callback?x=1",
		"http://x@127.0.0.1:51004/callback", "http://127.0.0.1:51004/callback#x",
		"http://127.0.0.1.evil.example/callback",
		"http://127.0.0.1:51004@evil.example/callback", "com.example.app:/callback2", "com.example.other:/callback"} {
		if got := status(uri); got != http.StatusBadRequest {
			t.Errorf("%s: %d", uri, got)
		}
	}
	a := w.browser().signInAt(w.openID("redirect_uri", "http://127.0.0.1:51004/callback"))
	code := a.location.Query().Get("code")
	w.opened(code, "redirect_uri", "http://127.0.0.1:51004/callback")
	if a := w.browser().get(w.openID("redirect_uri", registered[0], "code_challenge", "",
		"code_challenge_method", "")); a.
		location.Query().Get("error") != "invalid_request" {
		t.Errorf("without PKCE: %s", a.location)
	}
	registered = registered[:2]
	set(false)
	for uri, want := range map[string]int{"http://127.0.0.1:51004/callback": 400, "http://[::1]:51004/callback": 400,
		"http://127.0.0.1/callback": 303} {
		if got := status(uri); got != want {
			t.Errorf("not native, %s: %d", uri, got)
		}
	}
}

// TestStatementsOfTheProvider counts what reaches the database.
func TestStatementsOfTheProvider(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		var counter modeltest.Statements
		w := newWorld(t, db, counter.Options())
		w.activate(w.tenant)
		w.opened(w.openCode())
		b, live := w.browser(), w.browser()
		live.signInAt(w.openID())
		var code, token string
		for _, c := range []struct {
			what string
			most int
			run  func()
		}{
			{"begin", 5, func() { b.get(w.openID()) }},
			{"authorize, live session", 10, func() { code = live.get(w.openID()).code(t) }},
			{"code", 8, func() { token = w.opened(code)["access_token"].(string) }},
			{"userinfo", 3, func() { w.userinfo(token) }},
			{"discovery", 0, func() { w.send(nil, "GET", "/.well-known/openid-configuration") }},
			{"keys", 0, func() { w.keySet() }},
		} {
			list := counter.During(c.run)
			t.Logf("%s: %d statements", c.what, len(list))
			if len(list) > c.most {
				t.Errorf("%s: %d statements, more than %d:\n%s", c.what, len(list), c.most, strings.Join(list, "\n"))
			}
		}
	})
}

// TestAccessOfTheProviderEnds by the next request, at every replica.
func TestAccessOfTheProviderEnds(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.activate(w.tenant)
		other := w.replica(t)
		other.url = other.server.URL
		u := w.user(w.tenant, ada(w.tenant).UserName)
		for name, end := range map[string]func(b *browser){
			"sessions are revoked": func(*browser) {
				_, err := people.In(w.org).RevokeSessions(t.Context(), u.ID)
				must(t, err)
			},
			"sign-out": func(b *browser) { b.submit("/sso/logout", url.Values{}) },
		} {
			b := w.browser()
			token := w.opened(b.signInAt(w.openID()).code(t))["access_token"].(string)
			code := b.get(w.openID()).code(t)
			if w.userinfo(token).status != 200 || other.userinfo(token).status != 200 {
				t.Fatalf("%s: no access", name)
			}
			end(b)
			for _, at := range []*world{w, other} {
				if a := at.userinfo(token); a.status != 401 {
					t.Errorf("%s: %d", name, a.status)
				}
				if a := at.postForm("/oauth2/token", w.tokenForm(code)); a.oauthError(t) != "invalid_grant" {
					t.Errorf("%s: %d %s", name, a.status, a.body)
				}
			}
		}
	})
}
