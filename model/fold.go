package model

import (
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Fold returns the form in which displayName and e-mail values are compared, for which
// SCIM says caseExact false: NFC, then full Unicode case folding (docs/design/identity.md,
// "Folding").
func Fold(s string) string {
	ascii := true
	for i := range len(s) {
		if s[i] >= 0x80 {
			ascii = false
			break
		}
	}
	if ascii {
		return strings.ToLower(s)
	}
	// A Caser keeps state and is not safe for concurrent use, hence one per call.
	return cases.Fold().String(norm.NFC.String(s))
}

// FoldEmail returns the form in which an e-mail address is matched, and its domain: ASCII lower
// case before the @, IDNA ASCII after it. Both are empty for a text that matches no user: one that
// is no address, one whose local part is not ASCII, and one with a quoted local part (RFC 5321,
// section 4.1.2), because others read victim@contoso.example,@evil.example as an address at
// contoso.example.
func FoldEmail(address string) (folded, domain string) {
	at := strings.LastIndexByte(address, '@')
	if at <= 0 {
		return "", ""
	}
	local := address[:at]
	for i := range len(local) {
		if c := local[i]; c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),:;<>@[\]`, c) >= 0 {
			return "", ""
		}
	}
	domain, err := FoldDomain(address[at+1:])
	if err != nil {
		return "", ""
	}
	return strings.ToLower(local) + "@" + domain, domain
}

// maxDomain is more bytes than any name has that RFC 1035 allows, in any script.
const maxDomain = 1024

// FoldDomain returns a domain name in IDNA ASCII, lower case, without a final dot.
func FoldDomain(name string) (string, error) {
	if len(name) > maxDomain { // Punycode takes time by its square, and strangers send names
		return "", Invalidf("domain", "%.100q… is too long for a domain name", name)
	}
	ascii, err := idna.Lookup.ToASCII(strings.TrimSuffix(strings.TrimSpace(name), "."))
	badLabel := func(label string) bool { return label == "" || len(label) > 63 } // RFC 1035, section 2.3.4
	if err != nil || !strings.Contains(ascii, ".") || len(ascii) > 253 ||
		slices.ContainsFunc(strings.Split(ascii, "."), badLabel) {
		return "", Invalidf("domain", "%.100q is not a domain name such as example.com", name)
	}
	if _, err := netip.ParseAddr(ascii); err == nil {
		return "", Invalidf("domain", "%q is an address; enter a domain name such as example.com", ascii)
	}
	if suffix, _ := publicsuffix.PublicSuffix(ascii); suffix == ascii {
		// An organization with co.uk verified would be trusted with the e-mail of a country.
		return "", Invalidf("domain", "%q is a public suffix; enter a domain below it", ascii)
	}
	return ascii, nil
}
