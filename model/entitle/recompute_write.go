package entitle

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"rollcall/model/internal/tenant"
)

// deleteLost deletes the licenses and assignments that have no reason any more. The
// deleted row says whether a license held a seat: it may have got one since it was read.
func (r *recomputation) deleteLost(ctx context.Context) error {
	lost := losses{cause: r.cause}
	if len(r.gone) > 0 {
		ids, err := tenant.Encode(idsOf(r.gone, func(l **License) string { return (*l).ID }))
		if err != nil {
			return err
		}
		if err := r.org.revokeLicenses(ctx, &lost, tenant.DialectOf(r.org).OneOf("id"), ids); err != nil {
			return err
		}
	}
	if len(r.left) > 0 {
		ids, err := tenant.Encode(idsOf(r.left, func(a **GroupAssignment) string { return (*a).ID }))
		if err != nil {
			return err
		}
		if err := r.org.revokeAssignments(ctx, &lost, tenant.DialectOf(r.org).OneOf("id"), ids); err != nil {
			return err
		}
	}
	r.freed = lost.freed
	for id := range lost.freed {
		r.accounts[id] = true
	}
	return nil
}

// updateReasons writes the new reasons of the licenses and assignments that stay.
func (r *recomputation) updateReasons(ctx context.Context) error {
	for _, h := range []holding{{true, false}, {false, true}, {true, true}} {
		var licenses, assignments []string
		for _, l := range r.kept {
			if l.ByRule == h.ByRule && l.ByHand == h.ByHand {
				licenses = append(licenses, l.ID)
			}
		}
		for _, a := range r.stayed {
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
			err = tenant.DB(ctx, r.org).Model(rows.of).Where(tenant.DialectOf(r.org).OneOf("id"), ids).
				UpdateColumns(map[string]any{"by_rule": h.ByRule, "by_hand": h.ByHand}).Error
			if err != nil {
				return fmt.Errorf("write reasons: %w", err)
			}
		}
	}
	return nil
}

// insertLicenses inserts the new licenses. Those for accounts that were deleted since the rules
// were read have no state, and are dropped.
func (r *recomputation) insertLicenses(ctx context.Context) error {
	r.fresh = slices.DeleteFunc(r.fresh, func(l *License) bool { return l.State == "" })
	if len(r.fresh) == 0 {
		return nil
	}
	if err := tenant.DB(ctx, r.org).CreateInBatches(r.fresh, tenant.DialectOf(r.org).Batch(9)).Error; err != nil {
		return fmt.Errorf("create licenses: %w", err)
	}
	for _, l := range r.fresh {
		t := LicenseGranted
		if l.State == LicenseStateWaiting {
			t = LicenseWaiting
		}
		if err := r.org.recordLicense(ctx, t, l, r.cause); err != nil {
			return err
		}
	}
	return nil
}

// insertAssignments inserts the new places in groups.
func (r *recomputation) insertAssignments(ctx context.Context) error {
	if len(r.joined) == 0 {
		return nil
	}
	err := tenant.DB(ctx, r.org).CreateInBatches(r.joined, tenant.DialectOf(r.org).Batch(9)).Error
	if errors.Is(err, gorm.ErrForeignKeyViolated) { // a group was deleted after the rules were read
		return tenant.ErrOvertaken
	}
	if err != nil {
		return fmt.Errorf("create assignments: %w", err)
	}
	for _, a := range r.joined {
		if err := r.org.recordAssignment(ctx, GroupAssigned, a, r.cause); err != nil {
			return err
		}
	}
	return nil
}
