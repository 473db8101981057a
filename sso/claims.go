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
)

// asserted has the attributes of an assertion by their names in lower case.
type asserted struct {
	values     map[string][]string
	unreadable map[string]*saml.Refused
	refused    error // the first attribute that was read and is unreadable
}

// newAsserted folds the names of the attributes.
func newAsserted(a *saml.Assertion) *asserted {
	as := &asserted{values: map[string][]string{}, unreadable: map[string]*saml.Refused{}}
	for name, values := range a.Attributes {
		folded := strings.ToLower(name)
		as.values[folded] = append(as.values[folded], values...)
	}
	for name, r := range a.Unreadable {
		as.unreadable[strings.ToLower(name)] = r
	}
	return as
}

// of returns the values of an attribute, and notes if it is unreadable.
func (a *asserted) of(name string) (values []string, ok bool) {
	if r := a.unreadable[strings.ToLower(name)]; r != nil && a.refused == nil {
		a.refused = r
	}
	values, ok = a.values[strings.ToLower(name)]
	return values, ok
}

// all returns the values of the first attribute that has one, without white space around them.
func (a *asserted) all(names ...string) (found []string) {
	for _, name := range names {
		values, _ := a.of(name)
		for _, v := range values {
			if v = strings.TrimSpace(v); v != "" {
				found = append(found, v)
			}
		}
		if len(found) > 0 {
			return found
		}
	}
	return nil
}

// first returns the first of all.
func (a *asserted) first(names ...string) string {
	if all := a.all(names...); len(all) > 0 {
		return all[0]
	}
	return ""
}

// claimsOf makes claims from a verified assertion. It refuses an assertion without a lasting
// identifier of the person (docs/design/identity.md, "Identities").
func claimsOf(connection *connection.Connection, a *saml.Assertion) (signon.Claims, error) {
	attributes := newAsserted(a)
	// If the connection names an attribute, no other attribute counts.
	names := func(member string, usual []string) []string {
		if name, ok := connection.AttributeMapping[member]; ok {
			return []string{name}
		}
		return usual
	}
	c := signon.Claims{
		Issuer: a.Issuer, NameID: a.NameID, NameIDFormat: a.NameIDFormat, EmailVerified: true, Attributes: a.Attributes,
		UserName:    attributes.first(usernameAttribute(connection)),
		Emails:      attributes.all(names("email", emailNames)...),
		FirstName:   attributes.first(names("first_name", firstNames)...),
		LastName:    attributes.first(names("last_name", lastNames)...),
		DisplayName: attributes.first(names("display_name", displayNames)...),
	}
	kind := nameIDKind(a.NameIDFormat)
	if kind == transient {
		c.NameID = ""
	}
	_, mapped := connection.AttributeMapping["email"]
	mayBeEmail := slices.Contains([]string{"emailaddress", "unspecified", ""}, kind)
	if len(c.Emails) == 0 && !mapped && mayBeEmail && strings.Contains(c.NameID, "@") {
		c.Emails = []string{c.NameID}
	}
	if len(c.Emails) > 0 {
		c.Email = c.Emails[0]
	}
	c.Groups, c.GroupsSent = attributes.groups(names("groups", groupNames))
	var err error
	c.Subject, err = subject(connection, a)
	if attributes.refused != nil {
		err = attributes.refused
	}
	return c, err
}

// transient is the kind of a NameID that is another one at each login.
const transient = "transient"

// nameIDKind returns the last part of the name of a NameID format, in lower case. SAML defines some
// formats under version 1.1 and some under 2.0, and many providers write the other version. It is
// empty without a format.
func nameIDKind(format string) string {
	format = strings.ToLower(strings.TrimSpace(format))
	for _, version := range [...]string{"1.0", "1.1", "2.0"} {
		if kind, ok := strings.CutPrefix(format, "urn:oasis:names:tc:saml:"+version+":nameid-format:"); ok {
			return kind
		}
	}
	return format
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
func (a *asserted) groups(from []string) (names []string, sent bool) {
	if _, overage := a.values[entraGroupsLink]; overage {
		return nil, false
	}
	for _, name := range from {
		values, ok := a.of(name)
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
		if r := a.Unreadable[name]; r != nil {
			return "", r
		}
		values := a.Attributes[name]
		if len(values) != 1 || values[0] == "" || values[0] != strings.TrimSpace(values[0]) {
			return "", &refusal.Error{Reason: refusal.SubjectMissing,
				Expected: fmt.Sprintf("one value of the attribute %q, without white space around it", name),
				Received: fmt.Sprintf("%d values: %.200q", len(values), values)}
		}
		return values[0], nil
	}
	switch {
	case a.NameID == "":
		return "", &refusal.Error{Reason: refusal.SubjectMissing, Expected: "a NameID", Received: "none"}
	case nameIDKind(a.NameIDFormat) == transient:
		return "", &refusal.Error{Reason: refusal.SubjectTransient, Expected: "a NameID that stays the same",
			Received: "a NameID of the format " + a.NameIDFormat}
	}
	return a.NameID, nil
}
