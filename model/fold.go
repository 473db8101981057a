package model

import (
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Fold is how userName, displayName and e-mail values are compared where SCIM
// says caseExact false: NFC, then full Unicode case folding (docs/design/identity.md, "Folding").
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

// FoldText is the form in which a text of a document is compared: a moment in UTC, any
// other text folded. PostgreSQL cannot store U+0000 in jsonb.
func FoldText(s string) string {
	if t, ok := ParseMoment(s); ok {
		return t.UTC().Format(MomentLayout)
	}
	return strings.ReplaceAll(Fold(s), "\x00", "\ufffd")
}

// MomentLayout orders moments as text, and is as close as that allows to what clients send.
const MomentLayout = "2006-01-02t15:04:05.999999999"

// ParseMoment reads an xsd:dateTime (RFC 7643 §2.3.5). One without a zone counts as UTC.
func ParseMoment(s string) (time.Time, bool) {
	if len(s) < len("2006-01-02T15:04:05") || s[4] != '-' || s[10]|0x20 != 't' {
		return time.Time{}, false
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, strings.ToUpper(s)); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// FoldEmail returns the form in which an e-mail address is matched, and its
// domain: ASCII lower case before the @, IDNA ASCII after it. An address whose
// local part is not ASCII, or that is no address, matches nobody: both are empty.
// So does one with a quoted local part (RFC 5321, section 4.1.2): others would
// read victim@contoso.example,@evil.example as an address at contoso.example.
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

// maxDomain is more than any name takes that RFC 1035 allows, in bytes of any script.
const maxDomain = 1024

// FoldDomain returns a domain name in IDNA ASCII, lower case, without a final dot.
func FoldDomain(name string) (string, error) {
	if len(name) > maxDomain { // Punycode takes time by the square of it, and strangers send names
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
		// Whoever had co.uk verified would be trusted with the e-mail of a country.
		return "", Invalidf("domain", "%q is a public suffix; enter a domain below it", ascii)
	}
	return ascii, nil
}

// Storable returns whether both databases can store a text.
func Storable(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }
