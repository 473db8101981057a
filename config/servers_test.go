package config

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func TestDNSServers(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"192.0.2.53":                    {"192.0.2.53:53"},
		"192.0.2.53:5353, 2001:db8::53": {"192.0.2.53:5353", "[2001:db8::53]:53"},
		"[2001:db8::53]:5353":           {"[2001:db8::53]:5353"},
		"":                              nil,
		"dns.example":                   nil,
		"192.0.2.53,":                   nil,
		"192.0.2.53:0":                  nil,
		"tcp://192.0.2.53":              nil,
		"192.0.2.53:5353:1, 192.0.2.54": nil,
		"192.0.2.53 192.0.2.54":         nil,
	} {
		c, err := Load([]string{"ROLLCALL_DNS_SERVERS=" + text}, "")
		if want == nil && text != "" {
			if err == nil || !strings.Contains(err.Error(), "ROLLCALL_DNS_SERVERS") ||
				!strings.Contains(err.Error(), "192.0.2.53 or") {
				t.Errorf("%q: %v", text, err)
			}
			continue
		}
		var servers []netip.AddrPort
		for _, w := range want {
			servers = append(servers, netip.MustParseAddrPort(w))
		}
		if err != nil || !slices.Equal(c.DNSServers, servers) {
			t.Errorf("%q: %v %v", text, c.DNSServers, err)
		}
	}
}
