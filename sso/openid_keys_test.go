package sso_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"testing"
	"time"

	"rollcall/sso/oidc"
	"rollcall/testidp"
)

// TestKeysAreReadForTheSignatureAlone: a certificate beside a key is optional (RFC 7517, section
// 4.7), a name is needed only among several keys (OpenID Connect Core, section 10.1), and a key
// that is in the set and cannot be used is not called unpublished.
func TestKeysAreReadForTheSignatureAlone(t *testing.T) {
	t.Parallel()
	w := one(t)
	o := w.newOpenID("contoso-oidc", "oidc.example", testidp.PlainSAML, "GenericOIDC")
	with := func(members map[string]any) map[string]any {
		key := map[string]any{}
		for name, value := range jwkOf(&otherKey().PublicKey) {
			key[name] = value
		}
		maps.Copy(key, members)
		for name, value := range members {
			if value == nil {
				delete(key, name)
			}
		}
		return key
	}
	curve := map[string]any{"kty": "EC", "kid": "other", "crv": "secp256k1", "x": "AQ", "y": "AQ"}
	for _, c := range []struct {
		name     string
		keys     []any
		kid      any
		want     oidc.Reason
		received string
	}{
		{"a thumbprint that does not fit", []any{with(map[string]any{"x5t": "AAAA", "x5c": []string{"AAAA"}})}, "other",
			"", ""},
		{"a thumbprint of another type", []any{with(map[string]any{"x5t#S256": 7, "x5u": "::"})}, "other", "", ""},
		{"a set of one key without a name", []any{with(map[string]any{"kid": nil})}, "other", "", ""},
		{"a key without a name among others", []any{curve, with(map[string]any{"kid": nil}),
			with(map[string]any{"kid": "third"})}, "fourth", "", ""},
		{"a token without a name", []any{with(nil)}, nil, "", ""},
		{"another name", []any{with(map[string]any{"kid": "third"})}, "other", oidc.TokenUnknownKey,
			`kid "other"; the set has 1: "third"`},
		{"no keys", []any{}, "other", oidc.TokenUnknownKey, "no keys"},
		{"a key for encryption", []any{with(map[string]any{"use": "enc"})}, "other", oidc.TokenUnusable,
			`kid "other" is in the set, but its use is "enc"`},
		{"a key for another algorithm", []any{with(map[string]any{"alg": "PS512"})}, "other", oidc.TokenUnusable,
			`but its alg is "PS512", and the token's RS256`},
		{"a curve that is not read", []any{curve}, "other", oidc.TokenUnusable, `its crv "secp256k1"`},
		{"a kind that is not read", []any{with(map[string]any{"kty": "OKP"})}, "other", oidc.TokenUnusable,
			`its kty is "OKP"`},
		{"a number that is none", []any{with(map[string]any{"n": "!"})}, "other", oidc.TokenUnusable, "its n or e"},
		{"a token without a name and no key for it", []any{with(map[string]any{"use": "enc"})}, nil,
			oidc.TokenUnusable, "a key without kid"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text, err := json.Marshal(map[string]any{"keys": c.keys})
			must(t, err)
			o.idp.VaryTokens(testidp.TokenOptions{Sign: signedBy(otherKey()), Header: func(h map[string]any) {
				if h["kid"] = c.kid; c.kid == nil {
					delete(h, "kid")
				}
			}})
			w.clock.Advance(2 * time.Hour)
			o.replace("/jwks", answering(http.StatusOK, string(text)))
			a := o.signIn(w.browser(), ada(o.tenant), w.authorize(o.tenant))
			if c.want == "" {
				a.code(t)
				return
			}
			o.logged(t, a, c.want, c.received)
		})
	}
}

// TestNewKeyUnderAnOldName: a set is fetched again for a signature that no known key made, at most
// once a minute.
func TestNewKeyUnderAnOldName(t *testing.T) {
	t.Parallel()
	w := one(t)
	o := w.newOpenID("contoso-oidc", "oidc.example", testidp.PlainSAML, "GenericOIDC")
	publish := func(key map[string]string, kid string) {
		if key["kid"] = kid; kid == "" {
			delete(key, "kid")
		}
		text, err := json.Marshal(map[string]any{"keys": []any{key}})
		must(t, err)
		o.replace("/jwks", answering(http.StatusOK, string(text)))
	}
	for _, kid := range []string{"1", ""} {
		signing := func(first bool) testidp.TokenOptions {
			vary := testidp.TokenOptions{Header: func(h map[string]any) {
				if h["kid"] = kid; kid == "" {
					delete(h, "kid")
				}
			}}
			if vary.Sign = signedBy(keys().idp); first {
				vary.Sign = signedBy(otherKey())
			}
			return vary
		}
		sign := func() answer { return o.signIn(w.browser(), ada(o.tenant), w.authorize(o.tenant)) }
		w.clock.Advance(2 * time.Hour)
		publish(jwkOf(&otherKey().PublicKey), kid)
		o.idp.VaryTokens(signing(true))
		sign().code(t)
		publish(jwkOf(&keys().idp.PublicKey), kid)
		o.idp.VaryTokens(signing(false))
		o.times("")
		sign().code(t)
		o.idp.VaryTokens(signing(true))
		for range 3 {
			o.logged(t, sign(), oidc.TokenWrongKey)
		}
		if n := o.times("/jwks"); n != 1 {
			t.Errorf("kid %q: fetched %d times", kid, n)
		}
	}
}
