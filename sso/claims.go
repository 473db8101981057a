package sso

import (
	"fmt"
	"slices"
	"strings"

	"rollcall/model"
	"rollcall/sso/saml"
)

// The names under which identity providers send what everybody needs, folded: the short names of
// Okta, Google, OneLogin and Keycloak, the claim URIs of Entra ID and AD FS, the object identifiers
// of Shibboleth. The first that has a value counts.
var (
	emailNames = []string{"email", "mail", "emailaddress", "email_address", "user.email",
		"http://schemas.xmlsoap.org/claims/emailaddress", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress", "urn:oid:0.9.2342.19200300.100.1.3", "urn:oid:1.2.840.113549.1.9.1"}
	firstNames = []string{"firstname", "first_name", "givenname", "given_name", "user.firstname",
		"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname", "urn:oid:2.5.4.42"}
	lastNames = []string{"lastname", "last_name", "surname", "sn", "familyname", "family_name", "user.lastname",
		"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname", "urn:oid:2.5.4.4"}
	displayNames = []string{"displayname", "display_name", "name", "cn", "http://schemas.microsoft.com/identity/claims/displayname",
		"http://schemas.xmlsoap.org/claims/commonname",
		"urn:oid:2.16.840.1.113730.3.1.241", "urn:oid:2.5.4.3"}
	groupNames = []string{"groups", "group", "memberof", "member", "http://schemas.microsoft.com/ws/2008/06/identity/claims/groups",
		"http://schemas.xmlsoap.org/claims/group", "urn:oid:1.3.6.1.4.1.5923.1.5.1.1"}
)

const (
	// entraName holds the user principal name, which directories send as userName.
	entraName = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name"
	// entraGroupsLink stands in for groups that are too many: it says nothing of which.
	entraGroupsLink = "http://schemas.microsoft.com/claims/groups.link"

	transientFormat   = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
	emailFormat       = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
	unspecifiedFormat = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"
)

// asserted are an assertion's attributes by folded name.
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

// claimsOf makes claims of a verified assertion. It refuses one in which nothing names the person
// for good (docs/design/identity.md, "Identities").
func claimsOf(connection *model.Connection, a *saml.Assertion) (model.Claims, error) {
	attributes := asserted{}
	for name, values := range a.Attributes {
		folded := strings.ToLower(name)
		attributes[folded] = append(attributes[folded], values...)
	}
	// An attribute that the connection names is the only one that counts.
	names := func(member string, usual []string) []string {
		if name, ok := connection.AttributeMapping[member]; ok {
			return []string{name}
		}
		return usual
	}
	c := model.Claims{
		Issuer: a.Issuer, NameID: a.NameID, UserName: attributes.first(usernameAttribute(connection)), EmailVerified: true,
		Email: attributes.first(names("email", emailNames)...), FirstName: attributes.first(names("first_name", firstNames)...),
		LastName:    attributes.first(names("last_name", lastNames)...),
		DisplayName: attributes.first(names("display_name", displayNames)...), Attributes: a.Attributes,
	}
	if a.NameIDFormat == transientFormat {
		c.NameID = ""
	}
	if _, mapped := connection.AttributeMapping["email"]; c.Email == "" && !mapped && strings.Contains(c.NameID, "@") && slices.Contains([]string{emailFormat, unspecifiedFormat, ""}, a.NameIDFormat) {
		c.Email = c.NameID
	}
	c.Groups, c.GroupsSent = attributes.groups(names("groups", groupNames))
	var err error
	c.Subject, err = subject(connection, a)
	return c, err
}

func usernameAttribute(connection *model.Connection) string {
	if connection.UsernameAttribute == "" && connection.Type == model.AzureSAML {
		return entraName
	}
	return connection.UsernameAttribute
}

// groups are the groups of the person, and whether the assertion speaks of them: an attribute that
// is missing, or that stands for too many, says nothing; an empty one says that there are none.
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

// subject is what names the person at this identity provider for good.
func subject(connection *model.Connection, a *saml.Assertion) (string, error) {
	if name := connection.SubjectAttribute; name != "" {
		values := a.Attributes[name]
		if len(values) != 1 || values[0] == "" || values[0] != strings.TrimSpace(values[0]) {
			return "", &model.SignInRefused{Reason: model.SubjectMissing, Expected: "one value of the attribute " + name,
				Received: fmt.Sprintf("%d values", len(values))}
		}
		return values[0], nil
	}
	switch {
	case a.NameID == "":
		return "", &model.SignInRefused{Reason: model.SubjectMissing, Expected: "a NameID", Received: "none"}
	case a.NameIDFormat == transientFormat:
		return "", &model.SignInRefused{Reason: model.SubjectTransient, Expected: "a NameID that stays the same", Received: transientFormat}
	}
	return a.NameID, nil
}
