package oidc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// Provider is an OpenID provider as its discovery document tells of it, with its keys. It is safe for
// concurrent use, and remembers what it fetches.
type Provider struct {
	Issuer Issuer

	document document
	client   *http.Client
	keys     *keySet
	// posts tells that the provider takes the client's secret in the body only. It is learned, too,
	// since a discovery document speaks of all clients and not of this one.
	posts atomic.Bool
}

// document is a discovery document, as far as it is read (OpenID Connect Discovery, section 3).
type document struct {
	oidc.ProviderConfig
	EndSession    string   `json:"end_session_endpoint"`
	Scopes        []string `json:"scopes_supported"`
	ResponseTypes []string `json:"response_types_supported"`
	AuthMethods   []string `json:"token_endpoint_auth_methods_supported"`
	NamesIssuer   bool     `json:"authorization_response_iss_parameter_supported"` // RFC 9207
}

// algorithms are those by which ID tokens may be signed: asymmetric ones, so that the key set's keys
// make no signature, with hashes that hold.
var algorithms = []string{oidc.RS256, oidc.RS384, oidc.RS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.PS256, oidc.PS384, oidc.PS512}

// Discover reads what the provider says of itself. Its keys are fetched when they are needed.
func Discover(ctx context.Context, client *http.Client, issuer Issuer) (*Provider, error) {
	status, body, err := fetch(ctx, client, strings.TrimSuffix(issuer.URL, "/")+"/.well-known/openid-configuration", nil)
	switch {
	case errors.Is(err, errTooLarge):
		return nil, refuse(DiscoveryTooLarge, "at most 256 KiB", "more")
	case err != nil:
		return nil, &Refused{Reason: DiscoveryUnreachable, Expected: "a discovery document below " + issuer.URL, Err: err}
	case status >= 300 && status < 400:
		return nil, refuse(DiscoveryRedirects, "a discovery document", fmt.Sprintf("status %d", status))
	case status != http.StatusOK:
		return nil, refuse(DiscoveryStatus, "a discovery document", fmt.Sprintf("status %d", status))
	}
	var d document
	if err := json.Unmarshal(body, &d); err != nil || bytes.TrimSpace(body)[0] != '{' || d.IssuerURL == "" {
		return nil, &Refused{Reason: NotDiscovery, Expected: "a JSON object with the field issuer", Err: err}
	}
	// Discovery, section 4.3: the very same text, or one provider could speak for another.
	if d.IssuerURL != issuer.URL {
		return nil, refuse(DiscoveryIssuer, issuer.URL, d.IssuerURL)
	}
	if err := d.check(); err != nil {
		return nil, err
	}
	p := &Provider{Issuer: issuer, document: d, client: client, keys: newKeySet(d.JWKSURL, client)}
	p.posts.Store(len(d.AuthMethods) > 0 && !slices.Contains(d.AuthMethods, "client_secret_basic"))
	return p, nil
}

// check refuses a provider that cannot be used as it says it is.
func (d *document) check() error {
	secure := strings.HasPrefix(d.IssuerURL, "https://")
	for _, a := range []struct {
		field, address string
		required       bool
	}{
		{"authorization_endpoint", d.AuthURL, true}, {"token_endpoint", d.TokenURL, true}, {"jwks_uri", d.JWKSURL, true},
		{"userinfo_endpoint", d.UserInfoURL, false}, {"end_session_endpoint", d.EndSession, false},
	} {
		switch {
		case a.address == "" && a.required:
			return refuse(DiscoveryIncomplete, a.field, "a document without")
		case a.address == "":
		case !address(a.address) || secure && !strings.HasPrefix(a.address, "https://"):
			return refuse(DiscoveryBadAddress, "an https URL as "+a.field, a.address)
		}
	}
	if len(d.ResponseTypes) > 0 && !slices.Contains(d.ResponseTypes, "code") {
		return refuse(DiscoveryNoCode, "code among response_types_supported", strings.Join(d.ResponseTypes, ", "))
	}
	if len(d.Algorithms) > 0 && !slices.ContainsFunc(d.Algorithms, func(a string) bool { return slices.Contains(algorithms, a) }) {
		return refuse(DiscoveryNoAlgorithm, "RS256 among id_token_signing_alg_values_supported", strings.Join(d.Algorithms, ", "))
	}
	return nil
}

// Client is what the provider knows the relying party by.
type Client struct {
	ID, Secret  string
	RedirectURI string
	Scopes      []string // the usual ones when empty
	GroupsClaim string   // groups when empty
	// Mapping names the claims that alone count for members of a profile: email, first_name, last_name,
	// display_name and groups.
	Mapping map[string]string
}

// claim is the name of the claim of a member of a profile.
func (c Client) claim(member, usual string) string {
	if name, ok := c.Mapping[member]; ok {
		return name
	}
	return usual
}

// lacks tells whether claims are missing that the client reads and that userinfo could have.
func (c Client) lacks(all claims, email string) bool {
	for _, name := range c.Mapping {
		if !all.has(name) {
			return true
		}
	}
	return !all.has(email)
}

// scopes are what a client asks for: the usual ones, and groups of a provider that has them.
func (p *Provider) scopes(c Client) []string {
	if len(c.Scopes) > 0 {
		return c.Scopes
	}
	usual := []string{oidc.ScopeOpenID, oidc.ScopeProfile, oidc.ScopeEmail}
	if slices.Contains(p.document.Scopes, "groups") {
		usual = append(usual, "groups")
	}
	return usual
}

func (p *Provider) config(c Client) *oauth2.Config {
	e := oauth2.Endpoint{AuthURL: p.document.AuthURL, TokenURL: p.document.TokenURL, AuthStyle: oauth2.AuthStyleInHeader}
	if p.posts.Load() {
		e.AuthStyle = oauth2.AuthStyleInParams
	}
	return &oauth2.Config{ClientID: c.ID, ClientSecret: c.Secret, Endpoint: e, RedirectURL: c.RedirectURI, Scopes: p.scopes(c)}
}

// Request is what an authentication request asks for.
type Request struct {
	State  string
	Secret Secret
	Force  bool   // the person is to authenticate anew
	MaxAge *int64 // seconds since they last did, at most
	Hint   string // whom the application expects
}

// AuthenticationURL is where the browser goes to authenticate (OpenID Connect Core, section 3.1.2.1).
func (p *Provider) AuthenticationURL(c Client, r Request) string {
	options := []oauth2.AuthCodeOption{oidc.Nonce(r.Secret.nonce()), oauth2.S256ChallengeOption(r.Secret.verifier())}
	add := func(name, value string) { options = append(options, oauth2.SetAuthURLParam(name, value)) }
	if r.Hint != "" {
		add("login_hint", r.Hint)
	}
	switch {
	case r.Force && p.Issuer.URL == google: // which refuses prompt=login
		add("prompt", "select_account")
	case r.Force:
		add("prompt", "login")
	}
	switch {
	case r.MaxAge != nil:
		add("max_age", fmt.Sprint(*r.MaxAge))
	case r.Force: // with it, auth_time must be in the ID token
		add("max_age", "0")
	}
	return p.config(c).AuthCodeURL(r.State, options...)
}

// LogoutURL is where the browser goes to be signed out of the provider as well (OpenID Connect
// RP-Initiated Logout, section 2); empty when the provider has no such place. postLogout and state
// may be empty.
func (p *Provider) LogoutURL(c Client, idTokenHint, postLogout, state string) string {
	u, err := url.Parse(p.document.EndSession)
	if err != nil || p.document.EndSession == "" {
		return ""
	}
	q := u.Query()
	for name, value := range map[string]string{"client_id": c.ID, "id_token_hint": idTokenHint, "post_logout_redirect_uri": postLogout, "state": state} {
		if value != "" {
			q.Set(name, value)
		}
	}
	u.RawQuery = q.Encode()
	return u.String()
}
