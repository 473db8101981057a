package webhook_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"rollcall/model"
)

// The endpoints of one application, however many are silent, hold up nobody else's.
func TestASilentApplicationHoldsUpItsOwnEndpointsOnly(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		const silentEndpoints, people = 17, 16 // that many at once would fill all places
		silent, other := w.receive(), w.receive()
		release := make(chan struct{})
		silent.answers(func(request) int { <-release; return http.StatusOK })
		defer close(release)
		for i := range silentEndpoints {
			w.endpoint(w.application, fmt.Sprint(silent.URL, "/", i))
		}
		w.endpoint(model.Everywhere(), other.URL)
		for i := range people {
			w.provision(w, fmt.Sprint("person", i))
		}
		end := run(w, w.sender(silent, other))
		defer end()
		n := 0
		for deadline := time.Now().Add(10 * time.Second); n < people && time.Now().Before(deadline); {
			n += len(other.take())
			time.Sleep(5 * time.Millisecond)
		}
		if n != people {
			w.Errorf("%d came within ten seconds", n)
		}
	})
}
