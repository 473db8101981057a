package sso

import (
	"context"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"rollcall/model"
	"rollcall/sso/oidc"
	"rollcall/trust"
)

const (
	// discoveryKept is how long a discovery document is believed, and discoveryRetry how soon one is
	// asked for again that could not be had.
	discoveryKept  = 24 * time.Hour
	discoveryRetry = 5 * time.Second
)

// relyingParty is a connection as sso/oidc takes it: its provider discovered and its secret opened.
type relyingParty struct {
	provider *oidc.Provider
	client   oidc.Client
}

// maxRelyingParties is how many of them are kept in memory.
const maxRelyingParties = 10_000

// relyingParties keeps the providers of connections, with their keys.
type relyingParties struct {
	mu      sync.Mutex
	entries *simplelru.LRU[string, *discovered]
}

// discovered is what is known of a connection's provider. Whoever comes while it is asked waits for
// the same answer.
type discovered struct {
	mu       sync.Mutex
	issuer   oidc.Issuer
	client   string // a provider remembers how it takes the secret of one client
	provider *oidc.Provider
	failure  error
	until    time.Time
}

func (r *relyingParties) init() {
	r.entries, _ = simplelru.NewLRU[string, *discovered](maxRelyingParties, nil) // fails only for a size below 1
}

// of is the entry of a connection.
func (r *relyingParties) of(id string) *discovered {
	r.mu.Lock()
	defer r.mu.Unlock()
	d, ok := r.entries.Get(id)
	if !ok {
		d = &discovered{}
		r.entries.Add(id, d)
	}
	return d
}

// get returns the provider, asking it what it says of itself once a day. One that does not answer
// then is taken for what it said before.
func (d *discovered) get(ctx context.Context, s *Server, issuer oidc.Issuer, client string) (*oidc.Provider, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.issuer != issuer || d.client != client {
		d.issuer, d.client, d.provider, d.failure, d.until = issuer, client, nil, nil, time.Time{}
	}
	if !s.Store.Now().Before(d.until) {
		// Others wait for this answer as well: that this browser goes away must not break it off.
		p, err := oidc.Discover(context.WithoutCancel(ctx), s.Outbound.Client(), issuer)
		// Not from before: an answer that took longer to fail would have each who waits ask again, one
		// behind the other.
		answered := s.Store.Now()
		d.failure, d.until = err, answered.Add(discoveryRetry)
		if err == nil {
			d.provider, d.until = p, answered.Add(discoveryKept)
		}
	}
	if d.provider == nil {
		return nil, d.failure
	}
	return d.provider, nil
}

// entraLike tells whether Microsoft's rules hold for a connection whatever its issuer's host is.
func entraLike(c *model.Connection) bool { return c.Type == model.EntraOIDC }

// relyingParty returns a connection's side and its provider's.
func (s *Server) relyingParty(ctx context.Context, c *model.Connection) (*relyingParty, error) {
	issuer, err := trust.ParseIssuer(c.IDPEntityID, c.Type)
	if err != nil {
		return nil, err
	}
	if s.Outbound == nil {
		return nil, &oidc.Refused{Reason: oidc.DiscoveryUnreachable, Expected: "a server that may fetch something"}
	}
	p, err := s.parties.of(c.ID).get(ctx, s, issuer, c.OIDCClientID)
	if err != nil {
		return nil, err
	}
	secret, err := s.Store.ClientSecret(c)
	if err != nil {
		return nil, err
	}
	return &relyingParty{p, oidc.Client{ID: c.OIDCClientID, Secret: secret, Scopes: c.OIDCScopes, GroupsClaim: c.OIDCGroupsClaim,
		Mapping: c.AttributeMapping, RedirectURI: trust.OpenIDEndpointsOf(s.PublicURL, c).Redirect}}, nil
}
