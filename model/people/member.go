package people

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/internal/tenant"
)

// The SQL in this file spans tables that GORM's predicate does not reach: each statement names the
// organization for each table itself.

// GroupMember is a user's membership in a directory group.
type GroupMember struct {
	OrganizationID model.OrganizationID `gorm:"<-:create"`
	GroupID        string               `gorm:"primaryKey"`
	UserID         string               `gorm:"primaryKey"`
}

// TableName is the table of GroupMember.
func (GroupMember) TableName() string { return "directory_group_members" }

// MemberOf is one membership, seen from either side: the id and display name of
// the other side.
type MemberOf struct {
	ID          string
	DisplayName string
	IsGroup     bool // of a member: it is a group
	Indirect    bool // of a group: the user is in it by way of another
}

// GroupsOf returns the directory groups of each of the users, by user id: first the
// groups that the user is a member of, then the groups above those. It takes one
// statement, and a second one if any group is in another.
func (o Org) GroupsOf(ctx context.Context, userIDs ...string) (map[string][]MemberOf, error) {
	out, _, err := o.SomeGroupsOf(ctx, math.MaxInt32, userIDs...)
	return out, err
}

// SomeGroupsOf is GroupsOf where the users have at most that many groups together. all is false,
// and there are no groups, where they have more.
func (o Org) SomeGroupsOf(ctx context.Context, most int, userIDs ...string) (
	out map[string][]MemberOf, all bool, err error) {
	out = map[string][]MemberOf{}
	condition, list, err := tenant.OneOfIDs(o, userIDs)
	if err != nil || len(userIDs) == 0 {
		return out, err == nil, err
	}
	nested, found := map[string]bool{}, 0
	err = tenant.Direct(ctx, o, clause.Expr{
		// For EXISTS instead of the last column, PostgreSQL might read all nested groups.
		SQL: "WITH m AS MATERIALIZED (SELECT user_id, group_id FROM directory_group_members " +
			"WHERE user_id" + condition + " AND organization_id = ? LIMIT " + strconv.Itoa(most+1) + ") " +
			"SELECT m.user_id, t.id, t.display_name, (SELECT n.group_id FROM directory_group_groups n " +
			"WHERE n.organization_id = t.organization_id AND n.member_id = t.id LIMIT 1) IS NOT NULL " +
			"FROM m" + tenant.DialectOf(o).Join("JOIN", "directory_groups", "t",
			"t.id, t.organization_id, t.display_name", "t.organization_id = ? AND t.id = m.group_id"),
		Vars: []any{list, string(o.ID), string(o.ID)},
	}, func(rows *sql.Rows) error {
		var user string
		var m MemberOf
		var isNested bool
		err := rows.Scan(&user, &m.ID, &m.DisplayName, &isNested)
		out[user] = append(out[user], m)
		found++
		nested[m.ID] = isNested
		return err
	})
	if err != nil {
		return nil, false, tenant.Translate(o, fmt.Errorf("read memberships: %w", err))
	}
	for _, direct := range out { // to sort costs the database more
		slices.SortFunc(direct, byID)
	}
	maps.DeleteFunc(nested, func(_ string, is bool) bool { return !is })
	if len(nested) == 0 || found > most {
		return upTo(most, found, out)
	}
	above, found, err := o.groupsAbove(ctx, most, tenant.SortedKeys(nested))
	if err != nil || found > most {
		return nil, false, err
	}
	found = 0
	for user, direct := range out {
		out[user] = withIndirect(direct, above)
		if found += len(out[user]); found > most {
			break
		}
	}
	return upTo(most, found, out)
}

// byID is the order of groups.
func byID(a, b MemberOf) int { return strings.Compare(a.ID, b.ID) }

// upTo is the answer of SomeGroupsOf.
func upTo(most, found int, out map[string][]MemberOf) (map[string][]MemberOf, bool, error) {
	if found > most {
		return nil, false, nil
	}
	return out, true, nil
}

// withIndirect adds to the groups that a user is a member of those above them.
func withIndirect(direct []MemberOf, above map[string][]MemberOf) []MemberOf {
	known := make(map[string]bool, len(direct))
	for _, m := range direct {
		known[m.ID] = true
	}
	all := direct
	for _, m := range direct {
		for _, up := range above[m.ID] {
			if !known[up.ID] {
				known[up.ID] = true
				all = append(all, up)
			}
		}
	}
	return all
}

// groupsAbove returns the groups that each of the groups is in, directly or by
// way of others, and how many that is. There may be one more than most, and then some are missing.
func (o Org) groupsAbove(ctx context.Context, most int, ids []string) (map[string][]MemberOf, int, error) {
	condition, list, err := tenant.OneOfIDs(o, ids)
	if err != nil {
		return nil, 0, err
	}
	out, found, organization := map[string][]MemberOf{}, 0, string(o.ID)
	err = tenant.Direct(ctx, o, clause.Expr{
		SQL: "WITH RECURSIVE up (side, id) AS (SELECT n.member_id, n.group_id FROM directory_group_groups n " +
			"WHERE n.organization_id = ? AND n.member_id" + condition + " " +
			"UNION SELECT up.side, n.group_id FROM directory_group_groups n JOIN up ON n.member_id = up.id " +
			"WHERE n.organization_id = ?), " +
			"t AS MATERIALIZED (SELECT side, id FROM up LIMIT " + strconv.Itoa(most+1) + ") " +
			"SELECT t.side, g.id, g.display_name FROM t " +
			"JOIN directory_groups g ON g.organization_id = ? AND g.id = t.id",
		Vars: []any{organization, list, organization, organization},
	}, func(rows *sql.Rows) error {
		var side string
		m := MemberOf{Indirect: true}
		err := rows.Scan(&side, &m.ID, &m.DisplayName)
		out[side] = append(out[side], m)
		found++
		return err
	})
	if err != nil {
		return nil, 0, tenant.Translate(o, fmt.Errorf("read groups of groups: %w", err))
	}
	for _, above := range out {
		slices.SortFunc(above, byID)
	}
	return out, found, nil
}
