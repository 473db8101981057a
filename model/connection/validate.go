package connection

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"rollcall/model"
	"rollcall/model/organization"
)

const (
	maxCertificates = 20
	maxAttribute    = 500
)

const (
	maxClientID     = 500
	maxClientSecret = 2000
	maxScopes       = 20
)

// validate answers Invalid, with the field's API name, for the first rule broken. Addresses and
// certificates were read by sso/saml before; here they are only bounded.
func (c *Connection) validate() error {
	if err := model.ValidName(c.Name); err != nil {
		return err
	}
	if !slices.Contains(ConnectionTypes, c.Type) {
		return model.Invalidf("connection_type", "connection_type is one of %s", strings.Join(ConnectionTypes, ", "))
	}
	if c.Reauthentication != ReauthenticationEnforced && c.Reauthentication != ReauthenticationRequested {
		return model.Invalidf("reauthentication", "reauthentication is %q or %q", ReauthenticationEnforced,
			ReauthenticationRequested)
	}
	for _, f := range []struct{ field, text string }{
		{"subject_attribute", c.SubjectAttribute}, {"username_attribute", c.UsernameAttribute}, {"saml.idp_entity_id",
			c.IDPEntityID},
	} {
		if utf8.RuneCountInString(f.text) > maxAttribute || !model.Storable(f.text) {
			return model.Invalidf(f.field, "%s is text of at most %d characters", f.field, maxAttribute)
		}
	}
	if err := cmp.Or(c.validateLogout(), c.validateMapping()); err != nil {
		return err
	}
	if c.OIDC() {
		return c.validateOIDC()
	}
	if c.IDPEntityID == "" {
		return model.Invalidf("saml.idp_entity_id",
			"saml.idp_entity_id is required: send idp_metadata_xml, idp_metadata_url or the three fields by hand")
	}
	if c.IDPSSORedirectURL == "" && c.IDPSSOPostURL == "" {
		return model.Invalidf("saml.idp_sso_url",
			"saml.idp_sso_url is required: it is where people are sent to sign in")
	}
	for _, u := range []string{c.IDPSSORedirectURL, c.IDPSSOPostURL} {
		for _, u := range organization.Optional(u) {
			if err := model.ValidURI("saml.idp_sso_url", u); err != nil {
				return err
			}
		}
	}
	if err := c.validateSLO(); err != nil {
		return err
	}
	if err := c.validateSAML(); err != nil {
		return err
	}
	if n := len(c.IDPCertificates); n == 0 || n > maxCertificates {
		return model.Invalidf("saml.idp_certificates",
			"saml.idp_certificates are 1 to %d certificates with which the identity provider signs", maxCertificates)
	}
	return nil
}

// validateLogout and validateSLO answer Invalid for the first rule broken of what concerns logout.
func (c *Connection) validateLogout() error {
	if c.Logout != LogoutLocal && c.Logout != LogoutIDP {
		return model.Invalidf("logout", "logout is %q or %q", LogoutLocal, LogoutIDP)
	}
	return nil
}

func (c *Connection) validateSLO() error {
	for _, address := range []string{
		c.IDPSLORedirectURL, c.IDPSLORedirectResponseURL, c.IDPSLOPostURL, c.IDPSLOPostResponseURL,
	} {
		for _, u := range organization.Optional(address) {
			if err := model.ValidURI("saml.idp_slo_url", u); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *Connection) validateSAML() error {
	if !slices.Contains([]EncryptedAllowed{EncryptedOff, EncryptedGCM, EncryptedCBC}, c.AllowEncrypted) {
		return model.Invalidf("saml.allow_encrypted", "saml.allow_encrypted is %q, %q or %q", EncryptedOff,
			EncryptedGCM, EncryptedCBC)
	}
	if c.NameIDFormat != "" && !slices.Contains(NameIDFormats, c.NameIDFormat) {
		return model.Invalidf("saml.name_id_format", "saml.name_id_format is null, or one of %s",
			strings.Join(NameIDFormats, ", "))
	}
	if c.NameIDFormat == transientFormat && c.SubjectAttribute == "" {
		return model.Invalidf("saml.name_id_format",
			"a transient NameID names nobody for good; set subject_attribute to an attribute that does")
	}
	return nil
}

// validateMapping answers Invalid for a mapping of attributes, or claims, that cannot be read by.
func (c *Connection) validateMapping() error {
	if _, mapped := c.AttributeMapping["groups"]; mapped && c.OIDCGroupsClaim != "" {
		return model.Invalidf("attribute_mapping",
			"attribute_mapping.groups and oidc.groups_claim say the same; leave one out")
	}
	for _, member := range model.SortedKeys(c.AttributeMapping) {
		if !slices.Contains(MappedAttributes, member) {
			return model.Invalidf("attribute_mapping", "attribute_mapping maps %s, and not %.100q",
				strings.Join(MappedAttributes, ", "), member)
		}
		name := c.AttributeMapping[member]
		if name == "" || utf8.RuneCountInString(name) > maxAttribute || !model.Storable(name) {
			return model.Invalidf("attribute_mapping",
				"attribute_mapping.%s is an attribute's name of 1 to %d characters", member, maxAttribute)
		}
	}
	return nil
}

// validateOIDC answers Invalid, with the field's API name, for the first rule broken. The issuer was
// read by sso/oidc before; here it is only bounded.
func (c *Connection) validateOIDC() error {
	printable := func(text string, most int) bool {
		return len(text) <= most && !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' })
	}
	switch {
	case c.IDPEntityID == "":
		return model.Invalidf("oidc.issuer",
			"oidc.issuer is required: send the field issuer of the provider's discovery document")
	case c.OIDCClientID == "":
		return model.Invalidf("oidc.client_id",
			"oidc.client_id is required: it is what the provider calls this connection")
	case !printable(c.OIDCClientID, maxClientID):
		return model.Invalidf("oidc.client_id", "oidc.client_id is ASCII text of at most %d characters", maxClientID)
	case len(c.OIDCClientSecret) == 0:
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
