package model

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"

	"gorm.io/gorm/clause"
)

// The statements that identity providers cause by the thousand go to the driver
// without GORM, whose reflection costs more than they do. GORM's predicate does
// not reach them: each names the organization itself, for every table.

// direct sends a query and calls each with each of its rows.
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

// numbered writes the parameters of a query in the form of the database.
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

// inAGroup is a column that is true if a row of users is a member of any group.
func (o *Org) inAGroup() clause.Expr {
	// For EXISTS, PostgreSQL might read all memberships.
	return clause.Expr{
		SQL: "(SELECT m.group_id FROM directory_group_members m " +
			"WHERE m.organization_id = ? AND m.user_id = users.id LIMIT 1) IS NOT NULL",
		Vars: []any{string(o.ID)},
	}
}

// GroupsOf returns the directory groups of each of the users, by user id: first the
// groups that the user is a member of, then the groups above those. It takes one
// statement, and a second one if any group is in another.
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
		// For EXISTS instead of the last column, PostgreSQL might read all nested groups.
		SQL: "SELECT m.user_id, t.id, t.display_name, " +
			"(SELECT n.group_id FROM directory_group_groups n " +
			"WHERE n.organization_id = t.organization_id AND n.member_id = t.id LIMIT 1) IS NOT NULL " +
			"FROM directory_group_members m " +
			"JOIN directory_groups t ON t.organization_id = m.organization_id AND t.id = m.group_id " +
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
