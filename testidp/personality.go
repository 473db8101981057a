package testidp

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/big"
	"strings"
	"time"
)

// Personality is the identity provider that an application imitates in SAML and OpenID Connect.
type Personality string

// The personalities follow the documentation of each identity provider, and its common responses.
const (
	PlainSAML Personality = "plain" // a textbook response: short-lived, an e-mail address as NameID
	OktaSAML  Personality = "okta"  // response and assertion signed, canonicalization with a PrefixList
	EntraSAML Personality = "entra" // object ids, an old AuthnInstant, 70 minutes, many groups by a link
	ADFSSAML  Personality = "adfs"  // an entity ID of its own, claims URIs, a NameID without a format
)

// personality has the differences between the identity providers in a response.
type personality struct {
	name  Personality
	label string
	// entityPath follows the application's URL to make the entity ID.
	entityPath string

	// The prefixes of the namespaces. An empty one makes the namespace the default.
	protocol, assertion, signature string
	// prefixList is the InclusiveNamespaces PrefixList of exclusive canonicalization. Its prefix is
	// declared on the signed elements, and attribute values then have an xsi:type.
	prefixList string
	signs      Signing
	consent    bool // the response has a Consent attribute

	nameIDFormat string // empty for none
	issuerFormat string
	nameID       func(a *Application, p Person) string
	attributes   func(a *Application, p Person, groups []Group) []attribute
	nameFormat   string // of the attributes; empty for none
	newID        func() string

	before, after time.Duration // validity of the Conditions before and after the time of issue
	confirm       time.Duration // validity of the SubjectConfirmation
	authnAge      time.Duration // how long ago people signed in at the identity provider
	authnContext  string
	objectID      func(kind, seed string) string // makes the ids of people if there is no SCIM dialect
}

// attribute is an attribute of the assertion. One without values is left out.
type attribute struct {
	name   string
	values []string
}

const (
	formatEmail       = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
	formatUnspecified = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"
	formatPersistent  = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
	formatEntity      = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity"

	attrnameBasic       = "urn:oasis:names:tc:SAML:2.0:attrname-format:basic"
	attrnameUnspecified = "urn:oasis:names:tc:SAML:2.0:attrname-format:unspecified"

	contextPassword          = "urn:oasis:names:tc:SAML:2.0:ac:classes:Password"
	contextPasswordProtected = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"

	claims          = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"
	claimsMicrosoft = "http://schemas.microsoft.com/identity/claims/"
	claimsWindows   = "http://schemas.microsoft.com/ws/2008/06/identity/claims/"

	// maxEntraGroups is the most groups that Entra ID puts into an assertion.
	maxEntraGroups = 150
)

// findPersonality returns the personality of that name. Without a name, it returns the one of the
// dialect's identity provider.
func findPersonality(name Personality, d Dialect) (personality, error) {
	if name == "" {
		name = map[Dialect]Personality{Okta: OktaSAML, Entra: EntraSAML}[d]
	}
	switch name {
	case PlainSAML, "":
		return plainSAML(), nil
	case OktaSAML:
		return oktaSAML(), nil
	case EntraSAML:
		return entraSAML(), nil
	case ADFSSAML:
		return adfsSAML(), nil
	}
	return plainSAML(), fmt.Errorf("personality: write %s, %s, %s or %s", PlainSAML, OktaSAML, EntraSAML, ADFSSAML)
}

// userName is a NameID for nameID: the e-mail address.
func userName(_ *Application, p Person) string { return p.UserName }

// groupNames returns the names of groups.
func groupNames(groups []Group) []string {
	names := make([]string, len(groups))
	for i, g := range groups {
		names[i] = g.Name
	}
	return names
}

// plainSAML returns the textbook personality.
func plainSAML() personality {
	return personality{
		name: PlainSAML, label: "Plain SAML", entityPath: "saml/metadata",
		protocol: "samlp", assertion: "saml", signature: "ds", signs: SignAssertion,
		nameIDFormat: formatEmail, nameID: userName, nameFormat: attrnameBasic,
		attributes: func(_ *Application, p Person, groups []Group) []attribute {
			return []attribute{
				{"email", []string{p.UserName}}, {"firstName", []string{p.GivenName}},
				{"lastName", []string{p.FamilyName}}, {"groups", groupNames(groups)},
			}
		},
		newID: hexID, after: 5 * time.Minute, confirm: 5 * time.Minute,
		authnContext: contextPasswordProtected, objectID: entraID,
	}
}

// oktaSAML returns the personality of Okta. It has the attribute statements that administrators are
// asked to configure, because Okta has none by default. The attribute id is user.id, which Okta's
// SCIM client sends as externalId.
func oktaSAML() personality {
	return personality{
		name: OktaSAML, label: "Okta", entityPath: "saml/metadata",
		protocol: "saml2p", assertion: "saml2", signature: "ds", prefixList: "xs", signs: SignBoth,
		nameIDFormat: formatUnspecified, issuerFormat: formatEntity, nameID: userName,
		nameFormat: attrnameUnspecified,
		attributes: func(_ *Application, p Person, groups []Group) []attribute {
			return []attribute{
				{"id", []string{p.ExternalID}}, {"email", []string{p.UserName}}, {"firstName", []string{p.GivenName}},
				{"lastName", []string{p.FamilyName}}, {"groups", groupNames(groups)},
			}
		},
		newID: decimalID, before: 5 * time.Minute, after: 5 * time.Minute, confirm: 5 * time.Minute,
		authnContext: contextPasswordProtected, objectID: oktaID,
	}
}

// entraSAML returns the personality of Microsoft Entra ID.
func entraSAML() personality {
	return personality{
		name: EntraSAML, label: "Microsoft Entra ID", entityPath: "saml/metadata",
		protocol: "samlp", signs: SignAssertion, nameIDFormat: formatPersistent,
		nameID: entraPairwise, attributes: entraClaims,
		newID: uuidID, before: 5 * time.Minute, after: 65 * time.Minute, confirm: 65 * time.Minute,
		authnAge: 40 * 24 * time.Hour, authnContext: contextPassword, objectID: entraID,
	}
}

// entraPairwise returns the persistent NameID. It differs for each service provider, so it equals
// no value that SCIM sends.
func entraPairwise(a *Application, p Person) string {
	sum := sha256.Sum256([]byte(a.serviceProvider().entityID + "\n" + p.ExternalID))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// entraClaims returns the attributes that Entra ID sends.
func entraClaims(a *Application, p Person, groups []Group) []attribute {
	tenant := entraID("tenant", a.domain)
	member := attribute{name: claimsWindows + "groups"}
	for _, g := range groups {
		member.values = append(member.values, g.ExternalID)
	}
	if len(groups) > maxEntraGroups {
		member = attribute{"http://schemas.microsoft.com/claims/groups.link", []string{
			"https://graph.windows.net/" + tenant + "/users/" + p.ExternalID + "/getMemberObjects"}}
	}
	return []attribute{
		{claimsMicrosoft + "tenantid", []string{tenant}},
		{claimsMicrosoft + "objectidentifier", []string{p.ExternalID}},
		{claimsMicrosoft + "displayname", []string{p.Name()}},
		member,
		{claimsMicrosoft + "identityprovider", []string{"https://sts.windows.net/" + tenant + "/"}},
		{"http://schemas.microsoft.com/claims/authnmethodsreferences", []string{contextPassword}},
		{claims + "givenname", []string{p.GivenName}},
		{claims + "surname", []string{p.FamilyName}},
		{claims + "emailaddress", []string{p.UserName}},
		{claims + "name", []string{p.UserName}},
	}
}

// adfsSAML returns the personality of AD FS, with the claims of the rule templates "Send LDAP
// Attributes as Claims" and "Send Group Membership". The NameID is the UPN, without a format.
func adfsSAML() personality {
	return personality{
		name: ADFSSAML, label: "AD FS", entityPath: "adfs/services/trust",
		protocol: "samlp", signature: "ds", signs: SignAssertion, consent: true,
		nameID: userName,
		attributes: func(a *Application, p Person, groups []Group) []attribute {
			netbios, _, _ := strings.Cut(a.domain, ".")
			account, _, _ := strings.Cut(p.UserName, "@")
			return []attribute{
				{claims + "upn", []string{p.UserName}}, {claims + "emailaddress", []string{p.UserName}},
				{claims + "givenname", []string{p.GivenName}}, {claims + "surname", []string{p.FamilyName}},
				{claims + "name", []string{p.Name()}},
				{claimsWindows + "windowsaccountname", []string{strings.ToUpper(netbios) + `\` + account}},
				{"http://schemas.xmlsoap.org/claims/Group", groupNames(groups)},
			}
		},
		newID: uuidID, after: 60 * time.Minute, confirm: 5 * time.Minute,
		authnAge: 9 * time.Hour, authnContext: contextPasswordProtected, objectID: entraID,
	}
}

// The ids of messages are xs:ID, so none begins with a digit.

// hexID returns a random id in hexadecimal.
func hexID() string {
	b := make([]byte, 20)
	_, _ = rand.Read(b) // never fails, as crypto/rand documents
	return "_" + hex.EncodeToString(b)
}

// decimalID returns a random id in decimal, like Okta's.
func decimalID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b)
	return "id" + new(big.Int).SetBytes(b).Text(10)
}

// uuidID returns a random id with a UUID, like Microsoft's.
func uuidID() string { return "_" + entraID("message", newSecret()) }
