package organization

import (
	"rollcall/model"
	"rollcall/model/internal/tenant"
)

// The objects of the API, of events and of webhooks (docs/design/store.md, "Public form"): the
// public form of what this package stores, in one place because all three show the same.

// OrganizationObject is the public form of an Organization.
type OrganizationObject struct {
	Object                           string             `json:"object"`
	ID                               string             `json:"id"`
	Name                             string             `json:"name"`
	Domains                          []DomainObject     `json:"domains"`
	Metadata                         map[string]string  `json:"metadata"`
	ExternalID                       *string            `json:"external_id"`
	AllowProfilesOutsideOrganization bool               `json:"allow_profiles_outside_organization"`
	CreatedAt                        model.Time         `json:"created_at"`
	UpdatedAt                        model.Time         `json:"updated_at"`
	Rollcall                         OrganizationExtras `json:"rollcall"`
}

// OrganizationExtras is what Rollcall adds to the reference's organization.
type OrganizationExtras struct {
	Slug string `json:"slug"`
	Settings
}

// PublicForm returns the object that the API and events show, with the organization's domains.
func (g *Organization) PublicForm() OrganizationObject {
	o := OrganizationObject{
		Object: "organization", ID: model.OrganizationPrefix.ID(string(g.ID)), Name: g.Name, Domains: []DomainObject{},
		Metadata: g.Metadata, ExternalID: g.ExternalID, AllowProfilesOutsideOrganization: g.AllowProfilesOutsideOrganization,
		CreatedAt: g.CreatedAt, UpdatedAt: g.UpdatedAt, Rollcall: OrganizationExtras{g.Slug, g.Settings},
	}
	for i := range g.Domains {
		o.Domains = append(o.Domains, g.Domains[i].PublicForm())
	}
	return o
}

// DomainObject is the public form of a Domain.
type DomainObject struct {
	Object               string      `json:"object"`
	ID                   string      `json:"id"`
	OrganizationID       string      `json:"organization_id"`
	Domain               string      `json:"domain"`
	State                DomainState `json:"state"`
	VerificationStrategy string      `json:"verification_strategy"`
	VerificationPrefix   string      `json:"verification_prefix"`
	VerificationToken    string      `json:"verification_token"`
	CreatedAt            model.Time  `json:"created_at"`
	UpdatedAt            model.Time  `json:"updated_at"`
}

// PublicForm returns the object that the API and events show.
func (d *Domain) PublicForm() DomainObject {
	return DomainObject{
		Object: "organization_domain", ID: model.OrganizationDomainPrefix.ID(d.ID),
		OrganizationID: model.OrganizationPrefix.ID(string(d.OrganizationID)), Domain: d.Domain, State: d.State,
		VerificationStrategy: d.VerificationStrategy, VerificationPrefix: VerificationPrefix, VerificationToken: d.VerificationToken,
		CreatedAt: d.CreatedAt, UpdatedAt: d.UpdatedAt,
	}
}

// DomainDetail is a domain with how far its proof is.
type DomainDetail struct {
	DomainObject
	Rollcall DomainExtras `json:"rollcall"`
}

// DomainExtras is what Rollcall adds to the reference's domain.
type DomainExtras struct {
	RecordName   string      `json:"record_name"`   // of the TXT record
	RecordValue  string      `json:"record_value"`  // its whole text
	CheckedAt    *model.Time `json:"checked_at"`    // when DNS was asked last
	Finding      *string     `json:"finding"`       // what it said: found, missing or unknown
	NextCheckAt  *model.Time `json:"next_check_at"` // null where DNS is not asked any more
	PendingUntil *model.Time `json:"pending_until"` // a pending domain fails then
	ProvenAt     *model.Time `json:"proven_at"`     // a pending domain is proven, and waits for another organization's
	TrustedUntil *model.Time `json:"trusted_until"` // a verified domain fails then, unless its record comes back or the other claim ends
}

// DetailedForm returns the object that the API shows of one domain.
func (d *Domain) DetailedForm() DomainDetail {
	x := DomainExtras{RecordName: VerificationPrefix + "." + d.Domain, RecordValue: d.VerificationToken, CheckedAt: d.CheckedAt,
		Finding: tenant.OrNull(string(d.Finding)), NextCheckAt: d.NextCheckAt, PendingUntil: d.PendingUntil, ProvenAt: d.ProvenAt, TrustedUntil: d.ContestedUntil}
	if d.MissingSince != nil {
		if gone := d.MissingSince.Later(graceTime); x.TrustedUntil == nil || *gone < *x.TrustedUntil {
			x.TrustedUntil = gone
		}
	}
	return DomainDetail{d.PublicForm(), x}
}
