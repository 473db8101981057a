package connection

import (
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm/clause"

	"rollcall/model/internal/tenant"
	"rollcall/model/people"
)

// unlinked is how many users are unlinked by one read and one write.
const unlinked = 500

// unlinkAll deletes all identities of a connection and the groups that its logins asserted. The
// users that signed in by it are signed out.
func (o Org) unlinkAll(ctx context.Context, id string) error {
	linked := tenant.DB(ctx, o).Model(&people.Identity{}).Select("user_id").Where("connection_id = ?", id)
	// SignOut locks some of these users. All of them are locked before that, in the order of their
	// ids: a login at another connection may lock one of them at the same time.
	var locked []string
	err := tenant.DB(ctx, o).Model(&people.User{}).Clauses(clause.Locking{Strength: tenant.ToRemove}).
		Where("id IN (?)", linked).Order("id").Pluck("id", &locked).Error
	if err != nil {
		return fmt.Errorf("lock linked users: %w", err)
	}
	if err := people.Inside(tenant.Inside(o)).SignOut(ctx, id); err != nil {
		return err
	}
	for after := ""; ; {
		var users []people.User
		err := tenant.DB(ctx, o).Select("id", "profile_ids").Where("id > ? AND id IN (?)", after, linked).
			Order("id").Limit(unlinked).Find(&users).Error
		if err != nil {
			return fmt.Errorf("read linked users: %w", err)
		}
		if len(users) == 0 {
			break
		}
		if err := o.unlink(ctx, id, users); err != nil {
			return err
		}
		after = users[len(users)-1].ID
	}
	for _, rows := range []any{&AssertedGroup{}, &people.Identity{}} {
		if err := tenant.DB(ctx, o).Where("connection_id = ?", id).Delete(rows).Error; err != nil {
			return fmt.Errorf("unlink users: %w", err)
		}
	}
	return nil
}

// unlink removes the identities of a connection from the rows of their users. Almost all users have
// no other identity, and one statement writes all of those.
func (o Org) unlink(ctx context.Context, connection string, users []people.User) error {
	var ids []string
	for _, u := range users {
		ids = append(ids, u.ID)
	}
	var identities []people.Identity
	err := tenant.DB(ctx, o).Select("id", "user_id").
		Where("connection_id = ? AND user_id IN ?", connection, ids).Find(&identities).Error
	if err != nil {
		return fmt.Errorf("read identities: %w", err)
	}
	gone := map[string]bool{}
	for _, i := range identities {
		gone[i.ID] = true
	}
	var only []string
	for _, u := range users {
		rest := slices.DeleteFunc(slices.Clone(u.ProfileIDs), func(id string) bool { return gone[id] })
		if len(rest) == 0 {
			only = append(only, u.ID)
			continue
		}
		u.ProfileIDs = rest
		err := tenant.DB(ctx, o).Model(&people.User{}).Where("id = ?", u.ID).
			Select("ProfileIDs").UpdateColumns(&u).Error
		if err != nil {
			return fmt.Errorf("unlink user: %w", err)
		}
	}
	if len(only) == 0 {
		return nil
	}
	err = tenant.DB(ctx, o).Model(&people.User{}).Where("id IN ?", only).
		Select("ProfileIDs").UpdateColumns(&people.User{ProfileIDs: []string{}}).Error
	if err != nil {
		return fmt.Errorf("unlink users: %w", err)
	}
	return nil
}
