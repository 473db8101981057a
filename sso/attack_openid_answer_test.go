package sso_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"rollcall/model/connection"
	"rollcall/model/refusal"
	"rollcall/model/signon"
	"rollcall/sso/oidc"
	"rollcall/testidp"
	"rollcall/trust"
)

func TestUserInfoOfOthersIsRefused(t *testing.T) {
	t.Parallel()
	w := one(t)
	o := w.newOpenID("okta", "okta.example", testidp.OktaSAML, "OktaOIDC")
	userInfo := func(name string, value any) testidp.TokenOptions {
		return testidp.TokenOptions{UserInfo: func(c map[string]any) { c[name] = value }}
	}
	o.attack(t, []tokenAttack{{"of somebody else", userInfo("sub", person(o.tenant, 4).ExternalID),
		oidc.UserInfoSubject}}, ada(o.tenant))
	o.attack(t, []tokenAttack{
		{"with an address that is not verified", userInfo("email_verified", false), refusal.NotProvisioned},
		{"with an address that the token calls verified",
			testidp.TokenOptions{Edit: func(c map[string]any) { c["email_verified"] = true },
				UserInfo: func(c map[string]any) { delete(c, "email_verified") }}, refusal.NotProvisioned},
	}, person(o.tenant, 5))
	o.replace("/userinfo", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
	})
	before := texts(o.profileOf(ada(o.tenant))["groups"])
	if len(before) == 0 || !strings.Contains(strings.Join(o.attempt().Notes, " "), "userinfo") {
		t.Errorf("while userinfo fails the groups are %q, and the log notes %q", before, o.attempt().Notes)
	}
}

// What the browser brings back.
func TestAnswersOfOthersAreRefused(t *testing.T) {
	t.Parallel()
	w := one(t)
	o := w.newOpenID("contoso-oidc", "oidc.example", testidp.PlainSAML, "GenericOIDC")
	elsewhere := w.newOpenID("fabrikam-oidc", "fabrikam.example", testidp.PlainSAML, "GenericOIDC")
	begin := func() (*browser, url.Values) {
		b := w.browser()
		u, err := url.Parse(o.answer(b.get(w.authorize(o.tenant)), ada(o.tenant)))
		must(t, err)
		return b, u.Query()
	}
	_, stranger := begin()
	foreign, err := url.Parse(elsewhere.answer(w.browser().get(w.authorize(elsewhere.tenant)), ada(elsewhere.tenant)))
	must(t, err)
	set := func(name, value string) func(url.Values) { return func(q url.Values) { q.Set(name, value) } }
	for _, c := range []struct {
		name   string
		change func(q url.Values)
		want   any
	}{
		{"state of another browser", set("state", stranger.Get("state")), refusal.LoginForeign},
		{"state of another connection", set("state", foreign.Query().Get("state")), refusal.LoginUnknown},
		{"state that nobody made", set("state", "01890000-0000-7000-8000-000000000000"), refusal.LoginUnknown},
		{"state that is an address", set("state", "https://evil.example/"), refusal.LoginUnknown},
		{"state with NUL", set("state", "\x00"), refusal.LoginUnknown},
		{"state that is SQL", set("state", "' OR '1'='1"), refusal.LoginUnknown},
		{"no state", func(q url.Values) { q.Del("state") }, refusal.LoginUnknown},
		{"state twice", func(q url.Values) { q.Add("state", "x") }, oidc.Repeated},
		{"code twice", func(q url.Values) { q.Add("code", "x") }, oidc.Repeated},
		{"code of another login", set("code", stranger.Get("code")), oidc.CodeRefused},
		{"code of another provider", set("code", foreign.Query().Get("code")), oidc.CodeRefused},
		{"code that nobody made", set("code", "x"), oidc.CodeRefused},
		{"no code", func(q url.Values) { q.Del("code") }, oidc.NoCode},
		{"mix-up: another provider's iss", set("iss", elsewhere.idp.OIDCIssuer()), oidc.WrongResponseIss},
		{"no iss of a provider that sends it", func(q url.Values) { q.Del("iss") }, oidc.MissingResponseIss},
		{"an error", func(q url.Values) {
			q.Del("code")
			q.Set("error", "access_denied")
			q.Set("error_description", "not assigned")
		}, oidc.ProviderError},
		{"an error beside a code", set("error", "access_denied"), oidc.ProviderError},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, q := begin()
			c.change(q)
			w.refused(o.tenant, b.get(o.callback()+"?"+q.Encode()), fmt.Sprint(c.want))
			if b.signedIn() {
				t.Error("somebody is signed in")
			}
		})
	}
	if got := o.attempt(); got.Received != "access_denied" {
		t.Errorf("the provider's words are not in the log: %+v", got)
	}
	t.Run("a screen of the provider is named", func(t *testing.T) {
		b, q := begin()
		q.Set("code", "x")
		b.get(o.callback() + "?" + q.Encode())
		list, _ := w.api(http.MethodGet, "/connections/"+o.id+"/login_attempts?limit=1", nil)["data"].([]any)
		line, reason := list[0].(map[string]any), string(oidc.CodeRefused)
		if line["where"] != trust.Screen(reason, o.connection) ||
			line["message"] != trust.Advice(reason, o.connection) {
			t.Errorf("%v", line)
		}
	})
	t.Run("an answer that comes again", func(t *testing.T) {
		b, q := begin()
		code := b.get(o.callback() + "?" + q.Encode()).code(t)
		o.times("")
		w.ledBack(b, b.get(o.callback()+"?"+q.Encode()), w.url+"/sso/signed-in")
		other := w.replica(t)
		elsewhere := &browser{w: w, http: b.http}
		w.ledBack(b, elsewhere.get(strings.Replace(o.callback(), w.url, other.server.URL, 1)+"?"+q.Encode()),
			w.url+"/sso/signed-in")
		if n := o.times("/token"); n != 0 {
			t.Errorf("the provider was asked %d times", n)
		}
		if status, body := w.exchange(code); status != http.StatusOK {
			t.Errorf("the replay took the first login's code: %d %v", status, body)
		}
		b.submit("/sso/logout", nil)
		w.refused(o.tenant, b.get(b.get(o.callback()+"?"+q.Encode()).location.String()), string(refusal.LoginUsed))
	})
	t.Run("too late", func(t *testing.T) {
		b, q := begin()
		w.clock.Advance(11 * time.Minute)
		w.refused(o.tenant, b.get(o.callback()+"?"+q.Encode()), string(refusal.LoginUsed))
	})
	t.Run("a code of another login at a provider that checks nothing", func(t *testing.T) {
		o.idp.VaryTokens(testidp.TokenOptions{CodesLast: true})
		defer o.idp.VaryTokens(testidp.TokenOptions{})
		_, attacker := begin()
		b, q := begin()
		q.Set("code", attacker.Get("code"))
		w.refused(o.tenant, b.get(o.callback()+"?"+q.Encode()), string(oidc.TokenWrongNonce))
	})
	t.Run("an ID token that comes again", func(t *testing.T) {
		// The store remembers tokens as it does assertions, whatever the provider and the login
		// say.
		l := &signon.Login{ConnectionID: o.connection.ID}
		signon.In(o.org).StartLogin(l)
		in := signon.SignIn{Connection: o.connection, Login: l, AssertionID: "a.token.again", ReplayUntil: 1 << 60,
			Claims: signon.Claims{Issuer: o.idp.OIDCIssuer(), Subject: ada(o.tenant).ExternalID}}
		var err error
		in.Connection, err = connection.In(o.org).Connection(t.Context(), o.connection.ID)
		must(t, err)
		must(t, signon.In(o.org).RememberAssertion(t.Context(), o.connection.ID, in.AssertionID, in.ReplayUntil))
		if _, err := signon.In(o.org).SignIn(t.Context(), in); err == nil ||
			!strings.Contains(err.Error(), string(refusal.AssertionReplayed)) {
			t.Error(err)
		}
	})
}
