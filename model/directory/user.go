package directory

import (
	"context"
	"fmt"

	"rollcall/model/entitle"
	"rollcall/model/internal/removed"
	"rollcall/model/internal/tenant"
	"rollcall/model/people"
)

// User returns a user that the directory owns or may adopt. Groups is set where it is in none.
func (c Contents) User(ctx context.Context, id string) (*people.User, error) {
	u := people.User{OrganizationID: c.org.ID}
	var member bool
	err := c.read(ctx, "user", id,
		tenant.Join("SELECT "+readUserColumns.Selected("users")+", ", c.org.inAGroup(), ", ", c.tokenThere(),
			" FROM users WHERE users.organization_id = ", tenant.Param(string(c.org.ID)),
			" AND users.id = ", tenant.Param(id), " AND ", c.visibleTo()),
		append(readUserColumns.Pointers(&u), &member))
	if err == nil && !member {
		u.Groups = []people.MemberOf{}
	}
	return &u, err
}

// CreateUser creates a user of the directory from a SCIM document, or adopts the unowned user
// that the document is about, which keeps its id. It answers Conflict where the userName is taken,
// and where an administrator has to decide first.
func (c Contents) CreateUser(ctx context.Context, document map[string]any) (*people.User, error) {
	created := people.User{Active: true, Role: people.Member, DirectoryID: &c.id}
	if err := created.SetDocument(document); err != nil {
		return nil, err
	}
	u, err := c.createAtOnce(ctx, created)
	if u != nil || err != nil {
		return u, err
	}
	err = c.change(ctx, func(c Contents) error {
		fresh := created
		u = &fresh
		known, err := c.recognize(ctx, u)
		if err != nil {
			return err
		}
		candidate, err := c.org.candidate(ctx, u, known.users)
		if err != nil {
			return err
		}
		if err := c.org.clearTombstones(ctx, known.tombstones); err != nil {
			return err
		}
		if candidate != nil {
			u, err = c.adopt(ctx, candidate, func(a *people.UserDraft) error {
				a.Active = true
				return a.SetDocument(document)
			})
			return err
		}
		if err := people.Inside(tenant.Inside(c.org)).InsertUser(ctx, u); err != nil {
			return err
		}
		consequences := people.ConsequencesOf(nil, u, people.ByDirectory)
		return people.Inside(tenant.Inside(c.org)).RecordChange(ctx, &consequences)
	})
	if err != nil {
		return nil, err
	}
	return u, nil
}

// UpdateUser has change alter Active and the document of a user that the directory owns or may
// adopt, and stores them with their events. The user is locked meanwhile. A change that alters
// nothing writes nothing and keeps the version. Deactivation ends access at once.
func (c Contents) UpdateUser(
	ctx context.Context, id string, change func(*people.UserDraft) error,
) (*people.User, error) {
	after, err := c.updateAtOnce(ctx, id, change)
	if after != nil || err != nil {
		return after, err
	}
	err = c.change(ctx, func(c Contents) error {
		var before people.User
		db := c.visible(tenant.ForChange(c.org, tenant.DB(ctx, c.org), id))
		if err := c.lock(ctx, db, &before, "user", id); err != nil {
			return err
		}
		var err error
		if before.DirectoryID == nil {
			after, err = c.adopt(ctx, &before, change)
			return err
		}
		if after, err = before.ChangedBy(change); err != nil || len(people.Changed(&before, after)) == 0 {
			return err
		}
		after, err = c.org.writeChange(ctx, &before, after)
		return err
	})
	if err != nil {
		return nil, err
	}
	return after, nil
}

// writeChange stores a directory's change of a user whose row the caller has locked, with all that
// follows from it.
func (o Org) writeChange(ctx context.Context, before, after *people.User) (*people.User, error) {
	c := people.ConsequencesOf(before, after, people.ByDirectory)
	if err := people.Inside(tenant.Inside(o)).WriteUser(ctx, before, c.Row); err != nil {
		return nil, err
	}
	if err := people.Inside(tenant.Inside(o)).RecordChange(ctx, &c); err != nil {
		return nil, err
	}
	return c.Row, people.Inside(tenant.Inside(o)).CloseAccess(ctx, &c)
}

// DeleteUser removes a user that the directory owns. Access ends, the userName is free again, and
// a tombstone keeps a login from creating the user again. Each of allow gets the version of the
// locked row and may refuse.
func (c Contents) DeleteUser(ctx context.Context, id string, allow ...func(version int64) error) error {
	return c.change(ctx, func(c Contents) error {
		if err := c.org.touchGroupsOf(ctx, id); err != nil {
			return err
		}
		var u people.User
		db := tenant.ForChange(c.org, tenant.DB(ctx, c.org), id).Where(besideDirectory+" = ?", c.id)
		if err := c.lock(ctx, db, &u, "user", id); err != nil {
			return err
		}
		for _, allows := range allow {
			if err := allows(u.Version); err != nil {
				return err
			}
		}
		consequences := people.ConsequencesOf(&u, nil, people.ByDirectory)
		if err := c.org.removeUser(ctx, &u); err != nil {
			return err
		}
		if err := people.Inside(tenant.Inside(c.org)).RecordChange(ctx, &consequences); err != nil {
			return err
		}
		return people.Inside(tenant.Inside(c.org)).CloseAccess(ctx, &consequences)
	})
}

// DeleteUser removes any user of the organization for an operator or an administrator, as
// Contents.DeleteUser does for a directory. It answers Conflict for the last active administrator.
func (o Org) DeleteUser(ctx context.Context, id string) error {
	return o.change(ctx, func(org Org) error {
		if err := org.touchGroupsOf(ctx, id); err != nil {
			return err
		}
		u, err := people.Inside(tenant.Inside(org)).FindUser(ctx, id, true)
		if err != nil {
			return err
		}
		c := people.ConsequencesOf(u, nil, people.ByPerson)
		if err := people.Inside(tenant.Inside(org)).CheckLastAdmin(ctx, &c); err != nil {
			return err
		}
		if err := people.Inside(tenant.Inside(org)).RecordChange(ctx, &c); err != nil {
			return err
		}
		if err := org.removeUser(ctx, u); err != nil {
			return err
		}
		return people.Inside(tenant.Inside(org)).CloseAccess(ctx, &c)
	})
}

// removeUser deletes a user's row, takes its licenses and leaves a tombstone. Its directory
// remembers the id.
func (o Org) removeUser(ctx context.Context, u *people.User) error {
	if err := o.bury(ctx, u); err != nil {
		return err
	}
	if u.DirectoryID != nil {
		if err := removed.Remember(ctx, o, *u.DirectoryID, u.ID); err != nil {
			return err
		}
	}
	if err := entitle.Inside(tenant.Inside(o)).RevokeAll(ctx, u.ID, tenant.CauseUserDeleted); err != nil {
		return err
	}
	if err := tenant.DB(ctx, o).Where("id = ?", u.ID).Delete(&people.User{}).Error; err != nil {
		return fmt.Errorf("delete user: %w", err)
	}
	return nil
}
