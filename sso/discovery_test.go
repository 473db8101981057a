package sso_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"rollcall/sso/oidc"
	"rollcall/testidp"
)

// shortKey is an RSA key that is too short by now.
var shortKey = sync.OnceValue(func() *rsa.PrivateKey { k, _ := rsa.GenerateKey(rand.Reader, 1024); return k })

func answering(status int, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	}
}

// endless writes for as long as the client reads, and counts the bytes.
func endless(begin string, read *int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, begin)
		chunk := strings.Repeat(" ", 4096)
		for {
			n, err := io.WriteString(w, chunk)
			if *read += n; err != nil || *read > 64<<20 {
				return
			}
		}
	}
}

// changed is the provider's own document with other members; nil takes one away.
func (o *openID) changed(members map[string]any) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		own := httptest.NewRecorder()
		o.server.Config.Handler.(*front).idp.ServeHTTP(own, r)
		d := map[string]any{}
		_ = json.Unmarshal(own.Body.Bytes(), &d)
		for name, value := range members {
			if d[name] = value; value == nil {
				delete(d, name)
			}
		}
		_ = json.NewEncoder(w).Encode(d)
	}
}

const wellKnown = "/.well-known/openid-configuration"

func TestDiscoveryThatIsRefused(t *testing.T) {
	t.Parallel()
	w := one(t)
	o := w.draftOpenID("contoso-oidc", "oidc.example", testidp.PlainSAML, "GenericOIDC")
	inside := 0
	private := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { inside++ }))
	t.Cleanup(private.Close)
	read := 0
	for _, c := range []struct {
		name  string
		reply http.HandlerFunc
		want  oidc.Reason
	}{
		{"a redirect inside", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, private.URL, http.StatusFound)
		}, oidc.DiscoveryRedirects},
		{"a redirect to a cloud's metadata", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://169.254.169.254/latest", http.StatusTemporaryRedirect)
		}, oidc.DiscoveryRedirects},
		{"without end", endless(`{"issuer":"`, &read), oidc.DiscoveryTooLarge},
		{"an error", answering(http.StatusNotFound, "{}"), oidc.DiscoveryStatus},
		{"a page", answering(http.StatusOK, "<!DOCTYPE html>"), oidc.NotDiscovery},
		{"nothing", answering(http.StatusOK, ""), oidc.NotDiscovery},
		{"null", answering(http.StatusOK, "null"), oidc.NotDiscovery},
		{"a list", answering(http.StatusOK, "[]"), oidc.NotDiscovery},
		{"another issuer", o.changed(map[string]any{"issuer": "https://evil.example"}), oidc.DiscoveryIssuer},
		{"the issuer with a slash", o.changed(map[string]any{"issuer": o.idp.OIDCIssuer() + "/"}),
			oidc.DiscoveryIssuer},
		{"no token endpoint", o.changed(map[string]any{"token_endpoint": nil}), oidc.DiscoveryIncomplete},
		{"no key set", o.changed(map[string]any{"jwks_uri": nil}), oidc.DiscoveryIncomplete},
		{"a token endpoint without TLS", o.changed(map[string]any{"token_endpoint": "http://127.0.0.1/token"}),
			oidc.DiscoveryBadAddress},
		{"a script to authorize at", o.changed(map[string]any{"authorization_endpoint": "javascript:alert(1)"}),
			oidc.DiscoveryBadAddress},
		{"no code flow", o.changed(map[string]any{"response_types_supported": []string{"id_token"}}),
			oidc.DiscoveryNoCode},
		{"shared secrets only", o.changed(map[string]any{"id_token_signing_alg_values_supported": []string{"HS256",
			"none"}}), oidc.DiscoveryNoAlgorithm},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.clock.Advance(time.Minute)
			o.replace(wellKnown, c.reply)
			w.refused(o.tenant, w.browser().get(o.login()), string(c.want))
		})
	}
	if inside > 0 || read > 8<<20 {
		t.Errorf("%d requests went inside, and %d bytes of what has no end were taken", inside, read)
	}
	o.times("")
	for range 5 {
		w.browser().get(o.login())
	}
	if n := o.times(wellKnown); n > 1 {
		t.Errorf("a provider that fails is asked %d times at once", n)
	}
	o.replace(wellKnown, nil)
	w.clock.Advance(time.Minute)
	if a := o.signIn(w.browser(), ada(o.tenant), o.login()); a.status != http.StatusSeeOther {
		t.Errorf("then the provider is good: %d %v", a.status, w.log(o.tenant))
	}
	o.replace(wellKnown, answering(http.StatusInternalServerError, ""))
	w.clock.Advance(25 * time.Hour)
	o.signIn(w.browser(), ada(o.tenant), w.authorize(o.tenant)).code(t) // by what it said before
	w.clock.Advance(time.Minute)
	o.replace(wellKnown, o.changed(map[string]any{"issuer": "https://evil.example"}))
	o.signIn(w.browser(), ada(o.tenant), w.authorize(o.tenant)).code(t)
}

func TestKeySetsThatAreRefused(t *testing.T) {
	t.Parallel()
	w := one(t)
	o := w.newOpenID("contoso-oidc", "oidc.example", testidp.PlainSAML, "GenericOIDC")
	set := func(keys ...any) http.HandlerFunc {
		text, err := json.Marshal(map[string]any{"keys": append([]any{}, keys...)})
		must(t, err)
		return answering(http.StatusOK, string(text))
	}
	many := []any{}
	for range 101 {
		many = append(many, jwkOf(&otherKey().PublicKey))
	}
	private := jwkOf(&otherKey().PublicKey)
	symmetric := map[string]string{"kty": "oct", "kid": "other", "k": "c2VjcmV0"}
	encrypting := jwkOf(&otherKey().PublicKey)
	encrypting["use"] = "enc"
	read := 0
	for _, c := range []struct {
		name  string
		reply http.HandlerFunc
		want  oidc.Reason
	}{
		{"without end", endless(`{"keys":[`, &read), oidc.KeysTooLarge},
		{"a hundred and one keys", set(many...), oidc.KeysTooLarge},
		{"a redirect", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		}, oidc.KeysUnreachable},
		{"an error", answering(http.StatusInternalServerError, ""), oidc.KeysUnreachable},
		{"a page", answering(http.StatusOK, "<html>"), oidc.KeysMalformed},
		{"no list", answering(http.StatusOK, "{}"), oidc.KeysMalformed},
		{"no keys", set(), oidc.TokenUnknownKey},
		{"keys that are none", set("key", map[string]string{"kty": "RSA"}), oidc.TokenUnknownKey},
		{"a shared secret", set(symmetric), oidc.TokenUnusable},
		{"a key for encryption", set(encrypting), oidc.TokenUnusable},
		{"a short key", set(jwkOf(&shortKey().PublicKey)), oidc.TokenWeakKey},
		{"a key that takes seconds", set(jwkOf(&rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), 8192, 1),
			E: 1<<31 - 1})), oidc.TokenWeakKey},
		{"the key", set(private), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			key := otherKey()
			if c.name == "a short key" {
				key = shortKey()
			}
			o.idp.VaryTokens(testidp.TokenOptions{Header: header("kid", "other"), Sign: signedBy(key)})
			w.clock.Advance(2 * time.Hour)
			o.replace("/jwks", c.reply)
			a := o.signIn(w.browser(), ada(o.tenant), w.authorize(o.tenant))
			if c.want == "" {
				a.code(t)
				return
			}
			w.refused(o.tenant, a, string(c.want))
		})
	}
	if read > 8<<20 {
		t.Errorf("%d bytes of what has no end were taken", read)
	}
}

func TestProviderKeyRotation(t *testing.T) {
	t.Parallel()
	w := one(t)
	o := w.newOpenID("contoso-oidc", "oidc.example", testidp.PlainSAML, "GenericOIDC")
	sign := func() answer { return o.signIn(w.browser(), ada(o.tenant), w.authorize(o.tenant)) }
	o.times("") // the set was read a moment ago
	must(t, o.idp.RotateOIDCKey())
	sign().code(t)
	if n := o.times("/jwks"); n != 1 {
		t.Errorf("a new key has the set fetched %d times", n)
	}
	sign().code(t)
	if n := o.times("/jwks"); n != 0 {
		t.Errorf("a known key has the set fetched %d times", n)
	}
	t.Run("unknown keys have the set fetched once a minute", func(t *testing.T) {
		w.clock.Advance(2 * time.Minute)
		for i := range 5 {
			o.idp.VaryTokens(testidp.TokenOptions{Header: header("kid", fmt.Sprint("other", i)),
				Sign: signedBy(otherKey())})
			w.refused(o.tenant, sign(), string(oidc.TokenUnknownKey))
		}
		if n := o.times("/jwks"); n != 1 {
			t.Errorf("fetched %d times", n)
		}
		o.idp.VaryTokens(testidp.TokenOptions{})
	})
	t.Run("a key that was withdrawn is believed for an hour at most", func(t *testing.T) {
		o.idp.VaryTokens(testidp.TokenOptions{})
		sign().code(t)
		o.replace("/jwks", answering(http.StatusOK, `{"keys":[]}`))
		w.clock.Advance(61 * time.Minute)
		w.refused(o.tenant, sign(), string(oidc.TokenUnknownKey))
		o.replace("/jwks", nil)
	})
	t.Run("a key set that cannot be fetched for a moment refuses no login", func(t *testing.T) {
		w.clock.Advance(2 * time.Minute)
		sign().code(t)
		o.replace("/jwks", answering(http.StatusServiceUnavailable, ""))
		w.clock.Advance(61 * time.Minute)
		sign().code(t)
	})
}

// The client's secret goes as the provider takes it.
func TestClientAuthentication(t *testing.T) {
	t.Parallel()
	w := one(t)
	o := w.newOpenID("contoso-oidc", "oidc.example", testidp.PlainSAML, "GenericOIDC")
	sign := func() answer { return o.signIn(w.browser(), ada(o.tenant), w.authorize(o.tenant)) }
	var basic []bool
	only := func(want bool) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			_, _, is := r.BasicAuth()
			if basic = append(basic, is); is != want {
				w.Header().Set("Content-Type", "application/json")
				answering(http.StatusUnauthorized,
					`{"error":"invalid_client","error_description":"not like this"}`)(w, r)
				return
			}
			o.server.Config.Handler.(*front).idp.ServeHTTP(w, r)
		}
	}
	o.replace("/token", only(true))
	sign().code(t)
	o.replace("/token", only(false))
	sign().code(t)
	sign().code(t)
	if got := fmt.Sprint(basic); got != "[true true false false]" {
		t.Errorf("by basic: %s", got)
	}
	o.replace("/token", nil)
	must(t, o.idp.ConnectOIDC("rollcall client", "another secret", o.callback()))
	w.refused(o.tenant, sign(), string(oidc.ClientRefused))
	for _, c := range []struct {
		name  string
		reply http.HandlerFunc
		want  oidc.Reason
	}{
		{"a redirect, which would take the secret along", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		}, oidc.TokenError},
		{"an error", answering(http.StatusInternalServerError, "secret words"), oidc.TokenError},
		{"a page", answering(http.StatusOK, "<html>"), oidc.TokenAnswer},
		{"no ID token", answering(http.StatusOK, `{"access_token":"x","token_type":"Bearer"}`), oidc.NoIDToken},
		{"an ID token that is none", answering(http.StatusOK,
			`{"access_token":"x","token_type":"Bearer","id_token":"x"}`), oidc.TokenMalformed},
		{"an ID token that is encrypted", answering(http.StatusOK,
			`{"access_token":"x","token_type":"Bearer","id_token":"a.b.c.d.e"}`), oidc.TokenEncrypted},
	} {
		t.Run(c.name, func(t *testing.T) {
			o.replace("/token", func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				c.reply(w, r)
			})
			o.times("")
			w.refused(o.tenant, sign(), string(c.want))
			if n := o.times("/elsewhere"); n != 0 {
				t.Error("the redirect was followed")
			}
			if got := o.attempt(); strings.Contains(got.Received, "secret") {
				t.Errorf("the log has %q", got.Received)
			}
		})
	}
	if strings.Contains(w.logged.String(), clientSecret) || strings.Contains(w.logged.String(), "secret words") {
		t.Error("the server's log has a secret")
	}
}
