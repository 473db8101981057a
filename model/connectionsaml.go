package model

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// EncryptedAllowed says which encrypted assertions a connection takes.
type EncryptedAllowed string

// What may be encrypted. CBC is for identity providers that have nothing else:
// whoever relays a ciphertext of it can alter it.
const (
	EncryptedOff EncryptedAllowed = "off"
	EncryptedGCM EncryptedAllowed = "gcm"
	EncryptedCBC EncryptedAllowed = "cbc" // and GCM
)

// MappedAttributes are the members of a profile for which a connection can name the attribute.
var MappedAttributes = []string{"email", "first_name", "last_name", "display_name", "groups"}

// NameIDFormats are the formats of NameID that can be asked for (SAML Core §8.3).
var NameIDFormats = []string{
	"urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified",
	"urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
	"urn:oasis:names:tc:SAML:1.1:nameid-format:X509SubjectName",
	"urn:oasis:names:tc:SAML:1.1:nameid-format:WindowsDomainQualifiedName",
	"urn:oasis:names:tc:SAML:2.0:nameid-format:kerberos",
	"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
	"urn:oasis:names:tc:SAML:2.0:nameid-format:transient",
}

func (c *Connection) validateSAML() error {
	if !slices.Contains([]EncryptedAllowed{EncryptedOff, EncryptedGCM, EncryptedCBC}, c.AllowEncrypted) {
		return Invalidf("saml.allow_encrypted", "saml.allow_encrypted is %q, %q or %q", EncryptedOff, EncryptedGCM, EncryptedCBC)
	}
	if c.NameIDFormat != "" && !slices.Contains(NameIDFormats, c.NameIDFormat) {
		return Invalidf("saml.name_id_format", "saml.name_id_format is null, or one of %s", strings.Join(NameIDFormats, ", "))
	}
	for _, member := range sortedKeys(c.AttributeMapping) {
		if !slices.Contains(MappedAttributes, member) {
			return Invalidf("attribute_mapping", "attribute_mapping maps %s, and not %.100q", strings.Join(MappedAttributes, ", "), member)
		}
		name := c.AttributeMapping[member]
		if name == "" || utf8.RuneCountInString(name) > maxAttribute || !storable(name) {
			return Invalidf("attribute_mapping", "attribute_mapping.%s is an attribute's name of 1 to %d characters", member, maxAttribute)
		}
	}
	return nil
}
