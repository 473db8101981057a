package entitle

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"rollcall/model"
	"rollcall/model/internal/tenant"
	"rollcall/model/organization"
	"rollcall/model/people"
)

// This file has the assignments by hand. A row keeps apart what a person assigned and what the
// rules grant, so that the rules take back only their own part.

// lockForAssignment locks a user who is to get something by hand. It refuses where the organization
// does not allow that, and for a user that the organization does not have.
func (o Org) lockForAssignment(ctx context.Context, userID string) error {
	g, err := organization.In(o).Organization(ctx)
	if err != nil {
		return err
	}
	if !g.Settings.AllowManualAssignments {
		return model.Conflictf("allow_manual_assignments", "this organization's licenses and groups follow "+
			"its rules alone; switch its setting allow_manual_assignments on first")
	}
	_, err = people.Inside(tenant.Inside(o)).FindUser(ctx, userID, true)
	return refuseUnknown(err, "user_id", "user", model.UserPrefix.ID(userID))
}

// AssignLicense gives a user a license by hand. It answers Full when the account has no free seat,
// and Conflict where the organization does not allow manual assignments.
func (o Org) AssignLicense(ctx context.Context, userID, accountID string) (*License, error) {
	var l License
	err := o.change(ctx, func(org Org) error {
		if err := org.lockForAssignment(ctx, userID); err != nil {
			return err
		}
		a, err := org.lockAccount(ctx, accountID, tenant.ToChange)
		if err != nil {
			return refuseUnknown(err, "account_id", "account", model.AccountPrefix.ID(accountID))
		}
		var held []License
		if err := tenant.DB(ctx, org).Where("user_id = ? AND "+tenant.IsBeside("account_id"), userID, accountID).
			Find(&held).Error; err != nil {
			return fmt.Errorf("read license: %w", err)
		}
		if len(held) == 1 {
			l = held[0]
			l.ByHand = true
			return tenant.DB(ctx, org).Model(&License{}).Where("id = ?", l.ID).UpdateColumn("by_hand", true).Error
		}
		if a.Seats != nil && a.SeatsUsed >= *a.Seats {
			return &model.Error{Kind: model.Full, Field: "account_id",
				Message: fmt.Sprintf("all %d seats of the account are in use", *a.Seats)}
		}
		l = License{ID: model.NewID(), UserID: userID, AccountID: accountID, State: LicenseStateGranted, ByHand: true,
			Cause: tenant.CauseManual, Since: tenant.Now(org)}
		if err := tenant.DB(ctx, org).Create(&l).Error; err != nil {
			return fmt.Errorf("create license: %w", err)
		}
		a.SeatsUsed++
		if err := org.writeSeats(ctx, a); err != nil {
			return err
		}
		return org.recordLicense(ctx, LicenseGranted, &l, tenant.CauseManual)
	})
	if err != nil {
		return nil, err
	}
	return &l, nil
}

// UnassignLicense takes back a license that a person assigned. The user keeps it where the rules
// grant it as well. It answers Conflict for a license that only the rules grant.
func (o Org) UnassignLicense(ctx context.Context, id string) error {
	return o.change(ctx, func(org Org) error {
		l, err := org.License(ctx, id)
		if err != nil {
			return err
		}
		if _, err := people.Inside(tenant.Inside(org)).FindUser(ctx, l.UserID, true); err != nil {
			return err
		}
		if l, err = org.License(ctx, id); err != nil {
			return err
		}
		if !l.ByHand {
			return model.Conflictf("id", "the organization's rules grant this license; "+
				"change the accounts of its connections, or the user's groups")
		}
		if l.ByRule {
			return tenant.DB(ctx, org).Model(&License{}).Where("id = ?", id).UpdateColumn("by_hand", false).Error
		}
		return org.revoke(ctx, &losses{cause: tenant.CauseManual, onlyLicenses: true}, "id = ?", id)
	})
}

// AssignGroup puts a user into a group of an account by hand. It answers Conflict for a user
// without a license for the account, and where the organization does not allow manual assignments.
func (o Org) AssignGroup(ctx context.Context, accountID, groupID, userID string) (*GroupAssignment, error) {
	var a GroupAssignment
	err := o.change(ctx, func(org Org) error {
		if _, err := org.AccountGroup(ctx, accountID, groupID); err != nil {
			return err
		}
		if err := org.lockForAssignment(ctx, userID); err != nil {
			return err
		}
		held, err := org.assignment(ctx, groupID, userID)
		if err != nil {
			return err
		}
		if held != nil {
			a = *held
			a.ByHand = true
			return tenant.DB(ctx, org).Model(&GroupAssignment{}).Where("id = ?", a.ID).
				UpdateColumn("by_hand", true).Error
		}
		var licenses int64
		err = tenant.DB(ctx, org).Model(&License{}).
			Where("user_id = ? AND "+tenant.IsBeside("account_id"), userID, accountID).Count(&licenses).Error
		if err != nil {
			return fmt.Errorf("read license: %w", err)
		}
		if licenses == 0 {
			return model.Conflictf("user_id", "the user has no license for the account; assign that first")
		}
		a = GroupAssignment{ID: model.NewID(), UserID: userID, AccountID: accountID, GroupID: groupID, ByHand: true,
			Cause: tenant.CauseManual, Since: tenant.Now(org)}
		err = tenant.DB(ctx, org).Create(&a).Error
		if errors.Is(err, gorm.ErrForeignKeyViolated) {
			return model.NotFoundf("the group has just been deleted")
		}
		if err != nil {
			return fmt.Errorf("create assignment: %w", err)
		}
		return org.recordAssignment(ctx, GroupAssigned, &a, tenant.CauseManual)
	})
	if err != nil {
		return nil, err
	}
	return &a, nil
}

// UnassignGroup takes a user out of a group that a person put the user into. The user stays where
// the rules say so as well. It answers Conflict for a place that only the rules give.
func (o Org) UnassignGroup(ctx context.Context, accountID, groupID, userID string) error {
	return o.change(ctx, func(org Org) error {
		if _, err := org.AccountGroup(ctx, accountID, groupID); err != nil {
			return err
		}
		if _, err := people.Inside(tenant.Inside(org)).FindUser(ctx, userID, true); err != nil {
			return err
		}
		held, err := org.assignment(ctx, groupID, userID)
		switch {
		case err != nil:
			return err
		case held == nil:
			return model.NotFoundf("the user is not in this group")
		case !held.ByHand:
			return model.Conflictf("user_id", "the organization's rules put the user into this group; "+
				"change its mappings, or the user's groups")
		case held.ByRule:
			return tenant.DB(ctx, org).Model(&GroupAssignment{}).Where("id = ?", held.ID).
				UpdateColumn("by_hand", false).Error
		}
		return org.revoke(ctx, &losses{cause: tenant.CauseManual, onlyGroups: true}, "id = ?", held.ID)
	})
}
