package webhook_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	endpoints "rollcall/model/webhook"
)

func TestADeadEndpointIsProbedAndThenDisabled(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		t := w.T
		r := w.receive()
		e := w.endpoint(w.application, r.URL)
		s := w.sender(r)
		r.answers(always(503))
		for i := range 12 {
			w.provision(w, fmt.Sprint("user-", i))
		}
		w.send(s)
		failing := w.again(w.application, e.ID)
		if failing.FailingSince == nil {
			t.Fatalf("after twelve failures: %+v", failing)
		}
		r.take()
		w.Advance(time.Hour)
		if n := w.send(s); n != 1 || len(r.take()) != 1 {
			t.Errorf("%d probes at once", n)
		}
		r.answers(nil)
		w.Advance(7 * time.Hour)
		if n := w.send(s); n != 12 || len(r.take()) != 12 {
			t.Errorf("%d were sent when the receiver was back", n)
		}
		if e := w.again(w.application, e.ID); e.FailingSince != nil || e.Failures != 0 {
			t.Errorf("recovered: %+v", e)
		}
		r.answers(always(500))
		for i := range 12 {
			w.provision(w, fmt.Sprint("late-", i))
		}
		for range 20 {
			w.send(s)
			w.Advance(8 * time.Hour)
		}
		dead := w.again(w.application, e.ID)
		if dead.Status != endpoints.Disabled || dead.DisabledReason != "the receiver has failed for three days" {
			t.Fatalf("dead: %+v", dead)
		}
		if !strings.Contains(w.log.String(), "webhook endpoint disabled") {
			t.Error("nothing is logged")
		}
		r.answers(nil)
		r.take()
		w.provision(w, "unheard")
		if n := w.send(s); n != 0 {
			t.Errorf("%d were sent to a disabled endpoint", n)
		}
		must[*endpoints.Endpoint](w)(endpoints.Across(w.store).Update(t.Context(), w.application, e.ID,
			func(f *endpoints.Fields) error { f.Status = endpoints.Enabled; return nil }))
		if n := w.send(s); n != 12 || len(r.take()) != 12 {
			t.Errorf("%d were sent when it was enabled again", n)
		}
	})
}
