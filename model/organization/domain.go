package organization

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"rollcall/model"
	"rollcall/model/internal/tenant"
)

// DomainState is the state of a domain's proof.
type DomainState string

// The states of a domain. Only a verified one is trusted with e-mail addresses.
const (
	DomainStatePending  DomainState = "pending"
	DomainStateVerified DomainState = "verified"
	DomainStateFailed   DomainState = "failed" // it was not proven in time, or lost its proof
)

// Domain is an e-mail domain of an organization. Several organizations may have a domain pending,
// and one of them may have it verified.
type Domain struct {
	ID                   string               `gorm:"primaryKey"`
	OrganizationID       model.OrganizationID `gorm:"<-:create"`
	Domain               string               // IDNA ASCII, lower case
	State                DomainState
	VerificationStrategy string // "dns", or "manual" when an operator vouches for it
	VerificationToken    string

	// The proof by DNS.
	PendingUntil *model.Time // a pending domain fails then
	NextCheckAt  *model.Time // nil for never
	Checks       int64       // of a pending domain, without success
	CheckedAt    *model.Time
	Finding      DomainFinding // at CheckedAt
	MissingSince *model.Time   // the DNS record of a proven domain is missing since then

	// A domain that two organizations have proven.
	ProvenAt       *model.Time // of the pending domain; the other organization has it verified
	ContestedUntil *model.Time // of the verified domain; the other organization gets it then
	ContestedBy    string      // the ID of the other organization's Domain

	CreatedAt model.Time `gorm:"autoCreateTime:false"`
	UpdatedAt model.Time `gorm:"autoUpdateTime:false"`
}

// TableName is the table of Domain.
func (Domain) TableName() string { return "organization_domains" }

// Domain returns one domain of the organization.
func (o Org) Domain(ctx context.Context, id string) (*Domain, error) {
	var d Domain
	return &d, tenant.ByID(o, tenant.Read(ctx, o), &d, "organization domain", id)
}

// lockDomain reads a domain and locks its row.
func (o Org) lockDomain(ctx context.Context, id string) (*Domain, error) {
	var d Domain
	err := tenant.ByID(o, tenant.ForChange(o, tenant.DB(ctx, o), id), &d, "organization domain", id)
	if err != nil {
		return nil, err
	}
	return &d, nil
}

// Domains lists the organization's domains, oldest first.
func (o Org) Domains(ctx context.Context) ([]Domain, error) {
	var ds []Domain
	err := tenant.Read(ctx, o).Order("id").Find(&ds).Error
	if err != nil {
		err = tenant.Translate(o, fmt.Errorf("read domains: %w", err))
	}
	return ds, err
}

// CreateDomain adds a domain, verified when an operator vouches for it. It answers Conflict when
// the organization has the domain already, or another organization has it verified.
func (o Org) CreateDomain(ctx context.Context, name string, state DomainState) (d *Domain, err error) {
	err = o.Tx(ctx, func(org Org) error {
		if d, err = org.inner().InsertDomain(ctx, name, state); err != nil {
			return err
		}
		return org.inner().RecordDomain(d)
	})
	return d, err
}

// InsertDomain is CreateDomain without the events, see RecordDomain.
func (o Inner) InsertDomain(ctx context.Context, name string, state DomainState) (*Domain, error) {
	ascii, err := model.FoldDomain(name)
	if err != nil {
		return nil, err
	}
	if state != DomainStatePending && state != DomainStateVerified {
		return nil, model.Invalidf("state", "the state is %q or %q", DomainStatePending, DomainStateVerified)
	}
	if freeMail[ascii] {
		return nil, model.Invalidf("domain",
			"%q gives mail addresses to everybody; enter a domain of the organization's own", ascii)
	}
	now := tenant.Now(o)
	d := &Domain{ID: model.NewID(), Domain: ascii, VerificationToken: rand.Text(), CreatedAt: now, UpdatedAt: now}
	d.await(now)
	if state == DomainStateVerified {
		d.State, d.VerificationStrategy, d.PendingUntil, d.NextCheckAt = state, "manual", nil, nil
	}
	if err := tenant.DB(ctx, o).Create(d).Error; err != nil {
		return nil, o.domainTaken(fmt.Errorf("create domain: %w", err))
	}
	return d, nil
}

// RecordDomain records the events of a new domain: that it was added and, if so, that it is
// verified.
func (o Inner) RecordDomain(d *Domain) error {
	id := model.OrganizationDomainPrefix.ID(d.ID)
	if err := tenant.Record(o, DomainCreated, id, d.PublicForm()); err != nil || d.State != DomainStateVerified {
		return err
	}
	return tenant.Record(o, DomainVerified, id, d.PublicForm())
}

// domainTaken turns the error of a unique index or of a foreign key into what the caller sees.
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

// VerifyDomain makes a domain verified because an operator vouches for it. It answers Conflict
// while another organization has the domain verified.
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

// SetDomains replaces the organization's domains: it deletes those that are not given, creates
// those that are missing, and verifies pending ones that are given as verified. It returns how many
// domains it made verified. A verified domain that is given as pending stays verified.
func (o Org) SetDomains(ctx context.Context, domains map[string]DomainState) (verified int, err error) {
	err = o.Tx(ctx, func(org Org) error {
		missing, err := foldedDomains(domains)
		if err != nil {
			return err
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

// foldedDomains folds the names of domains. Of two names for one domain, verified counts.
func foldedDomains(domains map[string]DomainState) (map[string]DomainState, error) {
	folded := map[string]DomainState{}
	for name, state := range domains {
		ascii, err := model.FoldDomain(name)
		if err != nil {
			return nil, err
		}
		if folded[ascii] != DomainStateVerified {
			folded[ascii] = state
		}
	}
	return folded, nil
}

// DeleteDomain removes a domain. Users keep their e-mail addresses, which are not trusted any more.
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
		if err := tenant.DB(ctx, org).Where("id = ?", id).Delete(&Domain{}).Error; err != nil {
			return fmt.Errorf("delete domain: %w", err)
		}
		return tenant.Record(org, DomainDeleted, model.OrganizationDomainPrefix.ID(id), d.PublicForm())
	})
}

// UnderVerified tells whether a folded name is that of a verified domain among these.
func UnderVerified(domains []Domain, name string) bool {
	return slices.ContainsFunc(domains, func(d Domain) bool {
		return d.State == DomainStateVerified && d.Domain == name
	})
}
