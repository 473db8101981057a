package entitle

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"rollcall/model/internal/tenant"
)

// losses says why and how licenses and assignments end.
type losses struct {
	cause        tenant.Cause
	onlyGroups   bool
	onlyLicenses bool
	freed        map[string]int64 // seats that were given back, by account
}

// RevokeAll ends all licenses and group assignments of a user, with their events, and gives the
// seats back. It does nothing for an organization that is not known to have rules.
func (o Inner) RevokeAll(ctx context.Context, userID string, cause tenant.Cause) error {
	if !tenant.HasRules(o) {
		return nil
	}
	return o.revoke(ctx, &losses{cause: cause}, "user_id = ?", userID)
}

// revoke ends the licenses and assignments that a condition names, with their events, and gives the
// seats back to the accounts.
func (o Org) revoke(ctx context.Context, lost *losses, condition string, value any) error {
	if !lost.onlyLicenses {
		if err := o.revokeAssignments(ctx, lost, condition, value); err != nil || lost.onlyGroups {
			return err
		}
	}
	if err := o.revokeLicenses(ctx, lost, condition, value); err != nil {
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
		if lost.cause == tenant.CauseAccountDeleted {
			continue
		}
		if err := o.promote(ctx, a); err != nil {
			return err
		}
	}
	return nil
}

// What the statements that revoke return.
var (
	licenseColumns    = tenant.ColumnsOf[License]()
	assignmentColumns = tenant.ColumnsOf[GroupAssignment]()
)

// revokeLicenses deletes licenses and counts the seats that they held.
func (o Org) revokeLicenses(ctx context.Context, lost *losses, condition string, value any) error {
	var gone []License
	db := tenant.DB(ctx, o).Clauses(licenseColumns.Returning())
	if err := db.Where(condition, value).Delete(&gone).Error; err != nil {
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
		if err := o.recordLicense(ctx, LicenseRevoked, &gone[i], lost.cause); err != nil {
			return err
		}
	}
	return nil
}

// revokeAssignments deletes assignments.
func (o Org) revokeAssignments(ctx context.Context, lost *losses, condition string, value any) error {
	var gone []GroupAssignment
	db := tenant.DB(ctx, o).Clauses(assignmentColumns.Returning())
	if err := db.Where(condition, value).Delete(&gone).Error; err != nil {
		return fmt.Errorf("delete assignments: %w", err)
	}
	slices.SortFunc(gone, func(a, b GroupAssignment) int {
		return strings.Compare(a.UserID+a.GroupID, b.UserID+b.GroupID)
	})
	for i := range gone {
		if err := o.recordAssignment(ctx, GroupUnassigned, &gone[i], lost.cause); err != nil {
			return err
		}
	}
	return nil
}
