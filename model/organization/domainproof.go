package organization

import (
	"context"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/internal/across"
	"rollcall/model/internal/tenant"
)

// VerificationPrefix is the label below which a domain's DNS record is looked for.
const VerificationPrefix = "_sso-verify"

// The times of a domain's proof (docs/design/signon.md, "Proof of a domain").
const (
	pendingTime  = 7 * 24 * time.Hour // from the claim to the record
	recheckEvery = 7 * 24 * time.Hour // of a proven domain
	graceTime    = 7 * 24 * time.Hour // a proven domain is still trusted without its record
	noticeTime   = 7 * 24 * time.Hour // and when another organization has proven it
	dailyCheck   = 24 * time.Hour     // while one of these two runs
	retryUnknown = time.Hour          // where DNS gave no answer about a proven domain
	firstRetry   = time.Minute        // of a pending domain, doubled each time
	lastRetry    = 6 * time.Hour
)

// DomainFinding is what a look at a domain's DNS record found.
type DomainFinding string

// What there is to find. Only DomainRecordMissing ever takes trust away.
const (
	DomainRecordFound   DomainFinding = "found"
	DomainRecordMissing DomainFinding = "missing" // there is no record, or none with the token
	DomainRecordUnknown DomainFinding = "unknown" // DNS did not answer, or its servers disagree
)

// await makes a domain pending, to be proven from now on.
func (d *Domain) await(now model.Time) {
	d.State, d.VerificationStrategy, d.Checks = DomainStatePending, "dns", 0
	d.PendingUntil, d.NextCheckAt, d.MissingSince = now.Later(pendingTime), &now, nil
}

// proofColumns are the columns of a domain that its proof changes.
var proofColumns = []any{"VerificationStrategy", "PendingUntil", "NextCheckAt", "Checks", "CheckedAt", "Finding", "MissingSince",
	"ProvenAt", "ContestedUntil", "ContestedBy", "UpdatedAt"}

// storeProof writes what the proof changed.
func (o Org) storeProof(ctx context.Context, d *Domain) error {
	err := tenant.DB(o).WithContext(ctx).Model(&Domain{}).Where("id = ?", d.ID).Select("State", proofColumns...).UpdateColumns(d).Error
	if err != nil {
		return o.domainTaken(fmt.Errorf("store domain: %w", err))
	}
	return nil
}

// domainNotice is the data of an event about a domain whose trust is about to end, or is safe again.
type domainNotice struct {
	DomainObject
	Cause string `json:"cause"`
}

func (o Org) noticeDomain(d *Domain, format string, args ...any) error {
	return tenant.Record(o, DomainUpdated, model.OrganizationDomainPrefix.ID(d.ID), domainNotice{d.PublicForm(), fmt.Sprintf(format, args...)})
}

// domainFailure is the reference's organization_domain.verification_failed event.
type domainFailure struct {
	Reason             string       `json:"reason"`
	OrganizationDomain DomainObject `json:"organization_domain"`
}

const (
	periodExpired   = "domain_verification_period_expired"
	verifiedByOther = "domain_verified_by_other_organization"
)

// failDomain ends a claim, or the trust in a domain: from now on it is as good as none.
func (o Org) failDomain(ctx context.Context, d *Domain, reason string) error {
	d.State, d.UpdatedAt = DomainStateFailed, tenant.Now(o)
	d.PendingUntil, d.NextCheckAt, d.MissingSince, d.ProvenAt, d.ContestedUntil, d.ContestedBy = nil, nil, nil, nil, nil, ""
	if err := o.storeProof(ctx, d); err != nil {
		return err
	}
	return tenant.Record(o, DomainVerificationFailed, model.OrganizationDomainPrefix.ID(d.ID), domainFailure{reason, d.PublicForm()})
}

// acceptDomain makes a domain verified, which no other organization may have so by now.
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

// noteFinding changes a domain by what a look at DNS found. A domain that an
// operator vouches for stays as it is, and one that failed is claimed anew.
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
		d.CheckedAt, d.Finding = &now, found
		switch {
		case d.State == DomainStatePending:
			return org.weighClaim(ctx, d, found)
		case d.VerificationStrategy == "dns":
			return org.weighTrust(ctx, d, found)
		}
		return nil
	})
	return d, err
}

// weighClaim is noteFinding for a pending domain.
func (o Org) weighClaim(ctx context.Context, d *Domain, found DomainFinding) error {
	if d.PendingUntil == nil { // it is older than its proof by DNS
		d.PendingUntil = tenant.Now(o).Later(pendingTime)
	}
	if found == DomainRecordFound {
		return o.prove(ctx, d)
	}
	if found == DomainRecordMissing && d.ProvenAt != nil {
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

// weighTrust is noteFinding for a domain that was proven by DNS.
func (o Org) weighTrust(ctx context.Context, d *Domain, found DomainFinding) error {
	wasMissing := d.MissingSince
	switch {
	case found == DomainRecordUnknown: // an outage of somebody's DNS says nothing about whose the domain is
		d.NextCheckAt = tenant.Now(o).Later(retryUnknown)
		return o.storeProof(ctx, d)
	case found == DomainRecordFound:
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
	case wasMissing == nil && d.MissingSince != nil:
		return o.noticeDomain(d, "the DNS record is gone; without it the domain is not trusted any more as of %s", tenant.Now(o).Later(graceTime))
	case wasMissing != nil && d.MissingSince == nil:
		return o.noticeDomain(d, "the DNS record is there again")
	}
	return nil
}

// prove makes a domain verified that its record proves. Where another
// organization has it verified, that one is told, and keeps it for the time of
// the notice (docs/design/identity.md, "Leaving").
func (o Org) prove(ctx context.Context, d *Domain) error {
	owner, err := o.otherOwner(ctx, d)
	if err != nil {
		return err
	}
	now := tenant.Now(o)
	switch {
	case owner == nil:
		return o.acceptDomain(ctx, d, "dns")
	case owner.ContestedBy == d.ID && owner.ContestedUntil != nil && now >= *owner.ContestedUntil:
		return o.takeOver(ctx, d, owner, "dns")
	}
	if d.ProvenAt == nil {
		d.ProvenAt = &now
	}
	d.NextCheckAt = now.Later(dailyCheck)
	if owner.ContestedBy == "" {
		owner.ContestedBy, owner.ContestedUntil = d.ID, now.Later(noticeTime)
		err := o.inOrganization(ctx, owner.OrganizationID, func(theirs Org) error {
			if err := theirs.storeProof(ctx, owner); err != nil {
				return err
			}
			return theirs.noticeDomain(owner, "another organization has proven by DNS that the domain is its own; here it is not trusted any more as of %s", owner.ContestedUntil)
		})
		if err != nil {
			return err
		}
	}
	if owner.ContestedBy == d.ID {
		d.NextCheckAt = now.Later(min(dailyCheck, time.Duration(*owner.ContestedUntil-now)*time.Millisecond))
	}
	return o.storeProof(ctx, d)
}

// otherOwner is the domain as another organization has it verified, locked; nil when none has.
func (o Org) otherOwner(ctx context.Context, d *Domain) (*Domain, error) {
	var owners []Domain
	err := across.ReadIn(ctx, o).Clauses(clause.Locking{Strength: tenant.ToChange}).
		Where("domain = ? AND state = ? AND id <> ?", d.Domain, DomainStateVerified, d.ID).Limit(1).Find(&owners).Error
	if err != nil {
		return nil, fmt.Errorf("read owner of domain: %w", err)
	}
	if len(owners) == 0 {
		return nil, nil
	}
	return &owners[0], nil
}

// takeOver ends another organization's trust in a domain and begins this one's, both or neither.
func (o Org) takeOver(ctx context.Context, d, owner *Domain, strategy string) error {
	err := o.inOrganization(ctx, owner.OrganizationID, func(theirs Org) error { return theirs.failDomain(ctx, owner, verifiedByOther) })
	if err != nil {
		return err
	}
	return o.acceptDomain(ctx, d, strategy)
}

// withdrawContest tells the owner of a domain that a claim to it has ended.
func (o Org) withdrawContest(ctx context.Context, d *Domain) error {
	owner, err := o.otherOwner(ctx, d)
	if err != nil || owner == nil || owner.ContestedBy != d.ID {
		return err
	}
	return o.inOrganization(ctx, owner.OrganizationID, func(theirs Org) error { return theirs.clearContest(ctx, owner) })
}

func (o Org) clearContest(ctx context.Context, d *Domain) error {
	d.ContestedUntil, d.ContestedBy = nil, ""
	if err := o.storeProof(ctx, d); err != nil {
		return err
	}
	return o.noticeDomain(d, "the other organization's claim to the domain has ended")
}

// ForceDomain makes a domain verified on an operator's word, and ends at once the trust of another
// organization that has it.
func (o Org) ForceDomain(ctx context.Context, id string) (d *Domain, err error) {
	err = o.change(ctx, func(org Org) error {
		if d, err = org.lockDomain(ctx, id); err != nil || d.State == DomainStateVerified {
			return err
		}
		owner, err := org.otherOwner(ctx, d)
		if err != nil {
			return err
		}
		if owner != nil {
			return org.takeOver(ctx, d, owner, "manual")
		}
		return org.acceptDomain(ctx, d, "manual")
	})
	return d, err
}

// LookupTXT reads the TXT records of a name. It answers NotFound where DNS says
// that there are none, and any other error where DNS does not say.
type LookupTXT func(ctx context.Context, name string) ([]string, error)

// look tells what is to be found of a domain's record. The token is compared
// exactly: a text that only contains it may be somebody's note about it.
func (d *Domain) look(ctx context.Context, lookup LookupTXT) (DomainFinding, error) {
	texts, err := lookup(ctx, VerificationPrefix+"."+d.Domain)
	switch {
	case err != nil && model.KindOf(err) != model.NotFound:
		return DomainRecordUnknown, err
	case slices.Contains(texts, d.VerificationToken):
		return DomainRecordFound, nil
	}
	return DomainRecordMissing, nil
}
