package connection

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"rollcall/model"
	"rollcall/model/organization"
)

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

// AzureSAML is the type of connections to Microsoft Entra ID.
const AzureSAML = "AzureSAML"

// EntraObjectID is the attribute in which Entra ID names a person for good.
const EntraObjectID = "http://schemas.microsoft.com/identity/claims/objectidentifier"

// ConnectionTypes are the kinds of identity providers that a connection can be to. They differ in
// the guide that an administrator is shown, and in what is set when a connection begins.
var ConnectionTypes = []string{
	"ADFSSAML", "Auth0SAML", AzureSAML, "CasSAML", "ClassLinkSAML", "CloudflareSAML", "CyberArkSAML", "DuoSAML",
	"GenericSAML", "GoogleSAML", "JumpCloudSAML", "KeycloakSAML", "LastPassSAML", "MiniOrangeSAML", "NetIqSAML",
	"OktaSAML", "OneLoginSAML", "OracleSAML", "PingFederateSAML", "PingOneSAML", "RipplingSAML", "SalesforceSAML",
	"ShibbolethGenericSAML", "ShibbolethSAML", "SimpleSamlPhpSAML", "VMwareSAML",
	"CleverOIDC", EntraOIDC, "GenericOIDC", GoogleOIDC, OktaOIDC,
}

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

	UnsignedRequests          bool              // authentication requests carry no signature
	AllowEncrypted            EncryptedAllowed  // which encrypted assertions are taken
	NameIDFormat              string            // the format that is asked for; whatever the other side is set up for when empty
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

const (
	maxCertificates = 20
	maxAttribute    = 500
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
		return model.Invalidf("reauthentication", "reauthentication is %q or %q", ReauthenticationEnforced, ReauthenticationRequested)
	}
	for _, f := range []struct{ field, text string }{
		{"subject_attribute", c.SubjectAttribute}, {"username_attribute", c.UsernameAttribute}, {"saml.idp_entity_id", c.IDPEntityID},
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
		return model.Invalidf("saml.idp_entity_id", "saml.idp_entity_id is required: send idp_metadata_xml, idp_metadata_url or the three fields by hand")
	}
	if c.IDPSSORedirectURL == "" && c.IDPSSOPostURL == "" {
		return model.Invalidf("saml.idp_sso_url", "saml.idp_sso_url is required: it is where people are sent to sign in")
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
		return model.Invalidf("saml.idp_certificates", "saml.idp_certificates are 1 to %d certificates with which the identity provider signs", maxCertificates)
	}
	return nil
}

// ConnectionObject is the public form of a Connection.
type ConnectionObject struct {
	Object         string             `json:"object"`
	ID             string             `json:"id"`
	OrganizationID string             `json:"organization_id"`
	ConnectionType string             `json:"connection_type"`
	Name           string             `json:"name"`
	State          ConnectionState    `json:"state"`
	Status         string             `json:"status"`
	Domains        []ConnectionDomain `json:"domains"`
	CreatedAt      model.Time         `json:"created_at"`
	UpdatedAt      model.Time         `json:"updated_at"`
}

// ConnectionDomain is a domain as a ConnectionObject lists it.
type ConnectionDomain struct {
	ID     string `json:"id"`
	Object string `json:"object"`
	Domain string `json:"domain"`
}

// PublicForm returns the object that the API and events show.
func (c *Connection) PublicForm() ConnectionObject {
	o := ConnectionObject{
		Object: "connection", ID: model.ConnectionPrefix.ID(c.ID), OrganizationID: model.OrganizationPrefix.ID(string(c.OrganizationID)),
		ConnectionType: c.Type, Name: c.Name, State: c.State, Status: "unlinked", Domains: []ConnectionDomain{},
		CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt,
	}
	if c.State == ConnectionActive {
		o.Status = "linked"
	}
	for _, d := range c.Domains {
		o.Domains = append(o.Domains, ConnectionDomain{model.OrganizationDomainPrefix.ID(d.ID), "connection_domain", d.Domain})
	}
	return o
}

// ConnectionEvent is a connection as connection.activated and .deactivated show it.
type ConnectionEvent struct {
	ConnectionObject
	ExternalKey string `json:"external_key"`
}
