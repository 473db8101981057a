package people

import (
	"context"

	"rollcall/model"
	"rollcall/model/internal/tenant"
)

// changeSource is who changes a user.
type changeSource int

// The sources of changes.
const (
	ByDirectory changeSource = iota // a directory, over SCIM or by its removal
	ByPerson                        // an operator, an administrator or an application
	ByMapping                       // a role mapping
	byLogin                         // an identity provider, at a login
)

// lastAdminRule is what happens to a change that leaves no active administrator.
type lastAdminRule int

const (
	lastAdminPossible lastAdminRule = iota // nothing: the change takes no administrator away
	lastAdminRefused                       // the change is refused
	lastAdminReported                      // the event of the change says so
	lastAdminFlagged                       // the event organization.without_admin says so
)

// consequences is what follows from a change of a user. ConsequencesOf decides
// it, without the database. Both ways of writing a user carry it out: the
// transaction on every database, and the one statement on PostgreSQL.
type consequences struct {
	before *User             // nil for a new user
	Row    *User             // as it is to be written; of a removed user, as it was
	events []model.EventType // of the change itself, in the order in which they are recorded
	cause  tenant.Cause      // of a new role, and of new licenses and groups

	recompute      bool          // licenses and groups of accounts may differ now
	ended          EndingReason  // why access ends; empty where it does not
	removePassword passwordCause // why a password goes, with the links to set one; empty where it stays
	lastAdmin      lastAdminRule
	wasLast        bool // filled in by CheckLastAdmin
}

// ConsequencesOf returns what follows from a change of a user from before to
// after. Without before the user is new, and without after the user is removed.
// Neither of the two is altered.
func ConsequencesOf(before, after *User, by changeSource) consequences {
	c := consequences{before: before, events: eventsOf(before, after, by)}
	c.cause = tenant.CauseDirectory
	if by == ByPerson {
		c.cause = tenant.CauseManual
	}
	if before == nil {
		c.Row, c.recompute = after, true
		return c
	}
	row := *before
	if after != nil {
		row = *after
		row.InactiveReason = inactiveReason(before, after)
		// A login has its own way to grant licenses, once it is known that it succeeds.
		c.recompute = by != byLogin && (before.Active != after.Active || adopted(before, after))
	}
	c.Row = &row
	if before.Role == Admin && before.Active && (after == nil || !after.Active || after.Role != Admin) {
		c.lastAdmin = map[changeSource]lastAdminRule{
			ByDirectory: lastAdminFlagged, ByPerson: lastAdminRefused, ByMapping: lastAdminReported,
		}[by]
	}
	switch {
	case after == nil:
		c.endAccess(EndedDeleted)
	case before.Role == Admin && after.Role != Admin:
		// What was opened as an administrator must not live on.
		c.endAccess(EndedRoleChanged)
		c.removePassword = noAdminAnymore
	case before.Active && released(before, after):
		c.endAccess(EndedDirectoryDeleted)
	case before.Active && !after.Active:
		c.endAccess(EndedDeprovisioned)
		// What was known before must not open anything once the user comes back.
		if before.Role == Admin {
			c.removePassword = deactivated
		}
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
func eventsOf(before, after *User, by changeSource) []model.EventType {
	switch {
	case before == nil && by == ByDirectory:
		return []model.EventType{DirectoryUserCreated}
	case before == nil:
		return []model.EventType{UserCreated}
	case after == nil && by == ByDirectory:
		return []model.EventType{DirectoryUserDeleted}
	case after == nil:
		return []model.EventType{UserDeleted}
	case by == byLogin:
		return []model.EventType{UserUpdated}
	case before.Role != after.Role:
		return []model.EventType{UserRoleChanged}
	case adopted(before, after):
		return []model.EventType{UserAdopted, DirectoryUserCreated}
	case released(before, after):
		return nil // dsync.deleted tells of all users at once
	}
	return []model.EventType{DirectoryUserUpdated}
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

// NeedsTransaction tells whether more must be written than the row and events,
// or more must be read.
func (c *consequences) NeedsTransaction() bool {
	return c.removePassword != "" || c.lastAdmin != lastAdminPossible
}

// endAccess voids every session, code and token of the user from the next
// look-up on: each look-up joins the row and compares the epoch.
func (c *consequences) endAccess(reason EndingReason) {
	c.Row.Epoch++
	c.ended = reason
}

// releasedColumns are the columns to write of the users whose directory is
// removed, all of them either active or inactive.
func releasedColumns(active bool, now model.Time) map[string]any {
	directory := "removed"
	before := User{DirectoryID: &directory, Active: active, Role: Member}
	after := before
	after.DirectoryID, after.Active = nil, false
	c := ConsequencesOf(&before, &after, ByDirectory)
	columns := map[string]any{"directory_id": nil, "version": tenant.Increment("version"), "updated_at": now}
	if active {
		columns["active"], columns["inactive_reason"] = false, c.Row.InactiveReason
	}
	if c.Row.Epoch != before.Epoch {
		columns["epoch"] = tenant.Increment("epoch")
	}
	return columns
}

// CheckLastAdmin refuses to take the last administrator away where that is the
// rule. It comes before anything is written.
func (o Inner) CheckLastAdmin(ctx context.Context, c *consequences) error {
	if c.lastAdmin != lastAdminRefused && c.lastAdmin != lastAdminReported {
		return nil
	}
	others, err := o.otherAdmins(ctx, c.Row.ID)
	if err != nil {
		return err
	}
	c.wasLast = others == 0
	if c.wasLast && c.lastAdmin == lastAdminRefused {
		return model.Conflictf("id",
			"this is the organization's last administrator; make someone else an administrator first")
	}
	return nil
}

// RecordChange records the events of the change itself.
func (o Inner) RecordChange(ctx context.Context, c *consequences) error {
	if c.recompute {
		tenant.Affects(o, c.cause, c.Row.ID)
	}
	for _, t := range c.events {
		var err error
		switch t {
		case DirectoryUserUpdated:
			err = o.recordDirectoryUser(t, c.Row, c.before)
		case DirectoryUserCreated, DirectoryUserDeleted:
			err = o.recordDirectoryUser(t, c.Row, nil)
		case UserRoleChanged:
			err = o.recordRole(ctx, c.Row, c.cause, c.wasLast)
		default:
			err = o.RecordUser(ctx, t, c.Row)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// CloseAccess records that access has ended, and takes away the other ways in.
// It writes nothing but events where NeedsTransaction is false.
func (o Inner) CloseAccess(ctx context.Context, c *consequences) error {
	if c.ended == "" {
		return nil
	}
	if c.removePassword != "" {
		if err := o.removePassword(ctx, c.Row, c.removePassword); err != nil {
			return err
		}
	}
	if err := o.recordAccessEnded(c.Row, c.ended); err != nil {
		return err
	}
	if c.lastAdmin == lastAdminFlagged {
		return o.FlagLastAdmin(ctx, c.Row, c.events[0])
	}
	return nil
}

// ReviseByLogin has a login describe a user, whose row the caller has locked and writes. An
// inactive user becomes active again: the caller has checked that this user may come back by a
// login.
func (o Inner) ReviseByLogin(ctx context.Context, u *User, describe func(*User) error) error {
	after := *u
	after.Active = true
	if err := describe(&after); err != nil {
		return err
	}
	c := ConsequencesOf(u, &after, byLogin)
	*u = *c.Row
	return o.RecordChange(ctx, &c)
}
