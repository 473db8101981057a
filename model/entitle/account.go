package entitle

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/internal/tenant"
	"rollcall/model/organization"
	"rollcall/model/people"
)

// Account is a product account or workspace inside an organization.
type Account struct {
	ID             string               `gorm:"primaryKey"`
	OrganizationID model.OrganizationID `gorm:"<-:create"`
	AccountFields
	NameFolded string     // unique in the organization
	SeatsUsed  int64      // how many licenses are granted
	CreatedAt  model.Time `gorm:"autoCreateTime:false"`
	UpdatedAt  model.Time `gorm:"autoUpdateTime:false"`
}

// AccountFields are the fields of an account that UpdateAccount changes.
type AccountFields struct {
	Name  string
	Seats *int64 // nil for no limit
}

// MaxAccounts is how many accounts an organization may have.
const MaxAccounts = 500

const maxSeats = 1_000_000 // of an account

func (a *Account) validate() error {
	if err := model.ValidName(a.Name); err != nil {
		return err
	}
	if a.Seats != nil && (*a.Seats < 0 || *a.Seats > maxSeats) {
		return model.Invalidf("seats", "seats is a whole number from 0 to %d, or null for no limit", maxSeats)
	}
	a.NameFolded = model.Fold(strings.TrimSpace(a.Name))
	return nil
}

// Account returns one account of the organization.
func (o Org) Account(ctx context.Context, id string) (*Account, error) {
	var a Account
	return &a, tenant.ByID(o, tenant.Read(ctx, o), &a, "account", id)
}

// Accounts lists the accounts of the organization.
func (o Org) Accounts(ctx context.Context, p model.Page) ([]Account, model.PageInfo, error) {
	return tenant.Paged(o, tenant.Read(ctx, o).Model(&Account{}), p, func(a Account) string { return a.ID })
}

// CreateAccount adds an account, without licenses. It answers Conflict for a name that another
// account of the organization has.
func (o Org) CreateAccount(ctx context.Context, a *Account) error {
	if err := a.validate(); err != nil {
		return err
	}
	return o.Tx(ctx, func(org Org) error {
		// The organization's row is the lock under which its accounts are counted.
		if _, err := organization.Inside(tenant.Inside(org)).LockOrganization(ctx, tenant.ToChange); err != nil {
			return err
		}
		var n int64
		if err := tenant.DB(ctx, org).Model(&Account{}).Count(&n).Error; err != nil {
			return fmt.Errorf("count accounts: %w", err)
		}
		if n >= MaxAccounts {
			return model.Conflictf("organization_id",
				"the organization has %d accounts, which is the most; delete one first", n)
		}
		a.ID, a.SeatsUsed, a.CreatedAt, a.UpdatedAt = model.NewID(), 0, tenant.Now(org), tenant.Now(org)
		if err := tenant.DB(ctx, org).Create(a).Error; err != nil {
			return nameTaken("account", fmt.Errorf("create account: %w", err))
		}
		tenant.RulesChanged(org)
		return nil
	})
}

// nameTaken translates a violated unique index of names into Conflict.
func nameTaken(what string, err error) error {
	if errors.Is(err, gorm.ErrDuplicatedKey) {
		return &model.Error{Kind: model.Conflict, Field: "name", Err: err,
			Message: "another " + what + " has this name, in any case; send another one"}
	}
	return err
}

// lockAccount reads an account's row under a lock. strength is tenant.ToChange or
// tenant.ToRemove.
func (o Org) lockAccount(ctx context.Context, id, strength string) (*Account, error) {
	var a Account
	err := tenant.ByID(o, tenant.DB(ctx, o).Clauses(clause.Locking{Strength: strength}), &a, "account", id)
	if err != nil {
		return nil, err
	}
	return &a, nil
}

// UpdateAccount lets change alter the name and the seats of an account. New seats go to the waiting
// licenses, those that have waited longest first. It answers Conflict for fewer seats than are in
// use.
func (o Org) UpdateAccount(ctx context.Context, id string, change func(*AccountFields) error) (*Account, error) {
	var a *Account
	err := o.change(ctx, func(org Org) error {
		before, err := org.lockAccount(ctx, id, tenant.ToChange)
		if err != nil {
			return err
		}
		after := *before
		if err := change(&after.AccountFields); err != nil {
			return err
		}
		if err := after.validate(); err != nil {
			return err
		}
		if after.Seats != nil && *after.Seats < after.SeatsUsed {
			return model.Conflictf("seats",
				"%d seats are in use; revoke licenses first, or send at least that many seats", after.SeatsUsed)
		}
		if a = &after; len(people.Changed(before, a)) == 0 {
			return nil
		}
		a.UpdatedAt = tenant.Now(org)
		err = tenant.DB(ctx, org).Model(&Account{}).Where("id = ?", id).
			Select("Name", "NameFolded", "Seats", "UpdatedAt").UpdateColumns(a).Error
		if err != nil {
			return nameTaken("account", fmt.Errorf("update account: %w", err))
		}
		return org.promote(ctx, a)
	})
	if err != nil {
		return nil, err
	}
	return a, nil
}

// DeleteAccount removes an account with its groups. All licenses for it end.
func (o Org) DeleteAccount(ctx context.Context, id string) error {
	return o.change(ctx, func(org Org) error {
		if _, err := org.lockAccount(ctx, id, tenant.ToRemove); err != nil {
			return err
		}
		lost := losses{cause: tenant.CauseAccountDeleted}
		if err := org.revoke(ctx, &lost, "account_id = ?", id); err != nil {
			return err
		}
		if err := tenant.DB(ctx, org).Where("id = ?", id).Delete(&Account{}).Error; err != nil {
			return fmt.Errorf("delete account: %w", err)
		}
		tenant.RulesChanged(org)
		return nil
	})
}

// AccountObject is the public form of an Account.
type AccountObject struct {
	Object         string     `json:"object"`
	ID             string     `json:"id"`
	OrganizationID string     `json:"organization_id"`
	Name           string     `json:"name"`
	Seats          *int64     `json:"seats"` // null for no limit
	SeatsUsed      int64      `json:"seats_used"`
	CreatedAt      model.Time `json:"created_at"`
	UpdatedAt      model.Time `json:"updated_at"`
}

// PublicForm returns the object that the API shows.
func (a *Account) PublicForm() AccountObject {
	return AccountObject{"account", model.AccountPrefix.ID(a.ID), model.OrganizationPrefix.ID(string(a.OrganizationID)),
		a.Name, a.Seats, a.SeatsUsed, a.CreatedAt, a.UpdatedAt}
}
