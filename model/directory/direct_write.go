package directory

import (
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

// createAtOnce creates a user of a directory whom neither an unowned user nor a
// tombstone may stand for already. It returns nil where it leaves that to others.
func (o Org) createAtOnce(ctx context.Context, u people.User) (*people.User, error) {
	if !tenant.AtOnce(o) {
		return nil, nil
	}
	org := In(tenant.Recorder(o))
	u.OrganizationID = o.ID
	u.Begin(tenant.Now(org))
	c := people.ConsequencesOf(nil, &u, people.ByDirectory)
	if err := people.In(org).RecordChange(ctx, &c); err != nil {
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
	row, err := people.UserColumns.Values(ctx, &u)
	if err != nil {
		return nil, err
	}
	query := tenant.Join(
		tenant.Named("WITH known AS (SELECT id FROM users WHERE organization_id = @organization AND directory_id IS NULL "+
			"AND email_folded = @email AND email_folded <> '' UNION ALL "+
			"SELECT tombstone_id FROM tombstone_keys WHERE organization_id = @organization AND hash = ANY(@hashes::bytea[])), ",
			map[string]any{"organization": string(o.ID), "email": u.EmailFolded, "hashes": o.hashes(traces)}),
		clause.Expr{SQL: insertUser, Vars: row}, org.valued("made", values), tenant.InsertEvents(org, "made"), " SELECT id FROM made")
	done, err := tenant.Write(ctx, org, query, &u.ID)
	if !done || err != nil {
		return nil, err
	}
	return &u, nil
}

// The parts of the statements that list columns.
var (
	insertUser = "made AS (INSERT INTO users (" + people.UserColumns.Names() + ") SELECT " + people.UserColumns.Parameters() +
		" WHERE NOT EXISTS (SELECT 1 FROM known) RETURNING id), "
	setUser    = "(" + people.OtherUserColumns.Names() + ") = (" + people.OtherUserColumns.Parameters() + ")"
	setDerived = "(" + people.DerivedUserColumns.Names() + ") = (" + people.DerivedUserColumns.Parameters() + ")"
	// The column xmin differs with each change of the row.
	selectUser = people.ReadUserColumns.Selected("users") + ", users.xmin::text"
)

// valued makes the values that filters look up those of the user whom a WITH query wrote.
func (o Org) valued(from string, values []people.UserValue) clause.Expr {
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
func (o Org) revalued(from string, old, values []people.UserValue) clause.Expr {
	if slices.Equal(old, values) {
		return clause.Expr{}
	}
	attributes, positions := []int64{}, []int64{}
	for _, v := range values {
		attributes, positions = append(attributes, int64(v.Attribute)), append(positions, int64(v.Position))
	}
	removed := tenant.Named("removed AS (DELETE FROM user_values USING "+from+" WHERE organization_id = @organization "+
		"AND user_id = "+from+".id AND (attribute, position) NOT IN "+
		"(SELECT * FROM unnest(@attributes::bigint[], @positions::bigint[]))), ",
		map[string]any{"organization": string(o.ID), "attributes": attributes, "positions": positions})
	return tenant.Join(removed, o.valued(from, values))
}

// readUser is where selectUser is read to.
type readUser struct {
	people.User
	state string // xmin
}

// pointers are where the columns of selectUser are scanned to.
func (u *readUser) pointers() []any {
	return append(people.ReadUserColumns.Pointers(&u.User), &u.state)
}

// updateAtOnce is UpdateDirectoryUser for a user of the directory, without a
// lock: it reads the row, and writes on condition that it is still the same. It
// returns nil where it leaves the change to others.
func (o Org) updateAtOnce(ctx context.Context, directoryID, id string, change func(*people.UserDraft) error) (*people.User, error) {
	if !tenant.AtOnce(o) || !model.IsID(id) {
		return nil, nil
	}
	before, found, err := o.ownUser(ctx, directoryID, id)
	if !found || err != nil {
		return nil, err
	}
	after, err := before.ChangedBy(change)
	if err != nil || len(people.Changed(&before.User, after)) == 0 {
		return after, err
	}
	old, err := before.Values()
	if err != nil {
		return nil, err
	}
	now, err := after.Values()
	if err != nil {
		return nil, err
	}
	org := In(tenant.Recorder(o))
	c := people.ConsequencesOf(&before.User, after, people.ByDirectory)
	if c.NeedsTransaction() {
		return nil, nil
	}
	after = c.Row
	after.Follow(&before.User, tenant.Now(org))
	if err := errors.Join(people.In(org).RecordChange(ctx, &c), people.In(org).CloseAccess(ctx, &c)); err != nil {
		return nil, err
	}
	set, err := setOf(ctx, &before.User, after)
	if err != nil {
		return nil, err
	}
	query := tenant.Join("WITH written AS (UPDATE users SET ", set,
		tenant.Named(" WHERE organization_id = @organization AND id = @id AND xmin::text = @state AND ",
			map[string]any{"organization": string(o.ID), "id": id, "state": before.state}), tenant.Turn(id),
		" RETURNING id), ", org.revalued("written", old, now), tenant.InsertEvents(org, "written"), " SELECT id FROM written")
	if done, err := tenant.Write(ctx, org, query, new(string)); !done || err != nil {
		return nil, err
	}
	return after, nil
}

// setOf assigns the columns of a row that replaces another. Those that follow from
// the document are most of the row, and are left out where that stays the same.
func setOf(ctx context.Context, before, after *people.User) (clause.Expr, error) {
	values, err := people.OtherUserColumns.Values(ctx, after)
	set := clause.Expr{SQL: setUser, Vars: values}
	if err != nil || before.Document == after.Document {
		return set, err
	}
	values, err = people.DerivedUserColumns.Values(ctx, after)
	return tenant.Join(set, ", ", clause.Expr{SQL: setDerived, Vars: values}), err
}

// ownUser reads a user whom the directory owns.
func (o Org) ownUser(ctx context.Context, directoryID, id string) (u readUser, found bool, err error) {
	query := tenant.Join("SELECT "+selectUser+", ", o.inAGroup(),
		tenant.Named(" FROM users WHERE organization_id = @organization AND id = @id AND directory_id = @directory",
			map[string]any{"organization": string(o.ID), "id": id, "directory": directoryID}))
	u.OrganizationID = o.ID
	err = tenant.Direct(ctx, o, query, func(rows *sql.Rows) error {
		var member bool
		found = true
		err := rows.Scan(append(u.pointers(), &member)...)
		if !member {
			u.Groups = []people.MemberOf{}
		}
		return err
	})
	if err != nil {
		err = tenant.Translate(o, fmt.Errorf("read user: %w", err))
	}
	return u, found, err
}

// addAtOnce is UpdateDirectoryGroup where the only change is one new member, a
// user of the directory. It returns nil where it leaves the change to others.
func (o Org) addAtOnce(ctx context.Context, directoryID, id string, change func(*GroupDraft) error,
	members []MembersChange) (*people.DirectoryGroup, error) {
	if !tenant.AtOnce(o) || len(members) != 1 || members[0].Op != AddMembers || len(members[0].UserIDs) != 1 ||
		!model.IsID(members[0].UserIDs[0]) {
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
	org := In(tenant.Recorder(o))
	g.UpdatedAt = tenant.Now(org)
	if err := org.recordMember(ctx, DirectoryGroupUserAdded, g, &u.User); err != nil {
		return nil, err
	}
	group := map[string]any{"organization": string(o.ID), "group": id}
	query := tenant.Join(
		// The turn comes before all that takes a transaction's id, see InTurn.
		"WITH g AS (SELECT id FROM directory_groups WHERE ", tenant.Turn(id),
		tenant.Named(" AND organization_id = @organization AND id = @group AND directory_id = @directory AND document = @document "+
			"FOR NO KEY UPDATE), ",
			map[string]any{"organization": string(o.ID), "group": id, "directory": directoryID, "document": g.Document}),
		tenant.Named("u AS (SELECT users.id FROM g, users WHERE users.organization_id = @organization AND users.id = @user "+
			"AND users.directory_id = @directory AND users.xmin::text = @state FOR KEY SHARE OF users), ",
			map[string]any{"organization": string(o.ID), "user": u.ID, "directory": directoryID, "state": u.state}),
		tenant.Named("joined AS (INSERT INTO directory_group_members (organization_id, group_id, user_id) "+
			"SELECT @organization, @group, u.id FROM u ON CONFLICT DO NOTHING RETURNING group_id), ", group),
		tenant.Named("touched AS (UPDATE directory_groups SET version = version + 1, updated_at = @now FROM joined "+
			"WHERE organization_id = @organization AND id = @group RETURNING version), ",
			map[string]any{"organization": string(o.ID), "group": id, "now": int64(g.UpdatedAt)}),
		tenant.InsertEvents(org, "touched"), " SELECT version FROM touched")
	if done, err := tenant.Write(ctx, org, query, &g.Version); !done || err != nil {
		return nil, err
	}
	return g, nil
}

// groupAndUser reads a group of a directory and a user of the directory, and
// whether the one has the other. Without either the group is nil.
func (o Org) groupAndUser(ctx context.Context, directoryID, groupID, userID string) (
	g *people.DirectoryGroup, u readUser, isMember bool, err error) {
	ids := map[string]any{"organization": string(o.ID), "group": groupID, "user": userID, "directory": directoryID}
	query := tenant.Join("SELECT "+people.ReadGroupColumns.Selected("g")+", ",
		tenant.Named("(SELECT m.group_id FROM directory_group_members m WHERE m.organization_id = @organization "+
			"AND m.group_id = g.id AND m.user_id = users.id) IS NOT NULL, ",
			map[string]any{"organization": string(o.ID)}), selectUser,
		tenant.Named(" FROM directory_groups g, users "+
			"WHERE g.organization_id = @organization AND g.id = @group AND g.directory_id = @directory "+
			"AND users.organization_id = @organization AND users.id = @user AND users.directory_id = @directory", ids))
	u.OrganizationID = o.ID
	err = tenant.Direct(ctx, o, query, func(rows *sql.Rows) error {
		g = &people.DirectoryGroup{OrganizationID: o.ID}
		return rows.Scan(append(append(people.ReadGroupColumns.Pointers(g), &isMember), u.pointers()...)...)
	})
	if err != nil {
		return nil, u, false, tenant.Translate(o, fmt.Errorf("read group: %w", err))
	}
	return g, u, isMember, nil
}
