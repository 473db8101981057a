package sso_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"rollcall/model/connection"
	"rollcall/model/refusal"
	"rollcall/sso/oidc"
	"rollcall/testidp"
)

// typed answers with a status, a type and a text.
func typed(status int, kind, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = []string{kind}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	}
}

// logged demands that the newest line of the login log says something, and keeps a secret.
func (o *openID) logged(t *testing.T, a answer, reason any, received ...string) {
	t.Helper()
	o.w.refused(o.tenant, a, fmt.Sprint(reason))
	got := o.attempt()
	for _, want := range received {
		if !strings.Contains(got.Received, want) {
			t.Errorf("received is %q, without %s", got.Received, want)
		}
	}
	if strings.Contains(got.Received+got.Expected+strings.Join(got.Notes, " "), "hidden") {
		t.Errorf("the log has a value that may be a token: %+v", got)
	}
}

// TestTokenEndpointIsExplained: an answer that was read is told from one that never came, and JSON
// is read whatever its type says.
func TestTokenEndpointIsExplained(t *testing.T) {
	t.Parallel()
	w := one(t)
	o := w.newOpenID("contoso-oidc", "oidc.example", testidp.PlainSAML, "GenericOIDC")
	sign := func() answer { return o.signIn(w.browser(), ada(o.tenant), w.authorize(o.tenant)) }
	const refused = `{"error":"invalid_client","error_description":"no such client"}`
	for _, c := range []struct {
		name     string
		reply    http.HandlerFunc
		want     oidc.Reason
		received []string
		asked    int
	}{
		{"an error in text/plain", typed(401, "text/plain", refused), oidc.ClientRefused,
			[]string{"invalid_client: no such client"}, 2},
		{"an error as a page's type", typed(400, "text/html; charset=utf-8", " \n"+refused), oidc.ClientRefused,
			[]string{"invalid_client"}, 2},
		{"an error without a type", typed(400, "", refused), oidc.ClientRefused, []string{"invalid_client"}, 2},
		{"an error with a byte order mark", typed(400, "application/json", "\ufeff"+refused), oidc.ClientRefused,
			[]string{"invalid_client"}, 2},
		{"401 and a page", typed(401, "text/html", "<html>hidden"), oidc.ClientRefused,
			[]string{"status 401", "text/html", "page"}, 2},
		{"an error of the server", typed(503, "text/html", "<html>hidden"), oidc.TokenError,
			[]string{"status 503", "text/html"}, 1},
		{"a page with 200", typed(200, "text/html", "<!DOCTYPE html>hidden"), oidc.TokenAnswer,
			[]string{"status 200", "text/html", "page"}, 1},
		{"nothing", typed(200, "application/json", ""), oidc.TokenAnswer,
			[]string{"status 200", "application/json", "empty body"}, 1},
		{"other members", typed(200, "application/json", `{"token":"hidden","type":"hidden"}`), oidc.TokenAnswer,
			[]string{`"token"`, `"type"`}, 1},
		{"a list", typed(200, "application/json", `["hidden"]`), oidc.TokenAnswer, []string{"no JSON object"}, 1},
		{"no ID token", typed(200, "application/json", `{"access_token":"hidden","scope":"email"}`), oidc.NoIDToken,
			[]string{`"access_token"`, `"scope"`}, 1},
		{"a form without an ID token", typed(200, "text/plain", "access_token=hidden"), oidc.NoIDToken, nil, 1},
		{"a connection that breaks", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
			oidc.TokenUnreachable, []string{"broke off"}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			o.replace("/token", c.reply)
			o.times("")
			a := sign()
			if n := o.times("/token"); n != c.asked {
				t.Errorf("asked %d times", n)
			}
			o.logged(t, a, c.want, c.received...)
		})
	}
	own := o.server.Config.Handler.(*front).idp
	for name, change := range map[string][2]string{
		"an ID token alone":              {`"access_token"`, `"none"`},
		"a lifetime that is none":        {`"expires_in":`, `"expires_in":true,"n":`},
		"a byte order mark before it":    {"{", "\ufeff{"},
		"what the provider itself sends": {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			o.replace("/token", changing(own, "text/plain; charset=utf-8", func(s string) string {
				return strings.Replace(s, change[0], change[1], 1)
			}))
			sign().code(t)
		})
	}
}

// changing answers what a handler answers, with another type and text.
func changing(own http.Handler, kind string, change func(string) string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		recorded := &recorder{header: http.Header{}, status: http.StatusOK}
		own.ServeHTTP(recorded, r)
		typed(recorded.status, kind, change(recorded.body.String()))(w, r)
	}
}

type recorder struct {
	header http.Header
	status int
	body   strings.Builder
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(status int)      { r.status = status }
func (r *recorder) Write(b []byte) (int, error) { return r.body.Write(b) }

// TestDocumentsWithSmallFaults: what is not needed of a document may be wrong.
func TestDocumentsWithSmallFaults(t *testing.T) {
	t.Parallel()
	w := one(t)
	o := w.newOpenID("contoso-oidc", "oidc.example", testidp.PlainSAML, "GenericOIDC")
	own := o.server.Config.Handler.(*front).idp
	mark := changing(own, "application/json", func(s string) string { return "\ufeff" + s })
	for _, c := range []struct {
		name, path string
		reply      http.HandlerFunc
		want       oidc.Reason
	}{
		{"a byte order mark", wellKnown, mark, ""},
		{"a byte order mark before the keys", "/jwks", mark, ""},
		{"scopes as one text", wellKnown, o.changed(map[string]any{"scopes_supported": "openid email"}), ""},
		{"a flow as one text", wellKnown, o.changed(map[string]any{"response_types_supported": "code"}), ""},
		{"algorithms in an object", wellKnown,
			o.changed(map[string]any{"id_token_signing_alg_values_supported": map[string]any{}}), ""},
		{"a number as userinfo", wellKnown, o.changed(map[string]any{"userinfo_endpoint": 7}), ""},
		{"a number in the methods", wellKnown,
			o.changed(map[string]any{"token_endpoint_auth_methods_supported": []any{1}}), ""},
		{"a logout without TLS", wellKnown,
			o.changed(map[string]any{"end_session_endpoint": "http://127.0.0.1/x"}), ""},
		{"userinfo without TLS", wellKnown,
			o.changed(map[string]any{"userinfo_endpoint": "http://127.0.0.1/x"}), ""},
		{"a number as the token endpoint", wellKnown, o.changed(map[string]any{"token_endpoint": 7}),
			oidc.DiscoveryIncomplete},
		{"a number as the issuer", wellKnown, o.changed(map[string]any{"issuer": 7}), oidc.NotDiscovery},
	} {
		t.Run(c.name, func(t *testing.T) {
			// Another client makes the server forget what it fetched.
			client := "client for " + c.name
			must(t, o.idp.ConnectOIDC(client, clientSecret, o.callback()))
			w.api(http.MethodPatch, "/connections/"+o.id, map[string]any{"oidc": map[string]any{"client_id": client}})
			o.replace(c.path, c.reply)
			defer o.replace(c.path, nil)
			a := w.browser().get(w.authorize(o.tenant))
			if c.want != "" {
				o.logged(t, a, c.want)
				return
			}
			b := w.browser()
			b.get(o.answer(b.get(w.authorize(o.tenant)), ada(o.tenant))).code(t)
		})
	}
}

// TestUserInfoIsExplained: why userinfo could not be read, and a sub that is no text.
func TestUserInfoIsExplained(t *testing.T) {
	t.Parallel()
	w := one(t)
	o := w.newOpenID("contoso-oidc", "oidc.example", testidp.PlainSAML, "GenericOIDC")
	o.idp.VaryTokens(testidp.TokenOptions{Edit: func(c map[string]any) { delete(c, "groups"); c["sub"] = "35" }})
	sign := func() answer { return o.signIn(w.browser(), ada(o.tenant), w.authorize(o.tenant)) }
	for name, c := range map[string]struct {
		reply http.HandlerFunc
		says  []string
	}{
		"nothing there": {typed(404, "text/html", "<html>hidden"), []string{"status 404", "text/html", "page"}},
		"a signed token": {typed(200, "application/jwt", "hidden.hidden.hidden"),
			[]string{"status 200", "application/jwt", "signed"}},
		"no object": {typed(200, "application/json", "7"), []string{"status 200", "no JSON object"}},
		"an error":  {typed(403, "application/json", `{"error":"hidden"}`), []string{"status 403", `"error"`}},
	} {
		t.Run(name, func(t *testing.T) {
			o.replace("/userinfo", c.reply)
			sign().code(t)
			notes := strings.Join(o.attempt().Notes, " ")
			for _, want := range c.says {
				if !strings.Contains(notes, want) || strings.Contains(notes, "hidden") {
					t.Errorf("the log notes %q", notes)
				}
			}
		})
	}
	t.Run("an address without TLS", func(t *testing.T) {
		client := func(id string) {
			must(t, o.idp.ConnectOIDC(id, clientSecret, o.callback()))
			w.api(http.MethodPatch, "/connections/"+o.id, map[string]any{"oidc": map[string]any{"client_id": id}})
		}
		client("second client")
		o.replace(wellKnown, o.changed(map[string]any{"userinfo_endpoint": "http://idp.example/me"}))
		defer o.replace(wellKnown, nil)
		sign().code(t)
		notes := strings.Join(o.attempt().Notes, " ")
		if !strings.Contains(notes, `"http://idp.example/me" is no https`) {
			t.Errorf("the log notes %q", notes)
		}
		client("rollcall client")
	})
	o.replace("/userinfo", typed(200, "application/json", `{"sub":35}`))
	o.logged(t, sign(), oidc.UserInfoBadSubject, "sub is a number")
	o.replace("/userinfo", typed(200, "application/json", `{"email":"hidden"}`))
	o.logged(t, sign(), oidc.UserInfoBadSubject, "sub is missing")
	o.replace("/userinfo", typed(200, "application/json", `{"sub":"36"}`))
	o.logged(t, sign(), oidc.UserInfoSubject, `"36"`)
	for name, c := range map[string]struct {
		value any
		says  string
	}{"sub": {35, "sub is a number"}, "aud": {7, "aud is a number"}, "exp": {"soon", "exp is a text"},
		"nonce": {true, "nonce is true or false"}, "iss": {[]string{"hidden"}, "iss is a list"}} {
		o.idp.VaryTokens(claim(name, c.value))
		o.logged(t, sign(), oidc.TokenClaimType, c.says)
	}
}

// TestNotesAreKeptWhereALoginFails: they are needed most there.
func TestNotesAreKeptWhereALoginFails(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		o := w.newOpenID("contoso-oidc", "oidc.example", testidp.PlainSAML, "GenericOIDC")
		stranger := func(name string) testidp.Person { p := person(o.tenant, 6); p.ExternalID = name; return p }
		noted := func(t *testing.T, want string) {
			t.Helper()
			if got := strings.Join(o.attempt().Notes, " "); !strings.Contains(got, want) {
				t.Errorf("the log notes %q, and not %q", got, want)
			}
		}
		t.Run("userinfo is not there, and so there is no address", func(t *testing.T) {
			o.replace("/userinfo", typed(404, "text/html", "<html>"))
			defer o.replace("/userinfo", nil)
			o.idp.VaryTokens(claimsOfBoth(map[string]any{"department": "Sales"}, nil))
			a := o.signIn(w.browser(), stranger("x"), w.authorize(o.tenant))
			o.logged(t, a, refusal.NotProvisioned, "no e-mail address", `"department"`)
			noted(t, "status 404")
		})
		t.Run("more groups than fit", func(t *testing.T) {
			o.idp.VaryTokens(testidp.TokenOptions{Edit: func(c map[string]any) {
				delete(c, "groups")
				c["hasgroups"], c["email"] = true, "ada@fabrikam.example"
			}})
			o.logged(t, o.signIn(w.browser(), stranger("y"), w.authorize(o.tenant)), refusal.NotProvisioned)
			noted(t, "more groups")
		})
		t.Run("more groups than fit, and userinfo of somebody else", func(t *testing.T) {
			o.idp.VaryTokens(testidp.TokenOptions{Edit: func(c map[string]any) {
				delete(c, "groups")
				delete(c, "email")
				c["hasgroups"] = true
			}, UserInfo: func(c map[string]any) { c["sub"] = "another" }})
			o.logged(t, o.signIn(w.browser(), ada(o.tenant), w.authorize(o.tenant)), oidc.UserInfoSubject)
			noted(t, "more groups")
		})
		t.Run("an authentication that is too old", func(t *testing.T) {
			w.update(o.tenant, func(c *connection.ConnectionFields) { c.OIDCGroupsClaim = "roles" })
			o.idp.VaryTokens(claim("auth_time", w.clock.Now().Add(-time.Hour).Unix()))
			a := o.signIn(w.browser(), ada(o.tenant), w.authorize(o.tenant, "prompt", "login"))
			o.logged(t, a, refusal.StaleAuthentication)
			noted(t, `"roles"`)
		})
	})
}

// TestErrorOfTheProviderIsKept: an error is told whatever has become of the state.
func TestErrorOfTheProviderIsKept(t *testing.T) {
	t.Parallel()
	w := one(t)
	o := w.newOpenID("contoso-oidc", "oidc.example", testidp.PlainSAML, "GenericOIDC")
	begun := func() *browser { b := w.browser(); b.get(w.authorize(o.tenant)); return b }
	back := func(b *browser, pairs ...string) answer {
		q := url.Values{}
		for i := 0; i < len(pairs); i += 2 {
			q.Set(pairs[i], pairs[i+1])
		}
		return b.get(o.callback() + "?" + q.Encode())
	}
	const failed, why = "server_error", "The database is down"
	o.logged(t, back(begun(), "error", failed, "error_description", why, "state", ""), oidc.ProviderError,
		failed+": "+why)
	o.logged(t, back(begun(), "error", failed, "state", "cut"), oidc.ProviderError, failed)
	o.logged(t, back(begun(), "error", "own_code", "error_description", why), oidc.ProviderError, "own_code: "+why)
	o.logged(t, back(w.browser(), "error", failed, "error_description", "hidden"), oidc.ProviderError, failed)
	o.logged(t, back(w.browser(), "error", "hidden", "error_description", "hidden"), oidc.ProviderError,
		"does not define")
	o.logged(t, back(begun(), "code", "x"), refusal.LoginUnknown, "no state")
	o.logged(t, back(begun(), "code", "x", "state", "y"), refusal.LoginUnknown,
		"none of this connection's")

	b := w.browser()
	state := b.get(w.authorize(o.tenant)).location.Query().Get("state")
	o.logged(t, back(begun(), "error", failed, "error_description", why, "state", state), refusal.LoginForeign)
	if got := strings.Join(o.attempt().Notes, " "); !strings.Contains(got, failed+": "+why) {
		t.Errorf("of another browser: %q", got)
	}
	w.clock.Advance(11 * time.Minute)
	o.logged(t, back(b, "error", failed, "error_description", why, "state", state), refusal.LoginUsed)
	if got := strings.Join(o.attempt().Notes, " "); !strings.Contains(got, failed+": "+why) {
		t.Errorf("too late: %q", got)
	}
}

// TestAnswerInAForm: the response mode form_post is taken like the query.
func TestAnswerInAForm(t *testing.T) {
	t.Parallel()
	w := one(t)
	o := w.newOpenID("contoso-oidc", "oidc.example", testidp.PlainSAML, "GenericOIDC")
	post := func(b *browser, form url.Values) answer {
		return w.send(b, http.MethodPost, o.callback(), "Content-Type", formType, "Sec-Fetch-Site", "cross-site", "",
			form.Encode())
	}
	begin := func() (*browser, url.Values) {
		b := w.browser()
		u, err := url.Parse(o.answer(b.get(w.authorize(o.tenant)), ada(o.tenant)))
		must(t, err)
		return b, u.Query()
	}
	b, q := begin()
	post(b, q).code(t)
	w.ledBack(b, post(b, q), w.url+"/sso/signed-in")
	_, q = begin()
	o.logged(t, post(w.browser(), q), refusal.LoginForeign)
	b, q = begin()
	q.Add("code", "x")
	o.logged(t, post(b, q), oidc.Repeated, "code 2 times")
	b, q = begin()
	o.logged(t, w.send(b, http.MethodPost, o.callback()+"?"+q.Encode(), "Content-Type", formType, "", ""),
		refusal.LoginUnknown)
	b, q = begin()
	q.Set("padding", strings.Repeat("x", 70<<10))
	o.logged(t, post(b, q), oidc.NoCode, "no form")
	b, _ = begin()
	o.logged(t, post(b, url.Values{"error": {"access_denied"}}), oidc.ProviderError, "access_denied")
}

// TestAddressThatIsNotReachedIsExplained: an endpoint inside a network is told from one that is
// down. The connection is refused before it is made.
func TestAddressThatIsNotReachedIsExplained(t *testing.T) {
	t.Parallel()
	w := one(t)
	o := w.newOpenID("contoso-oidc", "oidc.example", testidp.PlainSAML, "GenericOIDC")
	for endpoint, want := range map[string]oidc.Reason{
		"token_endpoint": oidc.TokenUnreachable, "jwks_uri": oidc.KeysUnreachable,
	} {
		client := "client for " + endpoint
		must(t, o.idp.ConnectOIDC(client, clientSecret, o.callback()))
		w.api(http.MethodPatch, "/connections/"+o.id, map[string]any{"oidc": map[string]any{"client_id": client}})
		o.replace(wellKnown, o.changed(map[string]any{endpoint: "https://10.0.0.1/x"}))
		a := o.signIn(w.browser(), ada(o.tenant), w.authorize(o.tenant))
		o.logged(t, a, want, "its address is not public")
	}
}
