package scim

import (
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/time/rate"
)

// limiter keeps a token bucket for each directory, so that one customer's identity provider cannot
// take the server from the others. It counts in the memory of this process only: with several
// replicas a directory gets the rate from each of them.
type limiter struct {
	rate int // requests a second, 0 without a limit
	now  func() time.Time

	mu      sync.Mutex
	buckets *simplelru.LRU[string, *rate.Limiter] // by directory; only those that exist get here
}

// mostBuckets is the number of directories whose buckets are kept in memory, some 300 bytes each. A
// bucket is full again 2 seconds after its last request, and a new one is full: forgetting it has
// no effect unless that many other directories have sent requests within those 2 seconds.
const mostBuckets = 20_000

func newLimiter(perSecond int, now func() time.Time) *limiter {
	buckets, _ := simplelru.NewLRU[string, *rate.Limiter](mostBuckets, nil) // fails only for a size below 1
	return &limiter{rate: perSecond, now: now, buckets: buckets}
}

// wait takes n requests of the directory and returns 0, or says in how long there is room for them.
// More than a burst counts as what is left of a whole one after the request that asks for them.
func (l *limiter) wait(directory string, n int) time.Duration {
	if l.rate == 0 || n <= 0 {
		return 0
	}
	l.mu.Lock()
	bucket, ok := l.buckets.Get(directory)
	if !ok {
		bucket = rate.NewLimiter(rate.Limit(l.rate), 2*l.rate)
		l.buckets.Add(directory, bucket)
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
