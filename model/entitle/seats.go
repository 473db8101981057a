package entitle

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"rollcall/model/internal/tenant"
	"rollcall/model/refusal"
)

// deleteGone deletes what nobody and no rule grants any more. What a license's
// state was the deleted row tells: who waited may have got a seat just now.
func (e *entitling) deleteGone(ctx context.Context) error {
	lost := Losses{Cause: e.cause}
	if len(e.gone) > 0 {
		ids, err := tenant.Encode(idsOf(e.gone, func(l **License) string { return (*l).ID }))
		if err != nil {
			return err
		}
		if err := e.org.loseLicenses(ctx, &lost, tenant.DialectOf(e.org).OneOf("id"), ids); err != nil {
			return err
		}
	}
	if len(e.left) > 0 {
		ids, err := tenant.Encode(idsOf(e.left, func(a **GroupAssignment) string { return (*a).ID }))
		if err != nil {
			return err
		}
		if err := e.org.loseAssignments(ctx, &lost, tenant.DialectOf(e.org).OneOf("id"), ids); err != nil {
			return err
		}
	}
	e.freed = lost.freed
	for id := range lost.freed {
		e.accounts[id] = true
	}
	return nil
}

// Losses are licenses and assignments that end.
type Losses struct {
	Cause        tenant.Cause
	onlyGroups   bool
	onlyLicenses bool
	freed        map[string]int64 // seats by account
}

// Lose ends the licenses and assignments that a condition names, with their
// events, and gives the seats back.
func (o Org) Lose(ctx context.Context, lost *Losses, condition string, value any) error {
	if !lost.onlyLicenses {
		if err := o.loseAssignments(ctx, lost, condition, value); err != nil || lost.onlyGroups {
			return err
		}
	}
	if err := o.loseLicenses(ctx, lost, condition, value); err != nil {
		return err
	}
	for _, id := range tenant.SortedKeys(lost.freed) {
		a, err := o.lockAccount(ctx, id, tenant.ToChange)
		if err != nil {
			return err
		}
		a.SeatsUsed -= lost.freed[id]
		if err := o.writeSeats(ctx, a); err != nil {
			return err
		}
		if lost.Cause == tenant.CauseAccountDeleted {
			continue
		}
		if err := o.promote(ctx, a); err != nil {
			return err
		}
	}
	return nil
}

func (o Org) loseLicenses(ctx context.Context, lost *Losses, condition string, value any) error {
	var gone []License
	if err := tenant.DB(o).WithContext(ctx).Clauses(clause.Returning{}).Where(condition, value).Delete(&gone).Error; err != nil {
		return fmt.Errorf("delete licenses: %w", err)
	}
	if lost.freed == nil {
		lost.freed = map[string]int64{}
	}
	slices.SortFunc(gone, func(a, b License) int { return strings.Compare(a.UserID+a.AccountID, b.UserID+b.AccountID) })
	for i := range gone {
		if gone[i].State == LicenseStateGranted {
			lost.freed[gone[i].AccountID]++
		}
		if err := o.recordLicense(ctx, LicenseRevoked, &gone[i], lost.Cause); err != nil {
			return err
		}
	}
	return nil
}

func (o Org) loseAssignments(ctx context.Context, lost *Losses, condition string, value any) error {
	var gone []GroupAssignment
	if err := tenant.DB(o).WithContext(ctx).Clauses(clause.Returning{}).Where(condition, value).Delete(&gone).Error; err != nil {
		return fmt.Errorf("delete assignments: %w", err)
	}
	slices.SortFunc(gone, func(a, b GroupAssignment) int { return strings.Compare(a.UserID+a.GroupID, b.UserID+b.GroupID) })
	for i := range gone {
		if err := o.recordAssignment(ctx, GroupUnassigned, &gone[i], lost.Cause); err != nil {
			return err
		}
	}
	return nil
}

// writeReasons writes the reasons that changed of what stays.
func (e *entitling) writeReasons(ctx context.Context) error {
	for _, h := range []Holding{{true, false}, {false, true}, {true, true}} {
		var licenses, assignments []string
		for _, l := range e.kept {
			if l.ByRule == h.ByRule && l.ByHand == h.ByHand {
				licenses = append(licenses, l.ID)
			}
		}
		for _, a := range e.stayed {
			if a.ByRule == h.ByRule && a.ByHand == h.ByHand {
				assignments = append(assignments, a.ID)
			}
		}
		for _, rows := range []struct {
			of  any
			ids []string
		}{{&License{}, licenses}, {&GroupAssignment{}, assignments}} {
			if len(rows.ids) == 0 {
				continue
			}
			ids, err := tenant.Encode(rows.ids)
			if err != nil {
				return err
			}
			err = tenant.DB(e.org).WithContext(ctx).Model(rows.of).Where(tenant.DialectOf(e.org).OneOf("id"), ids).
				UpdateColumns(map[string]any{"by_rule": h.ByRule, "by_hand": h.ByHand}).Error
			if err != nil {
				return fmt.Errorf("write reasons: %w", err)
			}
		}
	}
	return nil
}

// seat counts the seats that were given back, gives them to who waits longest,
// and takes those that the new licenses need. Who finds none waits.
func (e *entitling) seat(ctx context.Context) error {
	wanted := map[string][]*License{}
	for _, l := range e.fresh {
		e.accounts[l.AccountID] = true
		wanted[l.AccountID] = append(wanted[l.AccountID], l)
	}
	accounts, err := e.lockAccounts(ctx)
	if err != nil {
		return err
	}
	for i := range accounts {
		a := &accounts[i]
		counted := a.SeatsUsed // by the row
		a.SeatsUsed -= e.freed[a.ID]
		free := a.SeatsUsed
		if err := e.org.promote(ctx, a); err != nil {
			return err
		}
		if a.SeatsUsed != free {
			counted = a.SeatsUsed // which promote has written
		}
		for _, l := range wanted[a.ID] {
			if l.State = LicenseStateWaiting; a.Seats == nil || a.SeatsUsed < *a.Seats {
				l.State = LicenseStateGranted
				a.SeatsUsed++
			}
		}
		if a.SeatsUsed != counted {
			if err := e.org.writeSeats(ctx, a); err != nil {
				return err
			}
		}
	}
	if err := e.insertLicenses(ctx); err != nil {
		return err
	}
	return e.refuseUnseated(ctx)
}

func (e *entitling) lockAccounts(ctx context.Context) ([]Account, error) {
	if len(e.accounts) == 0 {
		return nil, nil
	}
	ids, err := tenant.Encode(tenant.SortedKeys(e.accounts))
	if err != nil {
		return nil, err
	}
	var accounts []Account
	err = tenant.DB(e.org).WithContext(ctx).Clauses(clause.Locking{Strength: tenant.ToChange}).Where(tenant.DialectOf(e.org).OneOf("id"), ids).
		Order("id").Find(&accounts).Error
	if err != nil {
		return nil, fmt.Errorf("lock accounts: %w", err)
	}
	return accounts, nil
}

// insertLicenses writes the new licenses, apart from those of accounts that were
// deleted since the rules were read.
func (e *entitling) insertLicenses(ctx context.Context) error {
	e.fresh = slices.DeleteFunc(e.fresh, func(l *License) bool { return l.State == "" })
	if len(e.fresh) == 0 {
		return nil
	}
	if err := tenant.DB(e.org).WithContext(ctx).CreateInBatches(e.fresh, tenant.DialectOf(e.org).Batch(9)).Error; err != nil {
		return fmt.Errorf("create licenses: %w", err)
	}
	for _, l := range e.fresh {
		t := LicenseGranted
		if l.State == LicenseStateWaiting {
			t = LicenseWaiting
		}
		if err := e.org.recordLicense(ctx, t, l, e.cause); err != nil {
			return err
		}
	}
	return nil
}

// refuseUnseated refuses a login that would leave its user with no seat at all
// where the connection grants some.
func (e *entitling) refuseUnseated(ctx context.Context) error {
	if !e.signOn {
		return nil
	}
	u := &e.users[0]
	held := []License{}
	for _, l := range u.licenses {
		if l.State == LicenseStateGranted {
			return nil
		}
		held = append(held, *l)
	}
	if len(held) == 0 {
		return nil
	}
	// Who waited may have got a seat just now.
	var seated int64
	if err := tenant.DB(e.org).WithContext(ctx).Model(&License{}).Where("user_id = ? AND state = ?", u.ID, LicenseStateGranted).Count(&seated).Error; err != nil {
		return fmt.Errorf("count licenses: %w", err)
	}
	if seated > 0 {
		return nil
	}
	return &refusal.Error{Reason: refusal.NoSeat, UserID: u.ID, Expected: "a free seat in an account of this connection",
		Received: fmt.Sprintf("%d accounts whose seats are all in use", len(held))}
}

// insertJoined writes the new places in groups.
func (e *entitling) insertJoined(ctx context.Context) error {
	if len(e.joined) == 0 {
		return nil
	}
	err := tenant.DB(e.org).WithContext(ctx).CreateInBatches(e.joined, tenant.DialectOf(e.org).Batch(9)).Error
	if errors.Is(err, gorm.ErrForeignKeyViolated) { // a group was deleted since the rules were read
		return tenant.ErrOvertaken
	}
	if err != nil {
		return fmt.Errorf("create assignments: %w", err)
	}
	for _, a := range e.joined {
		if err := e.org.recordAssignment(ctx, GroupAssigned, a, e.cause); err != nil {
			return err
		}
	}
	return nil
}
