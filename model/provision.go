package model

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// visible are the users that a directory may see: its own, and those whom it
// could adopt (identity.md, section 3).
func (o *Org) visible(db *gorm.DB, directoryID string) *gorm.DB {
	adoptable := o.adoptable()
	return db.Where("(users.directory_id = ? OR ("+adoptable.SQL+"))", append([]any{directoryID}, adoptable.Vars...)...)
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
	u := &User{Active: true, Role: Member, DirectoryID: &directoryID}
	if err := u.SetDocument(document); err != nil {
		return nil, err
	}
	err := o.Tx(ctx, func(org *Org) error {
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
			u, err = org.adopt(ctx, candidate, directoryID, func(a *User) error {
				a.Active = true
				return a.SetDocument(document)
			})
			return err
		}
		if !u.Active {
			u.InactiveReason = Deprovisioned
		}
		if err := org.insertUser(ctx, u); err != nil {
			return err
		}
		return org.recordDirectoryUser(DirectoryUserCreated, u, nil)
	})
	return u, err
}

// candidate picks, locked, the unowned user whom a created one must be: the one
// with the same userName, else the one adoptable user with the same e-mail.
func (o *Org) candidate(ctx context.Context, u *User, ids []string) (*User, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var found []User
	db := o.db.WithContext(ctx).Clauses(clause.Locking{Strength: "UPDATE"})
	if err := db.Where("id IN ? AND directory_id IS NULL", ids).Order("id").Find(&found).Error; err != nil {
		return nil, fmt.Errorf("read adoptable users: %w", err)
	}
	domains, err := o.Domains(ctx)
	if err != nil {
		return nil, err
	}
	var candidate *User
	for i := range found {
		f := &found[i]
		switch trusted := f.emailUnder(domains); {
		case f.UserNameFolded == u.UserNameFolded && !trusted:
			return nil, Conflictf("userName", "a user with this userName exists whom no directory owns; verify the e-mail's domain first")
		case f.UserNameFolded == u.UserNameFolded:
			return f, f.confirmed()
		case trusted && candidate != nil:
			return nil, Conflictf("emails", "several users whom no directory owns have this e-mail; remove all but one of them first")
		case trusted:
			candidate = f
		}
	}
	if candidate == nil {
		return nil, nil
	}
	return candidate, candidate.confirmed()
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
func (o *Org) adopt(ctx context.Context, before *User, directoryID string, change func(*User) error) (*User, error) {
	after := *before
	after.DirectoryID, after.AdoptionConfirmed = &directoryID, false
	if err := change(&after); err != nil {
		return nil, err
	}
	ended := o.settleActive(before, &after)
	if err := o.writeUser(ctx, before, &after); err != nil {
		return nil, err
	}
	if err := o.recordUser(ctx, UserAdopted, &after); err != nil {
		return nil, err
	}
	if err := o.recordDirectoryUser(DirectoryUserCreated, &after, nil); err != nil || !ended {
		return &after, err
	}
	return &after, o.recordAccessEnded(&after, EndedDeprovisioned)
}

// settleActive draws the consequences of a change of Active: access ends with
// it, in the same row; the reason is kept for who may come back how.
func (o *Org) settleActive(before, after *User) (ended bool) {
	switch {
	case after.Active:
		after.InactiveReason = ""
	case before.Active:
		after.InactiveReason = Deprovisioned
		after.endAccess()
		return true
	case before.DirectoryID == nil:
		after.InactiveReason = Deprovisioned
	}
	return false
}

// UpdateDirectoryUser lets change alter a user that the directory owns or could
// adopt, under a lock, and stores it with its events. A change that alters
// nothing writes nothing and keeps the version. Deactivating ends access at once.
func (o *Org) UpdateDirectoryUser(ctx context.Context, directoryID, id string, change func(*User) error) (*User, error) {
	var after *User
	err := o.Tx(ctx, func(org *Org) error {
		var before User
		db := org.visible(org.db.WithContext(ctx).Clauses(clause.Locking{Strength: "UPDATE"}), directoryID)
		if err := o.one(db, &before, "user", id); err != nil {
			return err
		}
		if before.DirectoryID == nil {
			var err error
			after, err = org.adopt(ctx, &before, directoryID, change)
			return err
		}
		u := before
		after = &u
		if err := change(after); err != nil {
			return err
		}
		if reflect.DeepEqual(&before, after) {
			return nil
		}
		ended := org.settleActive(&before, after)
		if err := org.writeUser(ctx, &before, after); err != nil {
			return err
		}
		if err := org.recordDirectoryUser(DirectoryUserUpdated, after, &before); err != nil || !ended {
			return err
		}
		return org.recordAccessEnded(after, EndedDeprovisioned)
	})
	if err != nil {
		return nil, err
	}
	return after, nil
}

// DeleteDirectoryUser removes a user that the directory owns: access ends, the
// userName is free, and a tombstone keeps a login from creating the person again.
func (o *Org) DeleteDirectoryUser(ctx context.Context, directoryID, id string) error {
	return o.Tx(ctx, func(org *Org) error {
		var u User
		db := org.db.WithContext(ctx).Clauses(clause.Locking{Strength: "UPDATE"}).Where("directory_id = ?", directoryID)
		if err := o.one(db, &u, "user", id); err != nil {
			return err
		}
		if err := org.removeUser(ctx, &u); err != nil {
			return err
		}
		if err := org.recordDirectoryUser(DirectoryUserDeleted, &u, nil); err != nil {
			return err
		}
		return org.recordAccessEnded(&u, EndedDeleted)
	})
}

// DeleteUser removes a user on an operator's or administrator's word, like
// DeleteDirectoryUser. It answers Conflict for the last active administrator.
func (o *Org) DeleteUser(ctx context.Context, id string) error {
	return o.Tx(ctx, func(org *Org) error {
		u, err := org.user(ctx, id, true)
		if err != nil {
			return err
		}
		if u.Role == Admin && u.Active {
			var others int64
			err := org.db.WithContext(ctx).Model(&User{}).Where("role = ? AND active = ? AND id <> ?", Admin, true, id).Count(&others).Error
			if err != nil {
				return fmt.Errorf("count administrators: %w", err)
			}
			if others == 0 {
				return Conflictf("id", "this is the organization's last administrator; make someone else an administrator first")
			}
		}
		if err := org.recordUser(ctx, UserDeleted, u); err != nil {
			return err
		}
		if err := org.removeUser(ctx, u); err != nil {
			return err
		}
		return org.recordAccessEnded(u, EndedDeleted)
	})
}

func (o *Org) removeUser(ctx context.Context, u *User) error {
	if err := o.bury(ctx, u); err != nil {
		return err
	}
	if err := o.db.WithContext(ctx).Where("id = ?", u.ID).Delete(&User{}).Error; err != nil {
		return fmt.Errorf("delete user: %w", err)
	}
	return nil
}

// recordUser notes an event about a member of the organization.
func (o *Org) recordUser(ctx context.Context, t EventType, u *User) error {
	domains, err := o.Domains(ctx)
	if err != nil {
		return err
	}
	form, err := u.UserForm(domains)
	if err != nil {
		return err
	}
	form.OrganizationID = OrganizationPrefix.ID(string(o.ID))
	return o.record(t, form.ID, form)
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
// moment of change.
func previous(before, after any) (map[string]json.RawMessage, error) {
	var b, a map[string]json.RawMessage
	for _, side := range []struct {
		from any
		into *map[string]json.RawMessage
	}{{before, &b}, {after, &a}} {
		text, err := marshal(side.from)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(text, side.into); err != nil {
			return nil, err
		}
	}
	delete(b, "updated_at")
	for k, v := range b {
		if string(v) == string(a[k]) {
			delete(b, k)
		}
	}
	return b, nil
}
