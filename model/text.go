package model

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits of texts.
const (
	// MaxIndexed is the most bytes of a value that an index must hold.
	MaxIndexed = 1024
	// maxLogged is the most characters that a log keeps of one text that others sent.
	maxLogged = 500
)

// Storable tells whether both databases can store a text.
func Storable(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }

// Keepable tells whether an index can hold a text and its folded form.
func Keepable(text string) bool {
	return Storable(text) && len(text) <= MaxIndexed && len(Fold(text)) <= MaxIndexed
}

// Clipped returns a text that others sent in a form that can be stored, and not longer than the log
// keeps.
func Clipped(text string) string {
	text = strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", "�"), "�")
	r := []rune(text)
	if len(r) > maxLogged {
		return string(r[:maxLogged]) + "…"
	}
	return text
}

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

// OrNull returns nil for an empty text, which is null in public forms.
func OrNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// SortedKeys returns the keys of a map in order. It never returns nil.
func SortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// SameNetwork counts the addresses that are in the network of one address, see Network.
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
