package connection

import (
	"maps"
	"slices"

	"rollcall/model"
	"rollcall/model/organization"
)

// Connection is a SAML or OpenID Connect trust between an organization and its identity provider.
type Connection struct {
	ID             string               `gorm:"primaryKey"`
	OrganizationID model.OrganizationID `gorm:"<-:create"`
	Type           string               // one of ConnectionTypes
	State          ConnectionState
	ConnectionFields

	SPKey         []byte `gorm:"column:sp_key"` // sealed; Store.ConnectionKey opens it
	SPCertificate string `gorm:"column:sp_certificate"`
	// The key that stands by while one replaces the other; empty mostly.
	SPStandbyKey         []byte `gorm:"column:sp_standby_key"` // sealed; Store.StandbyKey opens it
	SPStandbyCertificate string `gorm:"column:sp_standby_certificate"`

	MetadataTriedAt   *model.Time // when it was last asked for by a worker
	CertificatesDueAt *model.Time // when the certificates' dates are looked at next; nil when nothing is to come

	CreatedAt model.Time            `gorm:"autoCreateTime:false"`
	UpdatedAt model.Time            `gorm:"autoUpdateTime:false"`
	Domains   []organization.Domain `gorm:"-"` // of the organization; filled for the API
}

// ConnectionFields are those of a connection that UpdateConnection changes.
type ConnectionFields struct {
	Name              string
	AllowIDPInitiated bool    `gorm:"column:allow_idp_initiated"`
	ApplicationID     *string // where a login that the identity provider starts ends
	// SubjectAttribute is the attribute whose value names a person for good; the NameID does when empty.
	SubjectAttribute string
	// UsernameAttribute is the attribute that holds the userName by which a directory knows the person.
	UsernameAttribute string
	// TrustEmail takes an e-mail address of the identity provider as verified although it does not
	// say so. SAML has no word for that: it matters to OpenID Connect only.
	TrustEmail       bool
	Reauthentication Reauthentication

	IDPEntityID       string   `gorm:"column:idp_entity_id"`        // the issuer over OpenID Connect
	IDPSSORedirectURL string   `gorm:"column:idp_sso_redirect_url"` // at least one of the two is given
	IDPSSOPostURL     string   `gorm:"column:idp_sso_post_url"`
	IDPMetadataURL    string   `gorm:"column:idp_metadata_url"` // where the four around it came from; often empty
	IDPCertificates   []string `gorm:"column:idp_certificates;serializer:json"`

	// Where the identity provider takes logout messages, by binding, and the answers to its own.
	Logout                    LogoutMode
	IDPSLORedirectURL         string `gorm:"column:idp_slo_redirect_url"`
	IDPSLORedirectResponseURL string `gorm:"column:idp_slo_redirect_response_url"`
	IDPSLOPostURL             string `gorm:"column:idp_slo_post_url"`
	IDPSLOPostResponseURL     string `gorm:"column:idp_slo_post_response_url"`

	UnsignedRequests bool             // authentication requests carry no signature
	AllowEncrypted   EncryptedAllowed // which encrypted assertions are taken
	// the format that is asked for; whatever the other side is set up for when empty
	NameIDFormat              string
	AttributeMapping          map[string]string `gorm:"serializer:json"` // member of a profile → the attribute's name
	RefuseExpiredCertificates bool              // a signature by a certificate that is out of date is refused

	MetadataRefreshedAt *model.Time // when the metadata behind IDPMetadataURL was last taken over
	MetadataDueAt       *model.Time // when it is asked for next; nil without a URL
	MetadataError       string      // why the last attempt was in vain; empty when it was not

	// Over OpenID Connect, in place of what SAML has above.
	OIDCClientID     string   `gorm:"column:oidc_client_id"`
	OIDCClientSecret []byte   `gorm:"column:oidc_client_secret"` // sealed; Store.ClientSecret opens it
	OIDCScopes       []string `gorm:"column:oidc_scopes;serializer:json"`
	OIDCGroupsClaim  string   `gorm:"column:oidc_groups_claim"` // groups when empty
}

// ConnectionState says whether people can sign in at a connection.
type ConnectionState string

// The states of a connection. A draft serves only its own test link, until one login has succeeded.
const (
	ConnectionDraft  ConnectionState = "draft"
	ConnectionActive ConnectionState = "active"
)

// Reauthentication says what a connection makes of a wish that the person
// authenticates anew (prompt=login, max_age).
type Reauthentication string

// How a fresh authentication is demanded. Some identity providers ignore the wish: a connection to
// one of those can only request it.
const (
	ReauthenticationEnforced  Reauthentication = "enforced"
	ReauthenticationRequested Reauthentication = "requested"
)

// LogoutMode says how far signing out reaches.
type LogoutMode string

// Signing out ends the session here, or at the identity provider as well, where that takes it.
const (
	LogoutLocal LogoutMode = "local"
	LogoutIDP   LogoutMode = "idp"
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

// ConnectionTypes are the kinds of identity providers that a connection can be to. They differ in
// the guide that an administrator is shown, and in what is set when a connection begins.
var ConnectionTypes = []string{
	"ADFSSAML", "Auth0SAML", AzureSAML, "CasSAML", "ClassLinkSAML", "CloudflareSAML", "CyberArkSAML", "DuoSAML",
	"GenericSAML", "GoogleSAML", "JumpCloudSAML", "KeycloakSAML", "LastPassSAML", "MiniOrangeSAML", "NetIqSAML",
	"OktaSAML", "OneLoginSAML", "OracleSAML", "PingFederateSAML", "PingOneSAML", "RipplingSAML", "SalesforceSAML",
	"ShibbolethGenericSAML", "ShibbolethSAML", "SimpleSamlPhpSAML", "VMwareSAML",
	"CleverOIDC", EntraOIDC, "GenericOIDC", GoogleOIDC, OktaOIDC,
}

// OIDCTypes are the ConnectionTypes that speak OpenID Connect.
var OIDCTypes = []string{"CleverOIDC", EntraOIDC, "GenericOIDC", GoogleOIDC, OktaOIDC}

// The types of connections over OpenID Connect, as the reference spells them. Those of it that demand
// a client's certificate or key instead of a secret are not among them.
const (
	EntraOIDC  = "EntraIdOIDC"
	GoogleOIDC = "GoogleOIDC"
	OktaOIDC   = "OktaOIDC"
)

// AzureSAML is the type of connections to Microsoft Entra ID.
const AzureSAML = "AzureSAML"

// EntraObjectID is the attribute in which Entra ID names a person for good.
const EntraObjectID = "http://schemas.microsoft.com/identity/claims/objectidentifier"

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

// OIDC tells whether the connection speaks OpenID Connect. Its IDPEntityID is the issuer then.
func (c *Connection) OIDC() bool { return slices.Contains(OIDCTypes, c.Type) }

// LogoutOffered tells whether the identity provider takes logout messages at all.
func (c *Connection) LogoutOffered() bool { return c.IDPSLORedirectURL != "" || c.IDPSLOPostURL != "" }

// UnderstoodAs tells whether a response means the same to two versions of a connection.
func (c *Connection) UnderstoodAs(other *Connection) bool {
	return c.IDPEntityID == other.IDPEntityID && slices.Equal(c.IDPCertificates, other.IDPCertificates) &&
		c.OIDCClientID == other.OIDCClientID && c.OIDCGroupsClaim == other.OIDCGroupsClaim &&
		c.SubjectAttribute == other.SubjectAttribute && c.UsernameAttribute == other.UsernameAttribute &&
		c.TrustEmail == other.TrustEmail &&
		maps.Equal(c.AttributeMapping, other.AttributeMapping)
}
