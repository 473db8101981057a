package connection

import (
	"bytes"
	"maps"
	"slices"

	"rollcall/model"
	"rollcall/model/organization"
)

// Connection is a SAML or OpenID Connect trust between an organization and its identity provider.
type Connection struct {
	ID             string               `gorm:"primaryKey"`
	OrganizationID model.OrganizationID `gorm:"<-:create"`
	Type           string               // one of connectionTypes
	State          ConnectionState
	ConnectionFields
	// TestedAt is when a login succeeded with the settings as they are now. It is nil again when a
	// setting changes on which that depended; see provenAs.
	TestedAt *model.Time
	// TrustVersion is the number of the settings on which that depends. It only grows.
	TrustVersion int64

	// Our key, with which requests are signed, and its certificate.
	SPKey         []byte `gorm:"column:sp_key"` // sealed; Store.ConnectionKey opens it
	SPCertificate string `gorm:"column:sp_certificate"`
	// Our second key, while one replaces the other; mostly empty.
	SPStandbyKey         []byte `gorm:"column:sp_standby_key"` // sealed; Store.StandbyKey opens it
	SPStandbyCertificate string `gorm:"column:sp_standby_certificate"`

	MetadataTriedAt   *model.Time // when a worker last fetched the metadata
	CertificatesDueAt *model.Time // when a worker next checks the certificates' dates; nil for never

	CreatedAt model.Time            `gorm:"autoCreateTime:false"`
	UpdatedAt model.Time            `gorm:"autoUpdateTime:false"`
	Domains   []organization.Domain `gorm:"-"` // of the organization; WithDomains reads them
}

// ConnectionFields are the fields of a connection that UpdateConnection changes.
type ConnectionFields struct {
	Name              string
	ExternalID        string  // what an application calls the connection; often empty
	ActivatedByHand   bool    // as a draft it serves tests only; SwitchConnection activates it
	AllowIDPInitiated bool    `gorm:"column:allow_idp_initiated"`
	ApplicationID     *string // where a login that the identity provider starts ends
	// SubjectAttribute is the attribute whose value identifies a person permanently. When it is
	// empty, the NameID does.
	SubjectAttribute string
	// UsernameAttribute is the attribute with the userName that a directory has for the person.
	UsernameAttribute string
	// TrustEmail takes an e-mail address as verified although the identity provider does not say
	// so. It matters to OpenID Connect only: SAML cannot say so.
	TrustEmail       bool
	Reauthentication Reauthentication

	IDPEntityID       string   `gorm:"column:idp_entity_id"`        // the issuer over OpenID Connect
	IDPSSORedirectURL string   `gorm:"column:idp_sso_redirect_url"` // at least one of the two is given
	IDPSSOPostURL     string   `gorm:"column:idp_sso_post_url"`
	IDPMetadataURL    string   `gorm:"column:idp_metadata_url"` // the source of the fields around it; often empty
	IDPCertificates   []string `gorm:"column:idp_certificates;serializer:json"`

	// Where the identity provider receives logout requests, and responses to its own requests, by
	// binding.
	Logout                    LogoutMode
	IDPSLORedirectURL         string `gorm:"column:idp_slo_redirect_url"`
	IDPSLORedirectResponseURL string `gorm:"column:idp_slo_redirect_response_url"`
	IDPSLOPostURL             string `gorm:"column:idp_slo_post_url"`
	IDPSLOPostResponseURL     string `gorm:"column:idp_slo_post_response_url"`

	UnsignedRequests          bool              // authentication requests are not signed
	AllowEncrypted            EncryptedAllowed  // which encrypted assertions are accepted
	NameIDFormat              string            // the requested format; empty requests none
	AttributeMapping          map[string]string `gorm:"serializer:json"` // member of a profile → attribute
	RefuseExpiredCertificates bool              // refuses a signature by an expired certificate

	MetadataRefreshedAt *model.Time // when the metadata at IDPMetadataURL was last taken over
	MetadataDueAt       *model.Time // when a worker fetches it next; nil without a URL
	MetadataError       string      // why the last attempt failed; empty when it did not
	// MetadataNotes are sentences about what was of no use in the metadata and was left out.
	MetadataNotes []string `gorm:"serializer:json"`

	// The client at an OpenID provider.
	OIDCClientID     string   `gorm:"column:oidc_client_id"`
	OIDCClientSecret []byte   `gorm:"column:oidc_client_secret"` // sealed; Store.ClientSecret opens it
	OIDCScopes       []string `gorm:"column:oidc_scopes;serializer:json"`
	OIDCGroupsClaim  string   `gorm:"column:oidc_groups_claim"` // groups when empty
}

// ConnectionState says whether people can sign in at a connection.
type ConnectionState string

// The states of a connection. A draft serves its own login address only, until one login there has
// succeeded or, where it is ActivatedByHand, until SwitchConnection.
// An inactive connection was switched off, and serves nothing.
const (
	ConnectionDraft    ConnectionState = "draft"
	ConnectionActive   ConnectionState = "active"
	ConnectionInactive ConnectionState = "inactive"
)

// Reauthentication says what a connection does when an application asks for a fresh authentication
// (prompt=login, max_age).
type Reauthentication string

// A fresh authentication is enforced or only requested. The latter is for identity providers that
// ignore the request.
const (
	ReauthenticationEnforced  Reauthentication = "enforced"
	ReauthenticationRequested Reauthentication = "requested"
)

// LogoutMode says where signing out ends a session.
type LogoutMode string

// Signing out ends the session on this server only, or at the identity provider as well, where that
// supports logout.
const (
	LogoutLocal LogoutMode = "local"
	LogoutIDP   LogoutMode = "idp"
)

// EncryptedAllowed says which encrypted assertions a connection accepts.
type EncryptedAllowed string

// The modes of encryption that are accepted. CBC is for identity providers that have no other mode:
// an attacker who relays its ciphertext can alter it.
const (
	EncryptedOff EncryptedAllowed = "off"
	EncryptedGCM EncryptedAllowed = "gcm"
	EncryptedCBC EncryptedAllowed = "cbc" // and GCM
)

// connectionTypes are the types of connections, one for each product of identity provider. They
// differ in the guide that an administrator sees, and in the defaults of a new connection.
var connectionTypes = []string{
	"ADFSSAML", "Auth0SAML", AzureSAML, "CasSAML", "ClassLinkSAML", "CloudflareSAML", "CyberArkSAML", "DuoSAML",
	"GenericSAML", "GoogleSAML", "JumpCloudSAML", "KeycloakSAML", "LastPassSAML", "MiniOrangeSAML", "NetIqSAML",
	"OktaSAML", "OneLoginSAML", "OracleSAML", "PingFederateSAML", "PingOneSAML", "RipplingSAML", "SalesforceSAML",
	"ShibbolethGenericSAML", "ShibbolethSAML", "SimpleSamlPhpSAML", "VMwareSAML",
	"CleverOIDC", EntraOIDC, "GenericOIDC", "GoogleOIDC", "OktaOIDC",
}

// oidcTypes are the connectionTypes over OpenID Connect: those whose client has a secret, not a
// certificate or a key.
var oidcTypes = []string{"CleverOIDC", EntraOIDC, "GenericOIDC", "GoogleOIDC", "OktaOIDC"}

// The types of connections to Microsoft Entra ID.
const (
	AzureSAML = "AzureSAML"
	EntraOIDC = "EntraIdOIDC"
)

// EntraObjectID is the SAML attribute with Entra ID's permanent id of a person.
const EntraObjectID = "http://schemas.microsoft.com/identity/claims/objectidentifier"

// mappedAttributes are the members of a profile that AttributeMapping can map.
var mappedAttributes = []string{"email", "first_name", "last_name", "display_name", "groups"}

// nameIDFormats are the formats of NameID that can be requested (SAML Core §8.3).
var nameIDFormats = []string{
	transientFormat,
	"urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified",
	"urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
	"urn:oasis:names:tc:SAML:1.1:nameid-format:X509SubjectName",
	"urn:oasis:names:tc:SAML:1.1:nameid-format:WindowsDomainQualifiedName",
	"urn:oasis:names:tc:SAML:2.0:nameid-format:kerberos",
	"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
}

// transientFormat is the format of a NameID that is new at each login.
const transientFormat = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"

// OIDC returns whether the connection is over OpenID Connect. Its IDPEntityID is then the issuer.
func (c *Connection) OIDC() bool { return slices.Contains(oidcTypes, c.Type) }

// HasProvider returns whether the connection knows its identity provider. It may not while it is a
// draft: some identity providers want our addresses before they tell theirs.
func (c *Connection) HasProvider() bool { return c.IDPEntityID != "" }

// LogoutOffered returns whether the identity provider receives logout requests.
func (c *Connection) LogoutOffered() bool { return c.IDPSLORedirectURL != "" || c.IDPSLOPostURL != "" }

// UnderstoodAs returns whether both versions of a connection read a response alike.
func (c *Connection) UnderstoodAs(other *Connection) bool {
	return c.IDPEntityID == other.IDPEntityID && slices.Equal(c.IDPCertificates, other.IDPCertificates) &&
		c.OIDCClientID == other.OIDCClientID && c.OIDCGroupsClaim == other.OIDCGroupsClaim &&
		c.SubjectAttribute == other.SubjectAttribute && c.UsernameAttribute == other.UsernameAttribute &&
		c.TrustEmail == other.TrustEmail && maps.Equal(c.AttributeMapping, other.AttributeMapping)
}

// provenAs returns whether a login that succeeded at the connection shows that one succeeds at
// other, a later version of it. Certificates may be added: the one that signed is still there.
func (c *Connection) provenAs(other *Connection) bool {
	gone := func(certificate string) bool { return !slices.Contains(other.IDPCertificates, certificate) }
	before, after := *c, *other
	before.IDPCertificates, after.IDPCertificates = nil, nil
	return !slices.ContainsFunc(c.IDPCertificates, gone) && before.UnderstoodAs(&after) &&
		c.IDPSSORedirectURL == other.IDPSSORedirectURL && c.IDPSSOPostURL == other.IDPSSOPostURL &&
		c.UnsignedRequests == other.UnsignedRequests && c.NameIDFormat == other.NameIDFormat &&
		c.AllowEncrypted == other.AllowEncrypted && c.RefuseExpiredCertificates == other.RefuseExpiredCertificates &&
		bytes.Equal(c.OIDCClientSecret, other.OIDCClientSecret) && slices.Equal(c.OIDCScopes, other.OIDCScopes)
}
