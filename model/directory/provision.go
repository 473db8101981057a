package directory

import (
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/entitle"
	"rollcall/model/internal/tenant"
	"rollcall/model/organization"
	"rollcall/model/people"
)

// visibleTo is the condition of the users that a directory may see: its own, and
// those whom it could adopt (docs/design/identity.md, "Adoption").
func (o Org) visibleTo(directoryID string) clause.Expr {
	return tenant.Join("(users.directory_id = ", tenant.Param(directoryID), " OR (", adoptable(tenant.DialectOf(o), o.ID), "))")
}

// visible limits a query to what is visibleTo a directory.
func (o Org) visible(db *gorm.DB, directoryID string) *gorm.DB {
	return db.Where(o.visibleTo(directoryID))
}

// DirectoryUser returns a user as a directory sees it: one that it owns or could adopt.
func (o Org) DirectoryUser(ctx context.Context, directoryID, id string) (*people.User, error) {
	var u people.User
	return &u, tenant.ByID(o, o.visible(tenant.Read(o).WithContext(ctx), directoryID), &u, "user", id)
}

// CreateDirectoryUser makes a user of the directory from a SCIM document, or
// adopts the unowned user whom the document names; its id tells which. It
// answers Conflict when the userName is taken, or when a person must decide first.
func (o Org) CreateDirectoryUser(ctx context.Context, directoryID string, document map[string]any) (*people.User, error) {
	created := people.User{Active: true, Role: people.Member, DirectoryID: &directoryID}
	if err := created.SetDocument(document); err != nil {
		return nil, err
	}
	u, err := o.createAtOnce(ctx, created)
	if u != nil || err != nil {
		return u, err
	}
	err = o.change(ctx, func(org Org) error {
		fresh := created
		u = &fresh
		known, err := org.recognize(ctx, u)
		if err != nil {
			return err
		}
		candidate, err := org.candidate(ctx, u, known.users)
		if err != nil {
			return err
		}
		if err := org.clearTombstones(ctx, known.tombstones); err != nil {
			return err
		}
		if candidate != nil {
			u, err = org.adopt(ctx, candidate, directoryID, func(a *people.UserDraft) error {
				a.Active = true
				return a.SetDocument(document)
			})
			return err
		}
		if err := people.In(org).InsertUser(ctx, u); err != nil {
			return err
		}
		c := people.ConsequencesOf(nil, u, people.ByDirectory)
		return people.In(org).RecordChange(ctx, &c)
	})
	if err != nil {
		return nil, err
	}
	return u, nil
}

// candidate picks, locked, the unowned user whom a created one must be: the one
// with the same userName, else the one adoptable user with the same e-mail.
func (o Org) candidate(ctx context.Context, u *people.User, ids []string) (*people.User, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var found []people.User
	for _, id := range slices.Sorted(slices.Values(ids)) {
		var f people.User
		err := tenant.ByID(o, tenant.ForChange(o, tenant.DB(o).WithContext(ctx), id).Where("directory_id IS NULL"), &f, "user", id)
		if model.KindOf(err) == model.NotFound {
			continue // owned or gone since it was recognized
		}
		if err != nil {
			return nil, err
		}
		found = append(found, f)
	}
	domains, err := organization.In(o).Domains(ctx)
	if err != nil {
		return nil, err
	}
	var candidates []*people.User
	for i := range found {
		f := &found[i]
		trusted := f.EmailUnder(domains)
		if f.UserNameFolded == u.UserNameFolded { // the one who has the userName, whoever else has the e-mail
			if !trusted {
				return nil, model.Conflictf("userName", "a user with this userName exists whom no directory owns; verify the e-mail's domain first")
			}
			return f, f.Confirmed()
		}
		if trusted {
			candidates = append(candidates, f)
		}
	}
	switch len(candidates) {
	case 0:
		return nil, nil
	case 1:
		return candidates[0], candidates[0].Confirmed()
	}
	return nil, model.Conflictf("emails", "several users whom no directory owns have this e-mail; remove all but one of them first")
}

// adopt makes an unowned user, which the caller has locked, the directory's.
func (o Org) adopt(ctx context.Context, before *people.User, directoryID string, change func(*people.UserDraft) error) (*people.User, error) {
	after, err := before.ChangedBy(change)
	if err != nil {
		return nil, err
	}
	after.DirectoryID, after.AdoptionConfirmed = &directoryID, false
	return o.writeChange(ctx, before, after)
}

// writeChange writes a user, whose row the caller has locked, as a directory
// changed it, with all that follows.
func (o Org) writeChange(ctx context.Context, before, after *people.User) (*people.User, error) {
	c := people.ConsequencesOf(before, after, people.ByDirectory)
	if err := people.In(o).WriteUser(ctx, before, c.Row); err != nil {
		return nil, err
	}
	if err := people.In(o).RecordChange(ctx, &c); err != nil {
		return nil, err
	}
	return c.Row, people.In(o).CloseAccess(ctx, &c)
}

// UpdateDirectoryUser lets change alter Active and the document of a user that
// the directory owns or could adopt, under a lock, and stores them with their
// events. A change that alters nothing writes nothing and keeps the version.
// Deactivating ends access at once.
func (o Org) UpdateDirectoryUser(ctx context.Context, directoryID, id string, change func(*people.UserDraft) error) (*people.User, error) {
	after, err := o.updateAtOnce(ctx, directoryID, id, change)
	if after != nil || err != nil {
		return after, err
	}
	err = o.change(ctx, func(org Org) error {
		var before people.User
		db := org.visible(tenant.ForChange(org, tenant.DB(org).WithContext(ctx), id), directoryID)
		if err := tenant.ByID(o, db, &before, "user", id); err != nil {
			return err
		}
		var err error
		if before.DirectoryID == nil {
			after, err = org.adopt(ctx, &before, directoryID, change)
			return err
		}
		if after, err = before.ChangedBy(change); err != nil || len(people.Changed(&before, after)) == 0 {
			return err
		}
		after, err = org.writeChange(ctx, &before, after)
		return err
	})
	if err != nil {
		return nil, err
	}
	return after, nil
}

// DeleteDirectoryUser removes a user that the directory owns: access ends, the
// userName is free, and a tombstone keeps a login from creating the person again.
// Each of allow sees the version of the locked row and may refuse.
func (o Org) DeleteDirectoryUser(ctx context.Context, directoryID, id string, allow ...func(version int64) error) error {
	return o.change(ctx, func(org Org) error {
		if err := org.touchGroupsOf(ctx, id); err != nil {
			return err
		}
		var u people.User
		db := tenant.ForChange(org, tenant.DB(org).WithContext(ctx), id).Where("directory_id = ?", directoryID)
		if err := tenant.ByID(o, db, &u, "user", id); err != nil {
			return err
		}
		for _, allows := range allow {
			if err := allows(u.Version); err != nil {
				return err
			}
		}
		c := people.ConsequencesOf(&u, nil, people.ByDirectory)
		if err := org.removeUser(ctx, &u); err != nil {
			return err
		}
		if err := people.In(org).RecordChange(ctx, &c); err != nil {
			return err
		}
		return people.In(org).CloseAccess(ctx, &c)
	})
}

// DeleteUser removes a user on an operator's or administrator's word, like
// DeleteDirectoryUser. It answers Conflict for the last active administrator.
func (o Org) DeleteUser(ctx context.Context, id string) error {
	return o.change(ctx, func(org Org) error {
		if err := org.touchGroupsOf(ctx, id); err != nil {
			return err
		}
		u, err := people.In(org).FindUser(ctx, id, true)
		if err != nil {
			return err
		}
		c := people.ConsequencesOf(u, nil, people.ByPerson)
		if err := people.In(org).CheckLastAdmin(ctx, &c); err != nil {
			return err
		}
		if err := people.In(org).RecordChange(ctx, &c); err != nil {
			return err
		}
		if err := org.removeUser(ctx, u); err != nil {
			return err
		}
		return people.In(org).CloseAccess(ctx, &c)
	})
}

func (o Org) removeUser(ctx context.Context, u *people.User) error {
	if err := o.bury(ctx, u); err != nil {
		return err
	}
	if tenant.HasRules(o) {
		if err := entitle.In(o).Lose(ctx, &entitle.Losses{Cause: tenant.CauseUserDeleted}, "user_id = ?", u.ID); err != nil {
			return err
		}
	}
	if err := tenant.DB(o).WithContext(ctx).Where("id = ?", u.ID).Delete(&people.User{}).Error; err != nil {
		return fmt.Errorf("delete user: %w", err)
	}
	return nil
}
