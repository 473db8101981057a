package entitle

import (
	"runtime"
	"testing"

	"rollcall/model"
)

// The cache keeps the rules of a limited number of organizations, however many there are.
func TestRuleCacheStaysFlat(t *testing.T) {
	const organizations = 100_000
	c := newRuleCache()
	keep := func(n int) {
		for range n {
			c.keep(model.OrganizationID(model.NewID()), 1, &ruleSet{Groups: make([]ruleGroup, 10)})
		}
	}
	keep(ruleCacheSize)
	full := heap()
	keep(organizations)
	if grown := heap() - full; grown > 1<<20 {
		t.Errorf("the heap has grown by %d bytes", grown)
	}
	if n := c.read.Len(); n != ruleCacheSize {
		t.Errorf("the rules of %d organizations are kept, want %d", n, ruleCacheSize)
	}
}

func TestRuleCacheDropsLeastRecentlyUsed(t *testing.T) {
	c := newRuleCache()
	const used, unused = model.OrganizationID("used"), model.OrganizationID("unused")
	c.keep(used, 1, &ruleSet{})
	c.keep(unused, 1, &ruleSet{})
	for range ruleCacheSize - 1 {
		c.keep(model.OrganizationID(model.NewID()), 1, &ruleSet{})
		if c.find(used, 1) == nil {
			t.Fatal("rules that are in use were dropped")
		}
	}
	if c.find(unused, 1) != nil {
		t.Error("rules that were not used were kept")
	}
	if c.find(used, 2) != nil {
		t.Error("the rules of another version were found")
	}
}

// heap returns how much of the heap is in use.
func heap() int64 {
	runtime.GC()
	runtime.GC() // for objects that a finalizer or a pool kept alive through the first one
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
