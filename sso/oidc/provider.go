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

// Provider is an OpenID provider with its discovery document and its keys. It is safe for
// concurrent use, and caches what it fetches.
type Provider struct {
	Issuer Issuer

	document document
	client   *http.Client
	keys     *keySet
	// secretInBody is set if the provider accepts the client's secret in the body only. The
	// discovery document is about all clients, so Exchange may find out that it is different for
	// this one.
	secretInBody atomic.Bool
}

// document has the fields of a discovery document that are used (OpenID Connect Discovery, section
// 3).
type document struct {
	oidc.ProviderConfig
	EndSession    string   `json:"end_session_endpoint"`
	Scopes        []string `json:"scopes_supported"`
	ResponseTypes []string `json:"response_types_supported"`
	AuthMethods   []string `json:"token_endpoint_auth_methods_supported"`
	NamesIssuer   bool     `json:"authorization_response_iss_parameter_supported"` // RFC 9207
}

// algorithms are the signature algorithms that are accepted in ID tokens. All of them have a secure
// hash. All are asymmetric, so that nobody can sign with a key from the published key set.
var algorithms = []string{
	oidc.RS256, oidc.RS384, oidc.RS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.PS256, oidc.PS384, oidc.PS512,
}

// Discover fetches and checks the provider's discovery document (OpenID Connect Discovery, section
// 4). The keys are fetched later, when they are needed. The error is a [*Refused].
func Discover(ctx context.Context, client *http.Client, issuer Issuer) (*Provider, error) {
	address := strings.TrimSuffix(issuer.URL, "/") + "/.well-known/openid-configuration"
	status, body, err := fetch(ctx, client, address, nil)
	switch {
	case errors.Is(err, errTooLarge):
		return nil, refuse(DiscoveryTooLarge, "at most 256 KiB", "more")
	case err != nil:
		return nil, &Refused{Reason: DiscoveryUnreachable, Expected: "a discovery document below " + issuer.URL,
			Err: err}
	case status >= 300 && status < 400:
		return nil, refuse(DiscoveryRedirects, "a discovery document", fmt.Sprintf("status %d", status))
	case status != http.StatusOK:
		return nil, refuse(DiscoveryStatus, "a discovery document", fmt.Sprintf("status %d", status))
	}
	var d document
	if err := json.Unmarshal(body, &d); err != nil || bytes.TrimSpace(body)[0] != '{' || d.IssuerURL == "" {
		return nil, &Refused{Reason: NotDiscovery, Expected: "a JSON object with the field issuer", Err: err}
	}
	// Discovery, section 4.3: the text must be the same, or one provider could pose as another.
	if d.IssuerURL != issuer.URL {
		return nil, refuse(DiscoveryIssuer, issuer.URL, d.IssuerURL)
	}
	if err := d.check(); err != nil {
		return nil, err
	}
	p := &Provider{Issuer: issuer, document: d, client: client, keys: newKeySet(d.JWKSURL, client)}
	p.secretInBody.Store(len(d.AuthMethods) > 0 && !slices.Contains(d.AuthMethods, "client_secret_basic"))
	return p, nil
}

// check refuses a provider whose endpoints, flows or algorithms cannot be used.
func (d *document) check() error {
	secure := strings.HasPrefix(d.IssuerURL, "https://")
	for _, a := range []struct {
		field, address string
		required       bool
	}{
		{"authorization_endpoint", d.AuthURL, true},
		{"token_endpoint", d.TokenURL, true},
		{"jwks_uri", d.JWKSURL, true},
		{"userinfo_endpoint", d.UserInfoURL, false},
		{"end_session_endpoint", d.EndSession, false},
	} {
		switch {
		case a.address == "" && a.required:
			return refuse(DiscoveryIncomplete, a.field, "a document without")
		case a.address == "":
		case !validAddress(a.address) || secure && !strings.HasPrefix(a.address, "https://"):
			return refuse(DiscoveryBadAddress, "an https URL as "+a.field, a.address)
		}
	}
	if len(d.ResponseTypes) > 0 && !slices.Contains(d.ResponseTypes, "code") {
		return refuse(DiscoveryNoCode, "code among response_types_supported", strings.Join(d.ResponseTypes, ", "))
	}
	accepted := func(a string) bool { return slices.Contains(algorithms, a) }
	if len(d.Algorithms) > 0 && !slices.ContainsFunc(d.Algorithms, accepted) {
		return refuse(DiscoveryNoAlgorithm, "RS256 among id_token_signing_alg_values_supported",
			strings.Join(d.Algorithms, ", "))
	}
	return nil
}

// Client is the relying party as it is registered with the provider.
type Client struct {
	ID, Secret  string
	RedirectURI string
	Scopes      []string // empty for openid, profile, email, and groups if the provider has it
	GroupsClaim string   // name of the claim with the groups; empty for "groups"
	// Mapping gives the name of the claim for some members of a profile: email, first_name,
	// last_name, display_name and groups. For such a member, no other claim is read.
	Mapping map[string]string
}

// claim returns the name of the claim for a member of a profile, which is usual if Mapping has
// none.
func (c Client) claim(member, usual string) string {
	if name, ok := c.Mapping[member]; ok {
		return name
	}
	return usual
}

// lacks reports whether claims are missing that the client reads and that userinfo may have.
func (c Client) lacks(all claims, email string) bool {
	for _, name := range c.Mapping {
		if !all.has(name) {
			return true
		}
	}
	return !all.has(email)
}

// scopes returns the scopes that a client requests.
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

// config returns the OAuth 2.0 configuration of a client of the provider.
func (p *Provider) config(c Client) *oauth2.Config {
	style := oauth2.AuthStyleInHeader
	if p.secretInBody.Load() {
		style = oauth2.AuthStyleInParams
	}
	return &oauth2.Config{
		ClientID: c.ID, ClientSecret: c.Secret, RedirectURL: c.RedirectURI, Scopes: p.scopes(c),
		Endpoint: oauth2.Endpoint{AuthURL: p.document.AuthURL, TokenURL: p.document.TokenURL, AuthStyle: style},
	}
}

// Request has the parameters of an authentication request.
type Request struct {
	State  string
	Secret Secret
	Force  bool   // the person must authenticate again, even with a session at the provider
	MaxAge *int64 // the greatest age of the person's last authentication in seconds; nil for any
	Hint   string // the login name that the application expects; may be empty
}

// AuthenticationURL returns the address at which the browser authenticates (OpenID Connect Core,
// section 3.1.2.1).
func (p *Provider) AuthenticationURL(c Client, r Request) string {
	options := []oauth2.AuthCodeOption{
		oidc.Nonce(r.Secret.nonce()), oauth2.S256ChallengeOption(r.Secret.verifier()),
	}
	add := func(name, value string) { options = append(options, oauth2.SetAuthURLParam(name, value)) }
	if r.Hint != "" {
		add("login_hint", r.Hint)
	}
	switch {
	case r.Force && p.Issuer.URL == google: // Google refuses prompt=login
		add("prompt", "select_account")
	case r.Force:
		add("prompt", "login")
	}
	switch {
	case r.MaxAge != nil:
		add("max_age", fmt.Sprint(*r.MaxAge))
	case r.Force: // max_age obliges the provider to send auth_time
		add("max_age", "0")
	}
	return p.config(c).AuthCodeURL(r.State, options...)
}

// LogoutURL returns the address at which the browser is signed out of the provider as well (OpenID
// Connect RP-Initiated Logout, section 2). It is empty if the provider has no such endpoint.
// postLogout and state may be empty.
func (p *Provider) LogoutURL(c Client, idTokenHint, postLogout, state string) string {
	u, err := url.Parse(p.document.EndSession)
	if err != nil || p.document.EndSession == "" {
		return ""
	}
	q := u.Query()
	for name, value := range map[string]string{
		"client_id": c.ID, "id_token_hint": idTokenHint, "post_logout_redirect_uri": postLogout, "state": state,
	} {
		if value != "" {
			q.Set(name, value)
		}
	}
	u.RawQuery = q.Encode()
	return u.String()
}
