package directory

import (
	"testing"
	"time"

	"rollcall/model/internal/tenant"
)

// A look-up that began before a revocation must not bring back what that made it forget.
func TestTokenCacheForgets(t *testing.T) {
	t.Parallel()
	now := time.Now()
	hash := tenant.HashToken("a")
	c := newTokenCache()
	_, generation, ok := c.find(hash, now)
	if ok {
		t.Fatal("found in an empty cache")
	}
	c.add(hash, tokenEntry{read: now}, generation)
	if _, _, ok := c.find(hash, now); !ok {
		t.Error("what was added is not found")
	}
	_, generation, _ = c.find(hash, now)
	c.clear()
	c.add(hash, tokenEntry{read: now}, generation)
	if _, _, ok := c.find(hash, now); ok {
		t.Error("what was read before a revocation is found after it")
	}
	_, generation, _ = c.find(hash, now)
	c.add(hash, tokenEntry{read: now}, generation)
	for at, want := range map[time.Duration]bool{0: true, tokenCacheTime - 1: true, tokenCacheTime: false, -1: false} {
		if _, _, ok := c.find(hash, now.Add(at)); ok != want {
			t.Errorf("after %s it is found: %t", at, ok)
		}
	}
	for i := range tokenCacheSize + 10 {
		c.add(tenant.HashToken(string(rune(i))), tokenEntry{read: now}, generation)
	}
	if n := c.entries.Len(); n > tokenCacheSize {
		t.Errorf("it has grown to %d", n)
	}
}
