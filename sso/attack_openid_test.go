package sso_test

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"rollcall/model/connection"
	"rollcall/model/people"
	"rollcall/model/refusal"
	"rollcall/model/signon"
	"rollcall/sso/oidc"
	"rollcall/testidp"
	"rollcall/trust"
)

// What attackers send over OpenID Connect (docs/design/signon.md, "Attacks"), through the real
// callback.

// otherKey is an attacker's.
var otherKey = sync.OnceValue(func() *rsa.PrivateKey { k, _ := rsa.GenerateKey(rand.Reader, 2048); return k })

func signedBy(key *rsa.PrivateKey) func(input string) []byte {
	return func(input string) []byte {
		sum := sha256.Sum256([]byte(input))
		signature, _ := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
		return signature
	}
}

// hashedWith takes what everybody knows for a secret.
func hashedWith(secret []byte) func(input string) []byte {
	return func(input string) []byte {
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(input))
		return mac.Sum(nil)
	}
}

func unsigned(string) []byte { return nil }

// header sets members of a token's header, by name and value.
func header(members ...any) func(map[string]any) {
	return func(h map[string]any) {
		for i := 0; i < len(members); i += 2 {
			h[members[i].(string)] = members[i+1]
		}
	}
}

// claim sets a claim; nil takes it away.
func claim(name string, value any) testidp.TokenOptions {
	return testidp.TokenOptions{Edit: func(c map[string]any) {
		if c[name] = value; value == nil {
			delete(c, name)
		}
	}}
}

func claimed(more map[string]any) testidp.TokenOptions {
	return testidp.TokenOptions{Edit: func(c map[string]any) { maps.Copy(c, more) }}
}

func jwkOf(key *rsa.PublicKey) map[string]string {
	encode := base64.RawURLEncoding.EncodeToString
	return map[string]string{"kty": "RSA", "kid": "other", "n": encode(key.N.Bytes()), "e": encode(big.NewInt(int64(key.E)).Bytes())}
}

type tokenAttack struct {
	name string
	vary testidp.TokenOptions
	want any // a reason; empty where the token is good
}

func forgeries() []tokenAttack {
	public := keys().idp.Public().(*rsa.PublicKey)
	der, _ := x509.MarshalPKIXPublicKey(public)
	text := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	sign, other := func(h func(map[string]any), s func(string) []byte) testidp.TokenOptions {
		return testidp.TokenOptions{Header: h, Sign: s}
	}, signedBy(otherKey())
	return []tokenAttack{
		{"alg none", sign(header("alg", "none"), unsigned), oidc.TokenUnsigned},
		{"alg none in other letters", sign(header("alg", "nOnE"), unsigned), oidc.TokenUnsigned},
		{"alg none with the genuine signature", testidp.TokenOptions{Header: header("alg", "none")}, oidc.TokenUnsigned},
		{"no signature", sign(nil, unsigned), oidc.TokenUnsigned},
		{"no alg", testidp.TokenOptions{Header: func(h map[string]any) { delete(h, "alg") }}, oidc.TokenAlgorithm},
		{"HMAC with the public key in PEM", sign(header("alg", "HS256"), hashedWith(text)), oidc.TokenSymmetric},
		{"HMAC with the public key in DER", sign(header("alg", "HS256"), hashedWith(der)), oidc.TokenSymmetric},
		{"HMAC with the modulus", sign(header("alg", "HS256"), hashedWith(public.N.Bytes())), oidc.TokenSymmetric},
		{"HMAC with the client's secret", sign(header("alg", "HS512"), hashedWith([]byte(clientSecret))), oidc.TokenSymmetric},
		{"an algorithm that is none of ours", testidp.TokenOptions{Header: header("alg", "EdDSA")}, oidc.TokenAlgorithm},
		{"SHA-1", testidp.TokenOptions{Header: header("alg", "RS1")}, oidc.TokenAlgorithm},
		{"another key", sign(nil, other), oidc.TokenWrongKey},
		{"another key without its name", sign(func(h map[string]any) { delete(h, "kid") }, other), oidc.TokenWrongKey},
		{"another key with its name", sign(header("kid", "other"), other), oidc.TokenUnknownKey},
		{"another key that the header brings", sign(header("jwk", jwkOf(&otherKey().PublicKey)), other), oidc.TokenWrongKey},
		{"another key where the header says", sign(header("jku", "https://evil.example/jwks"), other), oidc.TokenWrongKey},
		{"the signature of something else", testidp.TokenOptions{Sign: func(string) []byte { return signedBy(keys().idp)("something else") }}, oidc.TokenWrongKey},
		{"the key with another algorithm", testidp.TokenOptions{Header: header("alg", "PS256")}, oidc.TokenUnknownKey},
		{"a header that must be understood", testidp.TokenOptions{Header: header("crit", []string{"exp"})}, oidc.TokenCritical},
		{"a token without end", claim("padding", strings.Repeat("x", 70<<10)), oidc.TokenTooLarge},
	}
}

func lies(w *world) []tokenAttack {
	at := func(from time.Duration) int64 { return w.clock.Now().Add(from).Unix() }
	return []tokenAttack{
		{"wrong nonce", claim("nonce", "another"), oidc.TokenWrongNonce},
		{"no nonce", claim("nonce", nil), oidc.TokenMissingNonce},
		{"another audience", claim("aud", "another client"), oidc.TokenAudience},
		{"an audience that ours begins", claim("aud", "rollcall client 2"), oidc.TokenAudience},
		{"no audience", claim("aud", nil), oidc.TokenAudience},
		{"several audiences without azp", claim("aud", []string{"rollcall client", "another"}), oidc.TokenMissingAZP},
		{"several audiences for another", claimed(map[string]any{"aud": []string{"rollcall client", "another"}, "azp": "another"}), oidc.TokenWrongAZP},
		{"several audiences for us", claimed(map[string]any{"aud": []string{"rollcall client", "another"}, "azp": "rollcall client"}), ""},
		{"issued to another", claim("azp", "another"), oidc.TokenWrongAZP},
		{"expired", claim("exp", at(-61*time.Second)), oidc.TokenExpired},
		{"expired within the leeway", claim("exp", at(-59*time.Second)), ""},
		{"no exp", claim("exp", nil), oidc.TokenMissingClaim},
		{"no iat", claim("iat", nil), oidc.TokenMissingClaim},
		{"issued in the future", claim("iat", at(3*time.Minute)), oidc.TokenFuture},
		{"issued long before it was asked for", claim("iat", at(-time.Hour)), oidc.TokenOld},
		{"dated back as Entra ID does", claim("iat", at(-5*time.Minute)), ""},
		{"not yet valid", claim("nbf", at(3*time.Minute)), oidc.TokenNotYet},
		{"another issuer", claim("iss", "https://evil.example"), oidc.TokenWrongIssuer},
		{"the issuer with a slash", testidp.TokenOptions{Edit: func(c map[string]any) { c["iss"] = c["iss"].(string) + "/" }}, oidc.TokenWrongIssuer},
		{"no issuer", claim("iss", nil), oidc.TokenWrongIssuer},
		{"no sub", claim("sub", nil), oidc.TokenMissingClaim},
		{"a sub with space around it", claim("sub", " ada "), oidc.TokenBadSubject},
		{"a sub without end", claim("sub", strings.Repeat("a", 256)), oidc.TokenBadSubject},
		{"a sub that is no text", claim("sub", 7), oidc.TokenMalformed},
		{"another access token's hash", claim("at_hash", base64.RawURLEncoding.EncodeToString(make([]byte, 16))), oidc.TokenWrongHash},
		{"no hash, which is allowed", claim("at_hash", nil), ""},
	}
}

// unverified are e-mail addresses that nobody vouches for, of somebody who is new.
func unverified() []tokenAttack {
	none := claimed(map[string]any{})
	none.Edit = func(c map[string]any) { delete(c, "email_verified"); delete(c, "xms_edov") }
	return []tokenAttack{
		{"email_verified false", claim("email_verified", false), refusal.NotProvisioned},
		{"email_verified false as a text", claim("email_verified", "false"), refusal.NotProvisioned},
		{"nothing said", none, refusal.NotProvisioned},
		{"of another domain", claim("email", "ada@fabrikam.example"), refusal.NotProvisioned},
	}
}

func (o *openID) attack(t *testing.T, list []tokenAttack, who testidp.Person) {
	t.Helper()
	for _, c := range list {
		t.Run(c.name, func(t *testing.T) {
			o.idp.VaryTokens(c.vary)
			defer o.idp.VaryTokens(testidp.TokenOptions{})
			b := o.w.browser()
			a := o.signIn(b, who, o.w.authorize(o.tenant))
			if c.want == "" {
				a.code(t)
				return
			}
			o.w.refused(o.tenant, a, fmt.Sprint(c.want))
			if got := o.attempt(); got.Expected == "" {
				t.Errorf("the log does not say what was expected: %+v", got)
			}
			if b.signedIn() {
				t.Error("somebody is signed in")
			}
		})
	}
}

func TestForgedIDTokensAreRefused(t *testing.T) {
	t.Parallel()
	w := one(t)
	o := w.newOpenID("contoso-oidc", "oidc.example", testidp.PlainSAML, "GenericOIDC")
	o.attack(t, forgeries(), ada(o.tenant))
	o.attack(t, lies(w), ada(o.tenant))
	o.attack(t, unverified(), person(o.tenant, 5))
	if n := len(w.users(o.tenant)); n != 1 {
		t.Errorf("there are %d users", n)
	}
	o.signIn(w.browser(), ada(o.tenant), w.authorize(o.tenant)).code(t)
	t.Run("an address that the connection trusts", func(t *testing.T) {
		w.update(o.tenant, func(c *connection.ConnectionFields) { c.TrustEmail = true })
		o.attack(t, []tokenAttack{{"of another organization", claim("email", "ada@fabrikam.example"), refusal.NotProvisioned},
			{"of ours makes a user", claim("email_verified", nil), ""}}, person(o.tenant, 6))
	})
}

// Microsoft Entra ID names people otherwise, and says less with an e-mail address.
func TestEntraTokensOfOthersAreRefused(t *testing.T) {
	t.Parallel()
	w := one(t)
	o := w.newOpenID("entra", "entra.example", testidp.EntraSAML, "EntraIdOIDC")
	foreign := "11111111-2222-4333-8444-555555555555"
	o.attack(t, []tokenAttack{
		{"another tenant", claim("tid", foreign), oidc.TokenWrongTenant},
		{"no tenant", claim("tid", nil), oidc.TokenWrongTenant},
		{"the issuer of another tenant", testidp.TokenOptions{Edit: func(c map[string]any) {
			c["iss"] = strings.Replace(c["iss"].(string), c["tid"].(string), foreign, 1)
		}}, oidc.TokenWrongIssuer},
		{"no object id", claim("oid", nil), oidc.TokenMissingObject},
		{"an object id that is none", claim("oid", "ada"), oidc.TokenMissingObject},
		{"another sub, as at another client", claim("sub", "another"), ""},
	}, ada(o.tenant))
	o.attack(t, []tokenAttack{
		{"an e-mail address without xms_edov", claim("xms_edov", nil), refusal.NotProvisioned},
		{"with email_verified, which Entra ID does not send", claimed(map[string]any{"email_verified": true, "xms_edov": false}), refusal.NotProvisioned},
	}, person(o.tenant, 5))
	if n := len(w.users(o.tenant)); n != 1 {
		t.Errorf("there are %d users", n)
	}
}

// TestAddressAsUserNameIsVouchedFor: a directory's users are recognized by their userName whatever
// their role is, so that an address which anybody can write must be none.
func TestAddressAsUserNameIsVouchedFor(t *testing.T) {
	t.Parallel()
	w := one(t)
	for kind, o := range map[string]*openID{
		"xms_edov":       w.newOpenID("entra", "entra.example", testidp.EntraSAML, "EntraIdOIDC"),
		"email_verified": w.newOpenID("contoso-oidc", "oidc.example", testidp.PlainSAML, "GenericOIDC"),
	} {
		victim := person(o.tenant, 5)
		id := w.newDirectory(o.tenant, "generic scim v2.0").provision(victim.UserName, "x-1", victim)
		w.role(o.tenant, id, people.Admin)
		w.update(o.tenant, func(c *connection.ConnectionFields) { c.UsernameAttribute = "email" })
		o.attack(t, []tokenAttack{
			{"not vouched for by " + kind, claimed(map[string]any{"email": victim.UserName, kind: false}), refusal.NotProvisioned},
			{"without " + kind, testidp.TokenOptions{Edit: func(c map[string]any) { c["email"] = victim.UserName; delete(c, kind) }}, refusal.NotProvisioned},
			{"vouched for by " + kind, claimed(map[string]any{"email": victim.UserName}), ""},
		}, person(o.tenant, 6))
	}
}

func TestUserInfoOfOthersIsRefused(t *testing.T) {
	t.Parallel()
	w := one(t)
	o := w.newOpenID("okta", "okta.example", testidp.OktaSAML, "OktaOIDC")
	userInfo := func(name string, value any) testidp.TokenOptions {
		return testidp.TokenOptions{UserInfo: func(c map[string]any) { c[name] = value }}
	}
	o.attack(t, []tokenAttack{{"of somebody else", userInfo("sub", person(o.tenant, 4).ExternalID), oidc.UserInfoSubject}}, ada(o.tenant))
	o.attack(t, []tokenAttack{
		{"with an address that is not verified", userInfo("email_verified", false), refusal.NotProvisioned},
		{"with an address that the token calls verified", testidp.TokenOptions{Edit: func(c map[string]any) { c["email_verified"] = true },
			UserInfo: func(c map[string]any) { delete(c, "email_verified") }}, refusal.NotProvisioned},
	}, person(o.tenant, 5))
	o.replace("/userinfo", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
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
		if line["where"] != trust.Screen(reason, o.connection) || line["message"] != trust.Advice(reason, o.connection) {
			t.Errorf("%v", line)
		}
	})
	t.Run("an answer that comes again", func(t *testing.T) {
		b, q := begin()
		code := b.get(o.callback() + "?" + q.Encode()).code(t)
		o.times("")
		w.refused(o.tenant, b.get(o.callback()+"?"+q.Encode()), string(refusal.LoginUsed))
		other := w.replica(t)
		elsewhere := &browser{w: w, http: b.http}
		w.refused(o.tenant, elsewhere.get(strings.Replace(o.callback(), w.url, other.server.URL, 1)+"?"+q.Encode()), string(refusal.LoginUsed))
		if n := o.times("/token"); n != 0 {
			t.Errorf("the provider was asked %d times", n)
		}
		if status, body := w.exchange(code); status != http.StatusOK {
			t.Errorf("the replay took the first login's code: %d %v", status, body)
		}
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
		// The store remembers tokens as it does assertions, whatever the provider and the login say.
		at := w.begin(o.tenant)
		l, err := signon.In(o.org).Login(t.Context(), o.connection.ID, at.sent.location.Query().Get("state"))
		must(t, err)
		in := signon.SignIn{Connection: o.connection, Login: l, AssertionID: "a.token.again", ReplayUntil: 1 << 60,
			Claims: signon.Claims{Issuer: o.idp.OIDCIssuer(), Subject: ada(o.tenant).ExternalID}}
		in.Connection, err = connection.In(o.org).Connection(t.Context(), o.connection.ID)
		must(t, err)
		must(t, signon.In(o.org).RememberAssertion(t.Context(), o.connection.ID, in.AssertionID, in.ReplayUntil))
		if _, err := signon.In(o.org).SignIn(t.Context(), in); err == nil || !strings.Contains(err.Error(), string(refusal.AssertionReplayed)) {
			t.Error(err)
		}
	})
}
