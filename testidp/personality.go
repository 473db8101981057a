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

// Personality is the identity provider whose SAML responses an application's look like.
type Personality string

// The personalities, each as its maker's documentation and common responses have it.
const (
	PlainSAML Personality = "plain" // the response that textbooks show: short-lived, e-mail address as NameID
	OktaSAML  Personality = "okta"  // response and assertion signed, exclusive canonicalization with a PrefixList
	EntraSAML Personality = "entra" // object ids, old AuthnInstant, 70 minutes, groups by link when there are many
	ADFSSAML  Personality = "adfs"  // an entity ID of its own, claims URIs, NameID without a format
)

// personality is what the identity providers do differently in a response.
type personality struct {
	name  Personality
	label string
	// entityPath follows the application's URL to make the entity ID.
	entityPath string

	// The prefixes of the namespaces; empty makes the namespace the default one.
	protocol, assertion, signature string
	// prefixList is the InclusiveNamespaces PrefixList of exclusive canonicalization; its prefix is
	// declared on the signed elements, and attribute values then have an xsi:type.
	prefixList string
	signs      Signing
	consent    bool // the response has a Consent attribute

	nameIDFormat string // empty sends none
	issuerFormat string
	nameID       func(a *Application, p Person) string
	attributes   func(a *Application, p Person, groups []Group) []attribute
	nameFormat   string // of the attributes, empty sends none
	newID        func() string

	before, after time.Duration // how long the Conditions hold, before and after the issue
	confirm       time.Duration // how long the SubjectConfirmation holds
	authnAge      time.Duration // how long ago people signed in at the identity provider
	authnContext  string
	objectID      func(kind, seed string) string // makes the ids of people where no SCIM dialect does
}

// attribute is an attribute of the assertion; one without values is left out.
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

// findPersonality returns the named one; without a name, the one that goes with the dialect.
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

func userName(_ *Application, p Person) string { return p.UserName }

func groupNames(groups []Group) []string {
	names := make([]string, len(groups))
	for i, g := range groups {
		names[i] = g.Name
	}
	return names
}

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

// oktaSAML has the attribute statements that administrators are asked to configure: Okta itself has
// none. The attribute id is user.id, which Okta's SCIM client sends as externalId.
func oktaSAML() personality {
	return personality{
		name: OktaSAML, label: "Okta", entityPath: "saml/metadata",
		protocol: "saml2p", assertion: "saml2", signature: "ds", prefixList: "xs", signs: SignBoth,
		nameIDFormat: formatUnspecified, issuerFormat: formatEntity, nameID: userName, nameFormat: attrnameUnspecified,
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

func entraSAML() personality {
	return personality{
		name: EntraSAML, label: "Microsoft Entra ID", entityPath: "saml/metadata",
		protocol: "samlp", signs: SignAssertion, nameIDFormat: formatPersistent,
		nameID: entraPairwise, attributes: entraClaims,
		newID: uuidID, before: 5 * time.Minute, after: 65 * time.Minute, confirm: 65 * time.Minute,
		authnAge: 40 * 24 * time.Hour, authnContext: contextPassword, objectID: entraID,
	}
}

// entraPairwise makes the persistent NameID, which is another one at each service provider and so
// equals nothing that SCIM sends.
func entraPairwise(a *Application, p Person) string {
	sum := sha256.Sum256([]byte(a.serviceProvider().entityID + "\n" + p.ExternalID))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

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

// adfsSAML has the claims of the rule templates "Send LDAP Attributes as Claims" and "Send Group
// Membership", with the UPN as a NameID that nobody gave a format.
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
func hexID() string {
	b := make([]byte, 20)
	_, _ = rand.Read(b) // never fails, as crypto/rand documents
	return "_" + hex.EncodeToString(b)
}

func decimalID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b)
	return "id" + new(big.Int).SetBytes(b).Text(10)
}

func uuidID() string { return "_" + entraID("message", newSecret()) }
