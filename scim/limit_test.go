package scim_test

import (
	"net/http"
	"testing"
	"time"

	"rollcall/model/modeltest"
	"rollcall/model/store"
	"rollcall/scim"
)

func TestRateLimit(t *testing.T) {
	t.Parallel()
	const rate = 3
	clock := modeltest.NewClock()
	store := modeltest.Open(t, modeltest.SQLite(t), store.Options{})
	d := deployWith(t, scim.Server{Store: store, Rate: rate, Now: clock.Now})
	okta, entra := d.client(d.organization("Northwind")), d.client(d.organization("Contoso"))
	get := func(c *client) reply { return c.do(http.MethodGet, "/Users?count=1", "") }

	for i := range 2 * rate {
		if r := get(okta); r.status != http.StatusOK {
			t.Fatalf("request %d of the burst: %d %s", i, r.status, r.text)
		}
	}
	r := get(okta)
	if r.status != http.StatusTooManyRequests || r.header.Get("Retry-After") != "1" || r.body["status"] != "429" {
		t.Fatalf("after the burst: %d, Retry-After %q, %s", r.status, r.header.Get("Retry-After"), r.text)
	}
	if r := get(entra); r.status != http.StatusOK {
		t.Errorf("another directory: %d", r.status)
	}
	clock.Advance(time.Second)
	for i := range rate {
		if r := get(okta); r.status != http.StatusOK {
			t.Fatalf("request %d of the next second: %d", i, r.status)
		}
	}
	if r := get(okta); r.status != http.StatusTooManyRequests {
		t.Errorf("the next second allows more than its rate: %d", r.status)
	}
	if r := okta.do(http.MethodGet, "/Users", "", "Authorization",
		"Bearer wrong"); r.status != http.StatusUnauthorized {
		t.Errorf("a wrong token is counted: %d", r.status)
	}
}
