package web

import "net/netip"

// special are the networks of the IANA special-purpose registries for IPv4 and IPv6 (RFC 6890) that
// are not globally reachable. 6to4 (2002::/16) is in the list, because such an address contains an
// IPv4 address that the sender chooses.
var special = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
	"192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15",
	"198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
	"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
)

// hosts are addresses of the public range at which a cloud answers the machines inside it, and only
// those. The metadata services of the other clouds are link-local, private or shared addresses:
// 169.254.169.254, fd00:ec2::254, fd20:ce::254, 100.100.100.200, 192.0.0.192.
var hosts = prefixes(
	"168.63.129.16/32",              // Azure: WireServer, with the certificates of the machine
	"161.26.0.0/16", "166.8.0.0/14", // IBM Cloud: services of the private network
	"199.36.153.4/30", "199.36.153.8/30", // Google Cloud: APIs inside a VPC
	"192.80.8.124/32", // Equinix Metal: metadata
)

var (
	// globalUnicast is the part of IPv6 that is in use on the Internet (RFC 4291). Loopback, mapped
	// and link-local addresses and site networks are outside it.
	globalUnicast = netip.MustParsePrefix("2000::/3")

	// nat64 are the addresses that lead to the IPv4 address in their last four bytes (RFC 6052
	// §2.1).
	nat64 = netip.MustParsePrefix("64:ff9b::/96")
)

func prefixes(texts ...string) []netip.Prefix {
	all := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		all[i] = netip.MustParsePrefix(text)
	}
	return all
}

// isPublic reports whether the address can be reached from anywhere on the Internet, and is not one
// of a cloud's hosts.
func isPublic(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if nat64.Contains(a) {
		b := a.As16()
		a = netip.AddrFrom4([4]byte(b[12:]))
	}
	if !a.IsValid() || a.Is6() && !globalUnicast.Contains(a) {
		return false
	}
	return !within(a, special) && !within(a, hosts)
}

// within reports whether one of the networks contains the address.
func within(address netip.Addr, networks []netip.Prefix) bool {
	for _, p := range networks {
		if p.Contains(address) {
			return true
		}
	}
	return false
}
