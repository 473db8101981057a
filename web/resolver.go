package web

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"rollcall/model"
	"rollcall/model/organization"
)

// NewLookupTXT makes the look-up of the TXT records that prove domains. It asks each of the DNS
// servers, or those of the system when servers is empty. When their answers differ it fails: an
// answer that is forged or outdated must neither prove a domain nor withdraw a proof.
func NewLookupTXT(servers []netip.AddrPort) organization.LookupTXT {
	resolvers := []*net.Resolver{{PreferGo: true}}
	if len(servers) > 0 {
		resolvers = nil
	}
	for _, server := range servers {
		dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, network, server.String())
		}
		resolvers = append(resolvers, &net.Resolver{PreferGo: true, Dial: dial})
	}
	return func(ctx context.Context, name string) ([]string, error) { return lookupTXT(ctx, resolvers, name) }
}

func lookupTXT(ctx context.Context, resolvers []*net.Resolver, name string) ([]string, error) {
	var common []string
	for i, r := range resolvers {
		texts, err := r.LookupTXT(ctx, name+".") // with the dot, the search list of the system is not used
		if failed, ok := errors.AsType[*net.DNSError](err); ok && failed.IsNotFound {
			texts, err = []string{}, nil
		}
		if err != nil {
			return nil, fmt.Errorf("look up TXT: %w", err)
		}
		slices.Sort(texts)
		if i > 0 && !slices.Equal(texts, common) {
			return nil, errors.New("look up TXT: the DNS servers disagree")
		}
		common = texts
	}
	if len(common) == 0 {
		return nil, model.NotFoundf("there is no TXT record at %s", name)
	}
	return common, nil
}
