package tenant

import (
	"sync"

	"rollcall/model"
)

// What a transaction changes may change who has which license and group. The methods here only note
// that on the transaction; what has to be done about it is decided before its commit, see
// Options.BeforeCommit.

// ruledOrganizations remembers which organizations have rules of who has which license and group. It
// makes a change of a user in an organization without rules cost nothing.
type ruledOrganizations struct {
	mu       sync.Mutex
	versions map[model.OrganizationID]int64 // never forgets: what is missing here counts as without rules
	seen     model.Time                     // the newest change that the worker has read
}

// configured tells whether an organization has, or ever had, rules.
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

// Since is the newest change of rules that the worker has read.
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

// HasRules tells whether the organization has, or ever had, rules.
func HasRules(h Bound) bool { o := h.org(); return o.store.ruled.configured(o.ID) }

// AffectsAnything tells whether a change of users can change what they have. Where there are no
// rules, it notes that users were changed: there may be rules by the end of the transaction.
func AffectsAnything(h Bound) bool {
	o := h.org()
	if HasRules(o) {
		return true
	}
	o.tx.unruled = true
	return false
}

// Affects notes that what users have is to be computed anew at the transaction's
// end. Without rules that is nothing.
func Affects(h Bound, cause model.Cause, ids ...string) {
	o := h.org()
	if len(ids) == 0 {
		return
	}
	if !AffectsAnything(o) {
		return
	}
	if o.tx.affected == nil {
		o.tx.affected = map[string]model.Cause{}
	}
	for _, id := range ids {
		o.tx.affected[id] = cause
	}
}

// RulesChanged notes that the transaction changes the organization's rules: the
// worker carries that out.
func RulesChanged(h Bound) { o := h.org(); o.tx.reconfigured = true }

// RuleInputChanged is RulesChanged for what matters only where there are rules already.
func RuleInputChanged(h Bound) {
	o := h.org()
	if HasRules(o) {
		RulesChanged(o)
	}
}

// affected is what a transaction changed that rules of licenses and groups look at.
type affected struct {
	Users        map[string]model.Cause // by user id
	Everybody    bool                   // all users may have to be recomputed
	Reconfigured bool                   // the rules are others now
}

// Affected returns what the transaction has changed so far.
func Affected(h Bound) affected {
	o := h.org()
	// Rules that came since the transaction began concern the users whom it changed before.
	late := o.tx.unruled && HasRules(o)
	return affected{o.tx.affected, o.tx.everybody || late, o.tx.reconfigured}
}

// Reconfigured tells whether the running transaction changes the rules.
func Reconfigured(h Bound) bool { o := h.org(); return o.tx.reconfigured }

// InTx tells whether the Org is that of a running transaction.
func InTx(h Bound) bool { o := h.org(); return o.tx != nil }
