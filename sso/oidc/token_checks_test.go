package oidc_test

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"rollcall/sso/oidc"
)

// Each claim binds the token to somebody: to this provider, this client, this login, this time. A
// token that fails in one of them was made for another purpose.
func TestClaimsOfATokenAreChecked(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ä", 255)
	hash := func(access string) string {
		sum := sha256.Sum256([]byte(access))
		return base64.RawURLEncoding.EncodeToString(sum[:16])
	}
	for name, c := range map[string]struct {
		claims map[string]any
		begun  time.Duration // after at
		now    time.Duration // after at
		reason oidc.Reason
	}{
		"a token without fault": {},
		"another issuer": {
			claims: map[string]any{"iss": "https://other.example"}, reason: oidc.TokenWrongIssuer,
		},
		"without sub": {
			claims: map[string]any{"sub": nil}, reason: oidc.TokenMissingClaim,
		},
		"the longest sub": {claims: map[string]any{"sub": long}},
		"a longer sub": {
			claims: map[string]any{"sub": long + "x"}, reason: oidc.TokenBadSubject,
		},
		"space around the sub": {
			claims: map[string]any{"sub": " 1"}, reason: oidc.TokenBadSubject,
		},
		"another audience": {
			claims: map[string]any{"aud": "other"}, reason: oidc.TokenAudience,
		},
		"several audiences without azp": {
			claims: map[string]any{"aud": []string{"client", "other"}}, reason: oidc.TokenMissingAZP,
		},
		"several audiences and ours": {
			claims: map[string]any{"aud": []string{"client", "other"}, "azp": "client"},
		},
		"one audience in a list": {claims: map[string]any{"aud": []string{"client"}}},
		"issued to another client": {
			claims: map[string]any{"azp": "other"}, reason: oidc.TokenWrongAZP,
		},
		"issued to nobody": {claims: map[string]any{"azp": ""}, reason: oidc.TokenWrongAZP},
		"without exp": {
			claims: map[string]any{"exp": nil}, reason: oidc.TokenMissingClaim,
		},
		"without iat": {
			claims: map[string]any{"iat": nil}, reason: oidc.TokenMissingClaim,
		},
		"the last moment of a token":    {now: 2*time.Minute - time.Nanosecond},
		"a token that has just expired": {now: 2 * time.Minute, reason: oidc.TokenExpired},
		"a clock that is ahead":         {claims: map[string]any{"iat": at.Unix() + 120}},
		"a clock that is too far ahead": {
			claims: map[string]any{"iat": at.Unix() + 121}, reason: oidc.TokenFuture,
		},
		"a token that is set back": {begun: 10 * time.Minute, now: 90 * time.Second},
		"a token from before the login": {
			begun: 10*time.Minute + 1, now: 90 * time.Second, reason: oidc.TokenOld,
		},
		"valid soon": {claims: map[string]any{"nbf": at.Unix() + 120}},
		"valid later": {
			claims: map[string]any{"nbf": at.Unix() + 121}, reason: oidc.TokenNotYet,
		},
		"without nonce": {
			claims: map[string]any{"nonce": nil}, reason: oidc.TokenMissingNonce,
		},
		"the nonce of another login": {
			claims: map[string]any{"nonce": "other"}, reason: oidc.TokenWrongNonce,
		},
		"the hash of the access token": {claims: map[string]any{"at_hash": hash("access")}},
		"the hash of another access token": {
			claims: map[string]any{"at_hash": hash("other")}, reason: oidc.TokenWrongHash,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, p := discovered(t)
			s.claims = c.claims
			a, err := s.login(t, p, at.Add(c.begun), at.Add(c.now))
			if got := reasonOf(t, err); got != c.reason {
				t.Fatalf("%q: %v", got, err)
			}
			if err == nil && !a.Expires.Equal(at.Add(2*time.Minute)) {
				t.Errorf("refused as too old from %s on", a.Expires)
			}
		})
	}
}

// The header is read before any key: an algorithm that anybody can use is refused by its name.
func TestHeaderOfATokenIsChecked(t *testing.T) {
	t.Parallel()
	header := func(text string) func(string) string {
		return func(compact string) string {
			parts := strings.Split(compact, ".")
			parts[0] = base64.RawURLEncoding.EncodeToString([]byte(text))
			return strings.Join(parts, ".")
		}
	}
	for name, c := range map[string]struct {
		edit   func(string) string
		reason oidc.Reason
	}{
		"no signature algorithm":      {header(`{"alg":"nOnE"}`), oidc.TokenUnsigned},
		"an HMAC":                     {header(`{"alg":"hs256"}`), oidc.TokenSymmetric},
		"an unknown algorithm":        {header(`{"alg":"EdDSA"}`), oidc.TokenAlgorithm},
		"an extension that is a must": {header(`{"alg":"RS256","crit":["b64"]}`), oidc.TokenCritical},
		"no JSON in the header":       {header(`RS256`), oidc.TokenMalformed},
		"a header that is not base64": {func(c string) string { return "!" + c }, oidc.TokenMalformed},
		"an empty signature": {
			func(c string) string { return c[:strings.LastIndex(c, ".")+1] }, oidc.TokenUnsigned,
		},
		"two parts": {
			func(c string) string { return c[:strings.LastIndex(c, ".")] }, oidc.TokenMalformed,
		},
		"four parts": {func(c string) string { return c + ".x" }, oidc.TokenMalformed},
		"five parts": {func(c string) string { return c + ".x.y" }, oidc.TokenEncrypted},
		"too long": {
			func(c string) string { return c + strings.Repeat("x", 64<<10+1-len(c)) }, oidc.TokenTooLarge,
		},
		// Only its length is as it may be: what was appended is no base64.
		"as long as may be": {func(c string) string { return c + strings.Repeat("=", 64<<10-len(c)) },
			oidc.TokenMalformed},
		"another signature": {func(c string) string {
			return c[:strings.LastIndex(c, ".")+1] + base64.RawURLEncoding.EncodeToString(make([]byte, 256))
		}, oidc.TokenWrongKey},
		"another content": {func(c string) string {
			parts := strings.Split(c, ".")
			parts[1] = base64.RawURLEncoding.EncodeToString([]byte(`{"iss":"https://idp.example","sub":"2"}`))
			return strings.Join(parts, ".")
		}, oidc.TokenWrongKey},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, p := discovered(t)
			s.edit = c.edit
			_, err := s.login(t, p, at, at)
			if got := reasonOf(t, err); got != c.reason {
				t.Errorf("%q: %v", got, err)
			}
		})
	}
}

// What is signed must be an object of claims, and the refusal says that it is none.
func TestContentOfATokenIsAnObject(t *testing.T) {
	t.Parallel()
	for _, payload := range []string{`["a","list"]`, `"text"`, `{"sub":`, ``} {
		s, p := discovered(t)
		s.edit = func(string) string {
			signer, err := jose.NewSigner(s.signing, nil)
			if err != nil {
				t.Fatal(err)
			}
			signed, err := signer.Sign([]byte(payload))
			if err != nil {
				t.Fatal(err)
			}
			compact, _ := signed.CompactSerialize()
			return compact
		}
		_, err := s.login(t, p, at, at)
		refused, ok := errors.AsType[*oidc.Refused](err)
		if !ok || refused.Reason != oidc.TokenMalformed || refused.Received != "a payload that is none" {
			t.Errorf("%s: %+v: %v", payload, refused, err)
		}
	}
}

// A claim of another JSON type than it must have is named with both types: the provider's
// administrator finds it by nothing else.
func TestClaimsOfAnotherTypeAreNamed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		claims             map[string]any
		expected, received string
	}{
		"an audience that is a number": {map[string]any{"aud": 1}, "aud as a text or a list", "aud is a number"},
		"a time that is a text":        {map[string]any{"exp": "soon"}, "exp as a number", "exp is a text"},
		"a subject that is a list":     {map[string]any{"sub": []string{"1"}}, "sub as a text", "sub is a list"},
		"an issuer that is an object":  {map[string]any{"iss": map[string]any{}}, "iss as a text", "iss is an object"},
		"a nonce that is true":         {map[string]any{"nonce": true}, "nonce as a text", "nonce is true or false"},
		"sources that are a list": {
			map[string]any{"_claim_sources": []string{"x"}}, "_claim_sources as an object", "_claim_sources is a list",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, p := discovered(t)
			s.claims = c.claims
			_, err := s.login(t, p, at, at)
			refused, ok := errors.AsType[*oidc.Refused](err)
			if !ok || refused.Reason != oidc.TokenClaimType || refused.Expected != c.expected ||
				refused.Received != c.received {
				t.Errorf("%+v", refused)
			}
		})
	}
}

// Entra ID's accounts are known by tenant and object id. Its issuer is one tenant's, so a token of
// another tenant was made by somebody else.
func TestTenantOfATokenIsChecked(t *testing.T) {
	t.Parallel()
	const tenant, object = "11111111-2222-4333-8444-555555555555", "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
	for name, c := range map[string]struct {
		claims  map[string]any
		reason  oidc.Reason
		confirm bool
	}{
		"the tenant's own": {claims: map[string]any{"tid": tenant, "oid": object}},
		"another tenant's": {
			claims: map[string]any{"tid": object, "oid": object}, reason: oidc.TokenWrongTenant,
		},
		"of no tenant":         {claims: map[string]any{"oid": object}, reason: oidc.TokenWrongTenant},
		"without an object id": {claims: map[string]any{"tid": tenant}, reason: oidc.TokenMissingObject},
		"with a bad object id": {
			claims: map[string]any{"tid": tenant, "oid": "1"}, reason: oidc.TokenMissingObject,
		},
		"with a confirmed domain": {claims: map[string]any{"tid": tenant, "oid": object, "xms_edov": 1}, confirm: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScripted("https://login.microsoftonline.com/" + tenant + "/v2.0")
			s.claims = with(c.claims, map[string]any{"groups": nil})
			s.document["userinfo_endpoint"] = s.issuer + "/userinfo"
			p, err := s.discover(t)
			if err != nil {
				t.Fatal(err)
			}
			a, err := s.login(t, p, at, at)
			if got := reasonOf(t, err); got != c.reason {
				t.Fatalf("%q: %v", got, err)
			}
			if s.requests["/userinfo"] != 0 {
				t.Error("Entra ID's userinfo has nothing to add, and was asked")
			}
			if err == nil && (a.Subject != object || a.EmailVerified != c.confirm) {
				t.Errorf("%+v", a)
			}
		})
	}
}
