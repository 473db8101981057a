package organization

import (
	"context"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"rollcall/model"
	"rollcall/model/internal/across"
	"rollcall/model/internal/tenant"
)

// Client are the settings of an application as a client of the OpenID provider.
type Client struct {
	// RequirePKCE has the OpenID provider refuse requests without a code_challenge (RFC 7636). It
	// is on for new applications. /sso/authorize does not ask for it.
	RequirePKCE bool `gorm:"column:require_pkce"`
	// Public applications cannot keep a secret, such as one that runs in the browser. They
	// authenticate by PKCE alone.
	Public bool
	// Native applications run on a person's machine. They may use a port of their choice on
	// loopback, and schemes of their own (RFC 8252, section 7).
	Native           bool
	IDTokenAlgorithm string // SignRS256 or SignES256
	IDTokenClaims    string // full, or ClaimsMinimal
	RefreshTokens    string // offline_access, or RefreshAlways
	// RefreshLeewaySeconds is for how long a rotated refresh token is still answered.
	RefreshLeewaySeconds int64
}

// Refresh tokens are for who asks for them by the scope offline_access, or for every sign-in.
const (
	RefreshAlways  = "always"
	refreshOffline = "offline_access"
)

const (
	mostLeewaySeconds   = 60
	publicLeewaySeconds = 10 // a public application's refresh tokens are the easiest to steal
)

// DefaultClient are the settings of a new application.
func DefaultClient() Client {
	return Client{RequirePKCE: true, IDTokenAlgorithm: SignRS256, IDTokenClaims: claimsFull,
		RefreshTokens: refreshOffline, RefreshLeewaySeconds: 30}
}

// RefreshLeeway is for how long a rotated refresh token of the application is still answered.
func (c *Client) RefreshLeeway() time.Duration {
	seconds := c.RefreshLeewaySeconds
	if c.Public {
		seconds = min(seconds, publicLeewaySeconds)
	}
	return time.Duration(seconds) * time.Second
}

// The algorithms by which ID tokens are signed. Every client must know RS256 (OpenID Connect Core,
// section 15.1).
const (
	SignRS256 = "RS256"
	SignES256 = "ES256"
)

// Full ID tokens say who signed in, as many libraries expect. Minimal ones leave that to userinfo.
const (
	ClaimsMinimal = "minimal"
	claimsFull    = "full"
)

// validate answers Invalid, with the field's API name, for the first broken rule.
func (c *Client) validate() error {
	for _, f := range []struct {
		field, value string
		known        []string
	}{
		{"id_token_signed_response_alg", c.IDTokenAlgorithm, []string{SignRS256, SignES256}},
		{"id_token_claims", c.IDTokenClaims, []string{claimsFull, ClaimsMinimal}},
		{"refresh_tokens", c.RefreshTokens, []string{refreshOffline, RefreshAlways}},
	} {
		if !slices.Contains(f.known, f.value) {
			return model.Invalidf(f.field, "%s is one of %s", f.field, strings.Join(f.known, ", "))
		}
	}
	if c.RefreshLeewaySeconds < 0 || c.RefreshLeewaySeconds > mostLeewaySeconds {
		return model.Invalidf("refresh_token_leeway_seconds", "refresh_token_leeway_seconds is from 0 to %d",
			mostLeewaySeconds)
	}
	return nil
}

// fillEmpty sets what has no value to its default.
func (c *Client) fillEmpty() {
	if c.IDTokenAlgorithm == "" {
		c.IDTokenAlgorithm = SignRS256
	}
	if c.IDTokenClaims == "" {
		c.IDTokenClaims = claimsFull
	}
	if c.RefreshTokens == "" {
		c.RefreshTokens = refreshOffline
	}
}

// NeedsPKCE tells whether the OpenID provider demands a code_challenge.
func (c *Client) NeedsPKCE() bool { return c.RequirePKCE || c.Public || c.Native }

// validRedirect returns an error for an address to which the application must not send anybody. For
// a native one a scheme of its own has a dot, as in com.example.app (RFC 8252, section 7.1), so
// that none of the schemes of browsers is one.
func (c *Client) validRedirect(field, raw string) error {
	u, err := url.Parse(raw)
	if c.Native && err == nil && strings.Contains(u.Scheme, ".") && u.Fragment == "" && u.User == nil &&
		len(raw) <= 2048 {
		return nil
	}
	return model.ValidURI(field, raw)
}

// Redirects tells whether a browser may be sent to an address with an answer for this application.
// Addresses are compared letter by letter. Only of a native application's address on loopback the
// port is left out, which the machine chooses (RFC 8252, section 7.3).
func (a *Application) Redirects(address string) bool {
	if slices.Contains(a.RedirectURIs, address) {
		return true
	}
	if !a.Native {
		return false
	}
	bare := withoutPort(address)
	return bare != "" && slices.ContainsFunc(a.RedirectURIs, func(registered string) bool {
		return withoutPort(registered) == bare
	})
}

// withoutPort returns an http address on 127.0.0.1 or [::1] without its port, and nothing for any
// other address.
func withoutPort(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" || u.User != nil || u.Fragment != "" || u.String() != address {
		return ""
	}
	ip, err := netip.ParseAddr(u.Hostname())
	if err != nil || ip != netip.AddrFrom4([4]byte{127, 0, 0, 1}) && ip != netip.IPv6Loopback() {
		return ""
	}
	u.Host = ip.String()
	return u.String()
}

// Client returns an application that authenticates with an API key. It answers Denied for an
// unknown one, and for a key of another application.
func (s Store) Client(ctx context.Context, id, secret string) (*Application, error) {
	keys := across.Read(ctx, s).Model(&APIKey{}).Select("application_id").Where("hash = ?", tenant.HashToken(secret))
	return s.client(ctx, id, "id IN (?)", keys)
}

// PublicClient returns an application that has no secret. It answers Denied for any other.
func (s Store) PublicClient(ctx context.Context, id string) (*Application, error) {
	return s.client(ctx, id, "public = ?", true)
}

func (s Store) client(ctx context.Context, id, condition string, argument any) (*Application, error) {
	var found []Application
	if model.IsID(id) {
		err := across.Read(ctx, s).Where("id = ?", id).Where(condition, argument).Limit(1).Find(&found).Error
		if err != nil {
			return nil, tenant.Translate(s, fmt.Errorf("read client: %w", err))
		}
	}
	if len(found) == 0 {
		return nil, model.Deniedf("the client is unknown, or its secret is wrong")
	}
	return &found[0], nil
}

// PublicOrigins returns the web origins of all public applications: those of their redirect URIs.
func (s Store) PublicOrigins(ctx context.Context) (map[string]bool, error) {
	var found []Application
	err := across.Read(ctx, s).Select("id", "redirect_uris").Where("public = ?", true).Find(&found).Error
	if err != nil {
		return nil, tenant.Translate(s, fmt.Errorf("read public applications: %w", err))
	}
	origins := map[string]bool{}
	for i := range found {
		for _, uri := range found[i].RedirectURIs {
			if u, err := url.Parse(uri); err == nil && (u.Scheme == "https" || u.Scheme == "http") {
				origins[u.Scheme+"://"+u.Host] = true
			}
		}
	}
	return origins, nil
}
