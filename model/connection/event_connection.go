package connection

import (
	"rollcall/model"
)

// The events of connections and their certificates.
const (
	ConnectionActivated      model.EventType = "connection.activated"
	ConnectionDeactivated    model.EventType = "connection.deactivated"
	ConnectionDeleted        model.EventType = "connection.deleted"
	CertificatesChanged      model.EventType = "connection.certificates_changed"
	CertificateRenewed       model.EventType = "connection.saml_certificate_renewed"
	CertificateRenewalNeeded model.EventType = "connection.saml_certificate_renewal_required"
)
