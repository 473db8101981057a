package tenant

import "net/netip"

// SameNetwork counts the addresses that are in the network of one address, see network.
func SameNetwork(addresses []string, address string) (n int) {
	own := Network(address)
	for _, a := range addresses {
		if Network(a) == own {
			n++
		}
	}
	return n
}

// Network returns what counts as one sender: an IPv4 address, or the /64 of an IPv6 address,
// because who has one address of it mostly has all.
func Network(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil || a.Unmap().Is4() {
		return address
	}
	return netip.PrefixFrom(a.WithZone(""), 64).Masked().String()
}
