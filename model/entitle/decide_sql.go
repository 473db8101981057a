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

// This file says in SQL, for all users at once, what decide.go says for one. Its statement spans
// tables that GORM's predicate does not reach, so it names the organization for each of them.

// differenceKind is what a difference is about.
type differenceKind uint8

const (
	licenseDifference differenceKind = iota + 1
	groupDifference
	roleDifference
)

// difference is one license, place in a group or role that the rules give a user or take away.
type difference struct {
	kind  differenceKind
	gain  bool
	stays bool // the user has it before and after, for another reason
	user  string
	thing string // the id of the account or of the group; empty for the role
}

// asTable writes rows of texts as a table of a WITH statement. It takes one parameter for each
// column, or one for all of them: a database refuses statements with too many parameters.
func asTable(d tenant.Dialect, name string, columns []string, rows [][]string) (string, []any, error) {
	head := name + " (" + strings.Join(columns, ", ") + ") AS (SELECT "
	if d != tenant.PostgresDialect {
		list, err := tenant.Encode(rows)
		for i := range columns {
			columns[i] = "value ->> " + strconv.Itoa(i)
		}
		return head + strings.Join(columns, ", ") + " FROM json_each(?))", []any{list}, err
	}
	// PostgreSQL reads from an array how many rows it has, and plans accordingly.
	vars := make([]any, len(columns))
	for i := range columns {
		list := make([]string, len(rows))
		for n, r := range rows {
			list[n] = `"` + arrayQuote.Replace(r[i]) + `"`
		}
		vars[i] = "{" + strings.Join(list, ",") + "}"
	}
	more := strings.Repeat(", CAST(? AS text[])", len(columns)-1)
	return head + "* FROM unnest(CAST(? AS text[])" + more + "))", vars, nil
}

// arrayQuote escapes a text as a quoted element of an array in PostgreSQL's text form.
var arrayQuote = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// adminRule is the "group" that the mapping to the role of administrator has among the mappings.
const adminRule = "admin"

// tables writes the rules as tables of a WITH statement, which wantedTables reads.
func (r *ruleSet) tables(d tenant.Dialect) (text string, vars []any, err error) {
	accounts, groups, mapped := [][]string{}, [][]string{}, [][]string{}
	for _, connection := range tenant.SortedKeys(r.Accounts) {
		for _, account := range r.Accounts[connection] {
			accounts = append(accounts, []string{connection, account})
		}
	}
	add := func(to string, names ...groupName) {
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
		text, lists, err := asTable(d, t.name, strings.Fields(t.columns), t.rows)
		if err != nil {
			return "", nil, err
		}
		texts, vars = append(texts, text), append(vars, lists...)
	}
	return strings.Join(texts, ", "), vars, nil
}

// wantedTables follow the tables of the rules and compute what each user is to have, as
// ruleSet.decide does: licensed, grouped, and the members of the administrators' group in ruled.
// The parameters are the only active connection, and then the organization five times.
const wantedTables = `,
	claimants AS (
		SELECT u.id, COALESCE(u.connection_id, CAST(? AS text)) AS connection_id, u.connection_id AS signed_in,
			CASE WHEN u.directory_id IS NULL THEN 0 ELSE 1 END AS owned, u.role,
			CASE WHEN u.role_mapped THEN 1 ELSE 0 END AS role_mapped
		FROM users u WHERE u.organization_id = ? AND u.active),
	below (group_id, directory_group_id) AS (
		SELECT m.group_id, g.id FROM rule_mappings m JOIN directory_groups g ON g.organization_id = ? AND
			(g.id = m.directory_group_id OR m.directory_group_id = '' AND g.display_name_folded = m.name_folded)
		UNION SELECT b.group_id, n.member_id FROM below b
			JOIN directory_group_groups n ON n.organization_id = ? AND n.group_id = b.directory_group_id),
	ruled (user_id, group_id) AS (
		SELECT c.id, b.group_id FROM below b
			JOIN directory_group_members m ON m.organization_id = ? AND m.group_id = b.directory_group_id
			JOIN claimants c ON c.id = m.user_id AND c.owned = 1
		UNION SELECT c.id, m.group_id FROM rule_mappings m
			JOIN asserted_groups a ON a.organization_id = ? AND m.directory_group_id = ''
				AND a.name_folded = m.name_folded
			JOIN claimants c ON c.id = a.user_id AND c.owned = 0 AND c.signed_in = a.connection_id),
	licensed (user_id, account_id) AS (
		SELECT c.id, r.account_id FROM claimants c JOIN rule_accounts r ON r.connection_id = c.connection_id),
	grouped (user_id, group_id) AS (
		SELECT l.user_id, g.group_id FROM licensed l
			JOIN rule_groups g ON g.account_id = l.account_id WHERE g.by_default <> ''
		UNION SELECT r.user_id, g.group_id FROM ruled r JOIN rule_groups g ON g.group_id = r.group_id
			JOIN licensed l ON l.user_id = r.user_id AND l.account_id = g.account_id)`

// differencesQuery compares what each user is to have with what the user has. Its column gain is 1
// for a gain, 0 for a loss, and 2 where only the reason changes. The parameters, once for licenses
// and once for groups: the organization, whether the organization forbids manual assignments,
// whether it allows them, the organization, and whether it forbids them.
const differencesQuery = `
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
	UNION ALL SELECT 3, 1, c.id, '' FROM claimants c
		JOIN ruled r ON r.user_id = c.id AND r.group_id = 'admin' WHERE c.role = 'member'
	UNION ALL SELECT 3, 0, c.id, '' FROM claimants c LEFT JOIN ruled r ON r.user_id = c.id AND r.group_id = 'admin'
		WHERE c.role = 'admin' AND c.role_mapped = 1 AND r.user_id IS NULL`

// eachDifference calls each with everything that the rules would change for the organization's
// users. It sends one statement. The users come in the order of their ids.
func (o Org) eachDifference(ctx context.Context, r *ruleSet, each func(difference)) error {
	if tenant.DialectOf(o) != tenant.PostgresDialect {
		return o.compareAll(ctx, r, each)
	}
	return o.Tx(ctx, func(org Org) error {
		return tenant.ComparingTables(ctx, org, func() error { return org.compareAll(ctx, r, each) })
	})
}

func (o Org) compareAll(ctx context.Context, r *ruleSet, each func(difference)) error {
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
	query := "WITH RECURSIVE " + tables + wantedTables + differencesQuery
	rows, err := tenant.Read(ctx, o).Model(&people.User{}).Select("d.kind, d.gain, d.user_id, d.thing").
		Joins("JOIN ("+query+") d ON d.user_id = users.id", vars...).Order("users.id").Rows()
	if err == nil {
		err = scanDifferences(rows, each)
	}
	if err != nil {
		return tenant.Translate(o, fmt.Errorf("compare with rules: %w", err))
	}
	return nil
}

func scanDifferences(rows *sql.Rows, each func(difference)) error {
	defer rows.Close()
	for rows.Next() {
		var d difference
		var gain int64
		if err := rows.Scan(&d.kind, &gain, &d.user, &d.thing); err != nil {
			return err
		}
		d.gain, d.stays = gain == 1, gain == 2
		each(d)
	}
	return rows.Err()
}
