package sso_test

import (
	"net/http"
	"testing"
	"time"

	"rollcall/testidp"
)

// TestSlowDiscoveryIsReadOnce: all requests that come meanwhile get the same answer, however long
// it takes. Otherwise each would wait for all before it, and a stranger can send many.
func TestSlowDiscoveryIsReadOnce(t *testing.T) {
	t.Parallel()
	w := one(t)
	o := w.draftOpenID("contoso-oidc", "oidc.example", testidp.PlainSAML, "GenericOIDC")
	o.times(wellKnown)
	o.replace(wellKnown, func(rw http.ResponseWriter, _ *http.Request) {
		w.clock.Advance(10 * time.Second)
		rw.WriteHeader(http.StatusGatewayTimeout)
	})
	for range 3 {
		if a := w.browser().get(o.login()); a.status != http.StatusForbidden {
			t.Fatalf("status %d: %s", a.status, a.body)
		}
	}
	if n := o.times(wellKnown); n != 1 {
		t.Errorf("the provider was asked %d times", n)
	}
	w.clock.Advance(5 * time.Second)
	o.replace(wellKnown, nil)
	if a := w.browser().get(o.login()); a.status != http.StatusSeeOther {
		t.Errorf("status %d once it answers: %s", a.status, a.body)
	}
}
