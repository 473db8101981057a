package model

import (
	"context"
	"database/sql"

	"gorm.io/gorm/clause"
)

// adoptable is the condition of the users that no directory owns and that one may
// adopt: their domain is verified, and none is an unconfirmed administrator (see
// docs/design/identity.md).
func adoptable(d dialect, organization OrganizationID) clause.Expr {
	return clause.Expr{
		SQL: "users.directory_id IS NULL AND (users.role = ? OR users.adoption_confirmed = ?) AND " +
			d.in("users.email_domain",
				"SELECT domain FROM organization_domains WHERE organization_id = ? AND state = ?"),
		Vars: []any{Member, true, organization, DomainStateVerified},
	}
}

// DirectoryUsers lists the users of a directory in the order of their creation,
// and how many there are in all. Each has the fields that lists show: ID, UserName,
// Version, Active, Document and the times. Users that the directory could adopt are
// found only by a filter that names one exactly, so that no client deletes them
// because it does not know them. The error is Invalid for a filter that cannot be
// compared, and TooLarge for one that takes too long.
func (o *Org) DirectoryUsers(ctx context.Context, directoryID string, q ResourceQuery) ([]User, Extent, error) {
	s := search[User]{compiler: newCompiler(o.searchDB(), &filterableUsers, q), query: q, shown: shownUsers}
	if s.of.namesOne(q.Filter) {
		s.where = o.visibleTo(directoryID)
		if q.Groups {
			s.shown = o.shownAlone()
		}
	} else {
		s.where = o.ownedBy(directoryID, s.compiler, q)
	}
	users, extent, err := s.run(ctx)
	return users, extent, o.store.translate(err)
}

// DirectoryGroups lists the groups of a directory, like DirectoryUsers, with
// DisplayName.
func (o *Org) DirectoryGroups(ctx context.Context, directoryID string, q ResourceQuery) (
	[]DirectoryGroup, Extent, error) {
	s := search[DirectoryGroup]{compiler: newCompiler(o.searchDB(), &filterableGroups, q), query: q, shown: shownGroups}
	s.directory = directoryID
	s.where = o.ownedBy(directoryID, s.compiler, q)
	groups, extent, err := s.run(ctx)
	return groups, extent, o.store.translate(err)
}

// ownedBy is the condition of the resources that a directory owns.
func (o *Org) ownedBy(directoryID string, c *compiler, q ResourceQuery) clause.Expr {
	column := o.store.dialect.beside(c.of.table+".directory_id", c.of.pinpoints(q.Filter))
	return join(column, " = ", param(directoryID))
}

// searchDB is the organization's part of the database, for searches.
func (o *Org) searchDB() searchDB {
	return searchDB{
		dialect: o.store.dialect, organization: o.ID,
		query: func(ctx context.Context, query clause.Expr, each func(*sql.Rows) error) error {
			return o.direct(ctx, query, each)
		},
		patient: func(ctx context.Context, column string) (context.Context, clause.Expr, func()) {
			return o.store.patient(ctx, column)
		},
	}
}

// The columns that lists show.
var (
	shownGroupColumns = readGroupColumns.pick("ID", "DisplayName", "Version", "CreatedAt", "UpdatedAt", "Document")
	shownUserColumns  = userColumns.pick("ID", "UserName", "Version", "Active", "CreatedAt", "UpdatedAt", "Document")
)

var shownGroups = shown[DirectoryGroup]{
	columns: clause.Expr{SQL: shownGroupColumns.selected(shownGroupColumns.table)},
	scan: func(rows *sql.Rows, g *DirectoryGroup) error {
		return rows.Scan(shownGroupColumns.pointers(g)...)
	},
	created: func(g *DirectoryGroup) (string, Time) { return g.ID, g.CreatedAt },
}

func createdUser(u *User) (string, Time) { return u.ID, u.CreatedAt }

var shownUsers = shown[User]{
	columns: clause.Expr{SQL: shownUserColumns.selected(shownUserColumns.table)},
	scan: func(rows *sql.Rows, u *User) error {
		return rows.Scan(shownUserColumns.pointers(u)...)
	},
	created: createdUser,
}

// shownAlone reads users and sets Groups of those that are in no group: most
// look-ups then need no statement for the groups.
func (o *Org) shownAlone() shown[User] {
	return shown[User]{
		columns: join(shownUsers.columns, ", ", o.inAGroup()),
		scan: func(rows *sql.Rows, u *User) error {
			var member bool
			err := rows.Scan(append(shownUserColumns.pointers(u), &member)...)
			if !member {
				u.Groups = []MemberOf{}
			}
			return err
		},
		created: createdUser,
	}
}
