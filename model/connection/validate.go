package connection

import (
	"slices"
	"strings"
	"unicode/utf8"

	"rollcall/model"
	"rollcall/model/internal/tenant"
)

// What the fields of a connection may be long, in characters or elements.
const (
	maxCertificates = 20
	maxExternalID   = 128
	maxAttribute    = 500
	maxClientID     = 500
	maxClientSecret = 2000
	maxScopes       = 20
)

// validate returns Invalid, with the field's name in the API, for the first rule that a connection
// breaks. The caller has parsed the certificates and the addresses of metadata before; here they
// are only limited.
func (c *Connection) validate() error {
	if err := model.ValidName(c.Name); err != nil {
		return err
	}
	if utf8.RuneCountInString(c.ExternalID) > maxExternalID || !model.Storable(c.ExternalID) {
		return model.Invalidf("external_id", "external_id is text of at most %d characters", maxExternalID)
	}
	if !slices.Contains(connectionTypes, c.Type) {
		return model.Invalidf("connection_type", "connection_type is one of %s", strings.Join(connectionTypes, ", "))
	}
	if c.Reauthentication != ReauthenticationEnforced && c.Reauthentication != ReauthenticationRequested {
		return model.Invalidf("reauthentication", "reauthentication is %q or %q",
			ReauthenticationEnforced, ReauthenticationRequested)
	}
	for _, f := range []struct{ field, text string }{
		{"subject_attribute", c.SubjectAttribute},
		{"username_attribute", c.UsernameAttribute},
		{"saml.idp_entity_id", c.IDPEntityID},
	} {
		if utf8.RuneCountInString(f.text) > maxAttribute || !model.Storable(f.text) {
			return model.Invalidf(f.field, "%s is text of at most %d characters", f.field, maxAttribute)
		}
	}
	if c.Logout != LogoutLocal && c.Logout != LogoutIDP {
		return model.Invalidf("logout", "logout is %q or %q", LogoutLocal, LogoutIDP)
	}
	if err := c.validateMapping(); err != nil {
		return err
	}
	if c.OIDC() {
		return c.validateOIDC()
	}
	return c.validateSAML()
}

// undescribed returns whether nothing was said of the identity provider, which only an active
// connection must know.
func (c *Connection) undescribed() bool {
	said := []string{c.IDPEntityID, c.IDPSSORedirectURL, c.IDPSSOPostURL, c.IDPMetadataURL,
		c.IDPSLORedirectURL, c.IDPSLORedirectResponseURL, c.IDPSLOPostURL, c.IDPSLOPostResponseURL, c.OIDCClientID}
	return c.State != ConnectionActive && strings.Join(said, "") == "" &&
		len(c.IDPCertificates)+len(c.OIDCClientSecret) == 0
}

// validateSAML checks the fields that only SAML has.
func (c *Connection) validateSAML() error {
	if !slices.Contains([]EncryptedAllowed{EncryptedOff, EncryptedGCM, EncryptedCBC}, c.AllowEncrypted) {
		return model.Invalidf("saml.allow_encrypted", "saml.allow_encrypted is %q, %q or %q",
			EncryptedOff, EncryptedGCM, EncryptedCBC)
	}
	if c.NameIDFormat != "" && !slices.Contains(nameIDFormats, c.NameIDFormat) {
		return model.Invalidf("saml.name_id_format", "saml.name_id_format is null, or one of %s",
			strings.Join(nameIDFormats, ", "))
	}
	if c.NameIDFormat == transientFormat && c.SubjectAttribute == "" {
		return model.Invalidf("saml.name_id_format",
			"a transient NameID names nobody for good; set subject_attribute to an attribute that does")
	}
	if c.undescribed() {
		return nil
	}
	return c.validateSAMLProvider()
}

// validateSAMLProvider checks what the connection knows of a SAML identity provider.
func (c *Connection) validateSAMLProvider() error {
	if c.IDPEntityID == "" {
		return model.Invalidf("saml.idp_entity_id",
			"saml.idp_entity_id is required: send idp_metadata_xml, idp_metadata_url or the three fields by hand")
	}
	if c.IDPSSORedirectURL == "" && c.IDPSSOPostURL == "" {
		return model.Invalidf("saml.idp_sso_url",
			"saml.idp_sso_url is required: it is where people are sent to sign in")
	}
	if err := validURIs("saml.idp_sso_url", c.IDPSSORedirectURL, c.IDPSSOPostURL); err != nil {
		return err
	}
	if err := validURIs("saml.idp_slo_url", c.IDPSLORedirectURL, c.IDPSLORedirectResponseURL,
		c.IDPSLOPostURL, c.IDPSLOPostResponseURL); err != nil {
		return err
	}
	if n := len(c.IDPCertificates); n == 0 || n > maxCertificates {
		return model.Invalidf("saml.idp_certificates",
			"saml.idp_certificates are 1 to %d certificates with which the identity provider signs", maxCertificates)
	}
	return nil
}

// validURIs returns Invalid if one of the addresses is not a URI. An address may be empty.
func validURIs(field string, addresses ...string) error {
	for _, address := range addresses {
		if address == "" {
			continue
		}
		if err := model.ValidURI(field, address); err != nil {
			return err
		}
	}
	return nil
}

// validateMapping checks the names of the attributes, or claims, from which a profile is read.
func (c *Connection) validateMapping() error {
	if _, mapped := c.AttributeMapping["groups"]; mapped && c.OIDCGroupsClaim != "" {
		return model.Invalidf("attribute_mapping",
			"attribute_mapping.groups and oidc.groups_claim say the same; leave one out")
	}
	for _, member := range tenant.SortedKeys(c.AttributeMapping) {
		if !slices.Contains(mappedAttributes, member) {
			return model.Invalidf("attribute_mapping", "attribute_mapping maps %s, and not %.100q",
				strings.Join(mappedAttributes, ", "), member)
		}
		name := c.AttributeMapping[member]
		if name == "" || utf8.RuneCountInString(name) > maxAttribute || !model.Storable(name) {
			return model.Invalidf("attribute_mapping",
				"attribute_mapping.%s is an attribute's name of 1 to %d characters", member, maxAttribute)
		}
	}
	return nil
}

// validateOIDC checks the fields that only OpenID Connect has, and those that it must not have.
func (c *Connection) validateOIDC() error {
	printable := func(text string, most int) bool {
		return len(text) <= most && !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' })
	}
	missing := func(absent bool) bool { return absent && !c.undescribed() }
	switch {
	case missing(c.IDPEntityID == ""):
		return model.Invalidf("oidc.issuer",
			"oidc.issuer is required: send the field issuer of the provider's discovery document")
	case missing(c.OIDCClientID == ""):
		return model.Invalidf("oidc.client_id",
			"oidc.client_id is required: it is what the provider calls this connection")
	case !printable(c.OIDCClientID, maxClientID):
		return model.Invalidf("oidc.client_id", "oidc.client_id is ASCII text of at most %d characters", maxClientID)
	case missing(len(c.OIDCClientSecret) == 0):
		return model.Invalidf("oidc.client_secret",
			"oidc.client_secret is required: the provider shows it beside the client_id")
	case len(c.OIDCScopes) > maxScopes || slices.ContainsFunc(c.OIDCScopes, func(s string) bool {
		return s == "" || strings.Contains(s, " ") || !printable(s, maxAttribute)
	}):
		return model.Invalidf("oidc.scopes", "oidc.scopes are at most %d words of ASCII characters", maxScopes)
	case len(c.OIDCScopes) > 0 && !slices.Contains(c.OIDCScopes, "openid"):
		return model.Invalidf("oidc.scopes", "oidc.scopes must have openid among them")
	case len(c.OIDCGroupsClaim) > maxAttribute || !model.Storable(c.OIDCGroupsClaim):
		return model.Invalidf("oidc.groups_claim", "oidc.groups_claim is text of at most %d characters", maxAttribute)
	case c.TrustEmail && c.IDPEntityID == "https://accounts.google.com":
		return model.Invalidf("trust_email", "trust_email is only for an issuer of one company: Google's is "+
			"everybody's, and says itself whether an address is verified")
	case c.SubjectAttribute != "":
		return model.Invalidf("subject_attribute",
			"over OpenID Connect sub names a person, or at Entra ID the object id; leave subject_attribute out")
	case c.AllowIDPInitiated:
		return model.Invalidf("allow_idp_initiated", "over OpenID Connect no answer comes unasked; give the identity "+
			"provider the connection's initiate_login_uri instead")
	}
	return nil
}
