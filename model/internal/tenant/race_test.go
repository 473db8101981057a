//go:build race

package tenant_test

import (
	"bytes"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"

	"rollcall/model"
	"rollcall/model/entitle"
	"rollcall/model/modeltest"
	"rollcall/model/store"
)

// TestRaceDetectorSeesThroughSQLite runs a data race in a process of its own. The SQLite library is
// built without the race detector, which must find a race in our code above it all the same.
func TestRaceDetectorSeesThroughSQLite(t *testing.T) {
	for name, want := range map[string]bool{"TestSeededRace": true, "TestNoSeededRace": false} {
		c := exec.Command(os.Args[0], "-test.run", "^"+name+"$", "-test.count", "1")
		c.Env = append(os.Environ(), seeded+"=1")
		out, err := c.CombinedOutput()
		if found := bytes.Contains(out, []byte("DATA RACE")); found != want || (err != nil) != want {
			t.Errorf("%s: found %t, want %t: %v\n%s", name, found, want, err, out)
		}
	}
}

const seeded = "ROLLCALL_TEST_SEEDED_RACE"

// TestSeededRace counts statements of two connections in a variable that nothing guards.
func TestSeededRace(t *testing.T) {
	n := 0
	countTwice(t, func() { n++ })
}

// TestNoSeededRace counts the same statements as they should be.
func TestNoSeededRace(t *testing.T) {
	var n atomic.Int64
	countTwice(t, func() { n.Add(1) })
}

// countTwice makes two goroutines count a statement each at the same moment.
func countTwice(t *testing.T, count func()) {
	if os.Getenv(seeded) == "" {
		t.Skip("TestRaceDetectorSeesThroughSQLite runs it in a process of its own")
	}
	var counting atomic.Bool
	var calls atomic.Int64
	var both, done sync.WaitGroup
	both.Add(2)
	s := modeltest.Open(t, modeltest.SQLite(t), store.Options{Statement: func(string) {
		if counting.Load() && calls.Add(1) <= 2 {
			both.Done()
			both.Wait() // the second call is the other goroutine's: it counts with nothing in between
			count()
		}
	}})
	counting.Store(true)
	org := s.Org(model.OrganizationID(model.NewID()), "system")
	for range 2 {
		done.Go(func() {
			if _, err := entitle.In(org).Recompute(t.Context()); model.KindOf(err) != model.NotFound {
				t.Error(err)
			}
		})
	}
	done.Wait()
}
