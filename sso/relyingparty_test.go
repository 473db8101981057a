package sso_test

import (
	"net/http"
	"testing"
	"time"

	"rollcall/testidp"
)

// TestSlowDiscoveryIsAskedOnce: all who came meanwhile get the same answer, however long it took.
// Each would else wait for all before them, and anybody can come.
func TestSlowDiscoveryIsAskedOnce(t *testing.T) {
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
