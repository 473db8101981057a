package model

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"

	"gorm.io/gorm/clause"
)

// A few statements, those that identity providers send by the thousand, go to
// the driver without GORM, whose reflection costs more than they do. GORM's
// predicate does not reach them: each names the organization itself, for every
// table, and the files direct*.go are all that there are of them.

// direct sends a query of ours and has each take its rows.
func (o *Org) direct(ctx context.Context, query clause.Expr, each func(*sql.Rows) error) error {
	rows, err := o.read.Statement.ConnPool.QueryContext(ctx, o.store.dialect.numbered(query.SQL), query.Vars...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := each(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// numbered writes the parameters of a query as the database wants them.
func (d dialect) numbered(query string) string {
	if d != postgresDialect {
		return query
	}
	b := make([]byte, 0, len(query)+2*strings.Count(query, "?"))
	for n := 1; ; n++ {
		before, after, found := strings.Cut(query, "?")
		b = append(b, before...)
		if !found {
			return string(b)
		}
		b = strconv.AppendInt(append(b, '$'), int64(n), 10)
		query = after
	}
}

// shown is how the rows of a resource are read for a list: the columns that SCIM
// shows, and no more of them.
type shown[T any] struct {
	columns clause.Expr
	scan    func(rows *sql.Rows, row *T) error
}

var shownGroups = shownOf(readGroupColumns.pick("ID", "DisplayName", "Version", "CreatedAt", "UpdatedAt", "Document"))

var shownUserColumns = userColumns.pick("ID", "UserName", "Version", "Active", "CreatedAt", "UpdatedAt", "Document")

var shownUsers = shownOf(shownUserColumns)

// shownOf reads these columns.
func shownOf[T any](columns rowColumns[T]) shown[T] {
	return shown[T]{
		clause.Expr{SQL: columns.selected(columns.table)},
		func(rows *sql.Rows, row *T) error { return rows.Scan(columns.pointers(row)...) },
	}
}

// shownAlone are users of whom those in no group are known to be: most look-ups
// then need no statement for the groups.
func (o *Org) shownAlone() shown[User] {
	return shown[User]{
		join(shownUsers.columns, ", ", o.inAGroup()),
		func(rows *sql.Rows, u *User) error {
			var member bool
			err := rows.Scan(append(shownUserColumns.pointers(u), &member)...)
			if !member {
				u.Groups = []MemberOf{}
			}
			return err
		},
	}
}

// inAGroup is a column that tells whether a row of users is a member of any group.
func (o *Org) inAGroup() clause.Expr {
	// As EXISTS, PostgreSQL might answer it by reading all that there are.
	return clause.Expr{
		SQL:  "(SELECT m.group_id FROM directory_group_members m WHERE m.organization_id = ? AND m.user_id = users.id LIMIT 1) IS NOT NULL",
		Vars: []any{string(o.ID)},
	}
}

// GroupsOf returns the directory groups of each of the users, by user id: first
// those that the user is a member of, then those that these are in, in one
// statement, and two where any group is in another.
func (o *Org) GroupsOf(ctx context.Context, userIDs ...string) (map[string][]MemberOf, error) {
	out := map[string][]MemberOf{}
	if len(userIDs) == 0 {
		return out, nil
	}
	condition, list, err := o.amongst(userIDs)
	if err != nil {
		return nil, err
	}
	nested := map[string]bool{}
	err = o.direct(ctx, clause.Expr{
		// As EXISTS, PostgreSQL might answer is_nested by reading all that there are.
		SQL: "SELECT m.user_id, t.id, t.display_name, " +
			"(SELECT n.group_id FROM directory_group_groups n WHERE n.organization_id = t.organization_id AND n.member_id = t.id LIMIT 1) IS NOT NULL " +
			"FROM directory_group_members m JOIN directory_groups t ON t.organization_id = m.organization_id AND t.id = m.group_id " +
			"WHERE m.user_id" + condition + " AND m.organization_id = ? ORDER BY t.id",
		Vars: []any{list, string(o.ID)},
	}, func(rows *sql.Rows) error {
		var user string
		var m MemberOf
		var isNested bool
		err := rows.Scan(&user, &m.ID, &m.DisplayName, &isNested)
		out[user] = append(out[user], m)
		if isNested {
			nested[m.ID] = true
		}
		return err
	})
	if err != nil {
		return nil, o.store.translate(fmt.Errorf("read memberships: %w", err))
	}
	if len(nested) == 0 {
		return out, nil
	}
	above, err := o.groupsAbove(ctx, sortedKeys(nested))
	if err != nil {
		return nil, err
	}
	for user, direct := range out {
		out[user] = withIndirect(direct, above)
	}
	return out, nil
}

// deep is from where on a page is looked for in the index alone before its rows are read.
const deep = 1000

// listed reads a page of rows, and one row more.
func (s *search[T]) listed(ctx context.Context, o order) ([]T, error) {
	q := s.query
	from := " FROM " + s.table + " WHERE " + s.table + ".organization_id = ? AND "
	by := join(" ORDER BY ", o.by())
	page := join(clause.Expr{SQL: from, Vars: []any{string(s.org.ID)}}, s.where)
	// Of a limit that is a parameter, PostgreSQL expects a tenth of all rows when it weighs keeping a plan.
	limit := " LIMIT " + strconv.Itoa(q.Limit+1)
	switch {
	case q.Cursor == nil:
		page = join(page, by, " LIMIT ", param(q.Limit+1), " OFFSET ", param(q.Offset))
	case q.Cursor.Place != "":
		behind, err := o.behind(q.Cursor.Place)
		if err != nil {
			return nil, err
		}
		page = join(page, " AND ", behind, by, limit)
	default:
		page = join(page, by, limit)
	}
	query := join("SELECT ", s.shown.columns, page)
	if q.Cursor == nil && q.Offset >= deep && o.byCreation {
		ids := join("SELECT "+s.table+".id", page)
		ids.SQL = s.org.store.dialect.in(s.table+".id", ids.SQL)
		query = join("SELECT ", s.shown.columns, clause.Expr{SQL: from, Vars: []any{string(s.org.ID)}}, ids, by)
	}
	expected := q.Limit + 1
	if q.Filter != nil {
		expected = min(expected, 8)
	}
	rows := make([]T, 0, expected)
	err := s.org.direct(ctx, query, func(r *sql.Rows) error {
		rows = append(rows, *new(T))
		return s.shown.scan(r, &rows[len(rows)-1])
	})
	if err != nil {
		return nil, fmt.Errorf("list resources: %w", err)
	}
	return rows, nil
}
