package connection

import (
	"slices"

	"rollcall/model"
	"rollcall/model/internal/tenant"
)

// The events of connections and their certificates.
const (
	ConnectionActivated      model.EventType = "connection.activated"
	ConnectionDeactivated    model.EventType = "connection.deactivated"
	ConnectionDeleted        model.EventType = "connection.deleted"
	CertificatesChanged      model.EventType = "connection.certificates_changed"
	MetadataIncomplete       model.EventType = "connection.saml_metadata_incomplete"
	CertificateRenewed       model.EventType = "connection.saml_certificate_renewed"
	CertificateRenewalNeeded model.EventType = "connection.saml_certificate_renewal_required"
)

// ConnectionObject is a Connection as the API and the events show it.
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

// ConnectionDomain is a domain in a ConnectionObject.
type ConnectionDomain struct {
	ID     string `json:"id"`
	Object string `json:"object"`
	Domain string `json:"domain"`
}

// PublicForm returns the connection as the API and the events show it.
func (c *Connection) PublicForm() ConnectionObject {
	o := ConnectionObject{
		Object: "connection", ID: model.ConnectionPrefix.ID(c.ID),
		OrganizationID: model.OrganizationPrefix.ID(string(c.OrganizationID)),
		ConnectionType: c.Type, Name: c.Name, State: c.State, Status: "unlinked", Domains: []ConnectionDomain{},
		CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt,
	}
	if c.State == ConnectionActive {
		o.Status = "linked"
	}
	for _, d := range c.Domains {
		o.Domains = append(o.Domains, ConnectionDomain{
			model.OrganizationDomainPrefix.ID(d.ID), "connection_domain", d.Domain,
		})
	}
	return o
}

// ConnectionEvent is the data of connection.activated and connection.deactivated.
type ConnectionEvent struct {
	ConnectionObject
	ExternalKey string `json:"external_key"`
}

// recordDeactivated records that people can no longer sign in at a connection, if it was active.
func (o Org) recordDeactivated(before, after *Connection) error {
	if before.State != ConnectionActive {
		return nil
	}
	e := ConnectionEvent{after.PublicForm(), model.ConnectionPrefix.ID(after.ID)}
	if e.State == ConnectionActive { // it is about to be deleted
		e.State, e.Status = ConnectionInactive, "unlinked"
	}
	return tenant.Record(o, ConnectionDeactivated, e.ID, e)
}

// CertificateCause says why the certificates of a connection changed.
type CertificateCause string

// The causes of connection.certificates_changed.
const (
	ByAdministrator CertificateCause = "administrator" // an administrator replaced them
	ByMetadata      CertificateCause = "metadata"      // the identity provider's metadata has others
	ByRotation      CertificateCause = "rotation"      // our own key was replaced
)

// certificatesEvent is the data of connection.certificates_changed.
type certificatesEvent struct {
	ConnectionObject
	Added   []Certificate    `json:"added"`
	Removed []Certificate    `json:"removed"`
	Cause   CertificateCause `json:"cause"`
}

// recordCertificates records which certificates were added to a connection and which were removed.
func (o Org) recordCertificates(before, after *Connection, cause CertificateCause) error {
	if slices.Equal(before.IDPCertificates, after.IDPCertificates) && before.SPCertificate == after.SPCertificate &&
		before.SPStandbyCertificate == after.SPStandbyCertificate {
		return nil
	}
	had, has := before.Certificates(tenant.StoreOf(o).Now()), after.Certificates(tenant.StoreOf(o).Now())
	e := certificatesEvent{after.PublicForm(), without(has, had), without(had, has), cause}
	if len(e.Added)+len(e.Removed) > 0 {
		if err := tenant.Record(o, CertificatesChanged, e.ID, e); err != nil {
			return err
		}
	}
	for _, c := range e.Added {
		if c.Use != ResponseSigning {
			continue // ours is renewed when PromoteKey puts it to use
		}
		if err := o.recordRenewed(after, c); err != nil {
			return err
		}
	}
	return nil
}

// metadataEvent is the data of connection.saml_metadata_incomplete.
type metadataEvent struct {
	ConnectionObject
	Notes []string `json:"notes"`
}

// recordIncomplete records that parts of the metadata are of no use, unless that was known before.
func (o Org) recordIncomplete(before, after *Connection) error {
	if len(after.MetadataNotes) == 0 || slices.Equal(before.MetadataNotes, after.MetadataNotes) {
		return nil
	}
	e := metadataEvent{after.PublicForm(), after.MetadataNotes}
	return tenant.Record(o, MetadataIncomplete, e.ID, e)
}

// without returns the certificates of a list that are not in the other one.
func without(list, other []Certificate) []Certificate {
	out := []Certificate{}
	for _, c := range list {
		if !slices.ContainsFunc(other, func(o Certificate) bool { return o.Fingerprint == c.Fingerprint }) {
			out = append(out, c)
		}
	}
	return out
}

// certificateEvent is the data of the events about one certificate.
type certificateEvent struct {
	Connection  connectionName   `json:"connection"`
	Certificate namedCertificate `json:"certificate"`
	Days        *int             `json:"days_until_expiry,omitempty"`
	RenewedAt   *model.Time      `json:"renewed_at,omitempty"`
}

// connectionName is the connection in a certificateEvent.
type connectionName struct {
	ID             string `json:"id"`
	OrganizationID string `json:"organization_id"`
}

// namedCertificate is the certificate in a certificateEvent.
type namedCertificate struct {
	Use         CertificateUse `json:"certificate_type"`
	ExpiryDate  model.Time     `json:"expiry_date"`
	IsExpired   *bool          `json:"is_expired,omitempty"`
	Fingerprint string         `json:"fingerprint_sha256"`
	Subject     string         `json:"subject"`
}

// certificateEvent returns the data of an event about one of the certificates.
func (c *Connection) certificateEvent(of Certificate) certificateEvent {
	return certificateEvent{
		Connection: connectionName{
			model.ConnectionPrefix.ID(c.ID), model.OrganizationPrefix.ID(string(c.OrganizationID)),
		},
		Certificate: namedCertificate{
			Use: of.Use, ExpiryDate: of.NotAfter, Fingerprint: of.Fingerprint, Subject: of.Subject,
		},
	}
}

// recordRenewed records that a certificate is now in use.
func (o Org) recordRenewed(c *Connection, renewed Certificate) error {
	e, at := c.certificateEvent(renewed), tenant.Now(o)
	e.RenewedAt = &at
	return tenant.Record(o, CertificateRenewed, e.Connection.ID, e)
}
