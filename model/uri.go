package model

import (
	"net/netip"
	"net/url"
)

// ValidURI accepts what a browser may be sent to: an absolute https URI without
// a fragment, or http on a loopback host for development (RFC 8252, section 7.3).
func ValidURI(field, raw string) error {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.Fragment != "" || u.User != nil || len(raw) > 2048 {
		return Invalidf(field, "%.200q is not an absolute URI without fragment and user", raw)
	}
	if u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname()) {
		return nil
	}
	return Invalidf(field, "%.200q must be https; http is for localhost only", raw)
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
