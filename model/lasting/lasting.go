// Package lasting follows what an answer rests on, so that a failover does not undo it.
//
// Where PostgreSQL waits for a synchronous standby, others may see a change that no standby has
// yet: when somebody cancels the wait of its commit, the change is visible at the leader only. An
// answer that nothing had to change, because the change is there, would be undone with it. Such an
// answer waits for the standby as a write does. Each read of a request is noted here, and each
// commit that waited.
package lasting

import (
	"context"
	"sync/atomic"
)

// Answer is the answer to one request. Its methods may be called on nil, which notes nothing.
type Answer struct{ read, replicated atomic.Int64 }

type key struct{}

// Begin returns a context in which everything is noted that the answer rests on.
func Begin(ctx context.Context) (context.Context, *Answer) {
	a := new(Answer)
	return context.WithValue(ctx, key{}, a), a
}

// Of returns the answer of a context, and nil when there is none.
func Of(ctx context.Context) *Answer {
	a, _ := ctx.Value(key{}).(*Answer)
	return a
}

// Read notes that something was read.
func (a *Answer) Read() {
	if a != nil {
		a.read.Add(1)
	}
}

// Mark is what was read so far. A commit that begins afterwards waits for all of it.
func (a *Answer) Mark() int64 {
	if a == nil {
		return 0
	}
	return a.read.Load()
}

// Replicated notes that a commit has waited which began at a mark.
func (a *Answer) Replicated(mark int64) {
	for a != nil {
		old := a.replicated.Load()
		if old >= mark || a.replicated.CompareAndSwap(old, mark) {
			return
		}
	}
}

// Open tells whether something was read that no commit has waited for.
func (a *Answer) Open() bool { return a != nil && a.read.Load() > a.replicated.Load() }
