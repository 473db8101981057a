package testidp_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"rollcall/testidp"
)

// relyingParty is the client of a test, with its provider over HTTP.
type relyingParty struct {
	t      *testing.T
	server *httptest.Server
	idp    *testidp.Application
}

const redirectURI = "https://client.example/callback"

func newRelyingParty(t *testing.T, personality testidp.Personality) *relyingParty {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	server.Start()
	t.Cleanup(server.Close)
	idp, err := testidp.New(
		testidp.Options{BaseURL: server.URL, Applications: []testidp.ApplicationOptions{{Personality: personality}}})
	if err != nil {
		t.Fatal(err)
	}
	server.Config.Handler = idp
	if err := idp.Applications()[0].ConnectOIDC("client", "the secret", redirectURI); err != nil {
		t.Fatal(err)
	}
	return &relyingParty{t, server, idp.Applications()[0]}
}

func (p *relyingParty) get(address string, headers ...string) (int, map[string]any) {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, address, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Accept", "application/json")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return p.do(r)
}

func (p *relyingParty) do(r *http.Request) (int, map[string]any) {
	p.t.Helper()
	answer, err := p.server.Client().Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer answer.Body.Close()
	var body map[string]any
	_ = json.NewDecoder(answer.Body).Decode(&body)
	return answer.StatusCode, body
}

const verifier = "a verifier of forty-three characters, at least"

// code signs in a person and returns the code.
func (p *relyingParty) code(change func(q url.Values)) (status int, code string) {
	p.t.Helper()
	sum := sha256.Sum256([]byte(verifier))
	q := url.Values{"client_id": {"client"}, "redirect_uri": {redirectURI}, "response_type": {"code"},
		"scope": {"openid"}, "state": {"a state"},
		"nonce": {"a nonce"}, "code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])},
		"code_challenge_method": {"S256"}, "person": {"amara.okafor"}}
	change(q)
	status, body := p.get(p.server.URL + "/applications/1/oidc/authorize?" + q.Encode())
	to, _ := body["redirect_to"].(string)
	at, err := url.Parse(to)
	if err != nil || status == http.StatusOK &&
		(!strings.HasPrefix(to, redirectURI+"?") || at.Query().Get("state") != q.Get("state")) {
		p.t.Fatalf("%d %v", status, body)
	}
	return status, at.Query().Get("code")
}

func (p *relyingParty) exchange(code string, change func(form url.Values, r *http.Request)) (int, map[string]any) {
	p.t.Helper()
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {redirectURI},
		"code_verifier": {verifier}}
	r, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, p.server.URL+"/applications/1/oidc/token", nil)
	if err != nil {
		p.t.Fatal(err)
	}
	r.SetBasicAuth("client", "the+secret")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	change(form, r)
	r, err = http.NewRequestWithContext(p.t.Context(), http.MethodPost, r.URL.String(),
		strings.NewReader(form.Encode()))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if !form.Has("client_id") {
		r.SetBasicAuth("client", "the+secret")
	}
	return p.do(r)
}

func same(url.Values)                     {}
func unchanged(url.Values, *http.Request) {}
func claimsOf(t *testing.T, token any) (out map[string]any) {
	t.Helper()
	text, _ := token.(string)
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		t.Fatalf("%q is no token", text)
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(payload, &out) != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return out
}

func TestOpenIDProvider(t *testing.T) {
	t.Parallel()
	for _, personality := range []testidp.Personality{testidp.PlainSAML, testidp.OktaSAML, testidp.EntraSAML} {
		t.Run(string(personality), func(t *testing.T) {
			p := newRelyingParty(t, personality)
			who := p.idp.People()[0]
			for _, person := range p.idp.People() {
				if person.ID == "amara.okafor" {
					who = person
				}
			}
			_, document := p.get(p.idp.OIDCIssuer() + "/.well-known/openid-configuration")
			if document["issuer"] != p.idp.OIDCIssuer() {
				t.Fatalf("%v", document)
			}
			_, code := p.code(same)
			status, tokens := p.exchange(code, unchanged)
			if status != http.StatusOK {
				t.Fatalf("%d %v", status, tokens)
			}
			claims := claimsOf(t, tokens["id_token"])
			subject := map[bool]string{true: "oid", false: "sub"}[personality == testidp.EntraSAML]
			if claims["iss"] != p.idp.OIDCIssuer() || claims["aud"] != "client" || claims["nonce"] != "a nonce" ||
				claims[subject] != who.ExternalID {
				t.Errorf("%v", claims)
			}
			access, _ := tokens["access_token"].(string)
			endpoint := document["userinfo_endpoint"].(string)
			status, about := p.get(endpoint, "Authorization", "Bearer "+access)
			if status != http.StatusOK || about["email"] != who.UserName || about["sub"] != claims["sub"] {
				t.Errorf("%d %v", status, about)
			}
			if status, again := p.exchange(code, unchanged); status != http.StatusBadRequest ||
				again["error"] != "invalid_grant" {
				t.Errorf("the code again: %d %v", status, again)
			}
		})
	}
}

func TestOpenIDProviderRefuses(t *testing.T) {
	t.Parallel()
	p := newRelyingParty(t, testidp.PlainSAML)
	for name, change := range map[string]func(q url.Values){
		"another client":            func(q url.Values) { q.Set("client_id", "other") },
		"another redirect URI":      func(q url.Values) { q.Set("redirect_uri", redirectURI+"/more") },
		"another response type":     func(q url.Values) { q.Set("response_type", "id_token") },
		"no scope openid":           func(q url.Values) { q.Set("scope", "email") },
		"a challenge that is plain": func(q url.Values) { q.Set("code_challenge_method", "plain") },
		"an age that is no number":  func(q url.Values) { q.Set("max_age", "old") },
	} {
		if status, _ := p.code(change); status != http.StatusBadRequest {
			t.Errorf("%s: %d", name, status)
		}
	}
	if status, _ := p.code(func(q url.Values) { q.Set("person", "nobody") }); status != http.StatusNotFound {
		t.Errorf("nobody: %d", status)
	}
	for name, c := range map[string]struct {
		change func(form url.Values, r *http.Request)
		want   string
	}{
		"another verifier": {func(f url.Values, _ *http.Request) { f.Set("code_verifier", "other") },
			"invalid_grant"},
		"another redirect URI": {func(f url.Values, _ *http.Request) { f.Set("redirect_uri", "https://evil.example") },
			"invalid_grant"},
		"another code": {func(f url.Values, _ *http.Request) { f.Set("code", "other") }, "invalid_grant"},
		"another grant": {func(f url.Values, _ *http.Request) { f.Set("grant_type", "password") },
			"unsupported_grant_type"},
		"another secret": {func(f url.Values, _ *http.Request) {
			f.Set("client_id", "client")
			f.Set("client_secret", "other")
		}, "invalid_client"},
	} {
		_, code := p.code(same)
		if _, answer := p.exchange(code, c.change); answer["error"] != c.want {
			t.Errorf("%s: %v", name, answer)
		}
	}
	if err := p.idp.ConnectOIDC("client", "secret", "javascript:alert(1)"); err == nil {
		t.Error("a redirect URI that is a script is taken")
	}
}
