package organization

import (
	"rollcall/model"
)

// The events of organizations and their domains.
const (
	OrganizationCreated      model.EventType = "organization.created"
	OrganizationUpdated      model.EventType = "organization.updated"
	OrganizationDeleted      model.EventType = "organization.deleted"
	DomainCreated            model.EventType = "organization_domain.created"
	DomainDeleted            model.EventType = "organization_domain.deleted"
	DomainVerified           model.EventType = "organization_domain.verified"
	DomainUpdated            model.EventType = "organization_domain.updated"
	DomainVerificationFailed model.EventType = "organization_domain.verification_failed"
)
