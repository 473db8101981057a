package directory

import (
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/internal/across"
	"rollcall/model/internal/tenant"
	"rollcall/model/organization"
	"rollcall/model/people"
)

// besideDirectory is for conditions beside one that finds the user.
var besideDirectory, andOwned = tenant.Beside("users.directory_id"), "AND NULLIF(users.directory_id, '') = @directory"

// adoptable is the condition of the users that a directory may adopt: no directory owns them,
// their domain is verified, and an administrator is confirmed (docs/design/identity.md,
// "Adoption").
func adoptable(d tenant.Dialect, owner model.OrganizationID) clause.Expr {
	return clause.Expr{
		SQL: besideDirectory + " IS NULL AND (users.role = ? OR users.adoption_confirmed = ?) AND " +
			d.In("users.email_domain",
				"SELECT domain FROM organization_domains WHERE organization_id = ? AND state = ?"),
		Vars: []any{people.Member, true, owner, organization.DomainStateVerified},
	}
}

// visibleTo is the condition of the users that the directory may see: those that it owns, and
// those that it may adopt (docs/design/identity.md, "Adoption").
func (c Contents) visibleTo() clause.Expr {
	return tenant.Join("("+besideDirectory+" = ", tenant.Param(c.id), " OR (",
		adoptable(tenant.DialectOf(c.org), c.org.ID), "))")
}

// visible limits a query to what the directory may see.
func (c Contents) visible(db *gorm.DB) *gorm.DB {
	return db.Where(c.visibleTo())
}

// recognized are the ids of unowned users and of tombstones that may be of the user to create.
type recognized struct{ users, tombstones []string }

// recognize finds in one statement the unowned users with the userName or e-mail of u, and the
// tombstones that match its traces. It sees the token of the request, too.
func (c Contents) recognize(ctx context.Context, u *people.User) (recognized, error) {
	o := c.org
	traces, err := u.Traces(nil)
	if err != nil {
		return recognized{}, err
	}
	var rows []struct {
		Kind string
		ID   string
	}
	err = across.In(ctx, o).Raw(
		`SELECT 'user' AS kind, id FROM users
			WHERE organization_id = ? AND directory_id IS NULL AND user_name_folded = ?
		UNION SELECT 'user', id FROM users
			WHERE organization_id = ? AND directory_id IS NULL AND email_folded = ? AND email_folded <> ''
		UNION SELECT 'tombstone', tombstone_id FROM tombstone_keys WHERE organization_id = ? AND hash IN ?
		UNION SELECT 'token', '' WHERE ?`,
		o.ID, u.UserNameFolded, o.ID, u.EmailFolded, o.ID, o.hashes(traces), c.tokenThere()).Scan(&rows).Error
	if err != nil {
		return recognized{}, fmt.Errorf("recognize user: %w", err)
	}
	var out recognized
	there := false
	for _, r := range rows {
		switch r.Kind {
		case "user":
			out.users = append(out.users, r.ID)
		case "tombstone":
			out.tombstones = append(out.tombstones, r.ID)
		default:
			there = true
		}
	}
	return out, c.saw(there)
}

// candidate locks the unowned users of ids and returns the one that u must be: the one with the
// same userName, or else the only adoptable one with the same e-mail. It returns nil for none.
func (o Org) candidate(ctx context.Context, u *people.User, ids []string) (*people.User, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var found []people.User
	for _, id := range slices.Sorted(slices.Values(ids)) {
		var f people.User
		db := tenant.ForChange(o, tenant.DB(ctx, o), id).Where("directory_id IS NULL")
		err := tenant.ByID(o, db, &f, "user", id)
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
		if f.UserNameFolded == u.UserNameFolded { // the userName decides, also where other users have the e-mail
			if !trusted {
				return nil, model.Conflictf("userName", "a user with this userName exists whom no directory owns; "+
					"verify the e-mail's domain first")
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
	return nil, model.Conflictf("emails", "several users whom no directory owns have this e-mail; remove all but one "+
		"of them first")
}

// adopt makes the directory the owner of an unowned user whose row the caller has locked.
func (c Contents) adopt(
	ctx context.Context, before *people.User, change func(*people.UserDraft) error,
) (*people.User, error) {
	after, err := before.ChangedBy(change)
	if err != nil {
		return nil, err
	}
	after.DirectoryID, after.AdoptionConfirmed = &c.id, false
	return c.org.writeChange(ctx, before, after)
}
