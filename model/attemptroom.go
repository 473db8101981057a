package model

import (
	"net/netip"
)

// SameNetwork counts the addresses that are as good as one: whoever has an IPv6 address mostly has
// all of its /64.
func SameNetwork(addresses []string, address string) (n int) {
	own := Network(address)
	for _, a := range addresses {
		if Network(a) == own {
			n++
		}
	}
	return n
}

func Network(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil || a.Unmap().Is4() {
		return address
	}
	return netip.PrefixFrom(a.WithZone(""), 64).Masked().String()
}
