package oidc_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"rollcall/sso/oidc"
)

// published is the key of the tests as a provider publishes it.
func published(change func(*jose.JSONWebKey)) jose.JSONWebKey {
	k := jose.JSONWebKey{Key: key().Public(), KeyID: "1", Use: "sig", Algorithm: "RS256"}
	change(&k)
	return k
}

// ofLength returns an RSA key of a length in bits, which signed nothing.
func ofLength(bits uint) jose.JSONWebKey {
	n := new(big.Int).SetBit(big.NewInt(1), int(bits)-1, 1)
	return jose.JSONWebKey{Key: &rsa.PublicKey{N: n, E: 65537}, KeyID: "1", Use: "sig"}
}

// A key is used for what it was published for, and only where it is strong and its work is bounded.
func TestKeysOfASet(t *testing.T) {
	t.Parallel()
	many := func(n int) (keys []any) {
		for i := range n - 1 {
			keys = append(keys, map[string]any{"kty": "unknown", "kid": fmt.Sprint(i)})
		}
		return append(keys, published(func(*jose.JSONWebKey) {}))
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		keys   []any
		reason oidc.Reason
	}{
		"the key":           {keys: []any{published(func(*jose.JSONWebKey) {})}},
		"without a use":     {keys: []any{published(func(k *jose.JSONWebKey) { k.Use = "" })}},
		"without algorithm": {keys: []any{published(func(k *jose.JSONWebKey) { k.Algorithm = "" })}},
		"for encryption": {
			keys: []any{published(func(k *jose.JSONWebKey) { k.Use = "enc" })}, reason: oidc.TokenUnusable,
		},
		"of another id": {
			keys: []any{published(func(k *jose.JSONWebKey) { k.KeyID = "2" })}, reason: oidc.TokenUnknownKey,
		},
		"another algorithm": {
			keys: []any{published(func(k *jose.JSONWebKey) { k.Algorithm = "RS512" })}, reason: oidc.TokenUnusable,
		},
		"2047 bits":         {keys: []any{ofLength(2047)}, reason: oidc.TokenWeakKey},
		"2048 bits":         {keys: []any{ofLength(2048)}, reason: oidc.TokenWrongKey},
		"8192 bits":         {keys: []any{ofLength(8192)}, reason: oidc.TokenWrongKey},
		"8193 bits":         {keys: []any{ofLength(8193)}, reason: oidc.TokenWeakKey},
		"weak, and the key": {keys: []any{ofLength(1024), published(func(*jose.JSONWebKey) {})}},
		"a curve's key": {
			keys: []any{jose.JSONWebKey{Key: curve.Public(), KeyID: "1"}}, reason: oidc.TokenUnusable,
		},
		"a symmetric key": {
			keys: []any{jose.JSONWebKey{Key: []byte("secret"), KeyID: "1"}}, reason: oidc.TokenUnusable,
		},
		"a private key":      {keys: []any{jose.JSONWebKey{Key: key(), KeyID: "1"}}, reason: oidc.TokenUnusable},
		"no keys":            {keys: []any{}, reason: oidc.TokenUnknownKey},
		"as many as may be":  {keys: many(100)},
		"too many":           {keys: many(101), reason: oidc.KeysTooLarge},
		"one of no key kind": {keys: []any{map[string]any{"kty": "RSA"}}, reason: oidc.TokenUnknownKey},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, p := discovered(t)
			s.keys = c.keys
			_, err := s.login(t, p, at, at)
			if got := reasonOf(t, err); got != c.reason {
				t.Errorf("%q: %v", got, err)
			}
		})
	}
}

// The refusal says what is wrong with the key that the token names: a provider's administrator sees
// a list of keys, and must know which one to change, and how.
func TestWhyAKeyIsNotUsedIsTold(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		keys []any
		want string
	}{
		"no keys": {[]any{}, `kid "1"; the set has no keys`},
		"another key": {
			[]any{published(func(k *jose.JSONWebKey) { k.KeyID = "2" })}, `kid "1"; the set has 1: "2"`,
		},
		"an RSA key without n": {
			[]any{map[string]any{"kty": "RSA", "kid": "1", "e": "AQAB"}},
			`kid "1" is in the set, but its n or e cannot be read`,
		},
		"a curve that is not read": {
			[]any{map[string]any{"kty": "EC", "kid": "1", "crv": "secp256k1", "x": "AA", "y": "AA"}},
			`kid "1" is in the set, but its crv "secp256k1", x or y cannot be read; P-256, P-384 and P-521 are`,
		},
		"a kind that is not read": {
			[]any{map[string]any{"kty": "OKP", "kid": "1"}},
			`kid "1" is in the set, but its kty is "OKP"; RSA and EC are read`,
		},
		"a key that is no object": {[]any{1}, `kid "1"; the set has 1: ""`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, p := discovered(t)
			s.keys = c.keys
			_, err := s.login(t, p, at, at)
			if refused, ok := errors.AsType[*oidc.Refused](err); !ok || refused.Received != c.want {
				t.Errorf("%+v: %v", refused, err)
			}
		})
	}
}

// A key set that is none is described, as each kind of wrong address is mended otherwise. Values of
// its members are never shown: they may be tokens.
func TestAnswerThatIsNoKeySetIsDescribed(t *testing.T) {
	t.Parallel()
	members := func(n int) string {
		list := make([]string, n)
		for i := range n {
			list[i] = fmt.Sprintf(`"m%02d":"secret"`, i)
		}
		return "{" + strings.Join(list, ",") + "}"
	}
	names := func(n int) string {
		list := make([]string, n)
		for i := range n {
			list[i] = fmt.Sprintf(`"m%02d"`, i)
		}
		return strings.Join(list, ", ")
	}
	const json = "status 200, application/json, "
	for name, c := range map[string]struct{ kind, body, want string }{
		"without members":           {"", "{}", json + "a JSON object without members"},
		"with a member":             {"", members(1), json + "a JSON object with " + names(1)},
		"as many names as are told": {"", members(20), json + "a JSON object with " + names(20)},
		"more names":                {"", members(21), json + "a JSON object with " + names(20) + ", and 1 more"},
		"nothing":                   {"", "", json + "an empty body"},
		"a token":                   {"", "a.b.c", json + "a signed JSON Web Token where plain JSON is read"},
		"a text with two dots":      {"", "Not. Found.", json + "no JSON object"},
		"a text with one dot":       {"", "a.b", json + "no JSON object"},
		"a page": {"text/html; charset=utf-8", " <html>",
			"status 200, text/html, a page (HTML or XML) and no JSON"},
		"an illegible type": {"/", "x", "status 200, without a Content-Type, no JSON object"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, p := discovered(t)
			secret := oidc.NewSecret()
			tokens, err := p.Exchange(t.Context(), relying, "code", secret)
			if err != nil {
				t.Fatal(err)
			}
			s.kind = c.kind
			s.answers["/keys"] = func(*http.Request) (int, string) { return http.StatusOK, c.body }
			_, err = p.Verify(t.Context(), relying, tokens, oidc.Expect{Secret: secret, Begun: at, Now: at})
			if refused, ok := errors.AsType[*oidc.Refused](err); !ok || refused.Received != c.want {
				t.Errorf("%+v: %v", refused, err)
			}
		})
	}
}

// A key set that cannot be had refuses the login, and says why.
func TestKeySetThatCannotBeHad(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		body   string
		reason oidc.Reason
	}{
		"an error":           {http.StatusInternalServerError, "", oidc.KeysUnreachable},
		"a redirect":         {http.StatusFound, "", oidc.KeysUnreachable},
		"no JSON":            {http.StatusOK, "<html>", oidc.KeysMalformed},
		"null":               {http.StatusOK, "null", oidc.KeysMalformed},
		"without keys":       {http.StatusOK, "{}", oidc.KeysMalformed},
		"too large":          {http.StatusOK, `{"keys":[]}` + strings.Repeat(" ", 256<<10), oidc.KeysTooLarge},
		"as large as may be": {http.StatusOK, `{"keys":[]}` + strings.Repeat(" ", 256<<10-11), oidc.TokenUnknownKey},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, p := discovered(t)
			s.answers["/keys"] = func(*http.Request) (int, string) { return c.status, c.body }
			_, err := s.login(t, p, at, at)
			if got := reasonOf(t, err); got != c.reason {
				t.Errorf("%q: %v", got, err)
			}
		})
	}
}

// A provider changes its keys without a word. A new key is found at once, a flood of unknown key
// ids asks the provider once a minute, and a withdrawn key is not believed longer than an hour.
func TestKeySetIsFetchedAnew(t *testing.T) {
	t.Parallel()
	s, p := discovered(t)
	login := func(after time.Duration, wantFetches int, want oidc.Reason) {
		t.Helper()
		s.claims = map[string]any{"iat": at.Add(after).Unix(), "exp": at.Add(after).Unix() + 60}
		_, err := s.login(t, p, at.Add(after), at.Add(after))
		if got := reasonOf(t, err); got != want || s.requests["/keys"] != wantFetches {
			t.Errorf("after %s: %q with %d fetches", after, got, s.requests["/keys"])
		}
	}
	login(0, 1, "")
	login(time.Minute, 1, "")
	s.signing.Key = jose.JSONWebKey{Key: key(), KeyID: "2"}
	login(0, 2, oidc.TokenUnknownKey) // the first unknown id after a regular fetch may ask at once
	login(time.Minute-time.Nanosecond, 2, oidc.TokenUnknownKey)
	s.keys = []any{published(func(k *jose.JSONWebKey) { k.KeyID = "2" })}
	login(time.Minute, 3, "")
	// The old key is gone with the new set.
	s.signing.Key = jose.JSONWebKey{Key: key(), KeyID: "1"}
	login(time.Minute, 3, oidc.TokenUnknownKey)
	s.signing.Key = jose.JSONWebKey{Key: key(), KeyID: "2"}
	login(time.Minute+time.Hour, 3, "")
	s.keys = []any{}
	login(time.Minute+time.Hour+1, 4, oidc.TokenUnknownKey)
}

// A provider may give its new key the name of the old one. The set is asked for again, at most once
// a minute, before the token counts as a forgery.
func TestNewKeyUnderTheNameOfTheOld(t *testing.T) {
	t.Parallel()
	s, p := discovered(t)
	s.keys = []any{ofLength(2048)}
	login := func(after time.Duration, wantFetches int, want oidc.Reason) {
		t.Helper()
		s.claims = map[string]any{"iat": at.Add(after).Unix(), "exp": at.Add(after).Unix() + 60}
		_, err := s.login(t, p, at.Add(after), at.Add(after))
		if got := reasonOf(t, err); got != want || s.requests["/keys"] != wantFetches {
			t.Errorf("after %s: %q with %d fetches", after, got, s.requests["/keys"])
		}
	}
	login(0, 2, oidc.TokenWrongKey)
	s.keys = []any{published(func(*jose.JSONWebKey) {})}
	login(time.Minute-time.Nanosecond, 2, oidc.TokenWrongKey)
	login(time.Minute, 3, "")
	login(time.Minute, 3, "")
}

// While the provider's keys cannot be fetched, those of before are believed; it is asked again
// after five seconds, so that a flood of logins does not become a flood of fetches.
func TestKeysAreKeptWhileTheProviderIsDown(t *testing.T) {
	t.Parallel()
	s, p := discovered(t)
	s.claims = map[string]any{"exp": at.Unix() + 1e6}
	s.answers["/keys"] = func(*http.Request) (int, string) { return http.StatusBadGateway, "" }
	now := func(after time.Duration, wantFetches int, want oidc.Reason) {
		t.Helper()
		_, err := s.login(t, p, at, at.Add(after))
		if got := reasonOf(t, err); got != want || s.requests["/keys"] != wantFetches {
			t.Errorf("after %s: %q with %d fetches", after, got, s.requests["/keys"])
		}
	}
	now(0, 1, oidc.KeysUnreachable)
	now(5*time.Second-time.Nanosecond, 1, oidc.KeysUnreachable)
	delete(s.answers, "/keys")
	now(5*time.Second, 2, "")
	s.answers["/keys"] = func(*http.Request) (int, string) { return http.StatusBadGateway, "" }
	now(2*time.Hour, 3, "")
	s.signing.Key = jose.JSONWebKey{Key: key(), KeyID: "2"}
	now(2*time.Hour, 3, oidc.KeysUnreachable)
}

// A network without an answer is told with its cause, for the server's log.
func TestUnreachableKeysHaveACause(t *testing.T) {
	t.Parallel()
	s, p := discovered(t)
	cause := errors.New("no route")
	secret := oidc.NewSecret()
	tokens, err := p.Exchange(t.Context(), relying, "code", secret)
	if err != nil {
		t.Fatal(err)
	}
	s.down = cause
	_, err = p.Verify(t.Context(), relying, tokens, oidc.Expect{Secret: secret, Begun: at, Now: at})
	if reasonOf(t, err) != oidc.KeysUnreachable || !errors.Is(err, cause) {
		t.Error(err)
	}
}
