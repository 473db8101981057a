package api

import (
	"errors"
	"strings"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/trust"
)

// The reference's newer SDKs describe a connection in members of their own. Each member means one
// of ours. Members for what this server does not do are refused by their names.

// samlOptions are the reference's members about a SAML connection.
type samlOptions struct {
	MetadataURL        *string          `json:"idp_metadata_url"`
	EntityID           *string          `json:"idp_entity_id"`
	SSOURL             *string          `json:"idp_sso_url"`
	Certificates       *[]string        `json:"idp_signing_certs"`
	ACSURL             *string          `json:"acs_url"`
	SPEntityID         *string          `json:"sp_entity_id"`
	SigningKeyPair     *trust.KeyPair   `json:"sp_signing_key_pair"`
	EncryptionKeyPairs *[]trust.KeyPair `json:"sp_encryption_key_pairs"`
}

// oidcOptions are the reference's members about a connection over OpenID Connect.
type oidcOptions struct {
	Discovery    *string `json:"discovery_endpoint"`
	ClientID     *string `json:"client_id"`
	ClientSecret *string `json:"client_secret"`
	RedirectURI  *string `json:"redirect_uri"`
	PKCE         *bool   `json:"pkce"`
	AuthMethod   *string `json:"token_authentication_method"`
	Algorithm    *string `json:"id_token_signature_algorithm"`
	UserInfo     *bool   `json:"fetch_user_info"`
}

// attributeMaps are the reference's members about the names of attributes. null takes a name away.
type attributeMaps struct {
	Standard map[string]*string `json:"standard_attributes"`
	Custom   map[string]*string `json:"custom_attributes"`
}

// standardAttributes are our names of the reference's standard attributes. idp_id is not among
// them, since our subject_attribute is a member of its own.
var standardAttributes = map[string]string{"email": "email", "first_name": "first_name", "last_name": "last_name",
	"name": "display_name", "groups": "groups"}

// subjectAttribute is the reference's name of our subject_attribute.
const subjectAttribute = "idp_id"

// translate turns the reference's members into ours. of is the connection, whose id and type are
// known.
func (b *connectionBody) translate(s *Server, k key, of *connection.Connection) error {
	if b.SAML != nil && b.SAMLOptions != nil || b.OIDC != nil && b.OIDCOptions != nil {
		return invalidf("saml_options", "send saml and oidc, or saml_options and oidc_options: they say the same")
	}
	if b.SAMLOptions != nil {
		if err := b.SAMLOptions.served(s, k, of); err != nil {
			return err
		}
		b.SAML = &samlBody{samlProvider: samlProvider{MetadataURL: b.SAMLOptions.MetadataURL,
			EntityID: b.SAMLOptions.EntityID, SSOURL: b.SAMLOptions.SSOURL, Certificates: b.SAMLOptions.Certificates}}
	}
	if b.OIDCOptions != nil {
		if err := b.OIDCOptions.served(s, of); err != nil {
			return err
		}
		b.OIDC = &oidcBody{Discovery: b.OIDCOptions.Discovery, ClientID: b.OIDCOptions.ClientID,
			ClientSecret: b.OIDCOptions.ClientSecret}
	}
	return nil
}

// served refuses what of a SAML connection this server cannot be told.
func (o *samlOptions) served(s *Server, k key, of *connection.Connection) error {
	our := trust.SAMLEndpointsOf(s.PublicURL, of)
	for _, a := range []struct {
		name string
		sent *string
		our  string
	}{
		{"saml_options.acs_url", o.ACSURL, our.ACS},
		{"saml_options.sp_entity_id", o.SPEntityID, our.EntityID},
	} {
		if a.sent != nil && *a.sent != a.our {
			return invalidf(a.name, "%s is Rollcall's own, and the answer shows it; leave it out", a.name)
		}
	}
	if (o.SigningKeyPair != nil || o.EncryptionKeyPairs != nil) && !k.operator {
		return invalidf("saml_options.sp_signing_key_pair",
			"keys are brought along with the operator's API key only; leave them out, and Rollcall makes one")
	}
	return nil
}

// served refuses what of an OpenID connection this server cannot be told.
func (o *oidcOptions) served(s *Server, of *connection.Connection) error {
	algorithms := "RS256 RS384 RS512 ES256 ES384 ES512 PS256 PS384 PS512"
	among := func(sent *string, known string) bool { return sent == nil || containsWord(known, *sent) }
	switch {
	case o.RedirectURI != nil && *o.RedirectURI != trust.OpenIDEndpointsOf(s.PublicURL, of).Redirect:
		return invalidf("oidc_options.redirect_uri",
			"oidc_options.redirect_uri is Rollcall's own, and the answer shows it; leave it out")
	case o.PKCE != nil && !*o.PKCE:
		return invalidf("oidc_options.pkce", "PKCE cannot be switched off; leave oidc_options.pkce out")
	case !among(o.AuthMethod, "client_secret_basic client_secret_post"):
		return invalidf("oidc_options.token_authentication_method", "oidc_options.token_authentication_method is "+
			"client_secret_basic or client_secret_post; Rollcall uses the one that the provider takes")
	case !among(o.Algorithm, algorithms):
		return invalidf("oidc_options.id_token_signature_algorithm",
			"oidc_options.id_token_signature_algorithm is one of %s", strings.ReplaceAll(algorithms, " ", ", "))
	case o.UserInfo != nil && !*o.UserInfo:
		return invalidf("oidc_options.fetch_user_info", "Rollcall asks userinfo for what the ID token lacks; leave "+
			"oidc_options.fetch_user_info out")
	}
	return nil
}

func containsWord(words, word string) bool {
	return word != "" && !strings.Contains(word, " ") && strings.Contains(" "+words+" ", " "+word+" ")
}

// apply changes the attributes that were sent.
func (m *attributeMaps) apply(to *connection.ConnectionFields) error {
	after := map[string]string{}
	for name, attribute := range to.AttributeMapping {
		after[name] = attribute
	}
	for _, name := range sortedNames(m.Standard) {
		own, known := standardAttributes[name]
		switch attribute := m.Standard[name]; {
		case name == subjectAttribute && attribute == nil:
			to.SubjectAttribute = ""
		case name == subjectAttribute:
			to.SubjectAttribute = *attribute
		case !known:
			return &invalid{[]problem{unknownMember("attribute_maps.standard_attributes."+name, name,
				append(sortedNames(standardAttributes), subjectAttribute))}}
		case attribute == nil:
			delete(after, own)
		default:
			after[own] = *attribute
		}
	}
	for _, name := range sortedNames(m.Custom) {
		return invalidf("attribute_maps.custom_attributes", "%.64q cannot be mapped: Rollcall has no custom "+
			"attributes; raw_attributes of a profile has all that the identity provider sends", name)
	}
	to.AttributeMapping = after
	return nil
}

// ownTerms are our names of the reference's members, as errors have them.
var ownTerms = strings.NewReplacer("saml.idp_certificates", "saml_options.idp_signing_certs",
	"saml.idp_metadata_xml", "saml.idp_metadata_xml", "saml.", "saml_options.",
	"oidc.issuer", "oidc_options.discovery_endpoint", "oidc.client_", "oidc_options.client_")

// inTheirTerms has an error about a connection speak of the members that the caller sent.
func (b *connectionBody) inTheirTerms(err error) error {
	known, ok := errors.AsType[*model.Error](err)
	if !ok || b.SAMLOptions == nil && b.OIDCOptions == nil {
		return err
	}
	renamed := *known
	renamed.Field, renamed.Message = ownTerms.Replace(known.Field), ownTerms.Replace(known.Message)
	return &renamed
}

// keyPairs are the keys that the caller brings along, at most two: the first signs, and both
// decrypt.
func (b *connectionBody) keyPairs() ([]trust.KeyPair, error) {
	if b.SAMLOptions == nil {
		return nil, nil
	}
	var out []trust.KeyPair
	if b.SAMLOptions.SigningKeyPair != nil {
		out = append(out, *b.SAMLOptions.SigningKeyPair)
	}
	if b.SAMLOptions.EncryptionKeyPairs != nil {
		for _, pair := range *b.SAMLOptions.EncryptionKeyPairs {
			if len(out) == 0 || out[0].Certificate != pair.Certificate {
				out = append(out, pair)
			}
		}
	}
	if len(out) > 2 {
		return nil, invalidf("saml_options.sp_encryption_key_pairs",
			"a connection has two keys: the one that signs, and one more that decrypts")
	}
	return out, nil
}
