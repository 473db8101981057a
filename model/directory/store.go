package directory

import (
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"rollcall/model"
)

// tokenCache remembers directories by the hash of a bearer token for a second,
// so that a stream of SCIM requests costs no look-up each. An entry has the time of its look-up,
// as the store's clock decides when it is too old. The library's expirable cache goes by the
// machine's clock, and each one runs a goroutine that nothing can stop.
type tokenCache struct {
	mu      sync.Mutex
	entries *simplelru.LRU[[32]byte, tokenEntry]
	// generation grows with each invalidation: a look-up that began before it
	// must not bring back what it has just been made to forget.
	generation uint64
}

type tokenEntry struct {
	access  Access
	expires *model.Time
	read    time.Time
}
