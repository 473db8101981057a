package oidc_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"rollcall/sso/oidc"
)

// A discovery document decides where the client's secret is sent and whose keys are believed.
func TestDiscoveryDocumentIsChecked(t *testing.T) {
	t.Parallel()
	padded := func(size int) func(*http.Request) (int, string) {
		return func(*http.Request) (int, string) {
			text := `{"issuer":"https://idp.example","authorization_endpoint":"https://idp.example/a",` +
				`"token_endpoint":"https://idp.example/t","jwks_uri":"https://idp.example/k"}`
			return http.StatusOK, text + strings.Repeat(" ", size-len(text))
		}
	}
	answer := func(status int, body string) func(*http.Request) (int, string) {
		return func(*http.Request) (int, string) { return status, body }
	}
	for name, c := range map[string]struct {
		document map[string]any
		answer   func(*http.Request) (int, string)
		down     error
		reason   oidc.Reason
	}{
		"without fault":      {},
		"no connection":      {down: errors.New("refused"), reason: oidc.DiscoveryUnreachable},
		"a redirect":         {answer: answer(http.StatusFound, ""), reason: oidc.DiscoveryRedirects},
		"the first redirect": {answer: answer(300, ""), reason: oidc.DiscoveryRedirects},
		"the last redirect":  {answer: answer(399, ""), reason: oidc.DiscoveryRedirects},
		"not there":          {answer: answer(http.StatusNotFound, "{}"), reason: oidc.DiscoveryStatus},
		"the first error":    {answer: answer(400, ""), reason: oidc.DiscoveryStatus},
		"another success":    {answer: answer(299, ""), reason: oidc.DiscoveryStatus},
		"as large as may be": {answer: padded(256 << 10)},
		"too large":          {answer: padded(256<<10 + 1), reason: oidc.DiscoveryTooLarge},
		"a list":             {answer: answer(http.StatusOK, "[]"), reason: oidc.NotDiscovery},
		"null":               {answer: answer(http.StatusOK, "null"), reason: oidc.NotDiscovery},
		"without issuer":     {document: map[string]any{"issuer": nil}, reason: oidc.NotDiscovery},
		"another issuer": {
			document: map[string]any{"issuer": "https://idp.example/"}, reason: oidc.DiscoveryIssuer,
		},
		"no authorization": {
			document: map[string]any{"authorization_endpoint": nil}, reason: oidc.DiscoveryIncomplete,
		},
		"no token endpoint": {document: map[string]any{"token_endpoint": nil}, reason: oidc.DiscoveryIncomplete},
		"no keys":           {document: map[string]any{"jwks_uri": nil}, reason: oidc.DiscoveryIncomplete},
		"keys over http": {
			document: map[string]any{"jwks_uri": "http://idp.example/k"}, reason: oidc.DiscoveryBadAddress,
		},
		"tokens over http": {
			document: map[string]any{"token_endpoint": "http://a.example/"}, reason: oidc.DiscoveryBadAddress,
		},
		"userinfo over http, which a login may do without": {
			document: map[string]any{"userinfo_endpoint": "http://a.example/"},
		},
		"a logout that is none, which a login may do without": {
			document: map[string]any{"end_session_endpoint": "javascript:x"},
		},
		"the implicit flow only": {
			document: map[string]any{"response_types_supported": []string{"id_token"}}, reason: oidc.DiscoveryNoCode,
		},
		"the code flow beside it": {document: map[string]any{"response_types_supported": []string{"id_token", "code"}}},
		"nothing but an HMAC": {
			document: map[string]any{"id_token_signing_alg_values_supported": []string{"HS256"}},
			reason:   oidc.DiscoveryNoAlgorithm,
		},
		"one algorithm of ours": {
			document: map[string]any{"id_token_signing_alg_values_supported": []string{"HS256", "ES512"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScripted("https://idp.example")
			s.document, s.down = c.document, c.down
			if c.answer != nil {
				s.answers["/.well-known/openid-configuration"] = c.answer
			}
			_, err := s.discover(t)
			if got := reasonOf(t, err); got != c.reason {
				t.Errorf("%q: %v", got, err)
			}
			if s.requests["/elsewhere"] != 0 {
				t.Error("a redirect was followed")
			}
		})
	}
}

// A provider on plain http, as on a developer's machine, has its endpoints there.
func TestPlainProviderHasPlainEndpoints(t *testing.T) {
	t.Parallel()
	if _, err := newScripted("http://127.0.0.1:9090").discover(t); err != nil {
		t.Error(err)
	}
}

// An address that a browser is sent to, or that this server opens, has a scheme and a host, nothing
// of a user, and no fragment.
func TestAddressesOfADocumentAreChecked(t *testing.T) {
	t.Parallel()
	for address, good := range map[string]bool{
		"https://idp.example/out":                             true,
		"https://idp.example/" + strings.Repeat("a", 2048-20): true,
		"https://idp.example/" + strings.Repeat("a", 2048-19): false,
		"https://user@idp.example/out":                        false,
		"https://idp.example/out#there":                       false,
		"https:idp.example":                                   false,
		"https://":                                            false,
		"ftp://idp.example/out":                               false,
		"https://idp.example/%zz":                             false,
		"https:///out":                                        false,
	} {
		s := newScripted("https://idp.example")
		s.document["authorization_endpoint"] = address
		if _, err := s.discover(t); (err == nil) != good {
			t.Errorf("%.60s: %v", address, err)
		}
		s = newScripted("https://idp.example")
		s.document["end_session_endpoint"] = address
		p, err := s.discover(t)
		if err != nil || (p.LogoutURL(oidc.Client{}, "", "", "") != "") != good {
			t.Errorf("a logout at %.60s: %v", address, err)
		}
	}
}

// The longest issuer has 500 bytes, as the column has.
func TestLongestIssuer(t *testing.T) {
	t.Parallel()
	for length, good := range map[int]bool{500: true, 501: false} {
		_, err := oidc.ParseIssuer("https://idp.example/"+strings.Repeat("a", length-20), false)
		if (err == nil) != good {
			t.Errorf("%d bytes: %v", length, err)
		}
	}
}

// The request tells the provider what the login needs, and only what this provider understands.
func TestAuthenticationRequest(t *testing.T) {
	t.Parallel()
	age := int64(0)
	for name, c := range map[string]struct {
		scopes []string // that the provider has
		client oidc.Client
		r      oidc.Request
		want   map[string]string
	}{
		"as usual": {want: map[string]string{"scope": "openid profile email", "prompt": "", "max_age": "",
			"login_hint": "", "code_challenge_method": "S256", "response_type": "code"}},
		"where there are groups": {
			scopes: []string{"groups"}, want: map[string]string{"scope": "openid profile email groups"},
		},
		"with scopes of its own": {
			scopes: []string{"groups"}, client: oidc.Client{Scopes: []string{"openid"}},
			want: map[string]string{"scope": "openid"},
		},
		"a new login":     {r: oidc.Request{Force: true}, want: map[string]string{"prompt": "login", "max_age": "0"}},
		"a recent one":    {r: oidc.Request{MaxAge: &age}, want: map[string]string{"prompt": "", "max_age": "0"}},
		"a person's name": {r: oidc.Request{Hint: "ada"}, want: map[string]string{"login_hint": "ada"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScripted("https://idp.example")
			s.document["scopes_supported"] = c.scopes
			p, err := s.discover(t)
			if err != nil {
				t.Fatal(err)
			}
			c.r.State, c.r.Secret = "state", oidc.NewSecret()
			address, err := url.Parse(p.AuthenticationURL(c.client, c.r))
			if err != nil {
				t.Fatal(err)
			}
			for parameter, want := range c.want {
				if got := address.Query().Get(parameter); got != want {
					t.Errorf("%s is %q, not %q", parameter, got, want)
				}
			}
		})
	}
}
