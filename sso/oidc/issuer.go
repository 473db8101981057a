package oidc

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// google is the issuer of everybody who has a Google account, of whatever company.
const google = "https://accounts.google.com"

// microsoft are the hosts of Microsoft Entra ID, in its public and national clouds.
var microsoft = []string{"login.microsoftonline.com", "login.microsoftonline.us", "login.partner.microsoftonline.cn", "login.windows.net", "sts.windows.net"}

// manyTenants are the names that Entra ID has for all of its tenants, or for many: an issuer with one
// of them would let in whoever makes a tenant of their own.
var manyTenants = []string{"common", "organizations", "consumers"}

// consumers is the tenant of personal Microsoft accounts.
const consumers = "9188040d-6c67-4c5b-b112-36a304b66dad"

var tenantID = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// Issuer is the identifier of an OpenID provider, with what is special about it.
type Issuer struct {
	URL    string
	Entra  bool
	Tenant string // of Entra ID, in lower case
}

// Pinned tells whether the issuer vouches for the people of one company only.
func (i Issuer) Pinned() bool { return i.URL != google }

// ParseIssuer reads an issuer as an administrator enters it. entra says that it is one of Entra ID
// whatever its host is.
func ParseIssuer(text string, entra bool) (Issuer, error) {
	u, err := url.Parse(text)
	if err != nil || !address(text) || u.RawQuery != "" || u.ForceQuery || strings.Contains(text, "#") || len(text) > 500 {
		return Issuer{}, refuse(IssuerNotURL, "https://…, without query and fragment", text)
	}
	i := Issuer{URL: text, Entra: entra || slices.Contains(microsoft, strings.ToLower(u.Hostname()))}
	if !i.Entra {
		return i, nil
	}
	segments := strings.Split(strings.Trim(u.Path, "/"), "/")
	if slices.ContainsFunc(segments, func(s string) bool {
		return slices.Contains(manyTenants, strings.ToLower(s)) || strings.EqualFold(s, consumers)
	}) {
		return Issuer{}, refuse(IssuerMultiTenant, "https://login.microsoftonline.com/{tenant id}/v2.0", text)
	}
	n := len(segments)
	if n < 2 || segments[n-1] != "v2.0" || !tenantID.MatchString(segments[n-2]) || strings.HasSuffix(text, "/") {
		return Issuer{}, refuse(IssuerVersion1, "https://login.microsoftonline.com/{tenant id}/v2.0", text)
	}
	i.Tenant = strings.ToLower(segments[n-2])
	return i, nil
}

// address tells whether a text is a URL to which a browser or this server may go. Whether http is
// among them, whoever connects decides.
func address(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil && u.Opaque == "" && u.Fragment == "" && len(text) <= 2048
}
