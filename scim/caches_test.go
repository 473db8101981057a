package scim

import (
	"runtime"
	"testing"
	"time"

	"github.com/google/uuid"

	"rollcall/model"
	"rollcall/model/directory"
)

// TestLimiterStaysFlat checks that the number of buckets is limited, however many directories there
// are.
func TestLimiterStaysFlat(t *testing.T) {
	const directories = 100_000
	now := time.Unix(1_800_000_000, 0)
	l := newLimiter(5, func() time.Time { return now })
	send := func(n int) {
		for range n {
			if wait := l.wait(uuid.NewString(), 1); wait != 0 {
				t.Fatalf("the first request of a directory has to wait %s", wait)
			}
		}
	}
	send(mostBuckets)
	full := heap()
	send(directories)
	if grown := heap() - full; grown > 1<<20 {
		t.Errorf("the heap has grown by %d bytes", grown)
	}
	if n := l.buckets.Len(); n != mostBuckets {
		t.Errorf("there are %d buckets, want %d", n, mostBuckets)
	}
}

// TestLimiterRemembersWhoSends checks that a directory which keeps sending stays limited, however
// many other directories send.
func TestLimiterRemembersWhoSends(t *testing.T) {
	const perSecond = 5
	now := time.Unix(1_800_000_000, 0)
	l := newLimiter(perSecond, func() time.Time { return now })
	for range 2 * perSecond {
		if wait := l.wait("busy", 1); wait != 0 {
			t.Fatalf("a request of the burst has to wait %s", wait)
		}
	}
	for range 2 * mostBuckets {
		l.wait(uuid.NewString(), 1)
		if l.wait("busy", 1) == 0 {
			t.Fatal("a directory got a new bucket while its requests were refused")
		}
	}
}

// TestDeclaredTypesStayFlat checks that the number of organizations with cached types is limited.
func TestDeclaredTypesStayFlat(t *testing.T) {
	var types declaredTypes
	types.init()
	for range mostDeclared { // each takes milliseconds to make
		types.made.Add(model.OrganizationID(uuid.NewString()), declared{})
	}
	schemas := []directory.Schema{{ID: "1", Version: 1, URN: "urn:example:crew:2.0:User", Name: "Crew"}}
	made, err := types.of("new", schemas)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := types.of("new", schemas); err != nil || again.types.users != made.types.users {
		t.Errorf("the types of an organization were made again: %v", err)
	}
	if n := types.made.Len(); n != mostDeclared {
		t.Errorf("the types of %d organizations are kept, want %d", n, mostDeclared)
	}
}

// heap is the number of bytes in use on the heap.
func heap() int64 {
	runtime.GC()
	runtime.GC() // frees what a finalizer or a pool kept in the first run
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
