package model

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"gorm.io/gorm/clause"
)

// On PostgreSQL the commonest writes are one statement each, which is its own
// transaction: a new user, a change of a user's attributes, one new member of a
// group. Each looks at what the change depends on and writes nothing where that
// is not as expected; then the change goes the long way, through a transaction
// and its locks. The round trips between BEGIN and COMMIT are most of what a
// write costs, and as long as they take, its locks keep others waiting.

// atOnce tells whether a write can be a statement of its own. Where there are rules of who has which
// license and group, a transaction ends with carrying them out.
func (o *Org) atOnce() bool {
	return o.tx == nil && o.store.dialect == postgresDialect && !o.store.rules.configured(o.ID)
}

// insertEvents is the part of a WITH statement that inserts the events recorded so far, once per row of from.
func (o *Org) insertEvents(from string) clause.Expr {
	n := len(o.tx.events)
	ids, types, subjects, data := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	for i, e := range o.tx.events {
		ids[i], types[i], subjects[i], data[i] = e.ID, string(e.Type), e.Subject, e.Data
	}
	return clause.Expr{
		SQL: "told AS (INSERT INTO events (id, organization_id, type, actor, subject, data, restore, created_at) " +
			"SELECT e.id, ?, e.type, ?, e.subject, e.data, ?::bigint, ?::bigint FROM " + from + ", " +
			"unnest(?::text[], ?::text[], ?::text[], ?::text[]) AS e (id, type, subject, data))",
		Vars: []any{string(o.ID), string(o.by), o.store.restore, int64(o.tx.at), ids, types, subjects, data},
	}
}

// write sends a write of a recorder that answers with a row if it was carried out. What others
// were quicker with is not carried out, and no error: the long way finds out what it is.
func (o *Org) write(ctx context.Context, query clause.Expr, answer any) (done bool, err error) {
	if o.tx.unruled && o.store.rules.configured(o.ID) { // since it was asked whether to write at once
		return false, nil
	}
	if err := o.dropped(); err != nil {
		return false, err
	}
	err = o.direct(ctx, query, func(rows *sql.Rows) error {
		done = true
		return rows.Scan(answer)
	})
	switch code := postgresCode(err); {
	case code == uniqueViolation || code == foreignKeyViolation || collided(err):
		return false, nil
	case err != nil:
		return false, o.store.translate(err)
	}
	return done, nil
}

// createAtOnce creates a user of a directory whom neither an unowned user nor a
// tombstone may stand for already. It returns nil where it leaves that to others.
func (o *Org) createAtOnce(ctx context.Context, u User) (*User, error) {
	if !o.atOnce() {
		return nil, nil
	}
	org := o.recorder()
	u.OrganizationID = o.ID
	u.begin(org.now())
	if err := org.recordDirectoryUser(DirectoryUserCreated, &u, nil); err != nil {
		return nil, err
	}
	traces, err := u.traces(nil)
	if err != nil {
		return nil, err
	}
	values, err := u.values()
	if err != nil {
		return nil, err
	}
	columns, err := u.derived()
	if err != nil {
		return nil, err
	}
	id := string(o.ID)
	query := join(
		clause.Expr{SQL: "WITH known AS (SELECT id FROM users WHERE organization_id = ? AND directory_id IS NULL AND email_folded = ? AND email_folded <> '' " +
			"UNION ALL SELECT tombstone_id FROM tombstone_keys WHERE organization_id = ? AND hash = ANY(?::bytea[])), ",
			Vars: []any{id, u.EmailFolded, id, o.hashes(traces)}},
		clause.Expr{SQL: "made AS (INSERT INTO users (id, organization_id, directory_id, active, inactive_reason, role, epoch, version, created_at, updated_at, " +
			derivedColumns + ") SELECT ?, ?, ?, ?::boolean, ?, ?, ?::bigint, ?::bigint, ?::bigint, ?::bigint, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?::jsonb " +
			"WHERE NOT EXISTS (SELECT 1 FROM known) RETURNING id), ",
			Vars: append([]any{u.ID, id, *u.DirectoryID, u.Active, string(u.InactiveReason), string(u.Role), u.Epoch, u.Version,
				int64(u.CreatedAt), int64(u.UpdatedAt)}, columns...)},
		org.valued("made", values), org.insertEvents("made"), " SELECT id FROM made")
	done, err := org.write(ctx, query, &u.ID)
	if !done || err != nil {
		return nil, err
	}
	return &u, nil
}

// derivedColumns are those that follow from a user's document, and it.
const derivedColumns = "user_name, user_name_folded, external_id, display_name, display_name_folded, email, email_folded, email_domain, document, document_folded"

// derived are the values of derivedColumns.
func (u *User) derived() ([]any, error) {
	folded, err := foldDocument(u.Document)
	return []any{u.UserName, u.UserNameFolded, u.ExternalID, u.DisplayName, u.DisplayNameFolded, u.Email, u.EmailFolded, u.EmailDomain, u.Document, folded}, err
}

// valued makes the values that filters look up those of the user whom a WITH query wrote.
func (o *Org) valued(from string, values []userValue) clause.Expr {
	if len(values) == 0 {
		return clause.Expr{}
	}
	n := len(values)
	attributes, positions, texts, types, primaries := make([]int64, n), make([]int64, n), make([]string, n), make([]string, n), make([]bool, n)
	for i, v := range values {
		attributes[i], positions[i], texts[i], types[i], primaries[i] = int64(v.Attribute), int64(v.Position), v.ValueFolded, v.TypeFolded, v.IsPrimary
	}
	return clause.Expr{
		SQL: "valued AS (INSERT INTO user_values (organization_id, user_id, attribute, position, value_folded, type_folded, is_primary) " +
			"SELECT ?, " + from + ".id, v.* FROM " + from + ", unnest(?::bigint[], ?::bigint[], ?::text[], ?::text[], ?::boolean[]) v " +
			"ON CONFLICT (user_id, attribute, position) DO UPDATE SET (value_folded, type_folded, is_primary) = " +
			"(excluded.value_folded, excluded.type_folded, excluded.is_primary) WHERE user_values.organization_id = excluded.organization_id), ",
		Vars: []any{string(o.ID), attributes, positions, texts, types, primaries},
	}
}

// revalued is valued for a user who had others: those of another place are
// removed, as one statement cannot remove a row and insert it again.
func (o *Org) revalued(from string, old, values []userValue) clause.Expr {
	if slices.Equal(old, values) {
		return clause.Expr{}
	}
	attributes, positions := []int64{}, []int64{}
	for _, v := range values {
		attributes, positions = append(attributes, int64(v.Attribute)), append(positions, int64(v.Position))
	}
	return join(clause.Expr{
		SQL: "removed AS (DELETE FROM user_values USING " + from + " WHERE organization_id = ? AND user_id = " + from + ".id " +
			"AND (attribute, position) NOT IN (SELECT * FROM unnest(?::bigint[], ?::bigint[]))), ",
		Vars: []any{string(o.ID), attributes, positions}}, o.valued(from, values))
}

// userColumns are those of a row of users that updating it needs, and what
// differs with each change of the row.
const userColumns = "users.id, users.directory_id, users.user_name, users.user_name_folded, users.external_id, users.display_name, users.display_name_folded, " +
	"users.email, users.email_folded, users.email_domain, users.active, users.inactive_reason, users.role, users.epoch, users.adoption_confirmed, " +
	"users.profile_ids, users.version, users.document, users.created_at, users.updated_at, users.xmin::text"

// readUser is where userColumns are read to.
type readUser struct {
	User
	profiles string
	state    string // xmin
}

func (u *readUser) fields() []any {
	return []any{&u.ID, &u.DirectoryID, &u.UserName, &u.UserNameFolded, &u.ExternalID, &u.DisplayName, &u.DisplayNameFolded,
		&u.Email, &u.EmailFolded, &u.EmailDomain, &u.Active, (*string)(&u.InactiveReason), (*string)(&u.Role), &u.Epoch, &u.AdoptionConfirmed,
		&u.profiles, &u.Version, &u.Document, (*int64)(&u.CreatedAt), (*int64)(&u.UpdatedAt), &u.state}
}

// finish reads what is more than a copy, once the row is there.
func (u *readUser) finish(id OrganizationID) error {
	u.OrganizationID = id
	u.ProfileIDs = []string{}
	if u.profiles == "[]" {
		return nil
	}
	if err := json.Unmarshal([]byte(u.profiles), &u.ProfileIDs); err != nil {
		return fmt.Errorf("read identities of user: %w", err)
	}
	return nil
}

// updateAtOnce is UpdateDirectoryUser for a user of the directory, without a
// lock: it reads the row, and writes on condition that it is still the same. It
// returns nil where it leaves the change to others.
func (o *Org) updateAtOnce(ctx context.Context, directoryID, id string, change func(*User) error) (*User, error) {
	if !o.atOnce() || !isID(id) {
		return nil, nil
	}
	before, found, err := o.ownUser(ctx, directoryID, id)
	if !found || err != nil {
		return nil, err
	}
	after, err := before.changedBy(change)
	if err != nil || len(changed(&before.User, after)) == 0 {
		return after, err
	}
	old, err := before.values()
	if err != nil {
		return nil, err
	}
	now, err := after.values()
	if err != nil {
		return nil, err
	}
	org := o.recorder()
	ended := org.settleActive(&before.User, after)
	if ended && before.Role == Admin { // who may be the last one
		return nil, nil
	}
	after.Version, after.UpdatedAt = before.Version+1, org.now()
	if err := org.recordDirectoryUser(DirectoryUserUpdated, after, &before.User); err != nil {
		return nil, err
	}
	if ended {
		if err := org.recordAccessEnded(after, EndedDeprovisioned); err != nil {
			return nil, err
		}
	}
	set := clause.Expr{SQL: "active = ?, inactive_reason = ?, epoch = ?, version = ?, updated_at = ?",
		Vars: []any{after.Active, string(after.InactiveReason), after.Epoch, after.Version, int64(after.UpdatedAt)}}
	if before.Document != after.Document {
		columns, err := after.derived()
		if err != nil {
			return nil, err
		}
		set = join(set, clause.Expr{SQL: ", (" + derivedColumns + ") = (?, ?, ?, ?, ?, ?, ?, ?, ?, ?::jsonb)", Vars: columns})
	}
	turn := o.turn(id)
	query := join("WITH written AS (UPDATE users SET ", set,
		clause.Expr{SQL: " WHERE organization_id = ? AND id = ? AND xmin::text = ? AND ", Vars: []any{string(o.ID), id, before.state}}, turn,
		" RETURNING id), ", org.revalued("written", old, now), org.insertEvents("written"), " SELECT id FROM written")
	if done, err := org.write(ctx, query, new(string)); !done || err != nil {
		return nil, err
	}
	return after, nil
}

// ownUser reads a user whom the directory owns.
func (o *Org) ownUser(ctx context.Context, directoryID, id string) (u readUser, found bool, err error) {
	query := join("SELECT "+userColumns+", ", o.inAGroup(), clause.Expr{
		SQL: " FROM users WHERE organization_id = ? AND id = ? AND directory_id = ?", Vars: []any{string(o.ID), id, directoryID}})
	err = o.direct(ctx, query, func(rows *sql.Rows) error {
		var member bool
		found = true
		if err := rows.Scan(append(u.fields(), &member)...); err != nil {
			return err
		}
		if !member {
			u.Groups = []MemberOf{}
		}
		return u.finish(o.ID)
	})
	if err != nil {
		err = o.store.translate(fmt.Errorf("read user: %w", err))
	}
	return u, found, err
}

// addAtOnce is UpdateDirectoryGroup where the only change is one new member, a
// user of the directory. It returns nil where it leaves the change to others.
func (o *Org) addAtOnce(ctx context.Context, directoryID, id string, change func(*GroupDraft) error, members []MembersChange) (*DirectoryGroup, error) {
	if !o.atOnce() || len(members) != 1 || members[0].Op != AddMembers || len(members[0].UserIDs) != 1 || !isID(members[0].UserIDs[0]) {
		return nil, nil
	}
	g, u, isMember, err := o.groupAndUser(ctx, directoryID, id, members[0].UserIDs[0])
	if g == nil || err != nil {
		return nil, err
	}
	draft := GroupDraft{group: *g, version: g.Version}
	if err := change(&draft); err != nil {
		return nil, err
	}
	if draft.group.Document != g.Document {
		return nil, nil
	}
	if isMember {
		return g, nil
	}
	org := o.recorder()
	g.UpdatedAt = org.now()
	if err := org.recordMember(ctx, DirectoryGroupUserAdded, g, &u.User); err != nil {
		return nil, err
	}
	organization := string(o.ID)
	query := join(
		// The turn comes before all that takes a transaction's id, see inTurn.
		"WITH g AS (SELECT id FROM directory_groups WHERE ", o.turn(id), clause.Expr{
			SQL:  " AND organization_id = ? AND id = ? AND directory_id = ? AND document = ? FOR NO KEY UPDATE), ",
			Vars: []any{organization, id, directoryID, g.Document}},
		clause.Expr{SQL: "u AS (SELECT users.id FROM g, users WHERE users.organization_id = ? AND users.id = ? AND users.directory_id = ? AND users.xmin::text = ? FOR KEY SHARE OF users), ",
			Vars: []any{organization, u.ID, directoryID, u.state}},
		clause.Expr{SQL: "joined AS (INSERT INTO directory_group_members (organization_id, group_id, user_id) SELECT ?, ?, u.id FROM u ON CONFLICT DO NOTHING RETURNING group_id), ",
			Vars: []any{organization, id}},
		clause.Expr{SQL: "touched AS (UPDATE directory_groups SET version = version + 1, updated_at = ? FROM joined WHERE organization_id = ? AND id = ? RETURNING version), ",
			Vars: []any{int64(g.UpdatedAt), organization, id}},
		org.insertEvents("touched"), " SELECT version FROM touched")
	if done, err := org.write(ctx, query, &g.Version); !done || err != nil {
		return nil, err
	}
	return g, nil
}

// groupAndUser reads a group of a directory and a user of the directory, and
// whether the one has the other. Without either the group is nil.
func (o *Org) groupAndUser(ctx context.Context, directoryID, groupID, userID string) (g *DirectoryGroup, u readUser, isMember bool, err error) {
	organization := string(o.ID)
	query := join("SELECT g.id, g.display_name, g.external_id, g.version, g.document, g.created_at, g.updated_at, ",
		clause.Expr{SQL: "(SELECT m.group_id FROM directory_group_members m WHERE m.organization_id = ? AND m.group_id = g.id AND m.user_id = users.id) IS NOT NULL, ",
			Vars: []any{organization}}, userColumns,
		clause.Expr{SQL: " FROM directory_groups g, users WHERE g.organization_id = ? AND g.id = ? AND g.directory_id = ? AND users.organization_id = ? AND users.id = ? AND users.directory_id = ?",
			Vars: []any{organization, groupID, directoryID, organization, userID, directoryID}})
	err = o.direct(ctx, query, func(rows *sql.Rows) error {
		g = &DirectoryGroup{OrganizationID: o.ID, DirectoryID: directoryID}
		err := rows.Scan(append([]any{&g.ID, &g.DisplayName, &g.ExternalID, &g.Version, &g.Document, (*int64)(&g.CreatedAt), (*int64)(&g.UpdatedAt), &isMember},
			u.fields()...)...)
		return errors.Join(err, u.finish(o.ID))
	})
	if err != nil {
		return nil, u, false, o.store.translate(fmt.Errorf("read group: %w", err))
	}
	return g, u, isMember, nil
}
