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
	"strings"
	"sync"
	"testing"
	"time"

	"rollcall/model/connection"
	"rollcall/model/people"
	"rollcall/model/refusal"
	"rollcall/sso/oidc"
	"rollcall/testidp"
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
	return map[string]string{"kty": "RSA", "kid": "other", "n": encode(key.N.Bytes()),
		"e": encode(big.NewInt(int64(key.E)).Bytes())}
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
		{"alg none with the genuine signature", testidp.TokenOptions{Header: header("alg", "none")},
			oidc.TokenUnsigned},
		{"no signature", sign(nil, unsigned), oidc.TokenUnsigned},
		{"no alg", testidp.TokenOptions{Header: func(h map[string]any) { delete(h, "alg") }}, oidc.TokenAlgorithm},
		{"HMAC with the public key in PEM", sign(header("alg", "HS256"), hashedWith(text)), oidc.TokenSymmetric},
		{"HMAC with the public key in DER", sign(header("alg", "HS256"), hashedWith(der)), oidc.TokenSymmetric},
		{"HMAC with the modulus", sign(header("alg", "HS256"), hashedWith(public.N.Bytes())), oidc.TokenSymmetric},
		{"HMAC with the client's secret", sign(header("alg", "HS512"), hashedWith([]byte(clientSecret))),
			oidc.TokenSymmetric},
		{"an algorithm that is none of ours", testidp.TokenOptions{Header: header("alg", "EdDSA")},
			oidc.TokenAlgorithm},
		{"SHA-1", testidp.TokenOptions{Header: header("alg", "RS1")}, oidc.TokenAlgorithm},
		{"another key", sign(nil, other), oidc.TokenWrongKey},
		{"another key without its name", sign(func(h map[string]any) { delete(h, "kid") }, other), oidc.TokenWrongKey},
		{"another key with its name", sign(header("kid", "other"), other), oidc.TokenUnknownKey},
		{"another key that the header brings", sign(header("jwk", jwkOf(&otherKey().PublicKey)), other),
			oidc.TokenWrongKey},
		{"another key where the header says", sign(header("jku", "https://evil.example/jwks"), other),
			oidc.TokenWrongKey},
		{"the signature of something else", testidp.TokenOptions{Sign: func(string) []byte {
			return signedBy(keys().idp)("something else")
		}}, oidc.TokenWrongKey},
		{"the key with another algorithm", testidp.TokenOptions{Header: header("alg", "PS256")}, oidc.TokenUnusable},
		{"a header that must be understood", testidp.TokenOptions{Header: header("crit", []string{"exp"})},
			oidc.TokenCritical},
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
		{"several audiences for another", claimed(map[string]any{"aud": []string{"rollcall client", "another"},
			"azp": "another"}), oidc.TokenWrongAZP},
		{"several audiences for us", claimed(map[string]any{"aud": []string{"rollcall client", "another"},
			"azp": "rollcall client"}), ""},
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
		{"the issuer with a slash", testidp.TokenOptions{Edit: func(c map[string]any) {
			c["iss"] = c["iss"].(string) +
				"/"
		}}, oidc.TokenWrongIssuer},
		{"no issuer", claim("iss", nil), oidc.TokenWrongIssuer},
		{"no sub", claim("sub", nil), oidc.TokenMissingClaim},
		{"a sub with space around it", claim("sub", " ada "), oidc.TokenBadSubject},
		{"a sub without end", claim("sub", strings.Repeat("a", 256)), oidc.TokenBadSubject},
		{"a sub that is no text", claim("sub", 7), oidc.TokenClaimType},
		{"another access token's hash", claim("at_hash", base64.RawURLEncoding.EncodeToString(make([]byte, 16))),
			oidc.TokenWrongHash},
		{"no hash, which is allowed", claim("at_hash", nil), ""},
	}
}

// unverified are e-mail addresses of new people that the identity provider does not call verified.
func unverified() []tokenAttack {
	none := claimed(map[string]any{})
	none.Edit = func(c map[string]any) { delete(c, "email_verified"); delete(c, "xms_edov") }
	none.UserInfo = none.Edit
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
		o.attack(t, []tokenAttack{{"of another organization", claim("email", "ada@fabrikam.example"),
			refusal.NotProvisioned},
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
		{"with email_verified, which Entra ID does not send",
			claimed(map[string]any{"email_verified": true, "xms_edov": false}), refusal.NotProvisioned},
	}, person(o.tenant, 5))
	if n := len(w.users(o.tenant)); n != 1 {
		t.Errorf("there are %d users", n)
	}
}

// TestAddressAsUserNameIsVouchedFor: users of a directory are matched by userName, administrators
// too. So an address that anybody can enter must not be taken as a userName.
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
			{"not vouched for by " + kind, claimed(map[string]any{"email": victim.UserName, kind: false}),
				refusal.NotProvisioned},
			{"without " + kind,
				testidp.TokenOptions{Edit: func(c map[string]any) {
					c["email"] = victim.UserName
					delete(c,
						kind)
				}}, refusal.NotProvisioned},
			{"vouched for by " + kind, claimed(map[string]any{"email": victim.UserName}), ""},
		}, person(o.tenant, 6))
	}
}
