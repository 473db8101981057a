package sso_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"rollcall/model/modeltest"
	"rollcall/model/store"
)

// TestStrangersDoNotKeepAnAdministratorOut guesses from many addresses. The browser in which the
// administrator signed in before, and the one in which the password was set, are not held up.
func TestStrangersDoNotKeepAnAdministratorOut(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		hedy := w.admin(w.tenant, admin)
		setter := w.browser()
		setter.submit(w.link(hedy.ID), url.Values{"password": {password}, "again": {password}})
		hers := w.browser()
		if a := hers.enter(admin, password); a.status != http.StatusSeeOther {
			t.Fatalf("%d %s", a.status, a.body)
		}
		for i := range 12 {
			b := w.browser()
			b.address = fmt.Sprint("198.51.100.", i)
			b.enter(admin, "a wrong guess")
		}
		stranger := w.browser()
		stranger.address = "203.0.113.9"
		if a := stranger.enter(admin, password); a.status != http.StatusTooManyRequests {
			t.Errorf("a stranger: %d", a.status)
		}
		for name, b := range map[string]*browser{"signed in before": hers, "set the password": setter} {
			b.address = "198.51.100.1" // an address of those who guessed
			if a := b.enter(admin, password); a.status != http.StatusSeeOther {
				t.Errorf("%s: %d %s", name, a.status, a.body)
			}
		}
	})
}

// TestTheLineForPasswordsHasAnEnd floods the server with guesses. Those beyond the line are refused
// at once, and a browser that is known signs in meanwhile.
func TestTheLineForPasswordsHasAnEnd(t *testing.T) {
	w := newWorld(t, modeltest.SQLite(t), store.Options{PasswordMemory: 19 << 10})
	w.setPassword(w.admin(w.tenant, admin).ID, password)
	known := w.browser()
	known.enter(admin, password)
	var mu sync.Mutex
	statuses := map[int]int{}
	var all sync.WaitGroup
	for i := range 150 {
		all.Go(func() {
			b := w.browser()
			b.address = fmt.Sprintf("198.51.%d.%d", 100+i/100, i%100)
			a := b.enter(fmt.Sprintf("somebody%d@%s", i, domain), "a wrong guess")
			mu.Lock()
			defer mu.Unlock()
			statuses[a.status]++
			if a.status == http.StatusServiceUnavailable && (a.header.Get("Retry-After") == "" ||
				!strings.Contains(a.body, "Try again in a few seconds")) {
				t.Errorf("%v %s", a.header, a.body)
			}
		})
	}
	start := time.Now()
	if a := known.enter(admin, password); a.status != http.StatusSeeOther {
		t.Errorf("a known browser: %d %s", a.status, a.body)
	}
	t.Logf("a known browser signs in after %v", time.Since(start))
	all.Wait()
	t.Logf("150 guesses are over after %v: %v", time.Since(start), statuses)
	if statuses[http.StatusForbidden]+statuses[http.StatusServiceUnavailable] != 150 ||
		statuses[http.StatusServiceUnavailable] == 0 || statuses[http.StatusForbidden] < 22 {
		t.Errorf("statuses %v", statuses)
	}
	// Who was refused at once has not guessed.
	if a := w.browser().enter(admin, password); a.status != http.StatusSeeOther {
		t.Errorf("afterwards: %d %s", a.status, a.body)
	}
}
