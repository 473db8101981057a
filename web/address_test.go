package web

import (
	"net/netip"
	"testing"
)

func TestIsPublic(t *testing.T) {
	t.Parallel()
	tests := map[bool][]string{
		true: {
			"1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.1",
			"192.167.255.255", "198.17.255.255", "198.20.0.0", "223.255.255.255", "::ffff:8.8.8.8",
			"168.63.129.15", "168.63.129.17", "161.25.255.255", "161.27.0.0", "166.7.255.255", "166.12.0.0",
			"199.36.153.3", "199.36.153.12",
			"2606:4700::1111", "2a00:1450:4001::1", "2001:4860:4860::8888", "64:ff9b::8.8.8.8",
		},
		false: {
			"0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.255.255",
			"169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.1.1",
			"198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1",
			"255.255.255.255",
			// the hosts and metadata services of clouds
			"168.63.129.16", "::ffff:168.63.129.16", "64:ff9b::168.63.129.16", "161.26.0.1",
			"166.8.0.1", "166.11.255.1", "199.36.153.4", "199.36.153.11",
			"169.254.170.2", "169.254.42.42", "100.100.100.200", "192.0.0.192",
			"192.80.8.124", "fd20:ce::254", "fe80::a9fe:a9fe", "fd00:42::42", "fd00:ec2::23",
			"::", "::1", "::8.8.8.8", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::127.0.0.1",
			"64:ff9b::169.254.169.254",
			"64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "2002:808:808::", "3fff::1", "4000::1",
			"5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%lo", "fec0::1", "ff02::1",
		},
	}
	for want, addresses := range tests {
		for _, text := range addresses {
			if got := isPublic(netip.MustParseAddr(text)); got != want {
				t.Errorf("%s: public is %t, want %t", text, got, want)
			}
		}
	}
	if isPublic(netip.Addr{}) {
		t.Error("no address is public")
	}
}

// TestOutboundHasNoProxy reads unexported fields, because net/http reads the environment's proxy
// only once per process.
func TestOutboundHasNoProxy(t *testing.T) {
	t.Parallel()
	o := NewOutbound(OutboundOptions{})
	if o.secure.Proxy != nil || o.plain.Proxy != nil || o.Client().Jar != nil {
		t.Error("the guarded client takes a proxy or keeps cookies")
	}
}
