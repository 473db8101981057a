package scim

import (
	"context"
	"runtime"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/sync/semaphore"
)

// lane is where large requests are worked on: few at a time, so that a processor is left for the
// small requests of everybody else, and one at a time of each directory, so that no directory fills
// the lane.
type lane struct {
	all *semaphore.Weighted

	mu          sync.Mutex
	directories *simplelru.LRU[string, *gate]
}

// gate is what the lane knows of a directory.
type gate struct {
	one   *semaphore.Weighted
	until time.Time // to when its lists are taken to be large, after one that was
}

const (
	// largeBody is the length from which the body of a request makes it a large one: it takes some
	// ten milliseconds of work.
	largeBody = 256 << 10
	// largeFor is how long the lists of a directory are taken to be large after one that was.
	largeFor = time.Minute
)

func newLane() *lane {
	directories, _ := simplelru.NewLRU[string, *gate](mostBuckets, nil) // fails only for a size below 1
	return &lane{all: semaphore.NewWeighted(int64(max(1, runtime.GOMAXPROCS(0)/2))), directories: directories}
}

// of returns the gate of a directory.
func (l *lane) of(directory string) *gate {
	g, ok := l.directories.Get(directory)
	if !ok {
		g = &gate{one: semaphore.NewWeighted(1)}
		l.directories.Add(directory, g)
	}
	return g
}

// large tells whether the lists of a directory are taken to be large.
func (l *lane) large(directory string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return now.Before(l.of(directory).until)
}

// enter has the request wait for its turn in the lane, which it keeps until leave.
func (x *exchange) enter(ctx context.Context) error {
	if x.held.gate != nil {
		return nil
	}
	x.lane.mu.Lock()
	g := x.lane.of(x.directory.ID)
	x.lane.mu.Unlock()
	if err := g.one.Acquire(ctx, 1); err != nil {
		return err
	}
	if err := x.lane.all.Acquire(ctx, 1); err != nil {
		g.one.Release(1)
		return err
	}
	x.held.gate = g
	return nil
}

// enterList is enter for a list of a directory whose lists have been large.
func (x *exchange) enterList(ctx context.Context) error {
	if !x.lane.large(x.directory.ID, x.limit.now()) {
		return nil
	}
	return x.enter(ctx)
}

// enterLarge is enter for a list that has turned out to be large.
func (x *exchange) enterLarge(ctx context.Context) error {
	x.lane.mu.Lock()
	x.lane.of(x.directory.ID).until = x.limit.now().Add(largeFor)
	x.lane.mu.Unlock()
	return x.enter(ctx)
}

// leave makes room in the lane: nobody waits there for a client that reads its answer slowly.
func (x *exchange) leave() {
	if g := x.held.gate; g != nil {
		x.held.gate = nil
		x.lane.all.Release(1)
		g.one.Release(1)
	}
}

// inLane carries out a request that is large if its body is.
func (x *exchange) inLane(ctx context.Context, handle handler) (answer, error) {
	if len(x.body) > largeBody {
		if err := x.enter(ctx); err != nil {
			return answer{}, err
		}
		defer x.leave()
	}
	return handle(x, ctx)
}
