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
	var each [][]string
	for _, server := range servers {
		each = append(each, slices.Repeat([]string{server.String()}, dnsAttempts))
	}
	return func(ctx context.Context, name string) (organization.TXTRecords, error) {
		if len(servers) == 0 {
			return lookupTXT(ctx, [][]string{systemServers(ctx)}, name)
		}
		return lookupTXT(ctx, each, name)
	}
}

// lookupTXT takes one answer of each list of servers: that of the first server there that answers.
func lookupTXT(ctx context.Context, each [][]string, name string) (organization.TXTRecords, error) {
	var common organization.TXTRecords
	for i, servers := range each {
		found, err := firstAnswer(ctx, servers, name)
		if err != nil {
			return organization.TXTRecords{}, fmt.Errorf("look up TXT: %w", err)
		}
		slices.Sort(found.Own)
		slices.Sort(found.Alias)
		if i > 0 && !(slices.Equal(found.Own, common.Own) && slices.Equal(found.Alias, common.Alias)) {
			return organization.TXTRecords{}, errors.New("look up TXT: the DNS servers disagree")
		}
		common = found
	}
	if len(common.Own) == 0 && len(common.Alias) == 0 {
		return common, model.NotFoundf("there is no TXT record at %s", name)
	}
	return common, nil
}

func firstAnswer(ctx context.Context, servers []string, name string) (organization.TXTRecords, error) {
	err := errors.New("there is no DNS server")
	for _, server := range servers {
		var found organization.TXTRecords
		if found, err = askTXT(ctx, server, name); err == nil {
			return found, nil
		}
	}
	return organization.TXTRecords{}, err
}

// systemServers lists the DNS servers of the system, in the order in which the standard library
// asks them, and as often. It finds them by a look-up that sends nothing.
func systemServers(ctx context.Context) []string {
	var servers []string
	list := func(_ context.Context, _, server string) (net.Conn, error) {
		servers = append(servers, server)
		return nil, errors.New("not asked")
	}
	_, _ = (&net.Resolver{PreferGo: true, Dial: list}).LookupTXT(ctx, "example.")
	return servers
}
