package tenant

import (
	"sync"

	"rollcall/model"
)

// What a transaction changes may change which user has which license and group. The functions here
// only note that on the transaction. Hooks.BeforeCommit decides what follows.

// Cause is why a user got or lost a license, a group or a role.
type Cause string

// The causes, as the API and events show them.
const (
	CauseSignOn         Cause = "sign_on"         // a login recomputed the user
	CauseDirectory      Cause = "directory"       // SCIM changed the user's groups or state
	CauseConfiguration  Cause = "configuration"   // accounts, groups, mappings or connections were changed
	CauseManual         Cause = "manual"          // a person did it
	CauseSeat           Cause = "seat"            // a seat became free
	CauseUserDeleted    Cause = "user_deleted"    // the user is gone
	CauseAccountDeleted Cause = "account_deleted" // the account is gone
	CauseGroupDeleted   Cause = "group_deleted"   // the group is gone
)

// ruledOrganizations remembers which organizations have rules of licenses and groups, so that a
// change of a user in an organization without rules costs nothing.
type ruledOrganizations struct {
	mu       sync.Mutex
	versions map[model.OrganizationID]int64 // never forgets: what is missing here counts as without rules
	seen     model.Time                     // the newest change that the worker has read
}

// configured tells whether an organization has rules, or has had some.
func (c *ruledOrganizations) configured(id model.OrganizationID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.versions[id] > 0
}

// Note remembers that an organization has rules, and their version.
func (c *ruledOrganizations) Note(id model.OrganizationID, version int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.versions == nil {
		c.versions = map[model.OrganizationID]int64{}
	}
	c.versions[id] = max(c.versions[id], version)
}

// Since returns the newest change of rules that the worker has read.
func (c *ruledOrganizations) Since() model.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen
}

// Saw notes that the worker has read the changes of rules up to a moment.
func (c *ruledOrganizations) Saw(at model.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen = max(c.seen, at)
}

// HasRules tells whether the organization has rules of licenses and groups, or has had some.
func HasRules(h Bound) bool { return h.base().ruled.configured(h.org().ID) }

// AffectsAnything tells whether a change of users can change what they have. Without rules it notes
// that users were changed, because there may be rules by the end of the transaction.
func AffectsAnything(h Bound) bool {
	if HasRules(h) {
		return true
	}
	h.org().tx.unruled = true
	return false
}

// Affects notes that what users have must be recomputed at the end of the transaction.
func Affects(h Bound, cause Cause, ids ...string) {
	if len(ids) == 0 || !AffectsAnything(h) {
		return
	}
	tx := h.org().tx
	if tx.affected == nil {
		tx.affected = map[string]Cause{}
	}
	for _, id := range ids {
		tx.affected[id] = cause
	}
}

// RulesChanged notes that the transaction changes the organization's rules. The worker recomputes
// all users by them.
func RulesChanged(h Bound) { h.org().tx.reconfigured = true }

// RuleInputChanged is RulesChanged for what matters only when there are rules already.
func RuleInputChanged(h Bound) {
	if HasRules(h) {
		RulesChanged(h)
	}
}

// affected is what a transaction changed that rules of licenses and groups look at.
type affected struct {
	Users        map[string]Cause // by user id
	Everybody    bool             // all users may have to be recomputed
	Reconfigured bool             // there are other rules now
}

// Affected returns what the transaction has changed so far.
func Affected(h Bound) affected {
	o := h.org()
	// Rules that came since the transaction began apply to the users that it changed before.
	late := o.tx.unruled && HasRules(o)
	return affected{o.tx.affected, o.tx.everybody || late, o.tx.reconfigured}
}

// Reconfigured tells whether the running transaction changes the rules.
func Reconfigured(h Bound) bool { return h.org().tx.reconfigured }
