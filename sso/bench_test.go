package sso_test

import (
	"fmt"
	"net/http"
	"runtime"
	"testing"

	"rollcall/model"
	"rollcall/model/modeltest"
	"rollcall/model/store"
	"rollcall/testidp"
)

// BenchmarkLogin is a whole login of a known person over TLS on SQLite: the request begins, the
// response is verified and stored. What the identity provider does is not counted. Run it with
// -cpu 1 for one core; sso/saml has the verification alone, with its floor.
func BenchmarkLogin(b *testing.B) {
	w := newWorld(b, modeltest.SQLite(b), store.Options{})
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

// BenchmarkConnections measures what a connection in use keeps in memory: the heap after each was
// used, less the heap before. The rows and the test's own data exist before.
func BenchmarkConnections(b *testing.B) {
	const connections = 1000
	for name, prepare := range map[string]func(*world) (use []func() answer){
		"SAML": func(w *world) (use []func() answer) {
			browser := w.browser()
			for range connections {
				c := w.connect(w.tenant, "GenericSAML")
				use = append(use, func() answer { return browser.get(w.sp(c, "/metadata")) })
			}
			return use
		},
		"OIDC": func(w *world) (use []func() answer) {
			o := w.draftOpenID("contoso-oidc", "oidc.example", testidp.PlainSAML, "GenericOIDC")
			for i := range connections {
				created := w.api(http.MethodPost, "/connections", map[string]any{
					"organization_id": model.OrganizationPrefix.ID(string(o.connection.OrganizationID)),
					"name":            "Northwind", "connection_type": "GenericOIDC",
					"oidc": map[string]any{"issuer": o.idp.OIDCIssuer(), "client_id": fmt.Sprint("client ", i),
						"client_secret": clientSecret},
				})
				id := created["id"].(string)
				// A whole login, so that the provider's keys are kept, too.
				use = append(use, func() answer {
					must(w.t, o.idp.ConnectOIDC(fmt.Sprint("client ", i), clientSecret,
						w.url+"/sso/oidc/"+id+"/callback"))
					return o.signIn(w.browser(), ada(o.tenant), w.url+"/sso/oidc/"+id+"/login")
				})
			}
			return use
		},
	} {
		b.Run(name, func(b *testing.B) {
			w := newWorld(b, modeltest.SQLite(b), store.Options{})
			use := prepare(w)
			before := heap()
			for b.Loop() {
				for _, one := range use {
					if a := one(); a.status >= http.StatusBadRequest {
						b.Fatal(a.status, a.body)
					}
				}
			}
			b.ReportMetric(float64(int64(heap()-before))/connections/1024, "KiB/connection")
		})
	}
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
