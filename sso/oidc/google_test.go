package oidc_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"rollcall/sso/oidc"
)

var key = sync.OnceValue(func() *rsa.PrivateKey { k, _ := rsa.GenerateKey(rand.Reader, 2048); return k })

// network is an HTTP transport with the answers of a provider, by address.
type network map[string]func(r *http.Request) any

func (n network) RoundTrip(r *http.Request) (*http.Response, error) {
	status, body := http.StatusNotFound, "{}"
	if answer, ok := n[r.URL.String()]; ok {
		text, err := json.Marshal(answer(r))
		if err != nil {
			return nil, err
		}
		status, body = http.StatusOK, string(text)
	}
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

// clientOf returns a client of a provider whose token endpoint returns an ID token with the claims.
func clientOf(t testing.TB, issuer string, document map[string]any, claims func() map[string]any) *http.Client {
	t.Helper()
	d := map[string]any{"issuer": issuer, "authorization_endpoint": issuer + "/authorize",
		"token_endpoint": issuer + "/token", "jwks_uri": issuer + "/keys"}
	maps.Copy(d, document)
	return &http.Client{Transport: network{
		issuer + "/.well-known/openid-configuration": func(*http.Request) any { return d },
		issuer + "/keys": func(*http.Request) any {
			return jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key().Public(), KeyID: "1", Use: "sig"}}}
		},
		issuer + "/token": func(*http.Request) any {
			signer, err := jose.NewSigner(
				jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: key(), KeyID: "1"}}, nil)
			if err != nil {
				t.Error(err)
			}
			text, _ := json.Marshal(claims())
			signed, err := signer.Sign(text)
			if err != nil {
				t.Error(err)
			}
			compact, _ := signed.CompactSerialize()
			return map[string]any{"access_token": "access", "token_type": "Bearer", "id_token": compact}
		},
	}}
}

func provider(t testing.TB, issuer string, document map[string]any, claims ...func() map[string]any) *oidc.Provider {
	t.Helper()
	i, err := oidc.ParseIssuer(issuer, false)
	if err != nil {
		t.Fatal(err)
	}
	answer := func() map[string]any { return nil }
	for _, c := range claims {
		answer = c
	}
	p, err := oidc.Discover(t.Context(), clientOf(t, issuer, document, answer), i)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Google confirms the addresses of private accounts too: only hd says that an account is the
// company's. Google also refuses the prompt that other providers require for a new login.
func TestGoogle(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	secret := oidc.NewSecret()
	more := map[string]any{}
	client := oidc.Client{ID: "client", RedirectURI: "https://rollcall.example/callback"}
	var p *oidc.Provider
	p = provider(t, "https://accounts.google.com", nil, func() map[string]any {
		at, err := url.Parse(p.AuthenticationURL(client, oidc.Request{Secret: secret}))
		if err != nil {
			t.Error(err)
		}
		claims := map[string]any{"iss": "https://accounts.google.com", "aud": "client", "azp": "client", "sub": "1",
			"iat": now.Unix(), "exp": now.Unix() + 60,
			"nonce": at.Query().Get("nonce"), "email": "ada@contoso.example"}
		maps.Copy(claims, more)
		return claims
	})
	for name, c := range map[string]struct {
		more     map[string]any
		verified bool
	}{
		"an account of the company": {map[string]any{"email_verified": true, "hd": "contoso.example"},
			true},
		"a private account with the address": {map[string]any{"email_verified": true}, false},
		"an address that nobody has confirmed": {map[string]any{"email_verified": false, "hd": "contoso.example"},
			false},
		"a private account that says otherwise": {map[string]any{"email_verified": true, "hd": ""}, false},
	} {
		t.Run(name, func(t *testing.T) {
			more = c.more
			tokens, err := p.Exchange(t.Context(), client, "code", secret)
			if err != nil {
				t.Fatal(err)
			}
			a, err := p.Verify(t.Context(), client, tokens, oidc.Expect{Secret: secret, Begun: now, Now: now})
			if err != nil {
				t.Fatal(err)
			}
			if a.EmailVerified != c.verified || a.Email != "ada@contoso.example" {
				t.Errorf("%+v", a)
			}
		})
	}
	at, err := url.Parse(p.AuthenticationURL(client, oidc.Request{Secret: secret, Force: true}))
	if err != nil || at.Query().Get("prompt") != "select_account" {
		t.Errorf("%s %v", at, err)
	}
}
