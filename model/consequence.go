package model

import (
	"context"
	"fmt"
)

// changeSource is on whose word a user changes.
type changeSource int

const (
	byDirectory changeSource = iota // a directory's, over SCIM or by its removal
	byPerson                        // an operator's, an administrator's or an application's
	byMapping                       // a role mapping's
)

// lastAdminRule is what happens to a change that leaves no active administrator.
type lastAdminRule int

const (
	lastAdminPossible lastAdminRule = iota // nothing: the change takes no administrator away
	lastAdminRefused                       // the change is refused
	lastAdminReported                      // the event of the change says so
	lastAdminFlagged                       // the event organization.without_admin says so
)

// consequences is what follows from a change of a user. consequencesOf decides
// it, without the database. Both ways of writing a user carry it out: the
// transaction on every database, and the one statement on PostgreSQL.
type consequences struct {
	before *User       // nil for a new user
	row    *User       // as it is to be written; of a removed user, as it was
	events []EventType // of the change itself, in the order in which they are recorded
	cause  Cause       // of a new role, and of new licenses and groups

	recompute         bool         // licenses and groups of accounts may differ now
	ended             EndingReason // why access ends; empty where it does not
	removePassword    bool         // with the links to set one
	voidPasswordLinks bool
	lastAdmin         lastAdminRule
	wasLast           bool // filled in by checkLastAdmin
}

// consequencesOf returns what follows from a change of a user from before to
// after. Without before the user is new, and without after the user is removed.
// Neither of the two is altered.
func consequencesOf(before, after *User, by changeSource) consequences {
	c := consequences{before: before, events: eventsOf(before, after, by)}
	c.cause = [...]Cause{byDirectory: CauseDirectory, byPerson: CauseManual, byMapping: CauseDirectory}[by]
	if before == nil {
		c.row, c.recompute = after, true
		return c
	}
	row := *before
	if after != nil {
		row = *after
		row.InactiveReason = inactiveReason(before, after)
		c.recompute = before.Active != after.Active || adopted(before, after)
	}
	c.row = &row
	if before.Role == Admin && before.Active && (after == nil || !after.Active || after.Role != Admin) {
		c.lastAdmin = [...]lastAdminRule{
			byDirectory: lastAdminFlagged, byPerson: lastAdminRefused, byMapping: lastAdminReported,
		}[by]
	}
	switch {
	case after == nil:
		c.endAccess(EndedDeleted)
	case before.Role == Admin && after.Role != Admin:
		// What was opened as an administrator must not live on.
		c.endAccess(EndedRoleChanged)
		c.removePassword = true
	case before.Active && released(before, after):
		c.endAccess(EndedDirectoryDeleted)
	case before.Active && !after.Active:
		c.endAccess(EndedDeprovisioned)
		// A link from before must not work again once the user comes back.
		c.voidPasswordLinks = before.Role == Admin
	}
	return c
}

// adopted tells whether a directory takes over a user that none owned.
func adopted(before, after *User) bool {
	return before.DirectoryID == nil && after.DirectoryID != nil
}

// released tells whether a user loses the directory that owned it.
func released(before, after *User) bool {
	return before.DirectoryID != nil && after.DirectoryID == nil
}

// eventsOf names the events that tell of a change itself.
func eventsOf(before, after *User, by changeSource) []EventType {
	switch {
	case before == nil && by == byDirectory:
		return []EventType{DirectoryUserCreated}
	case before == nil:
		return []EventType{UserCreated}
	case after == nil && by == byDirectory:
		return []EventType{DirectoryUserDeleted}
	case after == nil:
		return []EventType{UserDeleted}
	case before.Role != after.Role:
		return []EventType{UserRoleChanged}
	case adopted(before, after):
		return []EventType{UserAdopted, DirectoryUserCreated}
	case released(before, after):
		return nil // dsync.deleted tells of all users at once
	}
	return []EventType{DirectoryUserUpdated}
}

// inactiveReason is the reason that the row after must have. It decides how the
// user may come back.
func inactiveReason(before, after *User) InactiveReason {
	switch {
	case after.Active:
		return ""
	case before.Active && released(before, after):
		return DirectoryRemoved
	case before.Active || adopted(before, after):
		return Deprovisioned
	}
	return before.InactiveReason
}

// needsTransaction tells whether more must be written than the row and events,
// or more must be read.
func (c *consequences) needsTransaction() bool {
	return c.removePassword || c.voidPasswordLinks || c.lastAdmin != lastAdminPossible
}

// endAccess voids every session, code and token of the user from the next
// look-up on: each look-up joins the row and compares the epoch.
func (c *consequences) endAccess(reason EndingReason) {
	c.row.Epoch++
	c.ended = reason
}

// checkLastAdmin refuses to take the last administrator away where that is the
// rule. It comes before anything is written.
func (o *Org) checkLastAdmin(ctx context.Context, c *consequences) error {
	if c.lastAdmin != lastAdminRefused && c.lastAdmin != lastAdminReported {
		return nil
	}
	others, err := o.otherAdmins(ctx, c.row.ID)
	if err != nil {
		return err
	}
	c.wasLast = others == 0
	if c.wasLast && c.lastAdmin == lastAdminRefused {
		return Conflictf("id", "this is the organization's last administrator; make someone else an administrator first")
	}
	return nil
}

// recordChange records the events of the change itself.
func (o *Org) recordChange(ctx context.Context, c *consequences) error {
	if c.recompute {
		o.affects(c.cause, c.row.ID)
	}
	for _, t := range c.events {
		var err error
		switch t {
		case DirectoryUserUpdated:
			err = o.recordDirectoryUser(t, c.row, c.before)
		case DirectoryUserCreated, DirectoryUserDeleted:
			err = o.recordDirectoryUser(t, c.row, nil)
		case UserRoleChanged:
			err = o.recordRole(ctx, c.row, c.cause, c.wasLast)
		default:
			err = o.recordUser(ctx, t, c.row)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// closeAccess records that access has ended, and takes away the other ways in.
// It writes nothing but events where needsTransaction is false.
func (o *Org) closeAccess(ctx context.Context, c *consequences) error {
	if c.ended == "" {
		return nil
	}
	if c.removePassword {
		if err := o.removePassword(ctx, c.row, NoAdminAnymore); err != nil {
			return err
		}
	}
	if err := o.recordAccessEnded(c.row, c.ended); err != nil {
		return err
	}
	if c.voidPasswordLinks {
		if err := o.voidPasswordSetups(ctx, c.row.ID); err != nil {
			return err
		}
	}
	if c.lastAdmin == lastAdminFlagged {
		return o.flagLastAdmin(ctx, c.row, c.events[0])
	}
	return nil
}

// changeRole gives a user, whose row the caller has locked, another role.
func (o *Org) changeRole(ctx context.Context, u *User, role Role, by changeSource, cause Cause) error {
	after := *u
	// Who confirmed an adoption before did not mean an administrator.
	after.Role, after.RoleMapped, after.AdoptionConfirmed = role, by == byMapping && role == Admin, false
	c := consequencesOf(u, &after, by)
	c.cause = cause
	if err := o.checkLastAdmin(ctx, &c); err != nil {
		return err
	}
	*u = *c.row
	if err := o.recordChange(ctx, &c); err != nil {
		return err
	}
	return o.closeAccess(ctx, &c)
}

// revokeAccess ends the access of a user who stays as they are. The caller has
// locked the row, and writes it.
func (o *Org) revokeAccess(ctx context.Context, u *User, reason EndingReason) error {
	c := consequences{row: u}
	c.endAccess(reason)
	return o.closeAccess(ctx, &c)
}

// otherAdmins counts the active administrators besides one user. It locks the
// organization: of two administrators who leave at once, each must not count the other.
func (o *Org) otherAdmins(ctx context.Context, id string) (int64, error) {
	if _, err := o.lockOrganization(ctx, toChange); err != nil {
		return 0, err
	}
	var others int64
	err := o.db.WithContext(ctx).Model(&User{}).
		Where("role = ? AND active = ? AND id <> ?", Admin, true, id).Count(&others).Error
	if err != nil {
		return 0, fmt.Errorf("count administrators: %w", err)
	}
	return others, nil
}

// releasedColumns are the columns to write of the users whose directory is
// removed, all of them either active or inactive.
func releasedColumns(active bool, now Time) map[string]any {
	directory := "removed"
	before := User{DirectoryID: &directory, Active: active, Role: Member}
	after := before
	after.DirectoryID, after.Active = nil, false
	c := consequencesOf(&before, &after, byDirectory)
	columns := map[string]any{"directory_id": nil, "version": increment("version"), "updated_at": now}
	if active {
		columns["active"], columns["inactive_reason"] = false, c.row.InactiveReason
	}
	if c.row.Epoch != before.Epoch {
		columns["epoch"] = increment("epoch")
	}
	return columns
}
