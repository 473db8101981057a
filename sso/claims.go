package sso

import (
	"fmt"
	"slices"
	"strings"

	"rollcall/model/connection"
	"rollcall/model/refusal"
	"rollcall/model/signon"
	"rollcall/sso/saml"
)

// The names, in lower case, of the attributes that identity providers send: the short names of
// Okta, Google, OneLogin and Keycloak, the claim URIs of Entra ID and AD FS, and the object
// identifiers of Shibboleth. The first one with a value counts.
var (
	emailNames = []string{"email", "mail", "emailaddress", "email_address", "user.email",
		"http://schemas.xmlsoap.org/claims/emailaddress",
		"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
		"urn:oid:0.9.2342.19200300.100.1.3", "urn:oid:1.2.840.113549.1.9.1"}
	firstNames = []string{"firstname", "first_name", "givenname", "given_name", "user.firstname",
		"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname", "urn:oid:2.5.4.42"}
	lastNames = []string{"lastname", "last_name", "surname", "sn", "familyname", "family_name", "user.lastname",
		"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname", "urn:oid:2.5.4.4"}
	displayNames = []string{"displayname", "display_name", "name", "cn",
		"http://schemas.microsoft.com/identity/claims/displayname",
		"http://schemas.xmlsoap.org/claims/commonname",
		"urn:oid:2.16.840.1.113730.3.1.241", "urn:oid:2.5.4.3"}
	groupNames = []string{"groups", "group", "memberof", "member",
		"http://schemas.microsoft.com/ws/2008/06/identity/claims/groups",
		"http://schemas.xmlsoap.org/claims/group", "urn:oid:1.3.6.1.4.1.5923.1.5.1.1"}
)

const (
	// entraName holds the user principal name, which directories of Entra ID send as userName.
	entraName = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name"
	// entraGroupsLink replaces the groups if there are too many. It does not say which they are.
	entraGroupsLink = "http://schemas.microsoft.com/claims/groups.link"

	transientFormat   = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
	emailFormat       = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
	unspecifiedFormat = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"
)

// asserted has the attributes of an assertion by their names in lower case.
type asserted map[string][]string

func (a asserted) first(names ...string) string {
	for _, name := range names {
		for _, v := range a[strings.ToLower(name)] {
			if v = strings.TrimSpace(v); v != "" {
				return v
			}
		}
	}
	return ""
}

// claimsOf makes claims from a verified assertion. It refuses an assertion without a lasting
// identifier of the person (docs/design/identity.md, "Identities").
func claimsOf(connection *connection.Connection, a *saml.Assertion) (signon.Claims, error) {
	attributes := asserted{}
	for name, values := range a.Attributes {
		folded := strings.ToLower(name)
		attributes[folded] = append(attributes[folded], values...)
	}
	// If the connection names an attribute, no other attribute counts.
	names := func(member string, usual []string) []string {
		if name, ok := connection.AttributeMapping[member]; ok {
			return []string{name}
		}
		return usual
	}
	c := signon.Claims{
		Issuer: a.Issuer, NameID: a.NameID, EmailVerified: true, Attributes: a.Attributes,
		UserName:    attributes.first(usernameAttribute(connection)),
		Email:       attributes.first(names("email", emailNames)...),
		FirstName:   attributes.first(names("first_name", firstNames)...),
		LastName:    attributes.first(names("last_name", lastNames)...),
		DisplayName: attributes.first(names("display_name", displayNames)...),
	}
	if a.NameIDFormat == transientFormat {
		c.NameID = ""
	}
	_, mapped := connection.AttributeMapping["email"]
	mayBeEmail := slices.Contains([]string{emailFormat, unspecifiedFormat, ""}, a.NameIDFormat)
	if c.Email == "" && !mapped && mayBeEmail && strings.Contains(c.NameID, "@") {
		c.Email = c.NameID
	}
	c.Groups, c.GroupsSent = attributes.groups(names("groups", groupNames))
	var err error
	c.Subject, err = subject(connection, a)
	return c, err
}

func usernameAttribute(conn *connection.Connection) string {
	if conn.UsernameAttribute == "" && conn.Type == connection.AzureSAML {
		return entraName
	}
	return conn.UsernameAttribute
}

// groups returns the groups of the person, and whether the assertion lists them. A missing
// attribute, or the link that replaces too many groups, lists none; an empty attribute says that
// the person is in no group.
func (a asserted) groups(from []string) (names []string, sent bool) {
	if _, overage := a[entraGroupsLink]; overage {
		return nil, false
	}
	for _, name := range from {
		values, ok := a[strings.ToLower(name)]
		sent = sent || ok
		for _, v := range values {
			if v = strings.TrimSpace(v); v != "" {
				names = append(names, v)
			}
		}
	}
	return names, sent
}

// subject returns the lasting identifier of the person at this identity provider.
func subject(connection *connection.Connection, a *saml.Assertion) (string, error) {
	if name := connection.SubjectAttribute; name != "" {
		values := a.Attributes[name]
		if len(values) != 1 || values[0] == "" || values[0] != strings.TrimSpace(values[0]) {
			return "", &refusal.Error{Reason: refusal.SubjectMissing,
				Expected: "one value of the attribute " + name,
				Received: fmt.Sprintf("%d values", len(values))}
		}
		return values[0], nil
	}
	switch {
	case a.NameID == "":
		return "", &refusal.Error{Reason: refusal.SubjectMissing, Expected: "a NameID", Received: "none"}
	case a.NameIDFormat == transientFormat:
		return "", &refusal.Error{Reason: refusal.SubjectTransient, Expected: "a NameID that stays the same",
			Received: transientFormat}
	}
	return a.NameID, nil
}
