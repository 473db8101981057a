package directory

import (
	"context"
	"fmt"

	"rollcall/model"
	"rollcall/model/internal/across"
	"rollcall/model/internal/tenant"
	"rollcall/model/organization"
	"rollcall/model/people"
)

// DirectoryQuery asks for directories.
type DirectoryQuery struct {
	model.Page
	OrganizationID model.OrganizationID
	Domain         string // only those of organizations with this domain
	Search         string // only those whose name contains this, in any case
}

// Directories lists the directories of a scope.
func (s Store) Directories(ctx context.Context, scope model.Scope, q DirectoryQuery) ([]Directory, model.PageInfo, error) {
	db := organization.Across(s).Narrowed(ctx, across.Read(ctx, s).Model(&Directory{}), scope, q.OrganizationID, q.Domain, q.Search)
	ds, info, err := tenant.ReadPage(db, q.Page, func(d Directory) string { return d.ID })
	return ds, info, tenant.Translate(s, err)
}

// recognized is whom a directory's new user may already be.
type recognized struct{ users, tombstones []string }

// recognize finds, in one statement, the unowned users with the userName or
// e-mail of u, and the tombstones that its traces match.
func (o Org) recognize(ctx context.Context, u *people.User) (recognized, error) {
	traces, err := u.Traces(nil)
	if err != nil {
		return recognized{}, err
	}
	var rows []struct {
		Kind string
		ID   string
	}
	err = across.In(ctx, o).Raw(
		`SELECT 'user' AS kind, id FROM users WHERE organization_id = ? AND directory_id IS NULL AND user_name_folded = ?
		UNION SELECT 'user', id FROM users WHERE organization_id = ? AND directory_id IS NULL AND email_folded = ? AND email_folded <> ''
		UNION SELECT 'tombstone', tombstone_id FROM tombstone_keys WHERE organization_id = ? AND hash IN ?`,
		o.ID, u.UserNameFolded, o.ID, u.EmailFolded, o.ID, o.hashes(traces)).Scan(&rows).Error
	if err != nil {
		return recognized{}, fmt.Errorf("recognize user: %w", err)
	}
	var out recognized
	for _, r := range rows {
		if r.Kind == "user" {
			out.users = append(out.users, r.ID)
		} else {
			out.tombstones = append(out.tombstones, r.ID)
		}
	}
	return out, nil
}
