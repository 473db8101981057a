package tenant

import (
	"context"
	"errors"

	"rollcall/model"
	"rollcall/model/internal/guard"
)

// transaction is what is collected while a transaction runs.
type transaction struct {
	at     model.Time
	events []model.Event
	size   int      // of the data of events, in bytes
	after  []func() // run once it is committed
	failed error    // of a Tx that joined; nothing may be committed after it

	eventsOnly bool // see collecting

	affected     map[string]Cause // the users that are recomputed at the end
	unruled      bool             // users were affected while no rules were known
	everybody    bool             // the worker recomputes all users
	reconfigured bool             // the same, by other rules
}

// collecting returns the Org with a new transaction, which collects what is noted on it. Every
// transaction is made here. At the end of one with eventsOnly, its events are written and nothing
// else happens.
func (o *Org) collecting(eventsOnly bool) *Org {
	tx := &transaction{at: Now(o), eventsOnly: eventsOnly}
	return &Org{ID: o.ID, by: o.by, store: o.store, in: o.in, tx: tx}
}

// Recorder returns an Org that collects events without a transaction. Write writes them.
func Recorder(h Bound) *Org { return h.org().collecting(true) }

// InOrganization runs fn for another organization within the running transaction. What one
// organization proves may end what another one had, and neither half may happen alone.
func InOrganization(ctx context.Context, h Bound, other model.OrganizationID, fn func(theirs *Org) error) error {
	o := h.org()
	theirs := o.collecting(true)
	theirs.ID, theirs.in = other, guard.ForOrganization(o.db(), other)
	if err := fn(theirs); err != nil {
		return err
	}
	if theirs.tx.failed != nil {
		return theirs.tx.failed
	}
	if err := theirs.dropped(); err != nil {
		return err
	}
	return theirs.writeEvents(ctx)
}

// dropped returns ErrDropped for a transaction with eventsOnly on which more was noted: a function
// to run after the commit, users to recompute, or other rules.
func (o *Org) dropped() error {
	t := o.tx
	users := len(t.affected) > 0 || t.everybody || t.unruled && HasRules(o)
	if t.eventsOnly && (len(t.after) > 0 || users || t.reconfigured) {
		return ErrDropped
	}
	return nil
}

// ErrDropped is a fault of the program.
var ErrDropped = errors.New("model: a transaction that only writes its events was told of more")

// Now returns the store's time. In a transaction it is one moment for all of it.
func Now(h Bound) model.Time {
	o := h.org()
	if o.tx != nil {
		return o.tx.at
	}
	return model.TimeOf(o.store.now())
}

// Committed runs fn once the running transaction is committed.
func Committed(h Bound, fn func()) {
	tx := h.org().tx
	tx.after = append(tx.after, fn)
}

// InTx tells whether the Org is that of a running transaction.
func InTx(h Bound) bool { return h.org().tx != nil }
