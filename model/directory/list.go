package directory

import (
	"context"
	"database/sql"

	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/internal/tenant"
	"rollcall/model/people"
	"rollcall/model/search"
)

// Users lists the users of the directory in the order of their creation, and returns how many
// there are in all. It sets the fields that lists show: ID, UserName, Version, Active, Document
// and the times. A user that the directory may adopt is found only by a filter that names one
// user: a client that lists all users might otherwise delete those that it does not know. The
// error is Invalid for a filter that cannot be compared, and TooLarge for one that takes too long.
func (c Contents) Users(ctx context.Context, q search.Query) ([]people.User, search.Extent, error) {
	s := search.Search[people.User]{DB: c.org.searchDB(), Of: search.Users, Query: q, Shown: confirming(c, shownUsers)}
	if s.Of.NamesOne(q.Filter) {
		s.Where = c.visibleTo()
		if q.Groups {
			s.Shown = confirming(c, c.org.shownAlone())
		}
	} else {
		s.Where = c.owned(s.Of, q)
	}
	users, extent, err := s.Run(ctx)
	return users, extent, tenant.Translate(c.org, err)
}

// Groups lists the groups of the directory as Users lists its users, with DisplayName.
func (c Contents) Groups(ctx context.Context, q search.Query) (
	[]people.DirectoryGroup, search.Extent, error) {
	s := search.Search[people.DirectoryGroup]{
		DB: c.org.searchDB(), Of: search.Groups, Query: q, Directory: c.id,
		Shown: confirming(c, shownGroups), Where: c.owned(search.Groups, q),
	}
	groups, extent, err := s.Run(ctx)
	return groups, extent, tenant.Translate(c.org, err)
}

// owned is the condition of the resources that the directory owns.
func (c Contents) owned(of *search.ResourceType, q search.Query) clause.Expr {
	return tenant.Join(of.Owner(q), " = ", tenant.Param(c.id))
}

// searchDB is the access of searches to the rows of the organization.
func (o Org) searchDB() search.DB {
	return search.DB{
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
	shownGroupColumns = readGroupColumns.Pick(
		"ID", "DisplayName", "Version", "CreatedAt", "UpdatedAt", "Document")
	shownUserColumns = userColumns.Pick(
		"ID", "UserName", "Version", "Active", "CreatedAt", "UpdatedAt", "Document")
)

var shownGroups = search.Shown[people.DirectoryGroup]{
	Columns: clause.Expr{SQL: shownGroupColumns.Selected(shownGroupColumns.Table)},
	Scan: func(rows *sql.Rows, g *people.DirectoryGroup, also ...any) error {
		return rows.Scan(append(shownGroupColumns.Pointers(g), also...)...)
	},
	Created: func(g *people.DirectoryGroup) (string, model.Time) { return g.ID, g.CreatedAt },
}

// createdUser is the order of users in lists.
func createdUser(u *people.User) (string, model.Time) { return u.ID, u.CreatedAt }

var shownUsers = search.Shown[people.User]{
	Columns: clause.Expr{SQL: shownUserColumns.Selected(shownUserColumns.Table)},
	Scan: func(rows *sql.Rows, u *people.User, also ...any) error {
		return rows.Scan(append(shownUserColumns.Pointers(u), also...)...)
	},
	Created: createdUser,
}

// shownAlone reads users, and sets Groups of a user that is in no group: most look-ups then need
// no statement for the groups.
func (o Org) shownAlone() search.Shown[people.User] {
	return search.Shown[people.User]{
		Columns: tenant.Join(shownUsers.Columns, ", ", o.inAGroup()),
		Scan: func(rows *sql.Rows, u *people.User, also ...any) error {
			var member bool
			err := rows.Scan(append(append(shownUserColumns.Pointers(u), &member), also...)...)
			if !member {
				u.Groups = []people.MemberOf{}
			}
			return err
		},
		Created: createdUser,
	}
}

// confirming has the statement that reads rows see the token of the request, too.
func confirming[T any](c Contents, s search.Shown[T]) search.Shown[T] {
	if c.pass == nil {
		return s
	}
	scan := s.Scan
	s.Columns = tenant.Join(s.Columns, ", ", c.tokenThere())
	s.Scan = func(rows *sql.Rows, row *T, also ...any) error {
		var there bool
		if err := scan(rows, row, append(also, &there)...); err != nil {
			return err
		}
		return c.saw(there)
	}
	return s
}

// inAGroup is a column that is true if a row of users is a member of any group.
func (o Org) inAGroup() clause.Expr {
	// For EXISTS, PostgreSQL might read all memberships.
	return clause.Expr{
		SQL: "(SELECT m.group_id FROM directory_group_members m " +
			"WHERE m.organization_id = ? AND m.user_id = users.id LIMIT 1) IS NOT NULL",
		Vars: []any{string(o.ID)},
	}
}
