package sso_test

import (
	"net/http"
	"runtime"
	"testing"

	"rollcall/model"
	"rollcall/model/modeltest"
	"rollcall/testidp"
)

// BenchmarkLogin is a whole login of a known person over TLS on SQLite: the request begins, the
// response is verified and stored. What the identity provider does is not counted. Run it with
// -cpu 1 for one core; sso/saml has the verification alone, with its floor.
func BenchmarkLogin(b *testing.B) {
	w := newWorld(b, modeltest.SQLite(b), model.Options{})
	w.activate(w.tenant)
	browser, who := w.browser(), ada(w.tenant)
	for b.Loop() {
		sent := browser.get(w.authorize(w.tenant, "prompt", "login"))
		b.StopTimer()
		form := w.answer(b, sent, who, testidp.ResponseOptions{AuthnInstant: w.clock.Now()})
		b.StartTimer()
		if a := browser.post(w.sp(w.connection, "/acs"), form); a.status != http.StatusSeeOther {
			b.Fatal(a.status, a.body)
		}
	}
}

// BenchmarkConnections tells what a connection that is in use keeps in memory.
func BenchmarkConnections(b *testing.B) {
	const connections = 1000
	w := newWorld(b, modeltest.SQLite(b), model.Options{})
	browser := w.browser()
	var ids []*model.Connection
	for range connections {
		ids = append(ids, w.connect(w.tenant, "GenericSAML"))
	}
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	for b.Loop() {
		before := heap()
		for _, c := range ids {
			if a := browser.get(w.sp(c, "/metadata")); a.status != http.StatusOK {
				b.Fatal(a.status)
			}
		}
		after := heap()
		b.ReportMetric(float64(int64(after-before))/connections/1024, "KiB/connection")
		b.Logf("%d connections in use: %.1f MiB", connections, float64(int64(after-before))/(1<<20))
	}
}
