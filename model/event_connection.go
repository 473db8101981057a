package model

// The events of connections and their certificates.
const (
	ConnectionActivated      EventType = "connection.activated"
	ConnectionDeactivated    EventType = "connection.deactivated"
	ConnectionDeleted        EventType = "connection.deleted"
	CertificatesChanged      EventType = "connection.certificates_changed"
	CertificateRenewed       EventType = "connection.saml_certificate_renewed"
	CertificateRenewalNeeded EventType = "connection.saml_certificate_renewal_required"
)
