package model

import (
	"net/netip"
	"net/url"
	"strings"
	"unicode/utf8"
)

// Storable tells whether both databases can store a text.
func Storable(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }

// ValidName returns an error for a text that cannot be the name of something.
func ValidName(name string) error {
	if strings.TrimSpace(name) == "" || utf8.RuneCountInString(name) > 200 {
		return Invalidf("name", "name is required and has at most 200 characters")
	}
	if !Storable(name) {
		return Invalidf("name", "name is text in UTF-8 without U+0000")
	}
	return nil
}

// ValidURI returns an error for a URI to which no browser may be sent. Accepted are absolute https
// URIs without a fragment, and for development http on a loopback host (RFC 8252, section 7.3).
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
