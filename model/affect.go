package model

import "sync"

// What a transaction changes may change who has which license and group. The methods here only note
// that on the transaction; what has to be done about it is decided before its commit, see
// Options.BeforeCommit.

// ruledOrganizations remembers which organizations have rules of who has which license and group. It
// makes a change of a user in an organization without rules cost nothing.
type ruledOrganizations struct {
	mu       sync.Mutex
	versions map[OrganizationID]int64 // never forgets: what is missing here counts as without rules
	seen     Time                     // the newest change that the worker has read
}

// configured tells whether an organization has, or ever had, rules.
func (c *ruledOrganizations) configured(id OrganizationID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.versions[id] > 0
}

// note remembers that an organization has rules, and their version.
func (c *ruledOrganizations) note(id OrganizationID, version int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.versions == nil {
		c.versions = map[OrganizationID]int64{}
	}
	c.versions[id] = max(c.versions[id], version)
}

// since is the newest change of rules that the worker has read.
func (c *ruledOrganizations) since() Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen
}

// saw notes that the worker has read the changes of rules up to a moment.
func (c *ruledOrganizations) saw(at Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen = max(c.seen, at)
}

// hasRules tells whether the organization has, or ever had, rules.
func (o *Org) hasRules() bool { return o.store.ruled.configured(o.ID) }

// affectsAnything tells whether a change of users can change what they have. Where there are no
// rules, it notes that users were changed: there may be rules by the end of the transaction.
func (o *Org) affectsAnything() bool {
	if o.hasRules() {
		return true
	}
	o.tx.unruled = true
	return false
}

// affects notes that what users have is to be computed anew at the transaction's
// end. Without rules that is nothing.
func (o *Org) affects(cause Cause, ids ...string) {
	if len(ids) == 0 {
		return
	}
	if !o.affectsAnything() {
		return
	}
	if o.tx.affected == nil {
		o.tx.affected = map[string]Cause{}
	}
	for _, id := range ids {
		o.tx.affected[id] = cause
	}
}

// rulesChanged notes that the transaction changes the organization's rules: the
// worker carries that out.
func (o *Org) rulesChanged() { o.tx.reconfigured = true }

// ruleInputChanged is rulesChanged for what matters only where there are rules already.
func (o *Org) ruleInputChanged() {
	if o.hasRules() {
		o.rulesChanged()
	}
}

// affected is what a transaction changed that rules of licenses and groups look at.
type affected struct {
	users        map[string]Cause // by user id
	everybody    bool             // all users may have to be recomputed
	reconfigured bool             // the rules are others now
}

// affected returns what the transaction has changed so far.
func (o *Org) affected() affected {
	// Rules that came since the transaction began concern the users whom it changed before.
	late := o.tx.unruled && o.hasRules()
	return affected{o.tx.affected, o.tx.everybody || late, o.tx.reconfigured}
}

// reconfigured tells whether the running transaction changes the rules.
func (o *Org) reconfigured() bool { return o.tx.reconfigured }

// inTx tells whether the Org is that of a running transaction.
func (o *Org) inTx() bool { return o.tx != nil }
