package model

// The events of organizations and their domains.
const (
	OrganizationCreated      EventType = "organization.created"
	OrganizationUpdated      EventType = "organization.updated"
	OrganizationDeleted      EventType = "organization.deleted"
	DomainCreated            EventType = "organization_domain.created"
	DomainDeleted            EventType = "organization_domain.deleted"
	DomainVerified           EventType = "organization_domain.verified"
	DomainUpdated            EventType = "organization_domain.updated"
	DomainVerificationFailed EventType = "organization_domain.verification_failed"
)
