package passwords

import (
	"context"
	"fmt"
	"sync"

	"rollcall/model"
)

const (
	// lanes is how many passwords are hashed at a time. It leaves memory and processors to
	// everything else.
	lanes = 2
	// mostWaiting is how many of a kind may wait: strangers, and browsers that are known. A hash
	// takes some hundredths of a second, so who waits is served within a second.
	mostWaiting = 20
)

// kind is who waits in a line. Known browsers are served first, and have places of their own, so
// that strangers can keep nobody out who signed in before.
type kind int

const (
	knownBrowser kind = iota
	stranger
	kinds
)

// line is the line in which passwords wait to be hashed.
type line struct {
	mu      sync.Mutex
	running int
	places  [kinds]int             // taken, by who waits or is served
	waiting [kinds][]chan struct{} // the first one is next
}

// enter takes a place, or answers Unavailable at once if there is none. The caller must call leave,
// which may be called again.
func (l *line) enter(k kind) (leave func(), err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.places[k] >= mostWaiting+lanes {
		return nil, &model.Error{Kind: model.Unavailable,
			Message: "Too many passwords are being checked at the moment. Try again in a few seconds."}
	}
	l.places[k]++
	return sync.OnceFunc(func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.places[k]--
	}), nil
}

// run calls fn as soon as it is the caller's turn.
func (l *line) run(ctx context.Context, k kind, fn func() error) error {
	l.mu.Lock()
	if l.running < lanes {
		l.running++
		l.mu.Unlock()
	} else {
		turn := make(chan struct{}, 1)
		l.waiting[k] = append(l.waiting[k], turn)
		l.mu.Unlock()
		select {
		case <-turn:
		case <-ctx.Done():
			l.giveUp(k, turn)
			return fmt.Errorf("wait to hash a password: %w", ctx.Err())
		}
	}
	defer l.next()
	return fn()
}

// next gives the lane of the caller to who waits, or frees it.
func (l *line) next() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for k := range l.waiting {
		if len(l.waiting[k]) > 0 {
			l.waiting[k][0] <- struct{}{}
			l.waiting[k] = l.waiting[k][1:]
			return
		}
	}
	l.running--
}

// giveUp leaves the line. If the turn came meanwhile, the next one gets it.
func (l *line) giveUp(k kind, turn chan struct{}) {
	l.mu.Lock()
	for i, other := range l.waiting[k] {
		if other == turn {
			l.waiting[k] = append(l.waiting[k][:i:i], l.waiting[k][i+1:]...)
			l.mu.Unlock()
			return
		}
	}
	l.mu.Unlock()
	l.next()
}
