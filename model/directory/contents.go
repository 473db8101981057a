package directory

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/internal/tenant"
	"rollcall/model/people"
)

// Contents is what belongs to one directory: its users, groups and tokens.
type Contents struct {
	org  Org
	id   string // of the directory
	pass *pass  // of an identity provider's request; nil for everybody else
}

// Of returns the contents of one directory of an organization. It reads nothing: where the
// organization has no such directory, the methods find nothing.
func Of(org tenant.Bound, directoryID string) Contents {
	return Contents{org: In(org), id: directoryID}
}

// within is Contents in a transaction.
func (c Contents) within(org Org) Contents { return Contents{org, c.id, c.pass} }

// tx runs fn in one transaction, see tenant.Org.Tx.
func (c Contents) tx(ctx context.Context, fn func(c Contents) error) error {
	return c.org.Tx(ctx, func(org Org) error { return fn(c.within(org)) })
}

// change is tx for a write that starts again when others' locks have ended it, see tenant.Change.
// It answers Denied where the token of the request is gone, unless fn fails before.
func (c Contents) change(ctx context.Context, fn func(c Contents) error) error {
	return c.org.change(ctx, func(org Org) error {
		if err := fn(c.within(org)); err != nil {
			return err
		}
		return c.within(org).atEnd(ctx)
	})
}

// lock locks the row of a resource of the directory, or of what visible selects, and reads it. It
// sees the token of the request too: where that is gone, it finds nothing.
func (c Contents) lock(ctx context.Context, visible *gorm.DB, into any, what, id string) error {
	if c.pass != nil {
		visible = visible.Where(c.tokenThere())
	}
	if err := tenant.ByID(c.org, visible, into, what, id); err != nil {
		return err
	}
	return c.saw(true)
}

// read reads the columns of one row, the last of which is tokenThere. The error for a row that is
// not there calls it what.
func (c Contents) read(ctx context.Context, what, id string, query clause.Expr, into []any) error {
	found := false
	if model.IsID(id) {
		err := tenant.Direct(ctx, c.org, query, func(rows *sql.Rows) error {
			var there bool
			found = true
			return cmp.Or(rows.Scan(append(into, &there)...), c.saw(there))
		})
		if err != nil {
			return tenant.Translate(c.org, fmt.Errorf("read %s: %w", what, err))
		}
	}
	if !found {
		return model.NotFoundf("there is no %s %.64q here", what, id)
	}
	return nil
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
