package portal

import (
	"net/netip"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"
)

const (
	redeemsAMinute = 10
	rememberedNets = 10_000
)

// limiter counts how often each network address tries to redeem a link at this replica.
type limiter struct {
	byNet *lru.Cache[netip.Prefix, *rate.Limiter]
}

func newLimiter() *limiter {
	byNet, _ := lru.New[netip.Prefix, *rate.Limiter](rememberedNets) // fails for a size below 1 only
	return &limiter{byNet}
}

// allows tells whether an address may try once more. Who has one address of IPv6 mostly has the
// whole /64.
func (l *limiter) allows(address netip.Addr, now time.Time) bool {
	bits := address.BitLen()
	if address.Is6() && !address.Is4In6() {
		bits = 64
	}
	net := netip.PrefixFrom(address.WithZone(""), bits).Masked()
	fresh := rate.NewLimiter(rate.Every(time.Minute/redeemsAMinute), redeemsAMinute)
	if known, ok, _ := l.byNet.PeekOrAdd(net, fresh); ok {
		fresh = known
	}
	return fresh.AllowN(now, 1)
}
