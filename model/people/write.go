package people

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/internal/tenant"
)

// CreateUser makes a user that no directory owns, from a document such as a
// login or an operator gives. It answers Conflict when the userName is taken; an
// e-mail address may be shared.
func (o Org) CreateUser(ctx context.Context, document map[string]any) (*User, error) {
	u := &User{Active: true, Role: Member}
	if err := u.SetDocument(document); err != nil {
		return nil, err
	}
	err := o.Tx(ctx, func(org Org) error {
		if err := org.inner().InsertUser(ctx, u); err != nil {
			return err
		}
		c := ConsequencesOf(nil, u, ByPerson)
		return org.inner().RecordChange(ctx, &c)
	})
	if err != nil {
		return nil, err
	}
	return u, nil
}

// InsertUser writes a new user and the values that filters look up.
func (o Inner) InsertUser(ctx context.Context, u *User) error {
	u.Begin(tenant.Now(o))
	if err := tenant.DB(ctx, o).Create(u).Error; err != nil {
		return userNameTaken(fmt.Errorf("create user: %w", err))
	}
	return o.insertValues(ctx, u)
}

// Begin sets what a new row begins with.
func (u *User) Begin(now model.Time) {
	u.ID, u.Version, u.Epoch = model.NewID(), 1, 1
	u.CreatedAt, u.UpdatedAt = now, now
	if u.ProfileIDs == nil {
		u.ProfileIDs = []string{}
	}
	if !u.Active {
		u.InactiveReason = Deprovisioned
	}
}

// userNameTaken says what a violated unique index means for a user: only the one of userNames can
// be.
func userNameTaken(err error) error {
	if errors.Is(err, gorm.ErrDuplicatedKey) {
		return &model.Error{Kind: model.Conflict, Field: "userName", Err: err,
			Message: "a user with this userName exists in the organization; a userName filter finds it, unless " +
				"another directory of the organization owns it: then remove it there, or send another userName"}
	}
	return err
}

func (o Org) insertValues(ctx context.Context, u *User) error {
	values, err := u.Values()
	if err != nil || len(values) == 0 {
		return err
	}
	if err := tenant.DB(ctx, o).CreateInBatches(&values, tenant.DialectOf(o).Batch(7)).Error; err != nil {
		return fmt.Errorf("create user values: %w", err)
	}
	return nil
}

// ChangeUser reads and locks a user, lets change alter it, and writes what changed.
func (o Inner) ChangeUser(ctx context.Context, id string, change func(org Org, u *User) error) (*User, error) {
	var after *User
	err := o.Tx(ctx, func(org Org) error {
		before, err := org.inner().FindUser(ctx, id, true)
		if err != nil {
			return err
		}
		u := *before
		u.UpdatedAt = tenant.Now(org) // already, for the events that change records
		if err := change(org, &u); err != nil {
			return err
		}
		after = before
		if changes := Changed(before, &u); len(changes) == 0 || slices.Equal(changes, []string{"UpdatedAt"}) {
			return nil
		}
		after = &u
		return org.inner().WriteUser(ctx, before, after)
	})
	if err != nil {
		return nil, err
	}
	return after, nil
}

// WriteUser stores what changed between before and after: the columns, and the
// values that filters look up when they changed. It bumps the version.
func (o Inner) WriteUser(ctx context.Context, before, after *User) error {
	after.Follow(before, tenant.Now(o))
	db := tenant.DB(ctx, o).Model(&User{}).Where("id = ?", after.ID)
	if err := db.Select(Changed(before, after)).UpdateColumns(after).Error; err != nil {
		return userNameTaken(fmt.Errorf("update user: %w", err))
	}
	if before.Document == after.Document {
		return nil
	}
	old, err := before.Values()
	if err != nil {
		return err
	}
	now, err := after.Values()
	if err != nil || slices.Equal(old, now) {
		return err
	}
	if len(old) > 0 {
		if err := tenant.DB(ctx, o).Where("user_id = ?", after.ID).Delete(&UserValue{}).Error; err != nil {
			return fmt.Errorf("delete user values: %w", err)
		}
	}
	return o.insertValues(ctx, after)
}

// Follow gives a row that replaces another the version after it, and the moment of the change.
func (u *User) Follow(before *User, now model.Time) {
	u.Version, u.UpdatedAt = before.Version+1, now
}

// Changed names the fields that differ between two rows of one type, and those
// that are written with them.
func Changed[T any](before, after *T) []string {
	return changedFields(reflect.ValueOf(before).Elem(), reflect.ValueOf(after).Elem())
}

func changedFields(b, a reflect.Value) (names []string) {
	for i := range b.NumField() {
		switch b.Field(i).Kind() { // the rest costs more, and most fields have not changed
		case reflect.String, reflect.Bool, reflect.Int64:
			if b.Field(i).Equal(a.Field(i)) {
				continue
			}
		}
		f := b.Type().Field(i)
		if f.Type == reflect.TypeFor[foldedDocument]() || f.Tag.Get("gorm") == "-" {
			continue // the former follows from Document, the latter is no column
		}
		if f.Anonymous {
			names = append(names, changedFields(b.Field(i), a.Field(i))...)
			continue
		}
		if !reflect.DeepEqual(b.Field(i).Interface(), a.Field(i).Interface()) {
			names = append(names, f.Name)
			if f.Name == "Document" {
				names = append(names, "DocumentFolded")
			}
		}
	}
	return names
}

// LockPeople locks the groups and users of a directory, or of the whole
// organization when directoryID is empty. New rows may still name the users.
//
// On PostgreSQL a transaction that locks many rows has its place in the feed
// from the first of them on. Another one may take a later place, change a row
// that is not locked yet, and commit: its event would stand after the removal,
// and tell of a user who is gone. Unless it is the last try, that is refused.
func (o Inner) LockPeople(ctx context.Context, directoryID string, last bool) error {
	if tenant.DialectOf(o) != tenant.PostgresDialect {
		return nil
	}
	for _, rows := range []struct {
		of       any
		strength string
	}{{&DirectoryGroup{}, tenant.ToRemove}, {&User{}, tenant.ToChange}} {
		db := tenant.DB(ctx, o).Model(rows.of).Clauses(clause.Locking{Strength: rows.strength})
		if directoryID != "" {
			db = db.Where("directory_id = ?", directoryID)
		}
		// The age of a row's last writer, in transactions, is negative when it began after this
		// one.
		var ages []int64
		if err := db.Order("id").Pluck("age(xmin)", &ages).Error; err != nil {
			return fmt.Errorf("lock users and groups: %w", err)
		}
		if !last && slices.ContainsFunc(ages, tenant.Overtook) {
			return tenant.ErrOvertaken
		}
	}
	return nil
}
