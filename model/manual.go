package model

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"
)

// What a person assigns by hand is kept apart from what the rules grant, where
// the organization allows it at all.

// manualUser locks a user to whom something is assigned by hand, or refuses.
func (o *Org) manualUser(ctx context.Context, userID string) error {
	g, err := o.Organization(ctx)
	if err != nil {
		return err
	}
	if !g.Settings.AllowManualAssignments {
		return Conflictf("allow_manual_assignments", "this organization's licenses and groups follow its rules alone; switch its setting allow_manual_assignments on first")
	}
	_, err = o.user(ctx, userID, true)
	if KindOf(err) == NotFound {
		return Invalidf("user_id", "the organization has no user %s", UserPrefix.ID(userID))
	}
	return err
}

// AssignLicense gives a user a license by hand. It answers Full when the account
// has no seat left, and Conflict where the organization does not allow it.
func (o *Org) AssignLicense(ctx context.Context, userID, accountID string) (*License, error) {
	var l License
	err := o.change(ctx, func(org *Org) error {
		if err := org.manualUser(ctx, userID); err != nil {
			return err
		}
		a, err := org.lockAccount(ctx, accountID, toChange)
		if KindOf(err) == NotFound {
			return Invalidf("account_id", "the organization has no account %s", AccountPrefix.ID(accountID))
		}
		if err != nil {
			return err
		}
		var held []License
		if err := org.db.WithContext(ctx).Where("user_id = ? AND account_id = ?", userID, accountID).Find(&held).Error; err != nil {
			return fmt.Errorf("read license: %w", err)
		}
		if len(held) == 1 {
			l = held[0]
			l.ByHand = true
			return org.db.WithContext(ctx).Model(&License{}).Where("id = ?", l.ID).UpdateColumn("by_hand", true).Error
		}
		if a.Seats != nil && a.SeatsUsed >= *a.Seats {
			return &Error{Kind: Full, Field: "account_id", Message: fmt.Sprintf("all %d seats of the account are in use", *a.Seats)}
		}
		l = License{ID: newID(), UserID: userID, AccountID: accountID, State: LicenseStateGranted, ByHand: true, Cause: CauseManual, Since: org.now()}
		if err := org.db.WithContext(ctx).Create(&l).Error; err != nil {
			return fmt.Errorf("create license: %w", err)
		}
		a.SeatsUsed++
		if err := org.writeSeats(ctx, a); err != nil {
			return err
		}
		return org.recordLicense(ctx, LicenseGranted, &l, CauseManual)
	})
	if err != nil {
		return nil, err
	}
	return &l, nil
}

// UnassignLicense takes a license that a person assigned. Where the rules grant
// it, too, it stays; it answers Conflict for one that the rules alone grant.
func (o *Org) UnassignLicense(ctx context.Context, id string) error {
	return o.change(ctx, func(org *Org) error {
		l, err := org.License(ctx, id)
		if err != nil {
			return err
		}
		if _, err := org.user(ctx, l.UserID, true); err != nil {
			return err
		}
		if l, err = org.License(ctx, id); err != nil {
			return err
		}
		if !l.ByHand {
			return Conflictf("id", "the organization's rules grant this license; change the accounts of its connections, or the user's groups")
		}
		if l.ByRule {
			return org.db.WithContext(ctx).Model(&License{}).Where("id = ?", id).UpdateColumn("by_hand", false).Error
		}
		return org.lose(ctx, &losses{cause: CauseManual, onlyLicenses: true}, "id = ?", id)
	})
}

// AssignGroup puts a user into a group of an account by hand. It answers Conflict
// for a user without a license for the account.
func (o *Org) AssignGroup(ctx context.Context, accountID, groupID, userID string) (*GroupAssignment, error) {
	var a GroupAssignment
	err := o.change(ctx, func(org *Org) error {
		if _, err := org.AccountGroup(ctx, accountID, groupID); err != nil {
			return err
		}
		if err := org.manualUser(ctx, userID); err != nil {
			return err
		}
		held, err := org.assignment(ctx, groupID, userID)
		if err != nil {
			return err
		}
		if held != nil {
			a = *held
			a.ByHand = true
			return org.db.WithContext(ctx).Model(&GroupAssignment{}).Where("id = ?", a.ID).UpdateColumn("by_hand", true).Error
		}
		var licenses int64
		err = org.db.WithContext(ctx).Model(&License{}).Where("user_id = ? AND account_id = ?", userID, accountID).Count(&licenses).Error
		if err != nil {
			return fmt.Errorf("read license: %w", err)
		}
		if licenses == 0 {
			return Conflictf("user_id", "the user has no license for the account; assign that first")
		}
		a = GroupAssignment{ID: newID(), UserID: userID, AccountID: accountID, GroupID: groupID, ByHand: true, Cause: CauseManual, Since: org.now()}
		err = org.db.WithContext(ctx).Create(&a).Error
		if errors.Is(err, gorm.ErrForeignKeyViolated) {
			return NotFoundf("the group has just been deleted")
		}
		if err != nil {
			return fmt.Errorf("create assignment: %w", err)
		}
		return org.recordAssignment(ctx, GroupAssigned, &a, CauseManual)
	})
	if err != nil {
		return nil, err
	}
	return &a, nil
}

// UnassignGroup takes a user out of a group that a person put them into. Where
// the rules put them there, too, they stay; it answers Conflict where only these do.
func (o *Org) UnassignGroup(ctx context.Context, accountID, groupID, userID string) error {
	return o.change(ctx, func(org *Org) error {
		if _, err := org.AccountGroup(ctx, accountID, groupID); err != nil {
			return err
		}
		if _, err := org.user(ctx, userID, true); err != nil {
			return err
		}
		held, err := org.assignment(ctx, groupID, userID)
		switch {
		case err != nil:
			return err
		case held == nil:
			return NotFoundf("the user is not in this group")
		case !held.ByHand:
			return Conflictf("user_id", "the organization's rules put the user into this group; change its mappings, or the user's groups")
		case held.ByRule:
			return org.db.WithContext(ctx).Model(&GroupAssignment{}).Where("id = ?", held.ID).UpdateColumn("by_hand", false).Error
		}
		return org.lose(ctx, &losses{cause: CauseManual, onlyGroups: true}, "id = ?", held.ID)
	})
}

// assignment is a user's place in a group, or nil.
func (o *Org) assignment(ctx context.Context, groupID, userID string) (*GroupAssignment, error) {
	var held []GroupAssignment
	if err := o.db.WithContext(ctx).Where("group_id = ? AND user_id = ?", groupID, userID).Find(&held).Error; err != nil {
		return nil, fmt.Errorf("read assignment: %w", err)
	}
	if len(held) == 0 {
		return nil, nil
	}
	return &held[0], nil
}
