package model

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// visibleTo is the condition of the users that a directory may see: its own, and
// those whom it could adopt (docs/design/identity.md, "Adoption").
func (o *Org) visibleTo(directoryID string) clause.Expr {
	return join("(users.directory_id = ", param(directoryID), " OR (", adoptable(o.store.dialect, o.ID), "))")
}

// visible limits a query to what is visibleTo a directory.
func (o *Org) visible(db *gorm.DB, directoryID string) *gorm.DB {
	return db.Where(o.visibleTo(directoryID))
}

// DirectoryUser returns a user as a directory sees it: one that it owns or could adopt.
func (o *Org) DirectoryUser(ctx context.Context, directoryID, id string) (*User, error) {
	var u User
	return &u, o.one(o.visible(o.read.WithContext(ctx), directoryID), &u, "user", id)
}

// CreateDirectoryUser makes a user of the directory from a SCIM document, or
// adopts the unowned user whom the document names; its id tells which. It
// answers Conflict when the userName is taken, or when a person must decide first.
func (o *Org) CreateDirectoryUser(ctx context.Context, directoryID string, document map[string]any) (*User, error) {
	created := User{Active: true, Role: Member, DirectoryID: &directoryID}
	if err := created.SetDocument(document); err != nil {
		return nil, err
	}
	u, err := o.createAtOnce(ctx, created)
	if u != nil || err != nil {
		return u, err
	}
	err = o.change(ctx, func(org *Org) error {
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
			u, err = org.adopt(ctx, candidate, directoryID, func(a *UserDraft) error {
				a.Active = true
				return a.SetDocument(document)
			})
			return err
		}
		if err := org.insertUser(ctx, u); err != nil {
			return err
		}
		c := consequencesOf(nil, u, byDirectory)
		return org.recordChange(ctx, &c)
	})
	if err != nil {
		return nil, err
	}
	return u, nil
}

// candidate picks, locked, the unowned user whom a created one must be: the one
// with the same userName, else the one adoptable user with the same e-mail.
func (o *Org) candidate(ctx context.Context, u *User, ids []string) (*User, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var found []User
	for _, id := range slices.Sorted(slices.Values(ids)) {
		var f User
		err := o.one(o.forChange(o.db.WithContext(ctx), id).Where("directory_id IS NULL"), &f, "user", id)
		if KindOf(err) == NotFound {
			continue // owned or gone since it was recognized
		}
		if err != nil {
			return nil, err
		}
		found = append(found, f)
	}
	domains, err := o.Domains(ctx)
	if err != nil {
		return nil, err
	}
	var candidates []*User
	for i := range found {
		f := &found[i]
		trusted := f.emailUnder(domains)
		if f.UserNameFolded == u.UserNameFolded { // the one who has the userName, whoever else has the e-mail
			if !trusted {
				return nil, Conflictf("userName", "a user with this userName exists whom no directory owns; verify the e-mail's domain first")
			}
			return f, f.confirmed()
		}
		if trusted {
			candidates = append(candidates, f)
		}
	}
	switch len(candidates) {
	case 0:
		return nil, nil
	case 1:
		return candidates[0], candidates[0].confirmed()
	}
	return nil, Conflictf("emails", "several users whom no directory owns have this e-mail; remove all but one of them first")
}

// confirmed refuses the adoption of an administrator that nobody has confirmed:
// a directory would otherwise gain the powers of whoever it can name.
func (u *User) confirmed() error {
	if u.Role == Admin && !u.AdoptionConfirmed {
		return Conflictf("userName", "an administrator must confirm that the directory may take over this user")
	}
	return nil
}

// adopt makes an unowned user, which the caller has locked, the directory's.
func (o *Org) adopt(ctx context.Context, before *User, directoryID string, change func(*UserDraft) error) (*User, error) {
	after, err := before.changedBy(change)
	if err != nil {
		return nil, err
	}
	after.DirectoryID, after.AdoptionConfirmed = &directoryID, false
	return o.writeChange(ctx, before, after)
}

// writeChange writes a user, whose row the caller has locked, as a directory
// changed it, with all that follows.
func (o *Org) writeChange(ctx context.Context, before, after *User) (*User, error) {
	c := consequencesOf(before, after, byDirectory)
	if err := o.writeUser(ctx, before, c.row); err != nil {
		return nil, err
	}
	if err := o.recordChange(ctx, &c); err != nil {
		return nil, err
	}
	return c.row, o.closeAccess(ctx, &c)
}

// UpdateDirectoryUser lets change alter Active and the document of a user that
// the directory owns or could adopt, under a lock, and stores them with their
// events. A change that alters nothing writes nothing and keeps the version.
// Deactivating ends access at once.
func (o *Org) UpdateDirectoryUser(ctx context.Context, directoryID, id string, change func(*UserDraft) error) (*User, error) {
	after, err := o.updateAtOnce(ctx, directoryID, id, change)
	if after != nil || err != nil {
		return after, err
	}
	err = o.change(ctx, func(org *Org) error {
		var before User
		db := org.visible(org.forChange(org.db.WithContext(ctx), id), directoryID)
		if err := o.one(db, &before, "user", id); err != nil {
			return err
		}
		var err error
		if before.DirectoryID == nil {
			after, err = org.adopt(ctx, &before, directoryID, change)
			return err
		}
		if after, err = before.changedBy(change); err != nil || len(changed(&before, after)) == 0 {
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
func (o *Org) DeleteDirectoryUser(ctx context.Context, directoryID, id string, allow ...func(version int64) error) error {
	return o.change(ctx, func(org *Org) error {
		if err := org.touchGroupsOf(ctx, id); err != nil {
			return err
		}
		var u User
		db := org.forChange(org.db.WithContext(ctx), id).Where("directory_id = ?", directoryID)
		if err := o.one(db, &u, "user", id); err != nil {
			return err
		}
		for _, allows := range allow {
			if err := allows(u.Version); err != nil {
				return err
			}
		}
		c := consequencesOf(&u, nil, byDirectory)
		if err := org.removeUser(ctx, &u); err != nil {
			return err
		}
		if err := org.recordChange(ctx, &c); err != nil {
			return err
		}
		return org.closeAccess(ctx, &c)
	})
}

// DeleteUser removes a user on an operator's or administrator's word, like
// DeleteDirectoryUser. It answers Conflict for the last active administrator.
func (o *Org) DeleteUser(ctx context.Context, id string) error {
	return o.change(ctx, func(org *Org) error {
		if err := org.touchGroupsOf(ctx, id); err != nil {
			return err
		}
		u, err := org.user(ctx, id, true)
		if err != nil {
			return err
		}
		c := consequencesOf(u, nil, byPerson)
		if err := org.checkLastAdmin(ctx, &c); err != nil {
			return err
		}
		if err := org.recordChange(ctx, &c); err != nil {
			return err
		}
		if err := org.removeUser(ctx, u); err != nil {
			return err
		}
		return org.closeAccess(ctx, &c)
	})
}

func (o *Org) removeUser(ctx context.Context, u *User) error {
	if err := o.bury(ctx, u); err != nil {
		return err
	}
	if o.hasRules() {
		if err := o.lose(ctx, &losses{cause: CauseUserDeleted}, "user_id = ?", u.ID); err != nil {
			return err
		}
	}
	if err := o.db.WithContext(ctx).Where("id = ?", u.ID).Delete(&User{}).Error; err != nil {
		return fmt.Errorf("delete user: %w", err)
	}
	return nil
}

// recordUser notes an event about a member of the organization.
func (o *Org) recordUser(ctx context.Context, t EventType, u *User) error {
	form, err := o.userForm(ctx, u)
	if err != nil {
		return err
	}
	return o.record(t, form.ID, form)
}

// userForm is a member of the organization as events show it.
func (o *Org) userForm(ctx context.Context, u *User) (UserObject, error) {
	domains, err := o.Domains(ctx)
	if err != nil {
		return UserObject{}, err
	}
	form, err := u.UserForm(domains)
	form.OrganizationID = OrganizationPrefix.ID(string(o.ID))
	return form, err
}

// recordDirectoryUser notes an event about a user of a directory; before, where
// given, is what it was.
func (o *Org) recordDirectoryUser(t EventType, u, before *User) error {
	form, err := u.DirectoryUserForm()
	if err != nil {
		return err
	}
	data := struct {
		DirectoryUserObject
		PreviousAttributes map[string]json.RawMessage `json:"previous_attributes,omitempty"`
	}{DirectoryUserObject: form}
	if before != nil {
		old, err := before.DirectoryUserForm()
		if err != nil {
			return err
		}
		if data.PreviousAttributes, err = previous(old, form); err != nil {
			return err
		}
	}
	return o.record(t, form.ID, data)
}

// previous are the members of before whose values differ in after, without the
// moment of change. Both are of one type; only what differs is made JSON, since
// most of an object is a document that most changes leave alone.
func previous(before, after any) (map[string]json.RawMessage, error) {
	differing := map[string]json.RawMessage{}
	b, a := reflect.ValueOf(before), reflect.ValueOf(after)
	for i := range b.NumField() {
		name, _, _ := strings.Cut(b.Type().Field(i).Tag.Get("json"), ",")
		if name == "updated_at" || reflect.DeepEqual(b.Field(i).Interface(), a.Field(i).Interface()) {
			continue
		}
		text, err := marshal(b.Field(i).Interface())
		if err != nil {
			return nil, err
		}
		differing[name] = text
	}
	return differing, nil
}
