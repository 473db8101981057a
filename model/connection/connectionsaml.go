package connection

import (
	"slices"
	"strings"
	"unicode/utf8"

	"rollcall/model"
	"rollcall/model/internal/tenant"
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
	transientFormat,
	"urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified",
	"urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
	"urn:oasis:names:tc:SAML:1.1:nameid-format:X509SubjectName",
	"urn:oasis:names:tc:SAML:1.1:nameid-format:WindowsDomainQualifiedName",
	"urn:oasis:names:tc:SAML:2.0:nameid-format:kerberos",
	"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
}

// transientFormat is of names that are new at each login.
const transientFormat = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"

func (c *Connection) validateSAML() error {
	if !slices.Contains([]EncryptedAllowed{EncryptedOff, EncryptedGCM, EncryptedCBC}, c.AllowEncrypted) {
		return model.Invalidf("saml.allow_encrypted", "saml.allow_encrypted is %q, %q or %q", EncryptedOff, EncryptedGCM, EncryptedCBC)
	}
	if c.NameIDFormat != "" && !slices.Contains(NameIDFormats, c.NameIDFormat) {
		return model.Invalidf("saml.name_id_format", "saml.name_id_format is null, or one of %s", strings.Join(NameIDFormats, ", "))
	}
	if c.NameIDFormat == transientFormat && c.SubjectAttribute == "" {
		return model.Invalidf("saml.name_id_format", "a transient NameID names nobody for good; set subject_attribute to an attribute that does")
	}
	return nil
}

// validateMapping answers Invalid for a mapping of attributes, or claims, that cannot be read by.
func (c *Connection) validateMapping() error {
	if _, mapped := c.AttributeMapping["groups"]; mapped && c.OIDCGroupsClaim != "" {
		return model.Invalidf("attribute_mapping", "attribute_mapping.groups and oidc.groups_claim say the same; leave one out")
	}
	for _, member := range tenant.SortedKeys(c.AttributeMapping) {
		if !slices.Contains(MappedAttributes, member) {
			return model.Invalidf("attribute_mapping", "attribute_mapping maps %s, and not %.100q", strings.Join(MappedAttributes, ", "), member)
		}
		name := c.AttributeMapping[member]
		if name == "" || utf8.RuneCountInString(name) > maxAttribute || !model.Storable(name) {
			return model.Invalidf("attribute_mapping", "attribute_mapping.%s is an attribute's name of 1 to %d characters", member, maxAttribute)
		}
	}
	return nil
}
