package people

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gorm.io/gorm/clause"

	"rollcall/model/internal/tenant"
)

// GroupMembers returns the members of each of the groups by group id, users before groups.
func (o Org) GroupMembers(ctx context.Context, groupIDs ...string) (map[string][]MemberOf, error) {
	out, _, err := o.SomeGroupMembers(ctx, 0, groupIDs...)
	return out, err
}

// SomeGroupMembers is GroupMembers where the groups have at most that many members together. all
// is false, and there are no members, where they have more. 0 is no limit. It takes one statement
// where they are few, and some more where they are many.
func (o Org) SomeGroupMembers(ctx context.Context, most int, groupIDs ...string) (
	out map[string][]MemberOf, all bool, err error) {
	out = map[string][]MemberOf{}
	condition, list, err := tenant.OneOfIDs(o, groupIDs)
	if err != nil || len(groupIDs) == 0 {
		return out, err == nil, err
	}
	limit, found := most, 0
	few := tenant.DialectOf(o) == tenant.PostgresDialect && (most == 0 || most > fewMembers)
	if few {
		limit = fewMembers
	}
	found, err = o.readMembers(ctx, o.selectMembers(condition, list, limit), out)
	if err == nil && few && found > fewMembers {
		out, found, err = o.manyMembers(ctx, condition, list, most)
	}
	if err != nil {
		return nil, false, tenant.Translate(o, fmt.Errorf("read members: %w", err))
	}
	if most > 0 && found > most {
		return nil, false, nil
	}
	for _, members := range out { // to sort costs the database more
		slices.SortFunc(members, usersFirst)
	}
	return out, true, nil
}

// readMembers appends the rows of a statement, and returns how many there are.
func (o Org) readMembers(ctx context.Context, query clause.Expr, out map[string][]MemberOf) (
	found int, err error) {
	side := ""
	err = tenant.Direct(ctx, o, query, func(rows *sql.Rows) error {
		var m MemberOf
		var group sql.RawBytes // mostly that of the row before
		err := rows.Scan(&group, &m.ID, &m.DisplayName, &m.IsGroup)
		if side != string(group) {
			side = string(group)
		}
		out[side] = append(out[side], m)
		found++
		return err
	})
	return found, err
}

// selectMembers is the statement for the members of groups.
func (o Org) selectMembers(condition string, list any, most int) clause.Expr {
	members, groups := o.membersIn("%s", condition, list, most)
	users := tenant.DialectOf(o).Join("JOIN", "users", "u", "u.id, u.display_name",
		"u.organization_id = ? AND u.id = m.user_id")
	return tenant.Join(members, clause.Expr{SQL: "SELECT m.group_id, u.id, u.display_name, false FROM m" + users,
		Vars: []any{string(o.ID)}}, " UNION ALL ", groups)
}

// membersIn is the beginning of a statement for the members of groups, with the part m that makes
// form of the memberships of users, and the end of it, which reads the groups among the members.
// The condition of the organization is on groups and users and not on memberships: PostgreSQL then
// reads those from their index alone. The parts of WITH keep it from a plan that depends on what it
// knows of the tables.
func (o Org) membersIn(form, condition string, list any, most int) (members, groups clause.Expr) {
	limit := ""
	if most > 0 {
		limit = " LIMIT " + strconv.Itoa(most+1)
	}
	d := tenant.DialectOf(o)
	inGroups := d.In("group_id", "SELECT id FROM asked")
	users := fmt.Sprintf(form, "SELECT group_id, user_id FROM directory_group_members WHERE "+inGroups+limit)
	members = clause.Expr{
		SQL: "WITH asked AS MATERIALIZED (SELECT id FROM directory_groups WHERE organization_id = ? " +
			"AND id" + condition + "), m AS MATERIALIZED (" + users +
			"), nested AS MATERIALIZED (SELECT group_id, member_id FROM directory_group_groups " +
			"WHERE organization_id = ? AND " + inGroups + limit + ") ",
		Vars: []any{string(o.ID), list, string(o.ID)},
	}
	groups = clause.Expr{
		SQL: "SELECT nested.group_id, i.id, i.display_name, true FROM nested" + d.Join("JOIN", "directory_groups",
			"i", "i.id, i.display_name", "i.organization_id = ? AND i.id = nested.member_id"),
		Vars: []any{string(o.ID)},
	}
	return members, groups
}

// fewMembers is up to how many members PostgreSQL is asked for with their names at first. To look
// up the name of each takes most of the time of a group.
const fewMembers = 500

// manyMembers reads the members of groups that have many, and returns how many there are.
func (o Org) manyMembers(ctx context.Context, condition string, list any, most int) (
	out map[string][]MemberOf, found int, err error) {
	members, groups := o.membersIn("SELECT group_id, string_agg(user_id, '') AS ids FROM (%s) s GROUP BY group_id",
		condition, list, most)
	read := map[string][]MemberOf{}
	query := tenant.Join(members, "SELECT group_id, ids, '', false FROM m UNION ALL ", groups)
	if _, err := o.readMembers(ctx, query, read); err != nil {
		return nil, 0, err
	}
	var nameless []GroupMember
	out = map[string][]MemberOf{}
	for group, list := range read {
		before := len(nameless)
		for _, m := range list {
			if m.IsGroup {
				out[group] = append(out[group], m)
				found++
			} else {
				nameless = appendMembers(nameless, group, m.ID)
			}
		}
		out[group] = slices.Grow(out[group], len(nameless)-before)
	}
	if found += len(nameless); most > 0 && found > most {
		return out, found, nil
	}
	return out, found, o.name(ctx, nameless, out)
}

// idLength is the length of an id, see model.NewID.
const idLength = len("01900000-0000-7000-8000-000000000000")

// appendMembers appends the memberships of a group whose user ids follow each other in a text.
func appendMembers(members []GroupMember, group, ids string) []GroupMember {
	members = slices.Grow(members, len(ids)/idLength)
	for ; len(ids) >= idLength; ids = ids[idLength:] {
		members = append(members, GroupMember{GroupID: group, UserID: ids[:idLength]})
	}
	return members
}

const (
	// namedTogether is how many users a statement for names reads.
	namedTogether = 5_000
	// sparse is how many users at most may stand in the order of ids for each that is a member: to
	// read that many in a row costs as much as to look one up.
	sparse = 3
)

// name reads the names of nameless members, and adds those who are still there to the members of
// their groups. Large groups have a good part of an organization's users. So it reads users in the
// order of their ids, as long as enough of them are members, and then looks up the others.
func (o Org) name(ctx context.Context, nameless []GroupMember, out map[string][]MemberOf) error {
	slices.SortFunc(nameless, func(a, b GroupMember) int { return strings.Compare(a.UserID, b.UserID) })
	add := func(m GroupMember, name string) {
		out[m.GroupID] = append(out[m.GroupID], MemberOf{ID: m.UserID, DisplayName: name})
	}
	var others []GroupMember // not among those that were read
	for len(nameless) > 0 {
		users, err := o.namesFrom(ctx, nameless[0].UserID, nameless[len(nameless)-1].UserID)
		if err != nil {
			return err
		}
		hits := 0
		for i, id := range users.ids {
			for len(nameless) > 0 && nameless[0].UserID < id {
				others, nameless = append(others, nameless[0]), nameless[1:]
			}
			for ; len(nameless) > 0 && nameless[0].UserID == id; nameless = nameless[1:] {
				add(nameless[0], users.names[i])
				hits++
			}
		}
		if len(users.ids) < namedTogether || hits*sparse < len(users.ids) {
			others = append(others, nameless...)
			break
		}
	}
	for some := range slices.Chunk(others, namedTogether) {
		names, err := o.namesOf(ctx, some)
		if err != nil {
			return err
		}
		for _, m := range some {
			if name, there := names[m.UserID]; there {
				add(m, name)
			}
		}
	}
	return nil
}

// named are users with their names.
type named struct{ ids, names []string }

// names reads users with their names. The users are a part of FROM with the columns id and
// display_name. They come in one row, because rows cost more than what is in them. No text has the
// byte between the names.
func (o Org) names(ctx context.Context, users clause.Expr) (named, error) {
	var ids, names string
	query := tenant.Join("SELECT COALESCE(string_agg(u.id, ''), ''), "+
		"COALESCE(string_agg(convert_to(u.display_name, 'UTF8'), '\\x00'), '') FROM (", users, ") u")
	err := tenant.Direct(ctx, o, query, func(rows *sql.Rows) error { return rows.Scan(&ids, &names) })
	n := len(ids) / idLength
	found := named{ids: make([]string, n), names: make([]string, n)}
	for i := range n {
		found.ids[i], ids = ids[:idLength], ids[idLength:]
		found.names[i], names, _ = strings.Cut(names, "\x00")
	}
	return found, err
}

// namesFrom reads the first users of the organization between two ids. Only the index that begins
// with the organization and the id fits the comparisons and the order.
func (o Org) namesFrom(ctx context.Context, first, last string) (named, error) {
	return o.names(ctx, clause.Expr{
		SQL: "SELECT id, display_name FROM users WHERE id > '' AND (organization_id, id) >= (?, ?) " +
			"AND (organization_id, id) <= (?, ?) ORDER BY organization_id, id LIMIT " + strconv.Itoa(namedTogether),
		Vars: []any{string(o.ID), first, string(o.ID), last},
	})
}

// namesOf looks up the names of members by user id.
func (o Org) namesOf(ctx context.Context, members []GroupMember) (map[string]string, error) {
	ids := make([]string, len(members))
	for i, m := range members {
		ids[i] = m.UserID
	}
	list, err := tenant.Encode(slices.Compact(ids))
	if err != nil {
		return nil, err
	}
	users, err := o.names(ctx, clause.Expr{
		SQL: "SELECT id, display_name FROM users WHERE organization_id = ? AND " +
			tenant.DialectOf(o).OneOf("id"),
		Vars: []any{string(o.ID), list},
	})
	names := make(map[string]string, len(users.ids))
	for i, id := range users.ids {
		names[id] = users.names[i]
	}
	return names, err
}

// usersFirst orders members by kind and then by id.
func usersFirst(a, b MemberOf) int {
	switch {
	case a.IsGroup == b.IsGroup:
		return strings.Compare(a.ID, b.ID)
	case b.IsGroup:
		return -1
	}
	return 1
}
