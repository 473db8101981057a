package oidc

import (
	"context"
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
// 3). A member of another type than it should have counts as missing, as the other members can
// still be used.
type document struct {
	issuer, authorization, token, keys, userInfo, endSession string

	scopes, responseTypes, authMethods, algorithms []string

	namesIssuer bool // RFC 9207

	// refusedUserInfo is a userinfo_endpoint that cannot be used.
	refusedUserInfo string
}

// newDocument reads the members of a discovery document.
func newDocument(members claims) document {
	return document{
		issuer:        members.exact("issuer"),
		authorization: members.text("authorization_endpoint"),
		token:         members.text("token_endpoint"),
		keys:          members.text("jwks_uri"),
		userInfo:      members.text("userinfo_endpoint"),
		endSession:    members.text("end_session_endpoint"),
		scopes:        members.list("scopes_supported"),
		responseTypes: members.list("response_types_supported"),
		authMethods:   members.list("token_endpoint_auth_methods_supported"),
		algorithms:    members.list("id_token_signing_alg_values_supported"),
		namesIssuer:   members.isTrue("authorization_response_iss_parameter_supported"),
	}
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
	got, err := fetch(ctx, client, address, nil)
	switch {
	case errors.Is(err, errTooLarge):
		return nil, refuse(DiscoveryTooLarge, "at most 256 KiB", "more")
	case err != nil:
		return nil, &Refused{Reason: DiscoveryUnreachable, Expected: "a discovery document at " + address,
			Received: describeNetwork(err), Err: err}
	case got.status >= 300 && got.status < 400:
		return nil, refuse(DiscoveryRedirects, "a discovery document at "+address, got.describe())
	case got.status != http.StatusOK:
		return nil, refuse(DiscoveryStatus, "a discovery document at "+address, got.describe())
	}
	members, _ := got.object()
	d := newDocument(members)
	if d.issuer == "" {
		return nil, refuse(NotDiscovery, "a JSON object with the field issuer at "+address, got.describe())
	}
	// Discovery, section 4.3: the text must be the same, or one provider could pose as another.
	if d.issuer != issuer.URL {
		return nil, refuse(DiscoveryIssuer, quote(issuer.URL), quote(d.issuer))
	}
	if err := d.check(); err != nil {
		return nil, err
	}
	p := &Provider{Issuer: issuer, document: d, client: client, keys: newKeySet(d.keys, client)}
	p.secretInBody.Store(len(d.authMethods) > 0 && !slices.Contains(d.authMethods, "client_secret_basic"))
	return p, nil
}

// check refuses a provider whose endpoints, flows or algorithms cannot be used. An endpoint that a
// login does not need is left out instead.
func (d *document) check() error {
	secure := strings.HasPrefix(d.issuer, "https://")
	usable := func(address string) bool {
		return validAddress(address) && (!secure || strings.HasPrefix(address, "https://"))
	}
	for _, a := range []struct{ field, address string }{
		{"authorization_endpoint", d.authorization},
		{"token_endpoint", d.token},
		{"jwks_uri", d.keys},
	} {
		switch {
		case a.address == "":
			return refuse(DiscoveryIncomplete, a.field, "a document without")
		case !usable(a.address):
			return refuse(DiscoveryBadAddress, "an https URL as "+a.field, a.field+" "+quote(a.address))
		}
	}
	if d.userInfo != "" && !usable(d.userInfo) {
		d.refusedUserInfo, d.userInfo = d.userInfo, ""
	}
	if !usable(d.endSession) {
		d.endSession = ""
	}
	if len(d.responseTypes) > 0 && !slices.Contains(d.responseTypes, "code") {
		return refuse(DiscoveryNoCode, "code among response_types_supported", quoted(d.responseTypes))
	}
	accepted := func(a string) bool { return slices.Contains(algorithms, a) }
	if len(d.algorithms) > 0 && !slices.ContainsFunc(d.algorithms, accepted) {
		return refuse(DiscoveryNoAlgorithm, "RS256 among id_token_signing_alg_values_supported",
			quoted(d.algorithms))
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
	// FoldEmail returns the form of an address in which all its spellings are the same. Without it,
	// two addresses are the same if their texts are.
	FoldEmail func(address string) string
}

// sameEmail reports whether two texts are the same e-mail address.
func (c Client) sameEmail(a, b string) bool {
	if c.FoldEmail != nil {
		a, b = c.FoldEmail(a), c.FoldEmail(b)
	}
	return a != "" && a == b
}

// claim returns the name of the claim for a member of a profile, which is usual if Mapping has
// none.
func (c Client) claim(member, usual string) string {
	if name, ok := c.Mapping[member]; ok {
		return name
	}
	return usual
}

// lacks reports whether claims are missing that the client reads and that userinfo may have
// (OpenID Connect Core, section 5.4).
func (p *Provider) lacks(c Client, all claims, groupsMissing bool) bool {
	for _, name := range c.Mapping {
		if !all.has(name) {
			return true
		}
	}
	email := c.claim("email", "email")
	if !all.has(email) || email == "email" && !all.has("email_verified") {
		return true
	}
	nameless := !all.has("given_name") && !all.has("family_name") && !all.has("name")
	return groupsMissing || nameless && !c.namesMapped() && slices.Contains(p.scopes(c), oidc.ScopeProfile)
}

// namesMapped reports whether no usual claim is read for any name.
func (c Client) namesMapped() bool {
	for _, member := range []string{"first_name", "last_name", "display_name"} {
		if _, ok := c.Mapping[member]; !ok {
			return false
		}
	}
	return true
}

// scopes returns the scopes that a client requests.
func (p *Provider) scopes(c Client) []string {
	if len(c.Scopes) > 0 {
		return c.Scopes
	}
	usual := []string{oidc.ScopeOpenID, oidc.ScopeProfile, oidc.ScopeEmail}
	if slices.Contains(p.document.scopes, "groups") {
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
		Endpoint: oauth2.Endpoint{AuthURL: p.document.authorization, TokenURL: p.document.token, AuthStyle: style},
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
	u, err := url.Parse(p.document.endSession)
	if err != nil || p.document.endSession == "" {
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
