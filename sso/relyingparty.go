package sso

import (
	"context"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/sso/oidc"
	"rollcall/trust"
)

const (
	// discoveryKept is how long a discovery document is used. discoveryRetry is the pause after a
	// failed request for one.
	discoveryKept  = 24 * time.Hour
	discoveryRetry = 5 * time.Second
)

// relyingParty is an OpenID connection in the form that package oidc works with: the provider is
// discovered, and the client's secret is opened.
type relyingParty struct {
	provider *oidc.Provider
	client   oidc.Client
}

// maxRelyingParties is how many connections' providers are kept in memory.
const maxRelyingParties = 10_000

// relyingParties keeps the providers of connections, with their keys.
type relyingParties struct {
	mu      sync.Mutex
	entries *simplelru.LRU[string, *discovered]
}

// discovered is the discovered provider of a connection. Concurrent logins wait for the same
// request to the provider.
type discovered struct {
	mu       sync.Mutex
	issuer   oidc.Issuer
	client   string // the provider remembers how it accepts this client's secret
	provider *oidc.Provider
	failure  error
	until    time.Time
}

func (r *relyingParties) init() {
	r.entries, _ = simplelru.NewLRU[string, *discovered](maxRelyingParties, nil) // fails only for a size below 1
}

// of returns the entry of a connection.
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

// get returns the provider, and fetches its discovery document once a day. If that fails, it
// returns the provider of the previous document.
func (d *discovered) get(ctx context.Context, s *Server, issuer oidc.Issuer, client string) (*oidc.Provider, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.issuer != issuer || d.client != client {
		d.issuer, d.client, d.provider, d.failure, d.until = issuer, client, nil, nil, time.Time{}
	}
	if !s.Store.Now().Before(d.until) {
		// Other logins wait for this answer, too, so that the end of this request must not cancel
		// it.
		p, err := oidc.Discover(context.WithoutCancel(ctx), s.Outbound.Client(), issuer)
		// The pause begins after the answer. If it began before a slow failure, each waiting login
		// would ask again, one after the other.
		now := s.Store.Now()
		d.failure, d.until = err, now.Add(discoveryRetry)
		if err == nil {
			d.provider, d.until = p, now.Add(discoveryKept)
		}
	}
	if d.provider == nil {
		return nil, d.failure
	}
	return d.provider, nil
}

// relyingParty returns the connection's client and provider.
func (s *Server) relyingParty(ctx context.Context, c *connection.Connection) (*relyingParty, error) {
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
	secret, err := connection.Across(s.Store).ClientSecret(c)
	if err != nil {
		return nil, err
	}
	client := oidc.Client{ID: c.OIDCClientID, Secret: secret, Scopes: c.OIDCScopes, GroupsClaim: c.OIDCGroupsClaim,
		Mapping: c.AttributeMapping, FoldEmail: foldEmail,
		RedirectURI: trust.OpenIDEndpointsOf(s.PublicURL, c).Redirect}
	return &relyingParty{p, client}, nil
}

// foldEmail is the form in which two spellings of an address are the same for matching.
func foldEmail(address string) string {
	folded, _ := model.FoldEmail(address)
	return folded
}
