package entitle

import (
	"context"
	"fmt"

	"gorm.io/gorm/clause"

	"rollcall/model/internal/tenant"
	"rollcall/model/refusal"
)

// This file counts seats. A transaction that takes or gives back seats of several accounts locks
// the accounts' rows in the order of their ids.

// assignSeats counts the seats that were given back and gives them to the licenses that have waited
// longest. Then it takes seats for the new licenses. A new license that finds none waits.
func (r *recomputation) assignSeats(ctx context.Context) error {
	wanted := map[string][]*License{}
	for _, l := range r.fresh {
		r.accounts[l.AccountID] = true
		wanted[l.AccountID] = append(wanted[l.AccountID], l)
	}
	accounts, err := r.lockAccounts(ctx)
	if err != nil {
		return err
	}
	for i := range accounts {
		a := &accounts[i]
		counted := a.SeatsUsed // what the row has
		a.SeatsUsed -= r.freed[a.ID]
		free := a.SeatsUsed
		if err := r.org.promote(ctx, a); err != nil {
			return err
		}
		if a.SeatsUsed != free {
			counted = a.SeatsUsed // promote has written it
		}
		for _, l := range wanted[a.ID] {
			if l.State = LicenseStateWaiting; a.Seats == nil || a.SeatsUsed < *a.Seats {
				l.State = LicenseStateGranted
				a.SeatsUsed++
			}
		}
		if a.SeatsUsed != counted {
			if err := r.org.writeSeats(ctx, a); err != nil {
				return err
			}
		}
	}
	if err := r.insertLicenses(ctx); err != nil {
		return err
	}
	return r.refuseUnseated(ctx)
}

// lockAccounts locks the accounts whose seats change.
func (r *recomputation) lockAccounts(ctx context.Context) ([]Account, error) {
	if len(r.accounts) == 0 {
		return nil, nil
	}
	ids, err := tenant.Encode(tenant.SortedKeys(r.accounts))
	if err != nil {
		return nil, err
	}
	var accounts []Account
	err = tenant.DB(ctx, r.org).Clauses(clause.Locking{Strength: tenant.ToChange}).
		Where(tenant.DialectOf(r.org).OneOf("id"), ids).Order("id").Find(&accounts).Error
	if err != nil {
		return nil, fmt.Errorf("lock accounts: %w", err)
	}
	return accounts, nil
}

// refuseUnseated refuses a login whose user has licenses, but no seat for any of them.
func (r *recomputation) refuseUnseated(ctx context.Context) error {
	if !r.signOn {
		return nil
	}
	u := &r.users[0]
	waiting := 0
	for _, l := range u.licenses {
		if l.State == LicenseStateGranted {
			return nil
		}
		waiting++
	}
	if waiting == 0 {
		return nil
	}
	// A waiting license may have got a seat in this transaction.
	var seated int64
	err := tenant.DB(ctx, r.org).Model(&License{}).
		Where("user_id = ? AND state = ?", u.ID, LicenseStateGranted).Count(&seated).Error
	if err != nil {
		return fmt.Errorf("count licenses: %w", err)
	}
	if seated > 0 {
		return nil
	}
	return &refusal.Error{Reason: refusal.NoSeat, UserID: u.ID,
		Expected: "a free seat in an account of this connection",
		Received: fmt.Sprintf("%d accounts whose seats are all in use", waiting)}
}

// promote gives the free seats of an account to waiting licenses, those that have waited longest
// first. The caller has locked the account's row.
func (o Org) promote(ctx context.Context, a *Account) error {
	most := int64(maxSeats)
	if a.Seats != nil {
		most = *a.Seats - a.SeatsUsed
	}
	if most <= 0 {
		return nil
	}
	var waiting []License
	// A transaction that has locked one of these rows changes or deletes it. Waiting for it here
	// could be a deadlock, as it may wait for this account.
	db := tenant.DB(ctx, o).Clauses(skipLocked).Where("account_id = ? AND state = 'waiting'", a.ID)
	if err := db.Order("since, id").Limit(int(most)).Find(&waiting).Error; err != nil {
		return fmt.Errorf("read waiting licenses: %w", err)
	}
	if len(waiting) == 0 {
		return nil
	}
	for i := range waiting {
		l := &waiting[i]
		l.State, l.Cause, l.Since = LicenseStateGranted, tenant.CauseSeat, tenant.Now(o)
		if err := o.recordLicense(ctx, LicenseGranted, l, tenant.CauseSeat); err != nil {
			return err
		}
	}
	ids, err := tenant.Encode(idsOf(waiting, func(l *License) string { return l.ID }))
	if err != nil {
		return err
	}
	err = tenant.DB(ctx, o).Model(&License{}).Where(tenant.DialectOf(o).OneOf("id"), ids).
		Select("State", "Cause", "Since").UpdateColumns(&waiting[0]).Error
	if err != nil {
		return fmt.Errorf("give seats: %w", err)
	}
	a.SeatsUsed += int64(len(waiting))
	return o.writeSeats(ctx, a)
}

// writeSeats writes how many seats of an account are in use.
func (o Org) writeSeats(ctx context.Context, a *Account) error {
	err := tenant.DB(ctx, o).Model(&Account{}).Where("id = ?", a.ID).UpdateColumn("seats_used", a.SeatsUsed).Error
	if err != nil {
		return fmt.Errorf("count seats: %w", err)
	}
	return nil
}
