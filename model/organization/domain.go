package organization

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"rollcall/model"
	"rollcall/model/internal/tenant"
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
	ID                   string               `gorm:"primaryKey"`
	OrganizationID       model.OrganizationID `gorm:"<-:create"`
	Domain               string               // IDNA ASCII, lower case
	State                DomainState
	VerificationStrategy string // "dns", or "manual" when an operator vouched for it
	VerificationToken    string

	// The proof by DNS: see domainproof.go.
	PendingUntil   *model.Time // a pending domain fails then
	NextCheckAt    *model.Time // nil for never
	Checks         int64       // without success, of a pending domain
	CheckedAt      *model.Time
	Finding        DomainFinding // at CheckedAt
	MissingSince   *model.Time   // a proven domain has no record any more
	ProvenAt       *model.Time   // of a claim that waits for another organization's to run out
	ContestedUntil *model.Time   // another organization has proven it, and gets it then
	ContestedBy    string        // that organization's Domain

	CreatedAt model.Time `gorm:"autoCreateTime:false"`
	UpdatedAt model.Time `gorm:"autoUpdateTime:false"`
}

// TableName is the table of Domain.
func (Domain) TableName() string { return "organization_domains" }

// Domain returns one domain of the organization.
func (o Org) Domain(ctx context.Context, id string) (*Domain, error) {
	var d Domain
	return &d, tenant.ByID(o, tenant.Read(o).WithContext(ctx), &d, "organization domain", id)
}

// lockDomain reads a domain for a change that nobody else makes meanwhile.
func (o Org) lockDomain(ctx context.Context, id string) (*Domain, error) {
	var d Domain
	err := tenant.ByID(o, tenant.ForChange(o, tenant.DB(o).WithContext(ctx), id), &d, "organization domain", id)
	if err != nil {
		return nil, err
	}
	return &d, nil
}

// Domains lists the organization's domains, oldest first.
func (o Org) Domains(ctx context.Context) ([]Domain, error) {
	var ds []Domain
	err := tenant.Read(o).WithContext(ctx).Order("id").Find(&ds).Error
	if err != nil {
		err = tenant.Translate(o, fmt.Errorf("read domains: %w", err))
	}
	return ds, err
}

// CreateDomain adds a domain, verified when an operator vouches for it. It
// answers Conflict when the organization has it already, or another one has it verified.
func (o Org) CreateDomain(ctx context.Context, name string, state DomainState) (d *Domain, err error) {
	err = o.Tx(ctx, func(org Org) error {
		if d, err = org.InsertDomain(ctx, name, state); err != nil {
			return err
		}
		return org.RecordDomain(d)
	})
	return d, err
}

func (o Org) InsertDomain(ctx context.Context, name string, state DomainState) (*Domain, error) {
	ascii, err := model.FoldDomain(name)
	if err != nil {
		return nil, err
	}
	if state != DomainStatePending && state != DomainStateVerified {
		return nil, model.Invalidf("state", "the state is %q or %q", DomainStatePending, DomainStateVerified)
	}
	if freeMail[ascii] {
		return nil, model.Invalidf("domain", "%q gives mail addresses to everybody; enter a domain of the organization's own", ascii)
	}
	d := &Domain{ID: model.NewID(), Domain: ascii, VerificationToken: rand.Text(), CreatedAt: tenant.Now(o), UpdatedAt: tenant.Now(o)}
	d.await(tenant.Now(o))
	if state == DomainStateVerified {
		d.State, d.VerificationStrategy, d.PendingUntil, d.NextCheckAt = state, "manual", nil, nil
	}
	if err := tenant.DB(o).WithContext(ctx).Create(d).Error; err != nil {
		return nil, o.domainTaken(fmt.Errorf("create domain: %w", err))
	}
	return d, nil
}

// RecordDomain notes that a domain was added, and verified if it is.
func (o Org) RecordDomain(d *Domain) error {
	id := model.OrganizationDomainPrefix.ID(d.ID)
	if err := tenant.Record(o, DomainCreated, id, d.PublicForm()); err != nil || d.State != DomainStateVerified {
		return err
	}
	return tenant.Record(o, DomainVerified, id, d.PublicForm())
}

func (o Org) domainTaken(err error) error {
	if errors.Is(err, gorm.ErrForeignKeyViolated) {
		return &model.Error{Kind: model.NotFound, Message: "there is no such organization", Err: err}
	}
	if errors.Is(err, gorm.ErrDuplicatedKey) {
		return &model.Error{Kind: model.Conflict, Field: "domain", Err: err,
			Message: "this domain is taken: by this organization already, or verified by another one"}
	}
	return err
}

// VerifyDomain makes a domain verified on an operator's word.
func (o Org) VerifyDomain(ctx context.Context, id string) (*Domain, error) {
	var d *Domain
	err := o.Tx(ctx, func(org Org) (err error) {
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
func (o Org) SetDomains(ctx context.Context, domains map[string]DomainState) (verified int, err error) {
	err = o.Tx(ctx, func(org Org) error {
		missing := map[string]DomainState{}
		for name, state := range domains {
			ascii, err := model.FoldDomain(name)
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
		for _, name := range tenant.SortedKeys(missing) {
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
func (o Org) DeleteDomain(ctx context.Context, id string) error {
	return o.Tx(ctx, func(org Org) error {
		d, err := org.lockDomain(ctx, id)
		if err != nil {
			return err
		}
		if d.ProvenAt != nil {
			if err := org.withdrawContest(ctx, d); err != nil {
				return err
			}
		}
		if err := tenant.DB(org).WithContext(ctx).Where("id = ?", id).Delete(&Domain{}).Error; err != nil {
			return fmt.Errorf("delete domain: %w", err)
		}
		return tenant.Record(org, DomainDeleted, model.OrganizationDomainPrefix.ID(id), d.PublicForm())
	})
}
