package testidp

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// openID is the OpenID provider of an application: its client, the grants of the client, and the
// keys. The zero value has no client, and signs with the key of SAML.
type openID struct {
	mu     sync.Mutex // guards what follows
	client openIDClient
	vary   TokenOptions
	keys   []*rsa.PrivateKey // made by RotateOIDCKey, the newest first
	codes  map[string]grant
	access map[string]grant
}

// openIDClient is the relying party, empty until it is connected.
type openIDClient struct{ id, secret, redirectURI string }

// grant is the sign-on that a code or an access token belongs to.
type grant struct {
	person    string
	since     time.Time // when the person signed in
	nonce     string
	challenge string // of PKCE; empty if none was sent
	maxAge    bool   // max_age was sent, so auth_time is required
	issued    time.Time
}

// The lifetimes of codes and access tokens, and how many of each are stored.
const (
	codeTime   = time.Minute
	accessTime = time.Hour
	maxGrants  = 1000
)

// TokenOptions vary what the OpenID provider sends. The zero value varies nothing.
type TokenOptions struct {
	// Edit changes the claims of an ID token before it is signed.
	Edit func(claims map[string]any)
	// UserInfo changes the claims of userinfo.
	UserInfo func(claims map[string]any)
	// Header changes the header of an ID token before it is signed.
	Header func(header map[string]any)
	// Sign makes the signature, in place of the genuine key. It may be empty.
	Sign func(input string) []byte
	// Answer changes the parameters that the browser takes back to the client.
	Answer func(parameters map[string]string)
	// Groups are the names of the person's groups. The default is the groups of the directory.
	Groups []string
	// CodesLast accepts a code any number of times, with any verifier, like a careless provider.
	CodesLast bool
}

// VaryTokens changes what the OpenID provider sends from now on.
func (a *Application) VaryTokens(o TokenOptions) {
	a.openID.mu.Lock()
	defer a.openID.mu.Unlock()
	a.openID.vary = o
}

// varied returns the options of VaryTokens.
func (a *Application) varied() TokenOptions {
	a.openID.mu.Lock()
	defer a.openID.mu.Unlock()
	return a.openID.vary
}

// OIDCIssuer returns the issuer of the application's OpenID provider. Each application has its own,
// like each customer of Okta or Entra ID.
func (a *Application) OIDCIssuer() string {
	if a.personality.name == EntraSAML {
		return a.at(a.tenant() + "/v2.0")
	}
	return a.at("oidc")
}

// tenant returns the tenant id, in Entra ID's form.
func (a *Application) tenant() string { return entraID("tenant", a.domain) }

// ConnectOIDC sets the relying party to which people sign in. Before that, the discovery document
// is served but sign-on is refused. A later call replaces the values. The error is an *Invalid.
func (a *Application) ConnectOIDC(clientID, clientSecret, redirectURI string) error {
	if err := checkText("client_id", clientID, true); err != nil {
		return &Invalid{"client_id", "write the id by which the relying party is known, in one line"}
	}
	if err := checkText("client_secret", clientSecret, true); err != nil {
		return &Invalid{"client_secret", "write the relying party's secret, in one line"}
	}
	if _, err := checkServiceProvider(redirectURI, redirectURI); err != nil {
		return &Invalid{"redirect_uri", "write the http or https URL to which browsers go back, " +
			"without user name and fragment"}
	}
	a.openID.mu.Lock()
	defer a.openID.mu.Unlock()
	a.openID.client = openIDClient{clientID, clientSecret, redirectURI}
	return nil
}

// RelyingParty returns the values of the last ConnectOIDC, without the secret. Both are empty if
// there is no relying party.
func (a *Application) RelyingParty() (clientID, redirectURI string) {
	c := a.relyingParty()
	return c.id, c.redirectURI
}

// relyingParty returns the client.
func (a *Application) relyingParty() openIDClient {
	a.openID.mu.Lock()
	defer a.openID.mu.Unlock()
	return a.openID.client
}

// RotateOIDCKey makes a new key that signs ID tokens from now on. The key before it is still
// published, and older ones are not. The error is for a key that could not be made.
func (a *Application) RotateOIDCKey() error {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return fmt.Errorf("generate the signing key: %w", err)
	}
	a.openID.mu.Lock()
	defer a.openID.mu.Unlock()
	a.openID.keys = append([]*rsa.PrivateKey{key}, a.openID.keys...)
	return nil
}

// oidcKeys returns the published keys. The first one signs.
func (a *Application) oidcKeys() ([]*rsa.PrivateKey, error) {
	first, err := a.keys()
	if err != nil {
		return nil, err
	}
	a.openID.mu.Lock()
	defer a.openID.mu.Unlock()
	all := append(slices.Clone(a.openID.keys), first.key)
	return all[:min(len(all), 2)], nil
}

// keyID returns the key id, which is a hash of the key.
func keyID(key *rsa.PublicKey) string {
	sum := sha256.Sum256(key.N.Bytes())
	return base64.RawURLEncoding.EncodeToString(sum[:8])
}

// jwks returns the key set (RFC 7517).
func (a *Application) jwks() (map[string]any, error) {
	keys, err := a.oidcKeys()
	if err != nil {
		return nil, err
	}
	encode := base64.RawURLEncoding.EncodeToString
	set := []any{}
	for _, k := range keys {
		set = append(set, map[string]string{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": keyID(&k.PublicKey),
			"n": encode(k.N.Bytes()), "e": encode(big.NewInt(int64(k.E)).Bytes())})
	}
	return map[string]any{"keys": set}, nil
}

// discovery returns the discovery document (OpenID Connect Discovery, section 3).
func (a *Application) discovery() map[string]any {
	d := map[string]any{
		"issuer":                                         a.OIDCIssuer(),
		"authorization_endpoint":                         a.at("oidc/authorize"),
		"token_endpoint":                                 a.at("oidc/token"),
		"userinfo_endpoint":                              a.at("oidc/userinfo"),
		"jwks_uri":                                       a.at("oidc/jwks"),
		"end_session_endpoint":                           a.at("oidc/logout"),
		"response_types_supported":                       []string{"code"},
		"response_modes_supported":                       []string{"query"},
		"grant_types_supported":                          []string{"authorization_code"},
		"subject_types_supported":                        []string{"public"},
		"id_token_signing_alg_values_supported":          []string{"RS256"},
		"code_challenge_methods_supported":               []string{"S256"},
		"token_endpoint_auth_methods_supported":          []string{"client_secret_basic", "client_secret_post"},
		"scopes_supported":                               []string{"openid", "profile", "email", "groups"},
		"authorization_response_iss_parameter_supported": true,
	}
	if a.personality.name == EntraSAML {
		d["subject_types_supported"] = []string{"pairwise"}
		d["scopes_supported"] = []string{"openid", "profile", "email", "offline_access"}
		d["token_endpoint_auth_methods_supported"] = []string{"client_secret_post", "client_secret_basic"}
		delete(d, "authorization_response_iss_parameter_supported")
	}
	return d
}

// keep stores a grant under a new secret. When there are too many, it drops all others.
func (a *Application) keep(in *map[string]grant, g grant) string {
	secret := newSecret()
	a.openID.mu.Lock()
	defer a.openID.mu.Unlock()
	if *in == nil || len(*in) >= maxGrants {
		*in = map[string]grant{}
	}
	g.issued = a.client.now()
	(*in)[secret] = g
	return secret
}

// redeem returns the grant of a code and removes it. It returns false if the code is unknown, used
// or too old, or if the verifier does not match the challenge (RFC 7636, section 4.6).
func (a *Application) redeem(code, verifier string) (grant, bool) {
	a.openID.mu.Lock()
	defer a.openID.mu.Unlock()
	g, ok := a.openID.codes[code]
	if a.openID.vary.CodesLast {
		return g, ok
	}
	delete(a.openID.codes, code)
	sum := sha256.Sum256([]byte(verifier))
	matches := g.challenge == "" || base64.RawURLEncoding.EncodeToString(sum[:]) == g.challenge
	return g, ok && matches && a.client.now().Sub(g.issued) <= codeTime
}

// granted returns the grant of an access token.
func (a *Application) granted(token string) (grant, bool) {
	a.openID.mu.Lock()
	defer a.openID.mu.Unlock()
	g, ok := a.openID.access[token]
	return g, ok && a.client.now().Sub(g.issued) <= accessTime
}

// discovery serves the discovery document at the issuer's address.
func (s *Server) discovery(w http.ResponseWriter, r *http.Request) {
	a := s.find(r)
	if a == nil || r.PathValue("tenant") != "" && a.OIDCIssuer() != a.at(r.PathValue("tenant")+"/v2.0") ||
		r.PathValue("tenant") == "" && a.OIDCIssuer() != a.at("oidc") {
		s.fail(w, r, http.StatusNotFound, "There is no such issuer.")
		return
	}
	s.json(w, http.StatusOK, a.discovery())
}

// jwks serves the key set.
func (s *Server) jwks(w http.ResponseWriter, r *http.Request, a *Application) {
	set, err := a.jwks()
	if err != nil {
		s.log.Error("make a key set", "error", err)
		s.fail(w, r, http.StatusInternalServerError, "The key set cannot be made.")
		return
	}
	s.json(w, http.StatusOK, set)
}

// merged returns a copy of a map, with the entries of another one added.
func merged(into, more map[string]any) map[string]any {
	out := maps.Clone(into)
	maps.Copy(out, more)
	return out
}

// bearerToken returns the access token of a request (RFC 6750, section 2.1).
func bearerToken(r *http.Request) string {
	kind, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(kind, "Bearer") {
		return ""
	}
	return token
}
