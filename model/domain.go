package model

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"gorm.io/gorm"
)

// DomainState says how far a domain's proof is.
type DomainState string

// The states of a domain. Only a verified one is trusted with e-mail addresses.
const (
	DomainStatePending  DomainState = "pending"
	DomainStateVerified DomainState = "verified"
	DomainStateFailed   DomainState = "failed" // not proven in time, or not any more
)

// Domain is an e-mail domain of an organization. A verified one belongs to one organization only.
type Domain struct {
	ID                   string         `gorm:"primaryKey"`
	OrganizationID       OrganizationID `gorm:"<-:create"`
	Domain               string         // IDNA ASCII, lower case
	State                DomainState
	VerificationStrategy string // "dns", or "manual" when an operator vouched for it
	VerificationToken    string

	// The proof by DNS: see domainproof.go.
	PendingUntil   *Time // a pending domain fails then
	NextCheckAt    *Time // nil for never
	Checks         int64 // without success, of a pending domain
	CheckedAt      *Time
	Finding        DomainFinding // at CheckedAt
	MissingSince   *Time         // a proven domain has no record any more
	ProvenAt       *Time         // of a claim that waits for another organization's to run out
	ContestedUntil *Time         // another organization has proven it, and gets it then
	ContestedBy    string        // that organization's Domain

	CreatedAt Time `gorm:"autoCreateTime:false"`
	UpdatedAt Time `gorm:"autoUpdateTime:false"`
}

// TableName is the table of Domain.
func (Domain) TableName() string { return "organization_domains" }

// Domain returns one domain of the organization.
func (o *Org) Domain(ctx context.Context, id string) (*Domain, error) {
	var d Domain
	return &d, o.one(o.read.WithContext(ctx), &d, "organization domain", id)
}

// lockDomain reads a domain for a change that nobody else makes meanwhile.
func (o *Org) lockDomain(ctx context.Context, id string) (*Domain, error) {
	var d Domain
	err := o.one(o.forChange(o.db.WithContext(ctx), id), &d, "organization domain", id)
	if err != nil {
		return nil, err
	}
	return &d, nil
}

// Domains lists the organization's domains, oldest first.
func (o *Org) Domains(ctx context.Context) ([]Domain, error) {
	var ds []Domain
	err := o.read.WithContext(ctx).Order("id").Find(&ds).Error
	if err != nil {
		err = o.store.translate(fmt.Errorf("read domains: %w", err))
	}
	return ds, err
}

// CreateDomain adds a domain, verified when an operator vouches for it. It
// answers Conflict when the organization has it already, or another one has it verified.
func (o *Org) CreateDomain(ctx context.Context, name string, state DomainState) (d *Domain, err error) {
	err = o.Tx(ctx, func(org *Org) error {
		if d, err = org.insertDomain(ctx, name, state); err != nil {
			return err
		}
		return org.recordDomain(d)
	})
	return d, err
}

func (o *Org) insertDomain(ctx context.Context, name string, state DomainState) (*Domain, error) {
	ascii, err := foldDomain(name)
	if err != nil {
		return nil, err
	}
	if state != DomainStatePending && state != DomainStateVerified {
		return nil, Invalidf("state", "the state is %q or %q", DomainStatePending, DomainStateVerified)
	}
	if freeMail[ascii] {
		return nil, Invalidf("domain", "%q gives mail addresses to everybody; enter a domain of the organization's own", ascii)
	}
	d := &Domain{ID: newID(), Domain: ascii, VerificationToken: rand.Text(), CreatedAt: o.now(), UpdatedAt: o.now()}
	d.await(o.now())
	if state == DomainStateVerified {
		d.State, d.VerificationStrategy, d.PendingUntil, d.NextCheckAt = state, "manual", nil, nil
	}
	if err := o.db.WithContext(ctx).Create(d).Error; err != nil {
		return nil, o.domainTaken(fmt.Errorf("create domain: %w", err))
	}
	return d, nil
}

// recordDomain notes that a domain was added, and verified if it is.
func (o *Org) recordDomain(d *Domain) error {
	id := OrganizationDomainPrefix.ID(d.ID)
	if err := o.record(DomainCreated, id, d.PublicForm()); err != nil || d.State != DomainStateVerified {
		return err
	}
	return o.record(DomainVerified, id, d.PublicForm())
}

func (o *Org) domainTaken(err error) error {
	if errors.Is(err, gorm.ErrForeignKeyViolated) {
		return &Error{Kind: NotFound, Message: "there is no such organization", Err: err}
	}
	if errors.Is(err, gorm.ErrDuplicatedKey) {
		return &Error{Kind: Conflict, Field: "domain", Err: err,
			Message: "this domain is taken: by this organization already, or verified by another one"}
	}
	return err
}

// VerifyDomain makes a domain verified on an operator's word.
func (o *Org) VerifyDomain(ctx context.Context, id string) (*Domain, error) {
	var d *Domain
	err := o.Tx(ctx, func(org *Org) (err error) {
		if d, err = org.lockDomain(ctx, id); err != nil || d.State == DomainStateVerified {
			return err
		}
		return org.acceptDomain(ctx, d, "manual")
	})
	return d, err
}

// SetDomains makes the organization's domains exactly the given ones and tells
// how many it verified on the caller's word: others are deleted, missing ones
// created, pending ones verified where they are given as verified. A verified
// domain that is given as pending stays verified: only deleting it ends the trust.
func (o *Org) SetDomains(ctx context.Context, domains map[string]DomainState) (verified int, err error) {
	err = o.Tx(ctx, func(org *Org) error {
		missing := map[string]DomainState{}
		for name, state := range domains {
			ascii, err := foldDomain(name)
			if err != nil {
				return err
			}
			if missing[ascii] != DomainStateVerified {
				missing[ascii] = state
			}
		}
		present, err := org.Domains(ctx)
		if err != nil {
			return err
		}
		for _, d := range present {
			state, wanted := missing[d.Domain]
			delete(missing, d.Domain)
			switch {
			case !wanted:
				err = org.DeleteDomain(ctx, d.ID)
			case state == DomainStateVerified && d.State != DomainStateVerified:
				verified++
				_, err = org.VerifyDomain(ctx, d.ID)
			}
			if err != nil {
				return err
			}
		}
		for _, name := range sortedKeys(missing) {
			d, err := org.CreateDomain(ctx, name, missing[name])
			if err != nil {
				return err
			}
			if d.State == DomainStateVerified {
				verified++
			}
		}
		return nil
	})
	return verified, err
}

// DeleteDomain removes a domain. Users keep their e-mail addresses; nothing
// trusts them any more.
func (o *Org) DeleteDomain(ctx context.Context, id string) error {
	return o.Tx(ctx, func(org *Org) error {
		d, err := org.lockDomain(ctx, id)
		if err != nil {
			return err
		}
		if d.ProvenAt != nil {
			if err := org.withdrawContest(ctx, d); err != nil {
				return err
			}
		}
		if err := org.db.WithContext(ctx).Where("id = ?", id).Delete(&Domain{}).Error; err != nil {
			return fmt.Errorf("delete domain: %w", err)
		}
		return org.record(DomainDeleted, OrganizationDomainPrefix.ID(id), d.PublicForm())
	})
}
