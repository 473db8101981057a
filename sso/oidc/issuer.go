package oidc

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// google is the issuer of all Google accounts, of whatever company.
const google = "https://accounts.google.com"

// microsoft are the hosts of Microsoft Entra ID, in its public and national clouds.
var microsoft = []string{
	"login.microsoftonline.com", "login.microsoftonline.us", "login.partner.microsoftonline.cn",
	"login.windows.net", "sts.windows.net",
}

// manyTenants are the names by which Entra ID means all of its tenants, or many of them. An issuer
// with such a name is refused: anybody can create a tenant, and could then sign in.
var manyTenants = []string{"common", "organizations", "consumers"}

// consumers is the tenant of personal Microsoft accounts.
const consumers = "9188040d-6c67-4c5b-b112-36a304b66dad"

var tenantID = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// Issuer is the identifier of an OpenID provider (OpenID Connect Core, section 2, iss).
type Issuer struct {
	URL    string // as the provider spells it, at most 500 bytes
	Entra  bool   // the provider is Microsoft Entra ID, whose claims have meanings of their own
	Tenant string // the id of the Entra ID tenant, in lower case; empty for other providers
}

// Pinned reports whether all accounts of the issuer belong to one company.
func (i Issuer) Pinned() bool { return i.URL != google }

// ParseIssuer reads an issuer as an administrator enters it. With entra set it is treated as Entra
// ID, whatever its host is. The error is a [*Refused].
func ParseIssuer(text string, entra bool) (Issuer, error) {
	u, err := url.Parse(text)
	if err != nil || !validAddress(text) || len(text) > 500 ||
		u.RawQuery != "" || u.ForceQuery || strings.Contains(text, "#") {
		return Issuer{}, refuse(IssuerNotURL, "https://…, without query and fragment", quote(text))
	}
	i := Issuer{URL: text, Entra: entra || slices.Contains(microsoft, strings.ToLower(u.Hostname()))}
	if !i.Entra {
		return i, nil
	}
	segments := strings.Split(strings.Trim(u.Path, "/"), "/")
	if slices.ContainsFunc(segments, func(s string) bool {
		return slices.Contains(manyTenants, strings.ToLower(s)) || strings.EqualFold(s, consumers)
	}) {
		return Issuer{}, refuse(IssuerMultiTenant, "https://login.microsoftonline.com/{tenant id}/v2.0", quote(text))
	}
	n := len(segments)
	if n < 2 || segments[n-1] != "v2.0" || !tenantID.MatchString(segments[n-2]) || strings.HasSuffix(text, "/") {
		return Issuer{}, refuse(IssuerVersion1, "https://login.microsoftonline.com/{tenant id}/v2.0", quote(text))
	}
	i.Tenant = strings.ToLower(segments[n-2])
	return i, nil
}

// validAddress reports whether a text is a URL that a browser or this server may open. Plain http
// passes: the HTTP client decides whether it may be used.
func validAddress(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" &&
		u.User == nil && u.Opaque == "" && u.Fragment == "" && len(text) <= 2048
}
