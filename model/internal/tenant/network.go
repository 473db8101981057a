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

// Networks returns Network of an address. For one of IPv6 the /56 and the /48 around it follow,
// which are what one customer of a provider gets.
func Networks(address string) []string {
	out := []string{Network(address)}
	a, err := netip.ParseAddr(address)
	if err != nil || a.Unmap().Is4() {
		return out
	}
	for _, bits := range []int{56, 48} {
		out = append(out, netip.PrefixFrom(a.WithZone(""), bits).Masked().String())
	}
	return out
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
