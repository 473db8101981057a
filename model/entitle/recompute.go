package entitle

import (
	"context"
	"fmt"
	"rollcall/model/connection"

	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/internal/tenant"
	"rollcall/model/people"
)

// recomputeMode says how users are recomputed.
type recomputeMode struct {
	cause    tenant.Cause
	removals bool // only take away; another run grants
	signOn   bool // at a login: refuse a user who gets no seat at all
}

// skipLocked locks rows, except those that another transaction has locked.
var skipLocked = clause.Locking{Strength: tenant.ToChange, Options: "SKIP LOCKED"}

// recomputedUser is a user with what the rules look at and with what the user has.
type recomputedUser struct {
	ID           string
	DirectoryID  *string
	ConnectionID *string
	Active       bool
	Role         people.Role
	RoleMapped   bool
	Age          int64                       // of the row's last write, in transactions; on PostgreSQL
	groups       []groupName                 `gorm:"-"`
	licenses     map[string]*License         `gorm:"-"` // by account
	assignments  map[string]*GroupAssignment `gorm:"-"` // by group
}

// recomputation recomputes some users in one transaction.
type recomputation struct {
	recomputeMode
	org   Org
	rules *ruleSet
	users []recomputedUser
	byID  map[string]*recomputedUser

	gone, kept, fresh    []*License // to delete, to write the reasons of, to insert
	left, stayed, joined []*GroupAssignment
	roles                map[string]people.Role // the new roles, by user
	touched              map[string]bool        // the changed users
	accounts             map[string]bool        // those whose seats are assigned again
	freed                map[string]int64       // seats that were given back, by account
}

// recompute makes what users have exactly what the rules grant them, and records the events. It
// returns how many users it changed.
//
// It locks the users' rows first and reads the rules after that. When the rules change later, the
// worker waits for these locks and then finds what this transaction wrote.
func (o Org) recompute(ctx context.Context, ids []string, how recomputeMode) (changed int, err error) {
	r := recomputation{recomputeMode: how, org: o, byID: map[string]*recomputedUser{},
		roles: map[string]people.Role{}, touched: map[string]bool{}, accounts: map[string]bool{}}
	if err := r.lock(ctx, ids); err != nil || len(r.users) == 0 {
		return 0, err
	}
	if r.rules, err = o.rules(ctx); err != nil {
		return 0, err
	}
	if err := r.readGroups(ctx); err != nil {
		return 0, err
	}
	if err := r.readHeld(ctx); err != nil {
		return 0, err
	}
	for i := range r.users {
		r.plan(&r.users[i])
	}
	for _, write := range []func(context.Context) error{
		r.writeRoles, r.deleteLost, r.updateReasons, r.assignSeats, r.insertAssignments, r.raiseVersions,
	} {
		if err := write(ctx); err != nil {
			return 0, err
		}
	}
	return len(r.touched), nil
}

// lock reads the users and locks their rows, in the order of their ids.
func (r *recomputation) lock(ctx context.Context, ids []string) error {
	list, err := tenant.Encode(ids)
	if err != nil {
		return err
	}
	columns := []string{"id", "directory_id", "connection_id", "active", "role", "role_mapped"}
	if tenant.DialectOf(r.org) == tenant.PostgresDialect {
		columns = append(columns, "age(xmin) AS age")
	}
	err = tenant.DB(ctx, r.org).Model(&people.User{}).Clauses(clause.Locking{Strength: tenant.ToChange}).
		Select(columns).Where(tenant.DialectOf(r.org).OneOf("users.id"), list).
		Order("users.id").Find(&r.users).Error
	if err != nil {
		return fmt.Errorf("lock users: %w", err)
	}
	for i := range r.users {
		u := &r.users[i]
		// A transaction that began later has written the row first. Its events come after ours in
		// the feed, and would describe a state that ours has replaced.
		if tenant.Overtook(u.Age) {
			return tenant.ErrOvertaken
		}
		u.licenses, u.assignments = map[string]*License{}, map[string]*GroupAssignment{}
		r.byID[u.ID] = u
	}
	return nil
}

// readGroups reads the directory groups of the users. A user that a directory owns has the groups
// of SCIM, any other user those that the last login named (docs/design/identity.md, "Groups").
func (r *recomputation) readGroups(ctx context.Context) error {
	var owned, others []string
	for i := range r.users {
		if r.users[i].DirectoryID != nil {
			owned = append(owned, r.users[i].ID)
		} else if r.users[i].ConnectionID != nil {
			others = append(others, r.users[i].ID)
		}
	}
	of, err := people.In(r.org).GroupsOf(ctx, owned...)
	if err != nil {
		return err
	}
	for id, groups := range of {
		u := r.byID[id]
		for _, g := range groups {
			u.groups = append(u.groups, groupName{g.ID, model.Fold(g.DisplayName)})
		}
	}
	if len(others) == 0 {
		return nil
	}
	list, err := tenant.Encode(others)
	if err != nil {
		return err
	}
	var asserted []connection.AssertedGroup
	if err := tenant.DB(ctx, r.org).Where(tenant.DialectOf(r.org).OneOf("user_id"), list).
		Find(&asserted).Error; err != nil {
		return fmt.Errorf("read asserted groups: %w", err)
	}
	for _, a := range asserted {
		if u := r.byID[a.UserID]; a.ConnectionID == *u.ConnectionID {
			u.groups = append(u.groups, groupName{Folded: a.NameFolded})
		}
	}
	return nil
}

// readHeld reads the licenses and assignments that the users have.
func (r *recomputation) readHeld(ctx context.Context) error {
	list, err := tenant.Encode(idsOf(r.users, func(u *recomputedUser) string { return u.ID }))
	if err != nil {
		return err
	}
	var licenses []License
	var assignments []GroupAssignment
	mine := tenant.DB(ctx, r.org).Where(tenant.DialectOf(r.org).OneOf("user_id"), list)
	if err := mine.Find(&licenses).Error; err != nil {
		return fmt.Errorf("read licenses: %w", err)
	}
	mine = tenant.DB(ctx, r.org).Where(tenant.DialectOf(r.org).OneOf("user_id"), list)
	if err := mine.Find(&assignments).Error; err != nil {
		return fmt.Errorf("read assignments: %w", err)
	}
	for i := range licenses {
		r.byID[licenses[i].UserID].licenses[licenses[i].AccountID] = &licenses[i]
	}
	for i := range assignments {
		r.byID[assignments[i].UserID].assignments[assignments[i].GroupID] = &assignments[i]
	}
	return nil
}

// plan finds out what is to change for one user.
func (r *recomputation) plan(u *recomputedUser) {
	c := claimant{Active: u.Active, Groups: u.groups}
	if u.ConnectionID != nil {
		c.Connection = *u.ConnectionID
	}
	want := r.rules.decide(c)
	promoted := want.Role == people.Admin && u.Role == people.Member && !r.removals
	demoted := want.Role == people.Member && u.Role == people.Admin && u.RoleMapped
	if promoted || demoted {
		r.roles[u.ID] = want.Role
	}
	held := map[string]holding{}
	for id, l := range u.licenses {
		held[id] = holding{l.ByRule, l.ByHand}
	}
	after := settle(want.Licenses, held, r.rules.Manual)
	for _, id := range tenant.SortedKeys(after) {
		r.planLicense(u, id, after[id])
	}
	held = map[string]holding{}
	for id, a := range u.assignments {
		held[id] = holding{a.ByRule, a.ByHand}
	}
	after = settle(want.Groups, held, r.rules.Manual)
	for _, id := range tenant.SortedKeys(after) {
		r.planAssignment(u, id, after[id])
	}
}

// planLicense finds out what is to change about one license of a user.
func (r *recomputation) planLicense(u *recomputedUser, account string, after holding) {
	l := u.licenses[account]
	switch {
	case l == nil && r.removals:
	case l == nil:
		l = &License{ID: model.NewID(), UserID: u.ID, AccountID: account, ByRule: after.ByRule,
			Cause: r.cause, Since: tenant.Now(r.org)}
		u.licenses[account] = l
		r.fresh = append(r.fresh, l)
	case after.none():
		delete(u.licenses, account)
		r.gone = append(r.gone, l)
	case l.ByRule != after.ByRule || l.ByHand != after.ByHand:
		l.ByRule, l.ByHand = after.ByRule, after.ByHand
		r.kept = append(r.kept, l)
		if l.State == LicenseStateWaiting {
			// A transaction that frees a seat meanwhile skips this row, as this one is writing it.
			r.accounts[account] = true
		}
	case l.State == LicenseStateWaiting && !r.removals:
		r.accounts[account] = true // a seat may be free
		return
	default:
		return
	}
	if l != nil {
		r.touched[u.ID] = true
	}
}

// planAssignment finds out what is to change about a user's place in one group.
func (r *recomputation) planAssignment(u *recomputedUser, group string, after holding) {
	a := u.assignments[group]
	switch {
	case a == nil && r.removals:
		return
	case a == nil:
		a = &GroupAssignment{ID: model.NewID(), UserID: u.ID, AccountID: r.rules.accountOf(group), GroupID: group,
			ByRule: after.ByRule, Cause: r.cause, Since: tenant.Now(r.org)}
		r.joined = append(r.joined, a)
	case after.none():
		r.left = append(r.left, a)
	case a.ByRule != after.ByRule || a.ByHand != after.ByHand:
		a.ByRule, a.ByHand = after.ByRule, after.ByHand
		r.stayed = append(r.stayed, a)
	default:
		return
	}
	r.touched[u.ID] = true
}

// raiseVersions writes a new entitlement version into the rows of the changed users. The next
// transaction that locks such a row sees by it that this one wrote the row.
func (r *recomputation) raiseVersions(ctx context.Context) error {
	if len(r.touched) == 0 {
		return nil
	}
	list, err := tenant.Encode(tenant.SortedKeys(r.touched))
	if err != nil {
		return err
	}
	err = tenant.DB(ctx, r.org).Model(&people.User{}).Where(tenant.DialectOf(r.org).OneOf("id"), list).
		UpdateColumn("entitlement_version", tenant.Increment("entitlement_version")).Error
	if err != nil {
		return fmt.Errorf("mark users: %w", err)
	}
	return nil
}

// writeRoles gives and takes back the role of administrator.
func (r *recomputation) writeRoles(ctx context.Context) error {
	for _, id := range tenant.SortedKeys(r.roles) {
		if err := r.org.setMappedRole(ctx, id, r.roles[id], r.cause); err != nil {
			return err
		}
		r.touched[id] = true
	}
	return nil
}

// idsOf returns the id of each row.
func idsOf[T any](rows []T, id func(*T) string) []string {
	out := make([]string, len(rows))
	for i := range rows {
		out[i] = id(&rows[i])
	}
	return out
}
