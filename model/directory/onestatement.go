package directory

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/internal/tenant"
	"rollcall/model/people"
)

// createAtOnce is CreateUser in one statement, on condition that no unowned user and no tombstone
// may be of the same person. It returns nil where CreateUser needs a transaction.
func (c Contents) createAtOnce(ctx context.Context, u people.User) (*people.User, error) {
	o := c.org
	if !tenant.AtOnce(o) {
		return nil, nil
	}
	org := In(tenant.Recorder(o))
	u.OrganizationID = o.ID
	u.Begin(tenant.Now(org))
	consequences := people.ConsequencesOf(nil, &u, people.ByDirectory)
	if err := people.Inside(tenant.Inside(org)).RecordChange(ctx, &consequences); err != nil {
		return nil, err
	}
	traces, err := u.Traces(nil)
	if err != nil {
		return nil, err
	}
	values, err := u.Values()
	if err != nil {
		return nil, err
	}
	row, err := userColumns.Values(ctx, &u)
	if err != nil {
		return nil, err
	}
	query := tenant.Join(
		tenant.Named("WITH known AS (SELECT id FROM users "+
			"WHERE organization_id = @organization AND directory_id IS NULL "+
			"AND email_folded = @email AND email_folded <> '' UNION ALL "+
			"SELECT tombstone_id FROM tombstone_keys "+
			"WHERE organization_id = @organization AND hash = ANY(@hashes::bytea[])), ",
			map[string]any{"organization": string(o.ID), "email": u.EmailFolded, "hashes": o.hashes(traces)}),
		clause.Expr{SQL: insertUser, Vars: row}, c.tokenThere(), " RETURNING id), ",
		org.upsertValues("made", values), tenant.InsertEvents(org, "made"),
		" SELECT id FROM made")
	done, err := c.write(ctx, org, query, &u.ID)
	if !done || err != nil {
		return nil, err
	}
	return &u, nil
}

// The columns of users and groups by what the statements do with them.
var (
	userColumns        = tenant.ColumnsOf[people.User]()
	readUserColumns    = userColumns.Readable()
	derivedUserColumns = userColumns.Where(tenant.RowColumn.Derived)
	otherUserColumns   = userColumns.Where(func(c tenant.RowColumn) bool { return c.Writable() && !c.Derived() })
	groupColumns       = tenant.ColumnsOf[people.DirectoryGroup]()
	readGroupColumns   = groupColumns.Readable()
)

// The parts of the statements that list columns.
var (
	insertUser = "made AS (INSERT INTO users (" + userColumns.Names() + ") SELECT " +
		userColumns.Parameters() +
		" WHERE NOT EXISTS (SELECT 1 FROM known) AND "
	setUser    = "(" + otherUserColumns.Names() + ") = (" + otherUserColumns.Parameters() + ")"
	setDerived = "(" + derivedUserColumns.Names() + ") = (" + derivedUserColumns.Parameters() + ")"
	// The column xmin differs with each change of the row.
	selectUser = readUserColumns.Selected("users") + ", users.xmin::text"
)

// upsertValues is the part of a WITH statement that writes the rows of user_values, in which
// filters look up values, of the user that the part named from wrote.
func (o Org) upsertValues(from string, values []people.UserValue) clause.Expr {
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
	return tenant.Named("valued AS (INSERT INTO user_values "+
		"(organization_id, user_id, attribute, position, value_folded, type_folded, is_primary) "+
		"SELECT @organization, "+from+".id, v.a, v.p, v.x, v.t, v.f FROM "+from+", unnest(@attributes::bigint[], "+
		"@positions::bigint[], @texts::text[], @types::text[], @primaries::boolean[]) v (a, p, x, t, f) "+
		"ON CONFLICT (user_id, attribute, position) DO UPDATE SET (value_folded, type_folded, is_primary) = "+
		"(excluded.value_folded, excluded.type_folded, excluded.is_primary) "+
		"WHERE user_values.organization_id = excluded.organization_id), ",
		map[string]any{"organization": string(o.ID), "attributes": attributes, "positions": positions,
			"texts": texts, "types": types, "primaries": primaries})
}

// replaceValues is upsertValues for a user that has values: it removes only the rows of positions
// that are gone, as one statement cannot delete a row and insert it again.
func (o Org) replaceValues(from string, old, values []people.UserValue) clause.Expr {
	if slices.Equal(old, values) {
		return clause.Expr{}
	}
	attributes, positions := []int64{}, []int64{}
	for _, v := range values {
		attributes, positions = append(attributes, int64(v.Attribute)), append(positions, int64(v.Position))
	}
	removed := tenant.Named("removed AS (DELETE FROM user_values USING "+from+" WHERE organization_id = @organization "+
		"AND user_id = "+from+".id AND (attribute, position) NOT IN "+
		"(SELECT v.a, v.p FROM unnest(@attributes::bigint[], @positions::bigint[]) v (a, p))), ",
		map[string]any{"organization": string(o.ID), "attributes": attributes, "positions": positions})
	return tenant.Join(removed, o.upsertValues(from, values))
}

// newValues is replaceValues for a user that changes from before to after.
func (o Org) newValues(from string, before, after *people.User) (clause.Expr, error) {
	old, err := before.Values()
	if err != nil {
		return clause.Expr{}, err
	}
	values, err := after.Values()
	return o.replaceValues(from, old, values), err
}

// readUser is a user as selectUser reads it.
type readUser struct {
	people.User
	state string // the column xmin, which differs after each change of the row
}

// pointers are the destinations of the columns of selectUser, for Scan.
func (u *readUser) pointers() []any {
	return append(readUserColumns.Pointers(&u.User), &u.state)
}

// updateAtOnce is UpdateUser in one statement, for a user that the directory owns. It locks
// nothing: it reads the row, and writes it on condition that it is unchanged. It returns nil where
// UpdateUser needs a transaction.
func (c Contents) updateAtOnce(
	ctx context.Context, id string, change func(*people.UserDraft) error,
) (*people.User, error) {
	if !tenant.AtOnce(c.org) || !model.IsID(id) {
		return nil, nil
	}
	before, found, err := c.ownUser(ctx, id)
	if !found || err != nil {
		return nil, err
	}
	after, err := before.ChangedBy(change)
	if err != nil || len(people.Changed(&before.User, after)) == 0 {
		return after, err
	}
	var values clause.Expr
	org := In(tenant.Recorder(c.org))
	consequences := people.ConsequencesOf(&before.User, after, people.ByDirectory)
	if consequences.NeedsTransaction() {
		return nil, nil
	}
	after = consequences.Row
	after.Follow(&before.User, tenant.Now(org))
	err = errors.Join(people.Inside(tenant.Inside(org)).RecordChange(ctx, &consequences),
		people.Inside(tenant.Inside(org)).CloseAccess(ctx, &consequences))
	if err != nil {
		return nil, err
	}
	set, err := setOf(ctx, &before.User, after)
	if err == nil && before.Document != after.Document {
		values, err = org.newValues("written", &before.User, after)
	}
	if err != nil {
		return nil, err
	}
	query := tenant.Join("WITH written AS (UPDATE users SET ", set,
		tenant.Named(" WHERE organization_id = @organization AND id = @id AND xmin::text = @state AND ",
			map[string]any{"organization": string(c.org.ID), "id": id, "state": before.state}),
		tenant.Turn(id), " AND ", c.tokenThere(), " RETURNING id), ",
		values, tenant.InsertEvents(org, "written"), " SELECT id FROM written")
	if done, err := c.write(ctx, org, query, new(string)); !done || err != nil {
		c.forget()
		return nil, err
	}
	return after, nil
}

// setOf is the SET clause that makes the row before the row after. The columns that follow from the
// document are most of a row; it leaves them out where the document is the same.
func setOf(ctx context.Context, before, after *people.User) (clause.Expr, error) {
	values, err := otherUserColumns.Values(ctx, after)
	set := clause.Expr{SQL: setUser, Vars: values}
	if err != nil || before.Document == after.Document {
		return set, err
	}
	values, err = derivedUserColumns.Values(ctx, after)
	return tenant.Join(set, ", ", clause.Expr{SQL: setDerived, Vars: values}), err
}

// ownUser reads a user that the directory owns.
func (c Contents) ownUser(ctx context.Context, id string) (u readUser, found bool, err error) {
	query := tenant.Join("SELECT "+selectUser+", ", c.org.inAGroup(), ", ", c.tokenThere(),
		tenant.Named(" FROM users WHERE organization_id = @organization AND id = @id "+andOwned,
			map[string]any{"organization": string(c.org.ID), "id": id, "directory": c.id}))
	u.OrganizationID = c.org.ID
	err = tenant.Direct(ctx, c.org, query, func(rows *sql.Rows) error {
		var member, there bool
		found = true
		err := rows.Scan(append(u.pointers(), &member, &there)...)
		if !member {
			u.Groups = []people.MemberOf{}
		}
		return cmp.Or(err, c.saw(there))
	})
	if err != nil {
		err = tenant.Translate(c.org, fmt.Errorf("read user: %w", err))
	}
	return u, found, err
}

// addAtOnce is UpdateGroup in one statement, where the only change is one new member, a user that
// the directory owns. It returns nil where UpdateGroup needs a transaction.
func (c Contents) addAtOnce(
	ctx context.Context, id string, change func(*GroupDraft) error, members []MembersChange,
) (*people.DirectoryGroup, error) {
	if !tenant.AtOnce(c.org) || len(members) != 1 || members[0].Op != AddMembers || len(members[0].UserIDs) != 1 ||
		!model.IsID(members[0].UserIDs[0]) {
		return nil, nil
	}
	g, u, isMember, err := c.groupAndUser(ctx, id, members[0].UserIDs[0])
	if g == nil || err != nil {
		return nil, err
	}
	draft := GroupDraft{group: *g, version: g.Version}
	if err := change(&draft); err != nil {
		return nil, err
	}
	if draft.group.Document != g.Document {
		return nil, nil
	} else if isMember {
		return g, nil
	}
	org := In(tenant.Recorder(c.org))
	g.UpdatedAt = tenant.Now(org)
	if err := org.recordMember(ctx, DirectoryGroupUserAdded, g, &u.User); err != nil {
		return nil, err
	}
	group := map[string]any{"organization": string(c.org.ID), "group": id}
	query := tenant.Join(
		// The turn comes before everything that gets the transaction an id, see tenant.InTurn.
		"WITH g AS (SELECT id FROM directory_groups WHERE ", tenant.Turn(id),
		tenant.Named(" AND organization_id = @organization AND id = @group AND "+
			tenant.Beside("directory_id")+" = @directory AND document = @document AND ",
			map[string]any{"organization": string(c.org.ID), "group": id, "directory": c.id,
				"document": g.Document}),
		c.tokenThere(), " FOR NO KEY UPDATE), ",
		tenant.Named("u AS (SELECT users.id FROM g, users "+
			"WHERE users.organization_id = @organization AND users.id = @user "+
			"AND "+besideDirectory+" = @directory AND users.xmin::text = @state FOR KEY SHARE OF users), ",
			map[string]any{"organization": string(c.org.ID), "user": u.ID, "directory": c.id, "state": u.state}),
		tenant.Named("joined AS (INSERT INTO directory_group_members (organization_id, group_id, user_id) "+
			"SELECT @organization, @group, u.id FROM u ON CONFLICT DO NOTHING RETURNING group_id), ", group),
		tenant.Named("touched AS (UPDATE directory_groups SET version = version + 1, updated_at = @now FROM joined "+
			"WHERE organization_id = @organization AND id = @group RETURNING version), ",
			map[string]any{"organization": string(c.org.ID), "group": id, "now": int64(g.UpdatedAt)}),
		tenant.InsertEvents(org, "touched"), " SELECT version FROM touched")
	if done, err := c.write(ctx, org, query, &g.Version); !done || err != nil {
		c.forget()
		return nil, err
	}
	return g, nil
}

// groupAndUser reads a group and a user of the directory, and whether the user is a member of the
// group. The group is nil where one of the two does not exist.
func (c Contents) groupAndUser(ctx context.Context, groupID, userID string) (
	g *people.DirectoryGroup, u readUser, isMember bool, err error) {
	ids := map[string]any{"organization": string(c.org.ID), "group": groupID, "user": userID, "directory": c.id}
	query := tenant.Join("SELECT "+readGroupColumns.Selected("g")+", ",
		tenant.Named("(SELECT m.group_id FROM directory_group_members m WHERE m.organization_id = @organization "+
			"AND m.group_id = g.id AND m.user_id = users.id) IS NOT NULL, ",
			map[string]any{"organization": string(c.org.ID)}), c.tokenThere(), ", "+selectUser,
		tenant.Named(" FROM directory_groups g, users "+
			"WHERE g.organization_id = @organization AND g.id = @group AND NULLIF(g.directory_id, '') = @directory "+
			"AND users.organization_id = @organization AND users.id = @user "+andOwned, ids))
	u.OrganizationID = c.org.ID
	err = tenant.Direct(ctx, c.org, query, func(rows *sql.Rows) error {
		g = &people.DirectoryGroup{OrganizationID: c.org.ID}
		var there bool
		err := rows.Scan(append(append(readGroupColumns.Pointers(g), &isMember, &there), u.pointers()...)...)
		return cmp.Or(err, c.saw(there))
	})
	if err != nil {
		return nil, u, false, tenant.Translate(c.org, fmt.Errorf("read group: %w", err))
	}
	return g, u, isMember, nil
}
