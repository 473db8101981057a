package sso_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"rollcall/model"
	"rollcall/model/organization"
	"rollcall/testidp"
)

// verifier is the code_verifier of the application in tests.
const verifier = "a-verifier-of-at-least-forty-three-characters"

func challenge(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// openID is the address of a request at the OpenID provider. What follows replaces parameters, and
// leaves those out that have no value.
func (w *world) openID(extra ...string) string {
	q := url.Values{"client_id": {w.clientID()}, "redirect_uri": {callback}, "response_type": {"code"},
		"scope": {"openid profile email"}, "state": {"a state"}, "nonce": {"a nonce"},
		"code_challenge": {challenge(verifier)}, "code_challenge_method": {"S256"},
		"connection": {model.ConnectionPrefix.ID(w.connection.ID)}}
	for i := 0; i < len(extra); i += 2 {
		q.Set(extra[i], extra[i+1])
		if extra[i+1] == "" {
			q.Del(extra[i])
		}
	}
	return w.url + "/oauth2/authorize?" + q.Encode()
}

func (w *world) clientID() string { return model.ApplicationPrefix.ID(w.app.ID) }

// changeApp changes the application.
func (w *world) changeApp(change func(a *organization.ApplicationFields)) {
	w.t.Helper()
	a, err := organization.Across(w.store).UpdateApplication(w.t.Context(), w.app.ID,
		func(a *organization.ApplicationFields) error {
			change(a)
			return nil
		})
	must(w.t, err)
	w.app = a
}

// signInAt signs ada in by a request at the OpenID provider, and returns the last answer.
func (b *browser) signInAt(location string) answer {
	b.w.t.Helper()
	return b.comesBack(b.get(location), ada(b.w.tenant))
}

// comesBack brings the answer of the identity provider for a person.
func (b *browser) comesBack(sent answer, who testidp.Person) answer {
	b.w.t.Helper()
	return b.post(b.w.sp(b.w.connection, "/acs"), b.w.answer(b.w.t, sent, who, testidp.ResponseOptions{}))
}

// openCode is a code of the OpenID provider, for a new browser.
func (w *world) openCode(extra ...string) string {
	w.t.Helper()
	return w.browser().signInAt(w.openID(extra...)).code(w.t)
}

// tokenForm is what the application sends with a code. What follows replaces parameters.
func (w *world) tokenForm(code string, extra ...string) url.Values {
	form := url.Values{"client_id": {w.clientID()}, "client_secret": {w.secret}, "code": {code},
		"grant_type": {"authorization_code"}, "redirect_uri": {callback}, "code_verifier": {verifier}}
	for i := 0; i < len(extra); i += 2 {
		form.Set(extra[i], extra[i+1])
		if extra[i+1] == "" {
			form.Del(extra[i])
		}
	}
	return form
}

// postForm sends a form of the application's server. What follows are headers.
func (w *world) postForm(path string, form url.Values, headers ...string) answer {
	w.t.Helper()
	return w.send(nil, http.MethodPost, path, append([]string{"Content-Type", formType, "", form.Encode()},
		headers...)...)
}

// opened exchanges a code and returns the tokens.
func (w *world) opened(code string, extra ...string) map[string]any {
	w.t.Helper()
	a := w.postForm("/oauth2/token", w.tokenForm(code, extra...))
	if a.status != http.StatusOK {
		w.t.Fatalf("%d %s", a.status, a.body)
	}
	return a.object(w.t)
}

// userinfo asks with an access token.
func (w *world) userinfo(token string) answer {
	w.t.Helper()
	return w.send(nil, http.MethodGet, "/oauth2/userinfo", "Authorization", "Bearer "+token)
}

// keySet is what the server publishes.
func (w *world) keySet() *jose.JSONWebKeySet {
	w.t.Helper()
	var set jose.JSONWebKeySet
	must(w.t, json.Unmarshal([]byte(w.send(nil, http.MethodGet, "/oauth2/jwks").body), &set))
	return &set
}

// verified are the claims of a token whose signature is good, with its key's id.
func (w *world) verified(text string) (claims map[string]any, kid string) {
	w.t.Helper()
	token, err := jose.ParseSignedCompact(text, []jose.SignatureAlgorithm{jose.RS256, jose.ES256})
	must(w.t, err)
	kid = token.Signatures[0].Protected.KeyID
	keys := w.keySet().Key(kid)
	if len(keys) != 1 {
		w.t.Fatalf("%d keys %s", len(keys), kid)
	}
	payload, err := token.Verify(keys[0])
	must(w.t, err)
	must(w.t, json.Unmarshal(payload, &claims))
	return claims, kid
}

// oauthError is the error of an answer to the application's server.
func (a answer) oauthError(t testing.TB) string {
	t.Helper()
	if !strings.HasPrefix(a.header.Get("Content-Type"), "application/json") ||
		a.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %v %s", a.status, a.header, a.body)
	}
	text, _ := a.object(t)["error"].(string)
	return text
}
