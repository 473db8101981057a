package organization

import (
	"rollcall/model"
)

// The API, events and webhooks show the same objects (docs/design/store.md, "Public form").

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

// OrganizationExtras are the fields of Rollcall's own in an OrganizationObject.
type OrganizationExtras struct {
	Slug string `json:"slug"`
	Settings
}

// PublicForm returns the object that the API and events show, with the organization's domains.
func (g *Organization) PublicForm() OrganizationObject {
	o := OrganizationObject{
		Object: "organization", ID: model.OrganizationPrefix.ID(string(g.ID)), Name: g.Name,
		Domains: []DomainObject{}, Metadata: g.Metadata, ExternalID: g.PublicExternalID(),
		CreatedAt: g.CreatedAt, UpdatedAt: g.UpdatedAt, Rollcall: OrganizationExtras{g.Slug, g.Settings},

		AllowProfilesOutsideOrganization: g.AllowProfilesOutsideOrganization,
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
		VerificationStrategy: d.VerificationStrategy, VerificationPrefix: verificationPrefix,
		VerificationToken: d.VerificationToken, CreatedAt: d.CreatedAt, UpdatedAt: d.UpdatedAt,
	}
}

// DomainDetail is the public form of a Domain with the state of its proof.
type DomainDetail struct {
	DomainObject
	Rollcall DomainExtras `json:"rollcall"`
}

// DomainExtras are the fields of Rollcall's own in a DomainDetail.
type DomainExtras struct {
	RecordName   string      `json:"record_name"`   // of the TXT record
	RecordValue  string      `json:"record_value"`  // the whole text of the TXT record
	CheckedAt    *model.Time `json:"checked_at"`    // of the last DNS query
	Finding      *string     `json:"finding"`       // of the last DNS query, see DomainFinding
	NextCheckAt  *model.Time `json:"next_check_at"` // null when there is no next DNS query
	PendingUntil *model.Time `json:"pending_until"` // a pending domain fails then
	// ProvenAt is set while a pending domain is proven and another organization still has it
	// verified.
	ProvenAt *model.Time `json:"proven_at"`
	// TrustedUntil is when a verified domain fails, unless its record comes back or the claim of
	// the other organization ends.
	TrustedUntil *model.Time `json:"trusted_until"`
}

// DetailedForm returns the object that the API shows of one domain.
func (d *Domain) DetailedForm() DomainDetail {
	x := DomainExtras{
		RecordName: verificationPrefix + "." + d.Domain, RecordValue: d.VerificationToken, CheckedAt: d.CheckedAt,
		Finding: model.OrNull(string(d.Finding)), NextCheckAt: d.NextCheckAt, PendingUntil: d.PendingUntil,
		ProvenAt: d.ProvenAt, TrustedUntil: d.ContestedUntil,
	}
	if d.MissingSince != nil {
		if gone := d.MissingSince.Later(graceTime); x.TrustedUntil == nil || *gone < *x.TrustedUntil {
			x.TrustedUntil = gone
		}
	}
	return DomainDetail{d.PublicForm(), x}
}
