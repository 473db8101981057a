package entitle

import (
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/internal/tenant"
	"rollcall/model/people"
)

// recomputing is how users are recomputed.
type recomputing struct {
	cause    tenant.Cause
	removals bool // only what is to go; what is granted comes later
	signOn   bool // who is left without any seat is refused
}

// skipLocked locks rows except those that somebody else has locked.
var skipLocked = clause.Locking{Strength: tenant.ToChange, Options: "SKIP LOCKED"}

// entitledUser is a user as far as it is recomputed, with what the user has.
type entitledUser struct {
	ID           string
	DirectoryID  *string
	ConnectionID *string
	Active       bool
	Role         people.Role
	RoleMapped   bool
	Age          int64                       // of the row's last writer, in transactions; on PostgreSQL
	groups       []GroupName                 `gorm:"-"`
	licenses     map[string]*License         `gorm:"-"` // by account
	assignments  map[string]*GroupAssignment `gorm:"-"` // by group
}

// entitling is one recomputation of some users.
type entitling struct {
	recomputing
	org   Org
	rules *Rules
	users []entitledUser
	byID  map[string]*entitledUser

	gone, kept, fresh    []*License // to delete, to write the reasons of, to insert
	left, stayed, joined []*GroupAssignment
	roles                map[string]people.Role
	touched              map[string]bool
	accounts             map[string]bool  // whose seats are to be looked at
	freed                map[string]int64 // seats by account
}

// recompute makes what users have exactly what the rules grant them, with all of
// its events. It tells how many of them that changed.
//
// The users' rows are locked first and the rules read then: whoever changes the
// rules afterwards has the worker wait for these locks.
func (o Org) recompute(ctx context.Context, ids []string, how recomputing) (changed int, err error) {
	e := entitling{recomputing: how, org: o, byID: map[string]*entitledUser{}, roles: map[string]people.Role{},
		touched: map[string]bool{}, accounts: map[string]bool{}}
	if err := e.lock(ctx, ids); err != nil || len(e.users) == 0 {
		return 0, err
	}
	if e.rules, err = o.rules(ctx); err != nil {
		return 0, err
	}
	if err := e.readGroups(ctx); err != nil {
		return 0, err
	}
	if err := e.readHeld(ctx); err != nil {
		return 0, err
	}
	for i := range e.users {
		e.compare(&e.users[i])
	}
	for _, write := range []func(context.Context) error{e.writeRoles, e.deleteGone, e.writeReasons, e.seat, e.insertJoined, e.touch} {
		if err := write(ctx); err != nil {
			return 0, err
		}
	}
	return len(e.touched), nil
}

// lock reads the users under locks, in the order of their ids.
func (e *entitling) lock(ctx context.Context, ids []string) error {
	list, err := tenant.Encode(ids)
	if err != nil {
		return err
	}
	columns := []string{"id", "directory_id", "connection_id", "active", "role", "role_mapped"}
	if tenant.DialectOf(e.org) == tenant.PostgresDialect {
		columns = append(columns, "age(xmin) AS age")
	}
	err = tenant.DB(e.org).WithContext(ctx).Model(&people.User{}).Clauses(clause.Locking{Strength: tenant.ToChange}).Select(columns).
		Where(tenant.DialectOf(e.org).OneOf("users.id"), list).Order("users.id").Find(&e.users).Error
	if err != nil {
		return fmt.Errorf("lock users: %w", err)
	}
	for i := range e.users {
		u := &e.users[i]
		// Somebody who began later was here first: their events would stand after ours and tell of what is no more.
		if tenant.Overtook(u.Age) {
			return tenant.ErrOvertaken
		}
		u.licenses, u.assignments = map[string]*License{}, map[string]*GroupAssignment{}
		e.byID[u.ID] = u
	}
	return nil
}

// readGroups reads the directory groups of the users: those of SCIM where a
// directory owns the user, else those that the last login named (docs/design/identity.md,
// "Groups").
func (e *entitling) readGroups(ctx context.Context) error {
	var owned, others []string
	for i := range e.users {
		if e.users[i].DirectoryID != nil {
			owned = append(owned, e.users[i].ID)
		} else if e.users[i].ConnectionID != nil {
			others = append(others, e.users[i].ID)
		}
	}
	of, err := people.In(e.org).GroupsOf(ctx, owned...)
	if err != nil {
		return err
	}
	for id, groups := range of {
		u := e.byID[id]
		for _, g := range groups {
			u.groups = append(u.groups, GroupName{g.ID, model.Fold(g.DisplayName)})
		}
	}
	if len(others) == 0 {
		return nil
	}
	list, err := tenant.Encode(others)
	if err != nil {
		return err
	}
	var asserted []people.AssertedGroup
	if err := tenant.DB(e.org).WithContext(ctx).Where(tenant.DialectOf(e.org).OneOf("user_id"), list).Find(&asserted).Error; err != nil {
		return fmt.Errorf("read asserted groups: %w", err)
	}
	for _, a := range asserted {
		if u := e.byID[a.UserID]; a.ConnectionID == *u.ConnectionID {
			u.groups = append(u.groups, GroupName{Folded: a.NameFolded})
		}
	}
	return nil
}

// readHeld reads what the users have.
func (e *entitling) readHeld(ctx context.Context) error {
	list, err := tenant.Encode(idsOf(e.users, func(u *entitledUser) string { return u.ID }))
	if err != nil {
		return err
	}
	var licenses []License
	var assignments []GroupAssignment
	mine := tenant.DB(e.org).WithContext(ctx).Where(tenant.DialectOf(e.org).OneOf("user_id"), list)
	if err := mine.Find(&licenses).Error; err != nil {
		return fmt.Errorf("read licenses: %w", err)
	}
	mine = tenant.DB(e.org).WithContext(ctx).Where(tenant.DialectOf(e.org).OneOf("user_id"), list)
	if err := mine.Find(&assignments).Error; err != nil {
		return fmt.Errorf("read assignments: %w", err)
	}
	for i := range licenses {
		e.byID[licenses[i].UserID].licenses[licenses[i].AccountID] = &licenses[i]
	}
	for i := range assignments {
		e.byID[assignments[i].UserID].assignments[assignments[i].GroupID] = &assignments[i]
	}
	return nil
}

// compare notes what is to change for one user.
func (e *entitling) compare(u *entitledUser) {
	c := Claimant{Active: u.Active, Groups: u.groups}
	if u.ConnectionID != nil {
		c.Connection = *u.ConnectionID
	}
	want := e.rules.Decide(c)
	if want.Role == people.Admin && u.Role == people.Member && !e.removals || want.Role == people.Member && u.Role == people.Admin && u.RoleMapped {
		e.roles[u.ID] = want.Role
	}
	held := map[string]Holding{}
	for id, l := range u.licenses {
		held[id] = Holding{l.ByRule, l.ByHand}
	}
	after := Settle(want.Licenses, held, e.rules.Manual)
	for _, id := range tenant.SortedKeys(after) {
		e.compareLicense(u, id, after[id])
	}
	held = map[string]Holding{}
	for id, a := range u.assignments {
		held[id] = Holding{a.ByRule, a.ByHand}
	}
	after = Settle(want.Groups, held, e.rules.Manual)
	for _, id := range tenant.SortedKeys(after) {
		e.compareAssignment(u, id, after[id])
	}
}

func (e *entitling) compareLicense(u *entitledUser, account string, after Holding) {
	l := u.licenses[account]
	switch {
	case l == nil && e.removals:
	case l == nil:
		l = &License{ID: model.NewID(), UserID: u.ID, AccountID: account, ByRule: after.ByRule, Cause: e.cause, Since: tenant.Now(e.org)}
		u.licenses[account] = l
		e.fresh = append(e.fresh, l)
	case after.none():
		delete(u.licenses, account)
		e.gone = append(e.gone, l)
	case l.ByRule != after.ByRule || l.ByHand != after.ByHand:
		l.ByRule, l.ByHand = after.ByRule, after.ByHand
		e.kept = append(e.kept, l)
		if l.State == LicenseStateWaiting { // whoever frees a seat now passes by the row that is being written
			e.accounts[account] = true
		}
	case l.State == LicenseStateWaiting && !e.removals:
		e.accounts[account] = true // a seat may be free
		return
	default:
		return
	}
	if l != nil {
		e.touched[u.ID] = true
	}
}

func (e *entitling) compareAssignment(u *entitledUser, group string, after Holding) {
	a := u.assignments[group]
	switch {
	case a == nil && e.removals:
		return
	case a == nil:
		a = &GroupAssignment{ID: model.NewID(), UserID: u.ID, GroupID: group, ByRule: after.ByRule, Cause: e.cause, Since: tenant.Now(e.org)}
		a.AccountID = e.rules.accountOf(group)
		e.joined = append(e.joined, a)
	case after.none():
		e.left = append(e.left, a)
	case a.ByRule != after.ByRule || a.ByHand != after.ByHand:
		a.ByRule, a.ByHand = after.ByRule, after.ByHand
		e.stayed = append(e.stayed, a)
	default:
		return
	}
	e.touched[u.ID] = true
}

func (r *Rules) accountOf(group string) string {
	i := slices.IndexFunc(r.Groups, func(g RuleGroup) bool { return g.ID == group })
	if i < 0 {
		return ""
	}
	return r.Groups[i].AccountID
}

// touch gives the users whom it changed a new entitlement version, so that
// whoever changes them next knows who was before.
func (e *entitling) touch(ctx context.Context) error {
	if len(e.touched) == 0 {
		return nil
	}
	list, err := tenant.Encode(tenant.SortedKeys(e.touched))
	if err != nil {
		return err
	}
	err = tenant.DB(e.org).WithContext(ctx).Model(&people.User{}).Where(tenant.DialectOf(e.org).OneOf("id"), list).
		UpdateColumn("entitlement_version", tenant.Increment("entitlement_version")).Error
	if err != nil {
		return fmt.Errorf("mark users: %w", err)
	}
	return nil
}

// writeRoles gives and takes the role of administrator as the mapping says.
func (e *entitling) writeRoles(ctx context.Context) error {
	for _, id := range tenant.SortedKeys(e.roles) {
		if err := e.org.setMappedRole(ctx, id, e.roles[id], e.cause); err != nil {
			return err
		}
		e.touched[id] = true
	}
	return nil
}

// EntitleSignedIn notes where a user signs in and recomputes what they have. It
// answers *SignInRefused when no seat is left for them.
func (o Org) EntitleSignedIn(ctx context.Context, c *connection.Connection, u *people.User) error {
	if u.ConnectionID == nil || *u.ConnectionID != c.ID {
		u.ConnectionID = &c.ID
		err := tenant.DB(o).WithContext(ctx).Model(&people.User{}).Where("id = ?", u.ID).UpdateColumn("connection_id", c.ID).Error
		if err != nil {
			return fmt.Errorf("note connection: %w", err)
		}
	}
	if !tenant.HasRules(o) {
		return nil
	}
	changed, err := o.recompute(ctx, []string{u.ID}, recomputing{cause: tenant.CauseSignOn, signOn: true})
	if err != nil || changed == 0 {
		return err
	}
	after, err := people.In(o).FindUser(ctx, u.ID, false)
	if err == nil {
		*u = *after // with the role and the epoch that the session begins with
	}
	return err
}
