package organization

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm/clause"

	"rollcall/model/internal/across"
	"rollcall/model/internal/tenant"
)

// prove makes a domain verified after its record was found. While another organization has the
// domain verified, that organization gets a notice and keeps the domain for noticeTime
// (docs/design/identity.md, "Leaving").
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
		if err := o.contest(ctx, owner, d); err != nil {
			return err
		}
	}
	if owner.ContestedBy == d.ID {
		d.NextCheckAt = now.Later(min(dailyCheck, time.Duration(*owner.ContestedUntil-now)*time.Millisecond))
	}
	return o.storeProof(ctx, d)
}

// contest notes, with a notice, that a domain's owner loses it to this organization after
// noticeTime.
func (o Org) contest(ctx context.Context, owner, d *Domain) error {
	owner.ContestedBy, owner.ContestedUntil = d.ID, tenant.Now(o).Later(noticeTime)
	return o.inOrganization(ctx, owner.OrganizationID, func(theirs Org) error {
		if err := theirs.storeProof(ctx, owner); err != nil {
			return err
		}
		return theirs.noticeDomain(owner, "another organization has proven by DNS that the domain is its own; "+
			"here it is not trusted any more as of %s", owner.ContestedUntil)
	})
}

// otherOwner locks and returns the verified row that another organization has for a domain, or nil.
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

// takeOver makes another organization's domain failed and this organization's verified, in one
// transaction.
func (o Org) takeOver(ctx context.Context, d, owner *Domain, strategy string) error {
	err := o.inOrganization(ctx, owner.OrganizationID, func(theirs Org) error {
		return theirs.failDomain(ctx, owner, verifiedByOther)
	})
	if err != nil {
		return err
	}
	return o.acceptDomain(ctx, d, strategy)
}

// withdrawContest ends the claim of this organization to a domain that another one has verified.
func (o Org) withdrawContest(ctx context.Context, d *Domain) error {
	owner, err := o.otherOwner(ctx, d)
	if err != nil || owner == nil || owner.ContestedBy != d.ID {
		return err
	}
	return o.inOrganization(ctx, owner.OrganizationID, func(theirs Org) error {
		return theirs.clearContest(ctx, owner)
	})
}

// clearContest lets the organization keep its domain after the other organization's claim has
// ended.
func (o Org) clearContest(ctx context.Context, d *Domain) error {
	d.ContestedUntil, d.ContestedBy = nil, ""
	if err := o.storeProof(ctx, d); err != nil {
		return err
	}
	return o.noticeDomain(d, "the other organization's claim to the domain has ended")
}

// ForceDomain is VerifyDomain without the Conflict: the domain of the other organization fails at
// once.
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
