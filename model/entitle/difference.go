package entitle

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"

	"rollcall/model/internal/tenant"
	"rollcall/model/people"
)

// The SQL in this file spans tables that GORM's predicate does not reach:
// every statement names the organization for each table itself.

// differenceKind is what a difference is about.
type differenceKind uint8

const (
	licenseDifference differenceKind = iota + 1
	groupDifference
	roleDifference
)

// difference is one thing that rules give a user, or take away.
type difference struct {
	kind  differenceKind
	gain  bool
	stays bool // the user has it before and after: only the reason is another one
	user  string
	thing string // an account, or a group of one; empty for the role
}

// table is a table of a statement's own, made of rows of texts. Its parameters are one
// for each column, or for all: of more than so many a database has the statement refused.
func table(d tenant.Dialect, name string, columns []string, rows [][]string) (string, []any, error) {
	head := name + " (" + strings.Join(columns, ", ") + ") AS (SELECT "
	if d != tenant.PostgresDialect {
		list, err := tenant.Encode(rows)
		for i := range columns {
			columns[i] = "value ->> " + strconv.Itoa(i)
		}
		return head + strings.Join(columns, ", ") + " FROM json_each(?))", []any{list}, err
	}
	// As arrays, PostgreSQL knows how many rows there are.
	vars := make([]any, len(columns))
	for i := range columns {
		list := make([]string, len(rows))
		for n, r := range rows {
			list[n] = `"` + arrayQuote.Replace(r[i]) + `"`
		}
		vars[i] = "{" + strings.Join(list, ",") + "}"
	}
	return head + "* FROM unnest(CAST(? AS text[])" + strings.Repeat(", CAST(? AS text[])", len(columns)-1) + "))", vars, nil
}

// arrayQuote writes a text into the quotes of an element of PostgreSQL's text form of an array.
var arrayQuote = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// adminRule is what stands for the role of administrator among the groups that
// directory groups are mapped to.
const adminRule = "admin"

// tables are the rules as tables of a statement.
func (r *Rules) tables(d tenant.Dialect) (text string, vars []any, err error) {
	accounts, groups, mapped := [][]string{}, [][]string{}, [][]string{}
	for _, connection := range tenant.SortedKeys(r.Accounts) {
		for _, account := range r.Accounts[connection] {
			accounts = append(accounts, []string{connection, account})
		}
	}
	add := func(to string, names ...GroupName) {
		for _, n := range names {
			mapped = append(mapped, []string{to, n.ID, n.Folded})
		}
	}
	for _, g := range r.Groups {
		byDefault := ""
		if g.ByDefault {
			byDefault = "default"
		}
		groups = append(groups, []string{g.ID, g.AccountID, byDefault})
		add(g.ID, g.Mapped...)
	}
	if r.Admin != nil {
		add(adminRule, *r.Admin)
	}
	var texts []string
	for _, t := range []struct {
		name, columns string
		rows          [][]string
	}{
		{"rule_accounts", "connection_id account_id", accounts},
		{"rule_groups", "group_id account_id by_default", groups},
		{"rule_mappings", "group_id directory_group_id name_folded", mapped},
	} {
		text, lists, err := table(d, t.name, strings.Fields(t.columns), t.rows)
		if err != nil {
			return "", nil, err
		}
		texts, vars = append(texts, text), append(vars, lists...)
	}
	return strings.Join(texts, ", "), vars, nil
}

// entitledTables say, after those of the rules, what each user is to have: what
// rules.decide says, for all users at once. The parameters are the only active connection and the organization, again and again.
const entitledTables = `,
	person AS (SELECT u.id, COALESCE(u.connection_id, CAST(? AS text)) AS connection_id, u.connection_id AS signed_in,
		CASE WHEN u.directory_id IS NULL THEN 0 ELSE 1 END AS owned, u.role, CASE WHEN u.role_mapped THEN 1 ELSE 0 END AS role_mapped
		FROM users u WHERE u.organization_id = ? AND u.active),
	below (group_id, directory_group_id) AS (
		SELECT m.group_id, g.id FROM rule_mappings m JOIN directory_groups g ON g.organization_id = ? AND
			(g.id = m.directory_group_id OR m.directory_group_id = '' AND g.display_name_folded = m.name_folded)
		UNION SELECT b.group_id, n.member_id FROM below b JOIN directory_group_groups n ON n.organization_id = ? AND n.group_id = b.directory_group_id),
	ruled (user_id, group_id) AS (
		SELECT p.id, b.group_id FROM below b JOIN directory_group_members m ON m.organization_id = ? AND m.group_id = b.directory_group_id
			JOIN person p ON p.id = m.user_id AND p.owned = 1
		UNION SELECT p.id, m.group_id FROM rule_mappings m JOIN asserted_groups a ON a.organization_id = ? AND m.directory_group_id = '' AND a.name_folded = m.name_folded
			JOIN person p ON p.id = a.user_id AND p.owned = 0 AND p.signed_in = a.connection_id),
	licensed (user_id, account_id) AS (SELECT p.id, r.account_id FROM person p JOIN rule_accounts r ON r.connection_id = p.connection_id),
	grouped (user_id, group_id) AS (
		SELECT l.user_id, g.group_id FROM licensed l JOIN rule_groups g ON g.account_id = l.account_id WHERE g.by_default <> ''
		UNION SELECT r.user_id, g.group_id FROM ruled r JOIN rule_groups g ON g.group_id = r.group_id
			JOIN licensed l ON l.user_id = r.user_id AND l.account_id = g.account_id)`

// differing compares what each user is to have with what they have: 1 is a gain,
// 0 a loss, 2 another reason. For each kind of thing, the parameters are the organization with whether
// what a person assigned goes, then whether it stays, the organization, and whether it goes.
const differing = `
	SELECT 1 AS kind, CASE WHEN l.id IS NULL THEN 1 ELSE 2 END AS gain, w.user_id, w.account_id AS thing FROM licensed w
		LEFT JOIN licenses l ON l.organization_id = ? AND l.user_id = w.user_id AND l.account_id = w.account_id
		WHERE l.id IS NULL OR NOT l.by_rule OR l.by_hand AND ?
	UNION ALL SELECT 1, CASE WHEN l.by_hand AND ? THEN 2 ELSE 0 END, l.user_id, l.account_id FROM licenses l
		LEFT JOIN licensed w ON w.user_id = l.user_id AND w.account_id = l.account_id
		WHERE l.organization_id = ? AND w.user_id IS NULL AND (l.by_rule OR l.by_hand AND ?)
	UNION ALL SELECT 2, CASE WHEN a.id IS NULL THEN 1 ELSE 2 END, w.user_id, w.group_id FROM grouped w
		LEFT JOIN group_assignments a ON a.organization_id = ? AND a.user_id = w.user_id AND a.group_id = w.group_id
		WHERE a.id IS NULL OR NOT a.by_rule OR a.by_hand AND ?
	UNION ALL SELECT 2, CASE WHEN a.by_hand AND ? THEN 2 ELSE 0 END, a.user_id, a.group_id FROM group_assignments a
		LEFT JOIN grouped w ON w.user_id = a.user_id AND w.group_id = a.group_id
		WHERE a.organization_id = ? AND w.user_id IS NULL AND (a.by_rule OR a.by_hand AND ?)
	UNION ALL SELECT 3, 1, p.id, '' FROM person p JOIN ruled r ON r.user_id = p.id AND r.group_id = 'admin' WHERE p.role = 'member'
	UNION ALL SELECT 3, 0, p.id, '' FROM person p LEFT JOIN ruled r ON r.user_id = p.id AND r.group_id = 'admin'
		WHERE p.role = 'admin' AND p.role_mapped = 1 AND r.user_id IS NULL`

// differences tells of everything that rules would change for the organization's
// users, by one statement, users in the order of their ids.
func (o Org) differences(ctx context.Context, r *Rules, tell func(difference)) error {
	if tenant.DialectOf(o) != tenant.PostgresDialect {
		return o.compared(ctx, r, tell)
	}
	return o.Tx(ctx, func(org Org) error {
		return tenant.ComparingTables(ctx, org, func() error { return org.compared(ctx, r, tell) })
	})
}

func (o Org) compared(ctx context.Context, r *Rules, tell func(difference)) error {
	tables, vars, err := r.tables(tenant.DialectOf(o))
	if err != nil {
		return err
	}
	vars = append(vars, r.OnlyConnection)
	for range 5 {
		vars = append(vars, o.ID)
	}
	for range 2 { // licenses, then groups
		vars = append(vars, o.ID, !r.Manual, r.Manual, o.ID, !r.Manual)
	}
	rows, err := tenant.Read(o).WithContext(ctx).Model(&people.User{}).Select("d.kind, d.gain, d.user_id, d.thing").
		Joins("JOIN (WITH RECURSIVE "+tables+entitledTables+differing+") d ON d.user_id = users.id", vars...).Order("users.id").Rows()
	if err == nil {
		err = eachDifference(rows, tell)
	}
	if err != nil {
		return tenant.Translate(o, fmt.Errorf("compare with rules: %w", err))
	}
	return nil
}

func eachDifference(rows *sql.Rows, tell func(difference)) error {
	defer rows.Close()
	for rows.Next() {
		var d difference
		var gain int64
		if err := rows.Scan(&d.kind, &gain, &d.user, &d.thing); err != nil {
			return err
		}
		d.gain, d.stays = gain == 1, gain == 2
		tell(d)
	}
	return rows.Err()
}

// usersBelow limits ids to users who are in a directory group, directly or by way
// of others; limit bounds how many it returns.
func (o Org) usersBelow(ctx context.Context, limit int, groupIDs ...string) ([]string, error) {
	condition, list, err := tenant.OneOfIDs(o, groupIDs)
	if err != nil || len(groupIDs) == 0 {
		return nil, err
	}
	var ids []string
	err = tenant.Read(o).WithContext(ctx).Model(&people.User{}).
		Where("users.id IN (WITH RECURSIVE below (id) AS (SELECT g.id FROM directory_groups g WHERE g.organization_id = ? AND g.id"+condition+
			" UNION SELECT n.member_id FROM directory_group_groups n JOIN below ON n.group_id = below.id WHERE n.organization_id = ?) "+
			"SELECT m.user_id FROM directory_group_members m JOIN below ON m.group_id = below.id WHERE m.organization_id = ?)", o.ID, list, o.ID, o.ID).
		Limit(limit).Pluck("users.id", &ids).Error
	if err != nil {
		return nil, tenant.Translate(o, fmt.Errorf("read users of groups: %w", err))
	}
	return ids, nil
}
