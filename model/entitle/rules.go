package entitle

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/internal/tenant"
	"rollcall/model/organization"
)

// RecomputeState is how far the last change of an organization's rules has been carried out.
type RecomputeState string

// The states of a recomputation, in their order.
const (
	RecomputePending  RecomputeState = "pending"
	RecomputeRemoving RecomputeState = "removing"
	RecomputeGranting RecomputeState = "granting"
	RecomputeDone     RecomputeState = "done"
)

// Recompute is the carrying out of the last change of an organization's rules.
type Recompute struct {
	OrganizationID model.OrganizationID `gorm:"primaryKey;<-:create"`
	Version        int64                // grows with each change
	State          RecomputeState
	Total          int64 // the changes of users that are known to be due
	Done           int64
	Holder         string // who works on it, until LeaseUntil
	LeaseUntil     model.Time
	DueAt          model.Time
	RequestedAt    model.Time
	StartedAt      *model.Time
	FinishedAt     *model.Time
	UpdatedAt      model.Time `gorm:"autoUpdateTime:false"`
}

// rulesSettle is how long after a change of the rules it begins to be carried
// out. By then each replica knows that the organization has rules: until then it
// may not recompute a user whom it changes, who is then among those whom the change reaches.
const rulesSettle model.Time = 2000

// ruleCache keeps the rules of organizations as they were last read, by their version.
type ruleCache struct {
	mu   sync.Mutex
	read *simplelru.LRU[model.OrganizationID, versionedRules]
}

// ruleCacheSize is the number of organizations whose rules are kept in memory, a few KiB each.
const ruleCacheSize = 10_000

type versionedRules struct {
	version int64
	rules   *Rules
}

func newRuleCache() *ruleCache {
	read, _ := simplelru.NewLRU[model.OrganizationID, versionedRules](ruleCacheSize, nil) // fails only for a size below 1
	return &ruleCache{read: read}
}

// find returns the rules of a version, or nil where they are not kept.
func (c *ruleCache) find(id model.OrganizationID, version int64) *Rules {
	c.mu.Lock()
	defer c.mu.Unlock()
	if v, ok := c.read.Get(id); ok && v.version == version {
		return v.rules
	}
	return nil
}

func (c *ruleCache) keep(id model.OrganizationID, version int64, r *Rules) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.read.Add(id, versionedRules{version, r})
}

// AffectsGroups is affects for everybody who is in directory groups, directly or
// by way of others.
func (o Org) AffectsGroups(ctx context.Context, groupIDs ...string) error {
	if !tenant.AffectsAnything(o) {
		return nil
	}
	ids, err := o.usersBelow(ctx, entitledAtOnce+1, groupIDs...)
	tenant.Affects(o, tenant.CauseDirectory, ids...)
	return err
}

// entitledAtOnce are how many users one transaction recomputes; more are the worker's.
const entitledAtOnce = 500

// SettleEntitlements ends a transaction: it recomputes the users whom that
// affected, and leaves to the worker what concerns everybody.
func (o Org) SettleEntitlements(ctx context.Context) error {
	due := tenant.Affected(o)
	if len(due.Users) > entitledAtOnce {
		due.Everybody = true
	} else if len(due.Users) > 0 {
		of := map[tenant.Cause][]string{}
		for id, cause := range due.Users {
			of[cause] = append(of[cause], id)
		}
		for _, cause := range tenant.SortedKeys(causes(of)) {
			if _, err := o.recompute(ctx, of[tenant.Cause(cause)], recomputing{cause: tenant.Cause(cause)}); err != nil {
				return err
			}
		}
	}
	if due.Reconfigured || due.Everybody {
		return o.requestRecompute(ctx)
	}
	return nil
}

func causes(of map[tenant.Cause][]string) map[string]bool {
	out := map[string]bool{}
	for c := range of {
		out[string(c)] = true
	}
	return out
}

// requestRecompute gives the rules a new version, and the worker something to do.
// It comes last in a transaction, as its row is the last in the order of locks.
func (o Org) requestRecompute(ctx context.Context) error {
	row := Recompute{Version: 1, State: RecomputePending, DueAt: tenant.Now(o), RequestedAt: tenant.Now(o), UpdatedAt: tenant.Now(o)}
	if tenant.Reconfigured(o) {
		row.DueAt += rulesSettle
	}
	err := tenant.DB(o).WithContext(ctx).Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "organization_id"}},
		DoUpdates: clause.Assignments(map[string]any{
			"version": gorm.Expr("recomputes.version + 1"), "state": row.State, "total": 0, "done": 0, "holder": "", "lease_until": 0,
			// What is due later is so for the replicas that do not know of the rules yet.
			"due_at":       gorm.Expr("CASE WHEN recomputes.due_at > ? THEN recomputes.due_at ELSE ? END", row.DueAt, row.DueAt),
			"requested_at": row.RequestedAt, "started_at": nil, "finished_at": nil, "updated_at": row.UpdatedAt,
		})}, clause.Returning{Columns: []clause.Column{{Name: "version"}}}).Create(&row).Error
	if err != nil {
		return fmt.Errorf("request recomputation: %w", err)
	}
	tenant.Committed(o, func() { tenant.RuledOf(o).Note(o.ID, row.Version) })
	return nil
}

// Recompute tells how far the last change of the rules has been carried out. It
// answers NotFound where there never was any.
func (o Org) Recompute(ctx context.Context) (*Recompute, error) {
	var rows []Recompute
	if err := tenant.Read(o).WithContext(ctx).Limit(1).Find(&rows).Error; err != nil {
		return nil, tenant.Translate(o, fmt.Errorf("read recomputation: %w", err))
	}
	if len(rows) == 0 {
		return nil, model.NotFoundf("the organization has no accounts and no mappings, so that nothing was ever recomputed")
	}
	return &rows[0], nil
}

// rules are the organization's rules now, and their version. There are none
// before anybody has made one.
func (o Org) rules(ctx context.Context) (*Rules, error) {
	var versions []int64
	if err := tenant.Read(o).WithContext(ctx).Model(&Recompute{}).Pluck("version", &versions).Error; err != nil {
		return nil, fmt.Errorf("read version of rules: %w", err)
	}
	version := int64(0)
	if len(versions) > 0 {
		version = versions[0]
	}
	cache := tenant.State(Across(o), newRuleCache)
	unwritten := tenant.InTx(o) && tenant.Reconfigured(o) // of another version than its rows say
	if !unwritten {
		if known := cache.find(o.ID, version); known != nil {
			return known, nil
		}
	}
	r, err := o.readRules(ctx)
	if err == nil && !unwritten {
		cache.keep(o.ID, version, r)
	}
	return r, err
}

func (o Org) readRules(ctx context.Context) (*Rules, error) {
	db := tenant.Read(o).WithContext(ctx)
	r := &Rules{Accounts: map[string][]string{}}
	var accounts []ConnectionAccount
	var active []string
	var groups []AccountGroup
	var mappings []GroupMapping
	var roles []RoleMapping
	var organizations []organization.Organization
	for _, read := range []*gorm.DB{
		db.Order("account_id").Find(&accounts),
		db.Model(&connection.Connection{}).Where("state = ?", connection.ConnectionActive).Order("id").Limit(2).Pluck("id", &active),
		db.Select("id", "account_id", "assign_by_default").Order("id").Find(&groups),
		db.Order("id").Find(&mappings),
		db.Find(&roles),
		db.Where("id = ?", o.ID).Find(&organizations),
	} {
		if read.Error != nil {
			return nil, tenant.Translate(o, fmt.Errorf("read rules: %w", read.Error))
		}
	}
	for _, a := range accounts {
		r.Accounts[a.ConnectionID] = append(r.Accounts[a.ConnectionID], a.AccountID)
	}
	if len(active) == 1 {
		r.OnlyConnection = active[0]
	}
	of := map[string][]GroupName{}
	for i := range mappings {
		of[mappings[i].GroupID] = append(of[mappings[i].GroupID], mappings[i].name())
	}
	for _, g := range groups {
		r.Groups = append(r.Groups, RuleGroup{ID: g.ID, AccountID: g.AccountID, ByDefault: g.AssignByDefault, Mapped: slices.Clone(of[g.ID])})
	}
	if len(roles) > 0 {
		n := roles[0].name()
		r.Admin = &n
	}
	r.Manual = len(organizations) > 0 && organizations[0].Settings.AllowManualAssignments
	return r, nil
}
