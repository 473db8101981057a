package organization

import (
	"context"
	"fmt"
	"time"

	"rollcall/model"
	"rollcall/model/internal/tenant"
)

// verificationPrefix is the label of a domain's DNS record, in front of the domain.
const verificationPrefix = "_sso-verify"

// The times of a domain's proof (docs/design/signon.md, "Proof of a domain").
const (
	pendingTime  = 7 * 24 * time.Hour // a pending domain fails without its record after it
	recheckEvery = 7 * 24 * time.Hour // of a proven domain
	graceTime    = 7 * 24 * time.Hour // a proven domain is trusted without its record for it
	noticeTime   = 7 * 24 * time.Hour // a proven domain stays after another organization has proven it
	dailyCheck   = 24 * time.Hour     // of a domain during graceTime or noticeTime
	retryUnknown = time.Hour          // of a proven domain when DNS did not answer
	firstRetry   = time.Minute        // of a pending domain, doubled each time
	lastRetry    = 6 * time.Hour
)

// DomainFinding is the result of a query for a domain's DNS record.
type DomainFinding string

// The findings. Of these, only DomainRecordFound proves a domain, and only DomainRecordMissing ends
// the trust in one.
const (
	DomainRecordFound   DomainFinding = "found"
	DomainRecordAlias   DomainFinding = "alias"   // only by a CNAME, at a name that may be another's
	DomainRecordMissing DomainFinding = "missing" // no record has the token
	DomainRecordUnknown DomainFinding = "unknown" // DNS did not answer, or its servers disagree
)

// await makes a domain pending, with its proof due from now on.
func (d *Domain) await(now model.Time) {
	d.State, d.VerificationStrategy, d.Checks = DomainStatePending, "dns", 0
	d.PendingUntil, d.NextCheckAt, d.MissingSince = now.Later(pendingTime), &now, nil
}

// proofColumns are the columns of a domain that its proof changes.
var proofColumns = []any{"VerificationStrategy", "PendingUntil", "NextCheckAt", "Checks", "CheckedAt", "Finding",
	"MissingSince", "ProvenAt", "ContestedUntil", "ContestedBy", "UpdatedAt"}

// storeProof writes the state of a domain and its proofColumns.
func (o Org) storeProof(ctx context.Context, d *Domain) error {
	err := tenant.DB(ctx, o).Model(&Domain{}).Where("id = ?", d.ID).
		Select("State", proofColumns...).UpdateColumns(d).Error
	if err != nil {
		return o.domainTaken(fmt.Errorf("store domain: %w", err))
	}
	return nil
}

// domainNotice is the data of an event about a domain whose trust will end, or will not end after
// all.
type domainNotice struct {
	DomainObject
	Cause string `json:"cause"`
}

// noticeDomain records a domainNotice with a cause.
func (o Org) noticeDomain(d *Domain, format string, args ...any) error {
	notice := domainNotice{d.PublicForm(), fmt.Sprintf(format, args...)}
	return tenant.Record(o, DomainUpdated, model.OrganizationDomainPrefix.ID(d.ID), notice)
}

// domainFailure is the data of DomainVerificationFailed.
type domainFailure struct {
	Reason             string       `json:"reason"`
	OrganizationDomain DomainObject `json:"organization_domain"`
}

// The reasons of a domainFailure.
const (
	periodExpired   = "domain_verification_period_expired"
	verifiedByOther = "domain_verified_by_other_organization"
)

// failDomain makes a domain failed: nothing trusts it from now on, and nothing checks it.
func (o Org) failDomain(ctx context.Context, d *Domain, reason string) error {
	d.State, d.UpdatedAt = DomainStateFailed, tenant.Now(o)
	d.PendingUntil, d.NextCheckAt, d.MissingSince, d.ProvenAt = nil, nil, nil, nil
	d.ContestedUntil, d.ContestedBy = nil, ""
	if err := o.storeProof(ctx, d); err != nil {
		return err
	}
	failure := domainFailure{reason, d.PublicForm()}
	return tenant.Record(o, DomainVerificationFailed, model.OrganizationDomainPrefix.ID(d.ID), failure)
}

// acceptDomain makes a domain verified. It answers Conflict when another organization has it
// verified.
func (o Org) acceptDomain(ctx context.Context, d *Domain, strategy string) error {
	d.State, d.VerificationStrategy, d.UpdatedAt = DomainStateVerified, strategy, tenant.Now(o)
	d.PendingUntil, d.NextCheckAt, d.MissingSince, d.ProvenAt, d.Checks = nil, nil, nil, nil, 0
	if strategy == "dns" {
		d.NextCheckAt = tenant.Now(o).Later(recheckEvery)
	}
	if err := o.storeProof(ctx, d); err != nil {
		return err
	}
	return tenant.Record(o, DomainVerified, model.OrganizationDomainPrefix.ID(d.ID), d.PublicForm())
}

// noteFinding changes a domain by a finding. A failed domain is pending again first. A domain that
// an operator vouches for stays as it is.
func (o Org) noteFinding(ctx context.Context, id string, found DomainFinding) (d *Domain, err error) {
	err = o.change(ctx, func(org Org) error {
		if d, err = org.lockDomain(ctx, id); err != nil {
			return err
		}
		if d.State == DomainStateFailed {
			d.await(tenant.Now(org))
			d.UpdatedAt = tenant.Now(org)
		}
		now := tenant.Now(org)
		before := d.Finding
		d.CheckedAt, d.Finding = &now, found
		switch {
		case d.State == DomainStatePending:
			return org.weighClaim(ctx, d, found)
		case d.VerificationStrategy == "dns":
			return org.weighTrust(ctx, d, before)
		}
		return nil
	})
	return d, err
}

// weighClaim is noteFinding for a pending domain.
func (o Org) weighClaim(ctx context.Context, d *Domain, found DomainFinding) error {
	if d.PendingUntil == nil { // the row is older than the proof by DNS
		d.PendingUntil = tenant.Now(o).Later(pendingTime)
	}
	if found == DomainRecordFound {
		return o.prove(ctx, d)
	}
	if found != DomainRecordUnknown && d.ProvenAt != nil {
		d.ProvenAt, d.PendingUntil = nil, tenant.Now(o).Later(pendingTime)
		if err := o.withdrawContest(ctx, d); err != nil {
			return err
		}
	}
	if d.ProvenAt == nil && tenant.Now(o) >= *d.PendingUntil {
		return o.failDomain(ctx, d, periodExpired)
	}
	d.NextCheckAt = tenant.Now(o).Later(min(firstRetry<<min(d.Checks, 16), lastRetry))
	d.Checks++
	return o.storeProof(ctx, d)
}

// weighTrust is noteFinding for a domain that was proven by DNS, with the finding before this one.
// It stays proven by an alias: aliases proved domains once, and the owner gets a notice.
func (o Org) weighTrust(ctx context.Context, d *Domain, before DomainFinding) error {
	wasMissing := d.MissingSince
	switch {
	case d.Finding == DomainRecordUnknown: // an outage of DNS says nothing about the owner of the domain
		d.NextCheckAt = tenant.Now(o).Later(retryUnknown)
		return o.storeProof(ctx, d)
	case d.Finding == DomainRecordFound || d.Finding == DomainRecordAlias:
		d.MissingSince, d.NextCheckAt = nil, tenant.Now(o).Later(recheckEvery)
	case wasMissing == nil:
		now := tenant.Now(o)
		d.MissingSince, d.NextCheckAt = &now, now.Later(dailyCheck)
	case tenant.Now(o) >= *wasMissing.Later(graceTime):
		return o.failDomain(ctx, d, periodExpired)
	default:
		d.NextCheckAt = tenant.Now(o).Later(dailyCheck)
	}
	if err := o.storeProof(ctx, d); err != nil {
		return err
	}
	switch {
	case d.Finding == DomainRecordAlias && before != DomainRecordAlias:
		return o.noticeDomain(d, "the DNS record stands under another name only, which an alias (CNAME) leads to; "+
			"the domain stays verified, but publish the record at %s.%s itself", verificationPrefix, d.Domain)
	case wasMissing == nil && d.MissingSince != nil:
		return o.noticeDomain(d, "the DNS record is gone; without it the domain is not trusted any more as of %s",
			tenant.Now(o).Later(graceTime))
	case wasMissing != nil && d.MissingSince == nil:
		return o.noticeDomain(d, "the DNS record is there again")
	}
	return nil
}
