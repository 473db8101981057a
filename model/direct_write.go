package model

import (
	"context"
	"database/sql"
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
	return o.tx == nil && o.store.dialect == postgresDialect && !o.hasRules()
}

// insertEvents is the part of a WITH statement that inserts the events recorded so far, once per row of from.
func (o *Org) insertEvents(from string) clause.Expr {
	n := len(o.tx.events)
	ids, types, subjects, data := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	for i, e := range o.tx.events {
		ids[i], types[i], subjects[i], data[i] = e.ID, string(e.Type), e.Subject, e.Data
	}
	return named("told AS (INSERT INTO events (id, organization_id, type, actor, subject, data, restore, created_at) "+
		"SELECT e.id, @organization, e.type, @actor, e.subject, e.data, @restore::bigint, @at::bigint FROM "+from+", "+
		"unnest(@ids::text[], @types::text[], @subjects::text[], @data::text[]) AS e (id, type, subject, data))",
		map[string]any{"organization": string(o.ID), "actor": string(o.by), "restore": o.store.restore, "at": int64(o.tx.at),
			"ids": ids, "types": types, "subjects": subjects, "data": data})
}

// write sends a write of a recorder that answers with a row if it was carried out. What others
// were quicker with is not carried out, and no error: the long way finds out what it is.
func (o *Org) write(ctx context.Context, query clause.Expr, answer any) (done bool, err error) {
	if o.tx.unruled && o.hasRules() { // since it was asked whether to write at once
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
	c := consequencesOf(nil, &u, byDirectory)
	if err := org.recordChange(ctx, &c); err != nil {
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
	row, err := userColumns.values(ctx, &u)
	if err != nil {
		return nil, err
	}
	query := join(
		named("WITH known AS (SELECT id FROM users WHERE organization_id = @organization AND directory_id IS NULL "+
			"AND email_folded = @email AND email_folded <> '' UNION ALL "+
			"SELECT tombstone_id FROM tombstone_keys WHERE organization_id = @organization AND hash = ANY(@hashes::bytea[])), ",
			map[string]any{"organization": string(o.ID), "email": u.EmailFolded, "hashes": o.hashes(traces)}),
		clause.Expr{SQL: insertUser, Vars: row}, org.valued("made", values), org.insertEvents("made"), " SELECT id FROM made")
	done, err := org.write(ctx, query, &u.ID)
	if !done || err != nil {
		return nil, err
	}
	return &u, nil
}

// The columns of users by what the statements do with them.
var (
	userColumns        = columnsOf[User]()
	readUserColumns    = userColumns.readable()
	derivedUserColumns = userColumns.where(rowColumn.derived)
	otherUserColumns   = userColumns.where(func(c rowColumn) bool { return c.updatable() && !c.derived() })

	readGroupColumns = columnsOf[DirectoryGroup]().readable()
)

// The parts of the statements that list columns.
var (
	insertUser = "made AS (INSERT INTO users (" + userColumns.names() + ") SELECT " + userColumns.parameters() +
		" WHERE NOT EXISTS (SELECT 1 FROM known) RETURNING id), "
	setUser    = "(" + otherUserColumns.names() + ") = (" + otherUserColumns.parameters() + ")"
	setDerived = "(" + derivedUserColumns.names() + ") = (" + derivedUserColumns.parameters() + ")"
	// The column xmin differs with each change of the row.
	selectUser = readUserColumns.selected("users") + ", users.xmin::text"
)

// valued makes the values that filters look up those of the user whom a WITH query wrote.
func (o *Org) valued(from string, values []userValue) clause.Expr {
	if len(values) == 0 {
		return clause.Expr{}
	}
	n := len(values)
	attributes, positions := make([]int64, n), make([]int64, n)
	texts, types, primaries := make([]string, n), make([]string, n), make([]bool, n)
	for i, v := range values {
		attributes[i], positions[i] = int64(v.Attribute), int64(v.Position)
		texts[i], types[i], primaries[i] = v.ValueFolded, v.TypeFolded, v.IsPrimary
	}
	return named("valued AS (INSERT INTO user_values "+
		"(organization_id, user_id, attribute, position, value_folded, type_folded, is_primary) "+
		"SELECT @organization, "+from+".id, v.* FROM "+from+", unnest(@attributes::bigint[], @positions::bigint[], "+
		"@texts::text[], @types::text[], @primaries::boolean[]) v "+
		"ON CONFLICT (user_id, attribute, position) DO UPDATE SET (value_folded, type_folded, is_primary) = "+
		"(excluded.value_folded, excluded.type_folded, excluded.is_primary) "+
		"WHERE user_values.organization_id = excluded.organization_id), ",
		map[string]any{"organization": string(o.ID), "attributes": attributes, "positions": positions,
			"texts": texts, "types": types, "primaries": primaries})
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
	removed := named("removed AS (DELETE FROM user_values USING "+from+" WHERE organization_id = @organization "+
		"AND user_id = "+from+".id AND (attribute, position) NOT IN "+
		"(SELECT * FROM unnest(@attributes::bigint[], @positions::bigint[]))), ",
		map[string]any{"organization": string(o.ID), "attributes": attributes, "positions": positions})
	return join(removed, o.valued(from, values))
}

// readUser is where selectUser is read to.
type readUser struct {
	User
	state string // xmin
}

// pointers are where the columns of selectUser are scanned to.
func (u *readUser) pointers() []any { return append(readUserColumns.pointers(&u.User), &u.state) }

// updateAtOnce is UpdateDirectoryUser for a user of the directory, without a
// lock: it reads the row, and writes on condition that it is still the same. It
// returns nil where it leaves the change to others.
func (o *Org) updateAtOnce(ctx context.Context, directoryID, id string, change func(*UserDraft) error) (*User, error) {
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
	c := consequencesOf(&before.User, after, byDirectory)
	if c.needsTransaction() {
		return nil, nil
	}
	after = c.row
	after.follow(&before.User, org.now())
	if err := errors.Join(org.recordChange(ctx, &c), org.closeAccess(ctx, &c)); err != nil {
		return nil, err
	}
	set, err := setOf(ctx, &before.User, after)
	if err != nil {
		return nil, err
	}
	query := join("WITH written AS (UPDATE users SET ", set,
		named(" WHERE organization_id = @organization AND id = @id AND xmin::text = @state AND ",
			map[string]any{"organization": string(o.ID), "id": id, "state": before.state}), o.turn(id),
		" RETURNING id), ", org.revalued("written", old, now), org.insertEvents("written"), " SELECT id FROM written")
	if done, err := org.write(ctx, query, new(string)); !done || err != nil {
		return nil, err
	}
	return after, nil
}

// setOf assigns the columns of a row that replaces another. Those that follow from
// the document are most of the row, and are left out where that stays the same.
func setOf(ctx context.Context, before, after *User) (clause.Expr, error) {
	values, err := otherUserColumns.values(ctx, after)
	set := clause.Expr{SQL: setUser, Vars: values}
	if err != nil || before.Document == after.Document {
		return set, err
	}
	values, err = derivedUserColumns.values(ctx, after)
	return join(set, ", ", clause.Expr{SQL: setDerived, Vars: values}), err
}

// ownUser reads a user whom the directory owns.
func (o *Org) ownUser(ctx context.Context, directoryID, id string) (u readUser, found bool, err error) {
	query := join("SELECT "+selectUser+", ", o.inAGroup(),
		named(" FROM users WHERE organization_id = @organization AND id = @id AND directory_id = @directory",
			map[string]any{"organization": string(o.ID), "id": id, "directory": directoryID}))
	u.OrganizationID = o.ID
	err = o.direct(ctx, query, func(rows *sql.Rows) error {
		var member bool
		found = true
		err := rows.Scan(append(u.pointers(), &member)...)
		if !member {
			u.Groups = []MemberOf{}
		}
		return err
	})
	if err != nil {
		err = o.store.translate(fmt.Errorf("read user: %w", err))
	}
	return u, found, err
}

// addAtOnce is UpdateDirectoryGroup where the only change is one new member, a
// user of the directory. It returns nil where it leaves the change to others.
func (o *Org) addAtOnce(ctx context.Context, directoryID, id string, change func(*GroupDraft) error,
	members []MembersChange) (*DirectoryGroup, error) {
	if !o.atOnce() || len(members) != 1 || members[0].Op != AddMembers || len(members[0].UserIDs) != 1 ||
		!isID(members[0].UserIDs[0]) {
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
	group := map[string]any{"organization": string(o.ID), "group": id}
	query := join(
		// The turn comes before all that takes a transaction's id, see inTurn.
		"WITH g AS (SELECT id FROM directory_groups WHERE ", o.turn(id),
		named(" AND organization_id = @organization AND id = @group AND directory_id = @directory AND document = @document "+
			"FOR NO KEY UPDATE), ",
			map[string]any{"organization": string(o.ID), "group": id, "directory": directoryID, "document": g.Document}),
		named("u AS (SELECT users.id FROM g, users WHERE users.organization_id = @organization AND users.id = @user "+
			"AND users.directory_id = @directory AND users.xmin::text = @state FOR KEY SHARE OF users), ",
			map[string]any{"organization": string(o.ID), "user": u.ID, "directory": directoryID, "state": u.state}),
		named("joined AS (INSERT INTO directory_group_members (organization_id, group_id, user_id) "+
			"SELECT @organization, @group, u.id FROM u ON CONFLICT DO NOTHING RETURNING group_id), ", group),
		named("touched AS (UPDATE directory_groups SET version = version + 1, updated_at = @now FROM joined "+
			"WHERE organization_id = @organization AND id = @group RETURNING version), ",
			map[string]any{"organization": string(o.ID), "group": id, "now": int64(g.UpdatedAt)}),
		org.insertEvents("touched"), " SELECT version FROM touched")
	if done, err := org.write(ctx, query, &g.Version); !done || err != nil {
		return nil, err
	}
	return g, nil
}

// groupAndUser reads a group of a directory and a user of the directory, and
// whether the one has the other. Without either the group is nil.
func (o *Org) groupAndUser(ctx context.Context, directoryID, groupID, userID string) (
	g *DirectoryGroup, u readUser, isMember bool, err error) {
	ids := map[string]any{"organization": string(o.ID), "group": groupID, "user": userID, "directory": directoryID}
	query := join("SELECT "+readGroupColumns.selected("g")+", ",
		named("(SELECT m.group_id FROM directory_group_members m WHERE m.organization_id = @organization "+
			"AND m.group_id = g.id AND m.user_id = users.id) IS NOT NULL, ",
			map[string]any{"organization": string(o.ID)}), selectUser,
		named(" FROM directory_groups g, users "+
			"WHERE g.organization_id = @organization AND g.id = @group AND g.directory_id = @directory "+
			"AND users.organization_id = @organization AND users.id = @user AND users.directory_id = @directory", ids))
	u.OrganizationID = o.ID
	err = o.direct(ctx, query, func(rows *sql.Rows) error {
		g = &DirectoryGroup{OrganizationID: o.ID}
		return rows.Scan(append(append(readGroupColumns.pointers(g), &isMember), u.pointers()...)...)
	})
	if err != nil {
		return nil, u, false, o.store.translate(fmt.Errorf("read group: %w", err))
	}
	return g, u, isMember, nil
}
