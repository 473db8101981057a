package directory

import (
	"context"
	"database/sql"

	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/internal/tenant"
	"rollcall/model/organization"
	"rollcall/model/people"
	"rollcall/model/search"
)

// adoptable is the condition of the users that no directory owns and that one may
// adopt: their domain is verified, and none is an unconfirmed administrator (see
// docs/design/identity.md).
func adoptable(d tenant.Dialect, owner model.OrganizationID) clause.Expr {
	return clause.Expr{
		SQL: "users.directory_id IS NULL AND (users.role = ? OR users.adoption_confirmed = ?) AND " +
			d.In("users.email_domain",
				"SELECT domain FROM organization_domains WHERE organization_id = ? AND state = ?"),
		Vars: []any{people.Member, true, owner, organization.DomainStateVerified},
	}
}

// DirectoryUsers lists the users of a directory in the order of their creation,
// and how many there are in all. Each has the fields that lists show: ID, UserName,
// Version, Active, Document and the times. Users that the directory could adopt are
// found only by a filter that names one exactly, so that no client deletes them
// because it does not know them. The error is Invalid for a filter that cannot be
// compared, and TooLarge for one that takes too long.
func (o Org) DirectoryUsers(ctx context.Context, directoryID string, q search.ResourceQuery) ([]people.User, search.Extent, error) {
	s := search.Search[people.User]{Compiler: search.NewCompiler(o.searchDB(), &search.FilterableUsers, q), Query: q, Shown: shownUsers}
	if s.Of.NamesOne(q.Filter) {
		s.Where = o.visibleTo(directoryID)
		if q.Groups {
			s.Shown = o.shownAlone()
		}
	} else {
		s.Where = o.ownedBy(directoryID, s.Compiler, q)
	}
	users, extent, err := s.Run(ctx)
	return users, extent, tenant.Translate(o, err)
}

// DirectoryGroups lists the groups of a directory, like DirectoryUsers, with
// DisplayName.
func (o Org) DirectoryGroups(ctx context.Context, directoryID string, q search.ResourceQuery) (
	[]people.DirectoryGroup, search.Extent, error) {
	s := search.Search[people.DirectoryGroup]{Compiler: search.NewCompiler(o.searchDB(), &search.FilterableGroups, q), Query: q, Shown: shownGroups}
	s.Directory = directoryID
	s.Where = o.ownedBy(directoryID, s.Compiler, q)
	groups, extent, err := s.Run(ctx)
	return groups, extent, tenant.Translate(o, err)
}

// ownedBy is the condition of the resources that a directory owns.
func (o Org) ownedBy(directoryID string, c *search.Compiler, q search.ResourceQuery) clause.Expr {
	column := tenant.DialectOf(o).Beside(c.Of.Table+".directory_id", c.Of.Pinpoints(q.Filter))
	return tenant.Join(column, " = ", tenant.Param(directoryID))
}

// searchDB is the organization's part of the database, for searches.
func (o Org) searchDB() search.SearchDB {
	return search.SearchDB{
		Dialect: tenant.DialectOf(o), Organization: o.ID,
		Query: func(ctx context.Context, query clause.Expr, each func(*sql.Rows) error) error {
			return tenant.Direct(ctx, o, query, each)
		},
		Patient: func(ctx context.Context, column string) (context.Context, clause.Expr, func()) {
			return tenant.Patient(ctx, o, column)
		},
	}
}

// The columns that lists show.
var (
	shownGroupColumns = readGroupColumns.Pick("ID", "DisplayName", "Version", "CreatedAt", "UpdatedAt", "Document")
	shownUserColumns  = userColumns.Pick("ID", "UserName", "Version", "Active", "CreatedAt", "UpdatedAt", "Document")
)

var shownGroups = search.Shown[people.DirectoryGroup]{
	Columns: clause.Expr{SQL: shownGroupColumns.Selected(shownGroupColumns.Table)},
	Scan: func(rows *sql.Rows, g *people.DirectoryGroup) error {
		return rows.Scan(shownGroupColumns.Pointers(g)...)
	},
	Created: func(g *people.DirectoryGroup) (string, model.Time) { return g.ID, g.CreatedAt },
}

func createdUser(u *people.User) (string, model.Time) { return u.ID, u.CreatedAt }

var shownUsers = search.Shown[people.User]{
	Columns: clause.Expr{SQL: shownUserColumns.Selected(shownUserColumns.Table)},
	Scan: func(rows *sql.Rows, u *people.User) error {
		return rows.Scan(shownUserColumns.Pointers(u)...)
	},
	Created: createdUser,
}

// shownAlone reads users and sets Groups of those that are in no group: most
// look-ups then need no statement for the groups.
func (o Org) shownAlone() search.Shown[people.User] {
	return search.Shown[people.User]{
		Columns: tenant.Join(shownUsers.Columns, ", ", o.inAGroup()),
		Scan: func(rows *sql.Rows, u *people.User) error {
			var member bool
			err := rows.Scan(append(shownUserColumns.Pointers(u), &member)...)
			if !member {
				u.Groups = []people.MemberOf{}
			}
			return err
		},
		Created: createdUser,
	}
}
