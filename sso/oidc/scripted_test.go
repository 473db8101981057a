package oidc_test

import (
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"rollcall/sso/oidc"
)

// scripted is a provider each of whose answers a test may replace. It counts the requests.
type scripted struct {
	issuer   string
	document map[string]any
	keys     []any
	header   map[jose.HeaderKey]any
	claims   map[string]any                               // of the ID token, besides the usual ones
	signing  jose.SigningKey                              // of the ID token
	answers  map[string]func(*http.Request) (int, string) // by path, instead of the usual answer
	edit     func(compact string) string                  // of the signed token
	requests map[string]int                               // by path
	bodies   map[string][]string                          // of the requests, by path
	down     error                                        // of every request
	kind     string                                       // Content-Type of every answer, instead of JSON's
	nonce    string
}

// at is the time of every login of the tests.
var at = time.Unix(1_800_000_000, 0)

// relying is the client of the tests.
var relying = oidc.Client{ID: "client", Secret: "secret", RedirectURI: "https://rollcall.example/callback"}

func newScripted(issuer string) *scripted {
	return &scripted{
		issuer: issuer, document: map[string]any{}, claims: map[string]any{}, header: map[jose.HeaderKey]any{},
		keys:    []any{jose.JSONWebKey{Key: key().Public(), KeyID: "1", Use: "sig"}},
		signing: jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: key(), KeyID: "1"}},
		answers: map[string]func(*http.Request) (int, string){}, requests: map[string]int{},
		bodies: map[string][]string{},
	}
}

// RoundTrip answers as the provider.
func (s *scripted) RoundTrip(r *http.Request) (*http.Response, error) {
	path := strings.TrimPrefix(r.URL.String(), s.issuer)
	s.requests[path]++
	if r.Body != nil {
		text, _ := io.ReadAll(r.Body)
		s.bodies[path] = append(s.bodies[path], r.Header.Get("Authorization")+" "+string(text))
	}
	if s.down != nil {
		return nil, s.down
	}
	status, body := http.StatusNotFound, "{}"
	if answer, ok := s.answers[path]; ok {
		status, body = answer(r)
	} else if value := s.usual(path); value != nil {
		text, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		status, body = http.StatusOK, string(text)
	}
	header := http.Header{"Content-Type": {cmp.Or(s.kind, "application/json")}}
	if status/100 == 3 {
		header.Set("Location", s.issuer+"/elsewhere")
	}
	return &http.Response{StatusCode: status, Status: http.StatusText(status), Header: header,
		Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

// usual returns what a provider without fault answers.
func (s *scripted) usual(path string) any {
	switch path {
	case "/.well-known/openid-configuration":
		d := map[string]any{"issuer": s.issuer, "authorization_endpoint": s.issuer + "/authorize",
			"token_endpoint": s.issuer + "/token", "jwks_uri": s.issuer + "/keys"}
		return with(d, s.document)
	case "/keys":
		return map[string]any{"keys": s.keys}
	case "/token":
		return map[string]any{"access_token": "access", "token_type": "Bearer", "id_token": s.token()}
	}
	return nil
}

// with returns a copy of m with the changes. A nil removes a member.
func with(m, changes map[string]any) map[string]any {
	m = maps.Clone(m)
	maps.Copy(m, changes)
	maps.DeleteFunc(m, func(_ string, v any) bool { return v == nil })
	return m
}

// token returns the ID token that the provider issues now.
func (s *scripted) token() string {
	signer, err := jose.NewSigner(s.signing, &jose.SignerOptions{ExtraHeaders: s.header})
	if err != nil {
		panic(err)
	}
	text, _ := json.Marshal(with(map[string]any{
		"iss": s.issuer, "aud": relying.ID, "sub": "1", "iat": at.Unix(), "exp": at.Unix() + 60, "nonce": s.nonce,
		"email": "ada@contoso.example", "email_verified": true, "groups": []string{"Everyone"}, "name": "Ada",
		"given_name": "Ada", "family_name": "Case",
	}, s.claims))
	signed, err := signer.Sign(text)
	if err != nil {
		panic(err)
	}
	compact, _ := signed.CompactSerialize()
	if s.edit != nil {
		compact = s.edit(compact)
	}
	return compact
}

// discover returns the provider as the package reads it.
func (s *scripted) discover(t *testing.T) (*oidc.Provider, error) {
	t.Helper()
	i, err := oidc.ParseIssuer(s.issuer, false)
	if err != nil {
		t.Fatal(err)
	}
	return oidc.Discover(t.Context(), &http.Client{Transport: s}, i)
}

// discovered returns a provider without fault, and the same as the package reads it.
func discovered(t *testing.T) (*scripted, *oidc.Provider) {
	t.Helper()
	s := newScripted("https://idp.example")
	p, err := s.discover(t)
	if err != nil {
		t.Fatal(err)
	}
	return s, p
}

// login does a whole login with p at the time now, which began at the time begun.
func (s *scripted) login(t *testing.T, p *oidc.Provider, begun, now time.Time) (*oidc.Assertion, error) {
	t.Helper()
	return s.loginOf(t, p, relying, begun, now)
}

// loginOf is login as another client than that of the tests.
func (s *scripted) loginOf(t *testing.T, p *oidc.Provider, client oidc.Client, begun, now time.Time) (
	*oidc.Assertion, error,
) {
	t.Helper()
	secret := oidc.NewSecret()
	s.nonce = nonceOf(t, p, secret)
	tokens, err := p.Exchange(t.Context(), client, "code", secret)
	if err != nil {
		return nil, err
	}
	return p.Verify(t.Context(), client, tokens, oidc.Expect{Secret: secret, Begun: begun, Now: now})
}

// nonceOf returns the nonce of an authentication request with the secret.
func nonceOf(t *testing.T, p *oidc.Provider, secret oidc.Secret) string {
	t.Helper()
	address, err := url.Parse(p.AuthenticationURL(relying, oidc.Request{State: "state", Secret: secret}))
	if err != nil {
		t.Fatal(err)
	}
	return address.Query().Get("nonce")
}

// reasonOf returns the reason of a refusal. It fails the test for another error.
func reasonOf(t *testing.T, err error) oidc.Reason {
	t.Helper()
	if err == nil {
		return ""
	}
	refused, ok := errors.AsType[*oidc.Refused](err)
	if !ok {
		t.Fatalf("an error without a reason: %v", err)
	}
	return refused.Reason
}
