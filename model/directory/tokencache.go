package directory

import (
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"rollcall/model"
	"rollcall/model/internal/tenant"
)

const (
	tokenCacheTime = time.Second // after which an entry is read again
	tokenCacheSize = 10_000      // entries
)

// tokenCache keeps directories by the hash of a bearer token for a second: not every request of a
// stream reads the directory and its schemas. That the token is still there is not known from here,
// see pass. An entry has the time of its look-up, as the store's clock decides when
// it is too old. The library's expirable cache reads the machine's clock, and each such cache runs
// a goroutine that nothing can stop.
type tokenCache struct {
	mu      sync.Mutex
	entries *simplelru.LRU[[32]byte, tokenEntry]
	// generation grows each time the cache is cleared: a look-up that began before that must not
	// add its result, which may be outdated.
	generation uint64
}

// tokenEntry is the result of one look-up.
type tokenEntry struct {
	access Access
	read   time.Time // when it was looked up
}

// live tells whether the token has not expired at a time.
func (e tokenEntry) live(now time.Time) bool {
	return e.access.expires == nil || *e.access.expires > model.TimeOf(now)
}

// tokens is the token cache of the store.
func (s Store) tokens() *tokenCache { return tenant.State(s, newTokenCache) }

// ForgetTokens clears the token cache of this process: the next request with a token looks it up.
func (s InnerStore) ForgetTokens() { s.tokens().clear() }

// newTokenCache returns an empty cache.
func newTokenCache() *tokenCache {
	entries, _ := simplelru.NewLRU[[32]byte, tokenEntry](tokenCacheSize, nil) // fails only for a size below 1
	return &tokenCache{entries: entries}
}

// find returns the entry of a hash, and the generation that add needs.
func (c *tokenCache) find(hash []byte, now time.Time) (tokenEntry, uint64, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries.Get([32]byte(hash))
	age := now.Sub(e.read)
	return e, c.generation, ok && age >= 0 && age < tokenCacheTime
}

// add keeps an entry, unless the cache was cleared since find returned the generation.
func (c *tokenCache) add(hash []byte, e tokenEntry, generation uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if generation == c.generation {
		c.entries.Add([32]byte(hash), e)
	}
}

// clear removes all entries, which is simpler than to find those that a change is about.
func (c *tokenCache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries.Purge()
	c.generation++
}
