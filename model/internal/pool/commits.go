package pool

import (
	"sync"
	"time"
)

// openCommits counts the commits on their way.
type openCommits struct {
	mu   sync.Mutex
	n    int
	none chan struct{} // closed when there are none any more; nil while nobody waits
}

// begin counts one more.
func (o *openCommits) begin() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.n++
}

// end counts one less.
func (o *openCommits) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.n--; o.n == 0 && o.none != nil {
		close(o.none)
		o.none = nil
	}
}

// wait waits until there are none, but not for longer than limit.
func (o *openCommits) wait(limit time.Duration) {
	o.mu.Lock()
	if o.n == 0 {
		o.mu.Unlock()
		return
	}
	if o.none == nil {
		o.none = make(chan struct{})
	}
	none := o.none
	o.mu.Unlock()
	select {
	case <-none:
	case <-time.After(limit):
	}
}
