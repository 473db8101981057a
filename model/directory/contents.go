package directory

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"rollcall/model/internal/tenant"
	"rollcall/model/people"
)

// Contents is what belongs to one directory: its users, groups, tokens and request log.
type Contents struct {
	org Org
	id  string // of the directory
}

// Of returns the contents of one directory of an organization. It reads nothing: where the
// organization has no such directory, the methods find nothing.
func Of(org tenant.Bound, directoryID string) Contents { return Contents{In(org), directoryID} }

// tx runs fn in one transaction, see tenant.Org.Tx.
func (c Contents) tx(ctx context.Context, fn func(c Contents) error) error {
	return c.org.Tx(ctx, func(org Org) error { return fn(Of(org, c.id)) })
}

// change is tx for a write that starts again when others' locks have ended it, see tenant.Change.
func (c Contents) change(ctx context.Context, fn func(c Contents) error) error {
	return c.org.change(ctx, func(org Org) error { return fn(Of(org, c.id)) })
}

// DirectoryCounts are the numbers of a directory's users and groups.
type DirectoryCounts struct{ ActiveUsers, InactiveUsers, Groups int64 }

// Counts counts the users and groups of the directory.
func (c Contents) Counts(ctx context.Context) (DirectoryCounts, error) {
	var counts DirectoryCounts
	users := tenant.Read(ctx, c.org).Model(&people.User{}).Where("directory_id = ?", c.id)
	groups := tenant.Read(ctx, c.org).Model(&people.DirectoryGroup{}).Where("directory_id = ?", c.id)
	err := users.Session(&gorm.Session{}).Where("active = ?", true).Count(&counts.ActiveUsers).Error
	if err == nil {
		err = users.Session(&gorm.Session{}).Where("active = ?", false).Count(&counts.InactiveUsers).Error
	}
	if err == nil {
		err = groups.Count(&counts.Groups).Error
	}
	if err != nil {
		return counts, tenant.Translate(c.org, fmt.Errorf("count directory: %w", err))
	}
	return counts, nil
}
