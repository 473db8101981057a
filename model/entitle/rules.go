package entitle

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"gorm.io/gorm"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/internal/tenant"
	"rollcall/model/organization"
)

// ruleCache keeps the rules of organizations as they were last read, with their version.
type ruleCache struct {
	mu   sync.Mutex
	read *simplelru.LRU[model.OrganizationID, versionedRules]
}

// ruleCacheSize is how many organizations have their rules in memory, a few KiB each.
const ruleCacheSize = 10_000

// versionedRules are rules with the version that they had when they were read.
type versionedRules struct {
	version int64
	rules   *ruleSet
}

// newRuleCache returns an empty cache.
func newRuleCache() *ruleCache {
	// NewLRU fails only for a size below 1.
	read, _ := simplelru.NewLRU[model.OrganizationID, versionedRules](ruleCacheSize, nil)
	return &ruleCache{read: read}
}

// find returns the rules of an organization in a version, or nil where the cache does not have
// them.
func (c *ruleCache) find(id model.OrganizationID, version int64) *ruleSet {
	c.mu.Lock()
	defer c.mu.Unlock()
	if v, ok := c.read.Get(id); ok && v.version == version {
		return v.rules
	}
	return nil
}

// keep stores the rules of an organization.
func (c *ruleCache) keep(id model.OrganizationID, version int64, r *ruleSet) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.read.Add(id, versionedRules{version, r})
}

// rules returns the organization's rules, from the cache where it has their newest version. An
// organization without rules has empty ones.
func (o Org) rules(ctx context.Context) (*ruleSet, error) {
	var versions []int64
	if err := tenant.Read(ctx, o).Model(&Recompute{}).Pluck("version", &versions).Error; err != nil {
		return nil, fmt.Errorf("read version of rules: %w", err)
	}
	version := int64(0)
	if len(versions) > 0 {
		version = versions[0]
	}
	cache := tenant.State(Across(o), newRuleCache)
	// A transaction that changes the rules sees rules of another version than the row still has.
	unwritten := tenant.InTx(o) && tenant.Reconfigured(o)
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

// readRules reads the rules from the database.
func (o Org) readRules(ctx context.Context) (*ruleSet, error) {
	db := tenant.Read(ctx, o)
	r := &ruleSet{Accounts: map[string][]string{}}
	var accounts []ConnectionAccount
	var active []string
	var groups []AccountGroup
	var mappings []GroupMapping
	var roles []RoleMapping
	var organizations []organization.Organization
	for _, read := range []*gorm.DB{
		db.Order("account_id").Find(&accounts),
		db.Model(&connection.Connection{}).Where("state = ?", connection.ConnectionActive).
			Order("id").Limit(2).Pluck("id", &active),
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
	of := map[string][]groupName{}
	for i := range mappings {
		of[mappings[i].GroupID] = append(of[mappings[i].GroupID], mappings[i].name())
	}
	for _, g := range groups {
		r.Groups = append(r.Groups,
			ruleGroup{ID: g.ID, AccountID: g.AccountID, ByDefault: g.AssignByDefault, Mapped: slices.Clone(of[g.ID])})
	}
	if len(roles) > 0 {
		n := roles[0].name()
		r.Admin = &n
	}
	r.Manual = len(organizations) > 0 && organizations[0].Settings.AllowManualAssignments
	return r, nil
}
