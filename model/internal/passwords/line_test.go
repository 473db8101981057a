package passwords

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"

	"rollcall/model"
)

func wantUnavailable(t *testing.T, err error) {
	t.Helper()
	if model.KindOf(err) != model.Unavailable {
		t.Fatalf("error %v", err)
	}
}

// TestTheLineHasAnEnd fills the line of strangers: more are refused at once, and known browsers
// still have places.
func TestTheLineHasAnEnd(t *testing.T) {
	var l line
	var leave []func()
	for range mostWaiting + lanes {
		out, err := l.enter(stranger)
		if err != nil {
			t.Fatal(err)
		}
		leave = append(leave, out)
	}
	_, err := l.enter(stranger)
	wantUnavailable(t, err)
	for range mostWaiting + lanes {
		if _, err := l.enter(knownBrowser); err != nil {
			t.Fatal(err)
		}
	}
	_, err = l.enter(knownBrowser)
	wantUnavailable(t, err)
	leave[0]()
	leave[0]() // which gives up one place, not two
	if _, err := l.enter(stranger); err != nil {
		t.Fatal(err)
	}
	_, err = l.enter(stranger)
	wantUnavailable(t, err)
}

// TestKnownBrowsersAreFirst has everybody wait, and lets one after the other go.
func TestKnownBrowsersAreFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l line
		free := make(chan struct{})
		served := make(chan string, 20)
		wait := func(ctx context.Context, k kind, name string) {
			go func() {
				err := l.run(ctx, k, func() error {
					served <- name
					<-free
					return nil
				})
				if err != nil {
					served <- name + " gave up"
				}
			}()
			synctest.Wait()
		}
		ctx, cancel := context.WithCancel(t.Context())
		for i := range lanes {
			wait(t.Context(), stranger, fmt.Sprint("running ", i))
		}
		wait(t.Context(), stranger, "stranger 1")
		wait(ctx, stranger, "stranger 2")
		wait(t.Context(), stranger, "stranger 3")
		wait(ctx, knownBrowser, "known 1")
		wait(t.Context(), knownBrowser, "known 2")
		cancel()
		synctest.Wait()
		got := map[string]bool{}
		for range 4 {
			got[<-served] = true
		}
		if !got["stranger 2 gave up"] || !got["known 1 gave up"] {
			t.Errorf("after the end of two requests: %v", got)
		}
		for _, want := range []string{"known 2", "stranger 1", "stranger 3"} {
			free <- struct{}{}
			synctest.Wait()
			if name := <-served; name != want {
				t.Errorf("%s is served, not %s", name, want)
			}
		}
		for range lanes {
			free <- struct{}{}
		}
		synctest.Wait()
		if l.running != 0 {
			t.Errorf("%d lanes are still taken", l.running)
		}
	})
}
