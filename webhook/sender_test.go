package webhook_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"rollcall/model"
	"rollcall/model/organization"
	endpoints "rollcall/model/webhook"
)

func TestEventsOfAUserComeInTheirOrder(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		t := w.T
		before := w.provision(w, "before")
		w.send(w.sender())
		w.Advance(time.Minute)
		r := w.receive()
		e := w.endpoint(w.application, r.URL)
		s := w.sender(r)
		u := w.provision(w, "ada")
		for i := range 5 {
			w.rename(w, u, fmt.Sprint(i))
		}
		w.rename(w, before, "later")
		if n := w.send(s); n != 7 {
			t.Errorf("%d attempts", n)
		}
		var ada []string
		for _, q := range r.take() {
			if q.about == model.DirectoryUserPrefix.ID(u.ID) {
				ada = append(ada, strings.TrimPrefix(q.event, "dsync.user.")+q.title)
			}
			if q.header.Get("webhook-id") != q.id || q.header.Get("Idempotency-Key") != q.id || q.id == "" {
				t.Errorf("ids %v of %s", q.header, q.id)
			}
		}
		if got := strings.Join(ada, " "); got != "created updated0 updated1 updated2 updated3 updated4" {
			t.Error(got)
		}
		if n := w.send(s); n != 0 || len(r.take()) != 0 {
			t.Errorf("%d are sent again", n)
		}
		if got := w.state(w.application, e.ID); got != strings.Repeat("delivered after 1, ", 6)+"delivered after 1" {
			t.Error(got)
		}
	})
}

// A user whose event is not taken waits. The others do not, and nothing overtakes.
func TestAnEventThatIsNotTakenHoldsItsUserOnly(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		t := w.T
		r := w.receive()
		e := w.endpoint(w.application, r.URL)
		s := w.sender(r)
		ada, bob := w.provision(w, "ada"), w.provision(w, "bob")
		w.send(s)
		r.take()
		r.answers(func(q request) int {
			if q.title == "poison" {
				return 500
			}
			return 204
		})
		w.rename(w, ada, "poison")
		w.rename(w, bob, "b1")
		w.rename(w, ada, "a2")
		w.rename(w, bob, "b2")
		w.send(s)
		if got := r.titles(); got != "poison b1 b2" && got != "b1 poison b2" && got != "b1 b2 poison" {
			t.Error(got)
		}
		// The pauses are those of the documents, a fifth shorter or longer.
		for i, pause := range []time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute} {
			w.Advance(pause * 79 / 100)
			if w.send(s); r.titles() != "" {
				t.Errorf("attempt %d came too early", i+2)
			}
			w.Advance(pause * 42 / 100)
			if w.send(s); r.titles() != "poison" {
				t.Errorf("attempt %d did not come", i+2)
			}
		}
		r.answers(nil)
		w.Advance(13 * time.Minute)
		w.send(s)
		if got := r.titles(); got != "poison a2" {
			t.Errorf("afterwards %q", got)
		}
		if got := w.state(w.application, e.ID); strings.Contains(got, "pending") || !strings.Contains(got, "after 5") {
			t.Error(got)
		}
		if text := w.log.String(); strings.Contains(text, "receiver says") {
			t.Errorf("the log has what a receiver wrote: %s", text)
		}
	})
}

// After three days an event is given up, and its user goes on.
func TestAnEventIsGivenUpAfterThreeDays(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		t := w.T
		r := w.receive()
		e := w.endpoint(w.application, r.URL)
		s := w.sender(r)
		u := w.provision(w, "ada")
		w.send(s)
		r.answers(func(q request) int {
			if q.title == "poison" {
				return 500
			}
			return 200
		})
		w.rename(w, u, "poison")
		w.rename(w, u, "next")
		other := w.provision(w, "bob")
		for i := range 24 { // others are taken, so that the endpoint is not a failing one
			w.Advance(5 * time.Hour)
			w.rename(w, other, fmt.Sprint(i))
			w.send(s)
		}
		if got := w.state(w.application, e.ID); !strings.HasPrefix(got, "delivered after 1, failed after ") ||
			strings.Contains(got, "pending") {
			t.Error(got)
		}
		var next bool
		for _, q := range r.take() {
			next = next || q.title == "next"
		}
		if !next || w.again(w.application, e.ID).Status != endpoints.Enabled {
			t.Error("the user's next event did not come")
		}
	})
}

func TestWhatAReceiverAnswers(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		t := w.T
		elsewhere := w.receive()
		for _, test := range []struct {
			name     string
			status   int
			header   [2]string
			state    string
			reason   string
			disabled bool
			next     time.Duration // at least
		}{
			{name: "taken", status: 202, state: "delivered after 1"},
			{name: "refused", status: 400, state: "pending after 1", reason: "the receiver answered 400",
				next: 4 * time.Second},
			{name: "moved", status: 302, header: [2]string{"Location", elsewhere.URL}, state: "pending after 1",
				reason: "the receiver answered 302, and redirects are not followed; name the address that it leads to"},
			{name: "gone", status: 410, state: "pending after 1", reason: "the receiver answered 410", disabled: true},
			{name: "busy", status: 429, header: [2]string{"Retry-After", "600"}, state: "pending after 1",
				reason: "the receiver answered 429", next: 600 * time.Second},
			{name: "busy for ever", status: 503, header: [2]string{"Retry-After", "99999999"}, state: "pending after 1",
				reason: "the receiver answered 503", next: time.Hour},
			{name: "busy for no time", status: 503, header: [2]string{"Retry-After", "soon"}, state: "pending after 1",
				reason: "the receiver answered 503", next: 4 * time.Second},
		} {
			r := w.receive()
			if test.header[0] != "" {
				r.header.Set(test.header[0], test.header[1])
			}
			r.answers(always(test.status))
			e := w.endpoint(w.application, r.URL+"/hook")
			w.provision(w, test.name)
			w.send(w.sender(r, elsewhere))
			now := w.again(w.application, e.ID)
			ds, _, err := endpoints.Across(w.store).Deliveries(t.Context(), w.application, e.ID, "",
				model.Page{Limit: 9})
			if err != nil || len(ds) != 1 || w.state(w.application, e.ID) != test.state ||
				ds[0].LastError != test.reason || ds[0].LastStatus != int64(test.status) ||
				(now.Status == endpoints.Disabled) != test.disabled {
				t.Errorf("%s: %+v %+v %v", test.name, ds, now, err)
			}
			if at := model.TimeOf(w.Now().Add(test.next)); test.next > 0 &&
				(ds[0].NextAt < at || ds[0].NextAt > at+model.Time(time.Minute.Milliseconds())) {
				t.Errorf("%s: next after %d ms", test.name, ds[0].NextAt-model.TimeOf(w.Now()))
			}
			if err := endpoints.Across(w.store).Delete(t.Context(), w.application, e.ID); err != nil {
				t.Error(err)
			}
		}
		if len(elsewhere.take()) > 0 {
			t.Error("a redirect was followed")
		}
	})
}

// An application hears of the organizations that it serves. The operator hears of all.
func TestWhoHearsOfWhom(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		t := w.T
		mine, all := w.receive(), w.receive()
		w.endpoint(w.application, mine.URL)
		w.endpoint(model.Everywhere(), all.URL)
		s := w.sender(mine, all)
		stranger := w.founded("Fabrikam", model.Everywhere())
		w.provision(w, "ada")
		stranger.provision(w, "eve")
		w.send(s)
		if m, a := len(mine.take()), len(all.take()); m != 1 || a != 2 {
			t.Errorf("the application hears %d, the operator %d", m, a)
		}
		// What waits is not sent once the application does not serve the organization any more.
		mine.answers(always(500))
		w.provision(w, "bob")
		w.send(s)
		mine.take()
		if err := organization.Across(w.store).SetApplicationOrganization(t.Context(), w.application.Application(),
			w.org.ID, false); err != nil {
			t.Fatal(err)
		}
		mine.answers(nil)
		w.Advance(time.Hour)
		if w.send(s); len(mine.take()) != 0 {
			t.Error("an event of an organization that is not served was sent")
		}
	})
}

func TestReplay(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		t := w.T
		r := w.receive()
		e := w.endpoint(w.application, r.URL)
		s, webhooks := w.sender(r), endpoints.Across(w.store)
		ada := w.provision(w, "ada")
		w.rename(w, ada, "one")
		w.rename(w, ada, "two")
		w.send(s)
		first := r.take()
		id, _ := model.EventPrefix.Parse(first[1].id)
		if err := webhooks.ReplayOne(t.Context(), w.application, e.ID, id); err != nil {
			t.Fatal(err)
		}
		w.send(s)
		again := r.take()
		if len(again) != 1 || again[0].id != first[1].id || again[0].body != first[1].body {
			t.Errorf("replayed %v", again)
		}
		n, more, err := webhooks.ReplaySince(t.Context(), w.application, e.ID, 0, model.TimeOf(w.Now())+1, false)
		if n != 3 || more || err != nil {
			t.Fatal(n, more, err)
		}
		if w.send(s); r.titles() != " one two" {
			t.Error("a range did not come again in its order")
		}
		if _, _, err := webhooks.ReplaySince(t.Context(), w.application, e.ID, 0, 1<<60, true); model.KindOf(err) !=
			model.NotFound {
			t.Errorf("nothing has failed: %v", err)
		}
		stranger := w.founded("Fabrikam", model.Everywhere())
		eve := stranger.provision(w, "eve")
		all := w.receive()
		w.endpoint(model.Everywhere(), all.URL)
		stranger.rename(w, eve, "x")
		w.send(w.sender(r, all))
		foreign, _ := model.EventPrefix.Parse(all.take()[0].id)
		for _, event := range []string{foreign, model.NewID(), "nonsense"} {
			err := webhooks.ReplayOne(t.Context(), w.application, e.ID, event)
			if model.KindOf(err) != model.NotFound {
				t.Errorf("event %s: %v", event, err)
			}
		}
	})
}

// Two replicas send each delivery once. One that dies leaves its delivery to the other.
func TestReplicas(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		t := w.T
		r := w.receive()
		e := w.endpoint(w.application, r.URL)
		webhooks := endpoints.Across(w.store)
		u := w.provision(w, "ada")
		w.rename(w, u, "one")
		for range 2 { // both read the same events
			must[bool](w)(webhooks.FanOut(t.Context()))
		}
		lost := must[[]endpoints.Claimed](w)(webhooks.Claim(t.Context(), e, 16))
		if len(lost) != 1 || len(must[[]endpoints.Claimed](w)(webhooks.Claim(t.Context(), e, 16))) != 0 {
			t.Fatalf("claimed %v, of one user only the first may be", lost)
		}
		s := w.sender(r)
		if n := w.send(s); n != 0 {
			t.Errorf("%d were sent beside the replica that has them", n)
		}
		w.Advance(time.Minute + time.Second)
		if n, titles := w.send(s), r.titles(); n != 2 || titles != " one" {
			t.Errorf("%d were sent after the lease", n)
		}
		// The first replica was only slow: what it reports counts no more.
		must[string](w)(webhooks.Finish(t.Context(), &lost[0].Delivery, endpoints.Outcome{Error: "late"}))
		if e := w.again(w.application, e.ID); e.Failures != 0 {
			t.Errorf("a late report counts as %d failures", e.Failures)
		}
		if got := w.state(w.application, e.ID); got != "delivered after 1, delivered after 1" {
			t.Error(got)
		}
	})
}

// The loop of a server delivers, and a receiver that is silent holds up nobody else.
func TestSenderRuns(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		t := w.T
		r, silent := w.receive(), w.receive()
		release := make(chan struct{})
		silent.answers(func(request) int { <-release; return http.StatusOK })
		defer close(release)
		w.endpoint(w.application, silent.URL)
		w.endpoint(w.application, r.URL)
		s := w.sender(r, silent)
		end := run(w, s)
		u := w.provision(w, "ada")
		for i := range 20 {
			w.rename(w, u, fmt.Sprint(i))
		}
		var got []request
		for deadline := time.Now().Add(30 * time.Second); len(got) < 21 && time.Now().Before(deadline); {
			got = append(got, r.take()...)
			time.Sleep(5 * time.Millisecond)
		}
		for i, q := range got {
			if want := fmt.Sprint(i - 1); i > 0 && q.title != want {
				t.Errorf("event %d is %q", i, q.title)
			}
		}
		if len(got) != 21 {
			t.Errorf("%d came", len(got))
		}
		end()
	})
}
