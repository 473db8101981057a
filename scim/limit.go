package scim

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// limiter keeps a token bucket for each directory, so that one customer's identity provider cannot
// take the server from the others. It counts in the memory of this process only: with several
// replicas a directory gets the rate from each of them.
type limiter struct {
	rate int // requests a second, 0 without a limit
	now  func() time.Time

	mu      sync.Mutex
	buckets map[string]*rate.Limiter // by directory; only those that exist get here
}

// wait takes n requests of the directory and returns 0, or says in how long there is room for them.
// More than a burst counts as what is left of a whole one after the request that asks for them.
func (l *limiter) wait(directory string, n int) time.Duration {
	if l.rate == 0 || n <= 0 {
		return 0
	}
	l.mu.Lock()
	bucket := l.buckets[directory]
	if bucket == nil {
		bucket = rate.NewLimiter(rate.Limit(l.rate), 2*l.rate)
		l.buckets[directory] = bucket
	}
	l.mu.Unlock()
	now := l.now()
	reservation := bucket.ReserveN(now, min(n, 2*l.rate-1))
	wait := reservation.DelayFrom(now)
	if wait > 0 {
		reservation.CancelAt(now)
	}
	return wait
}
