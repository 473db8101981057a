package sso_test

import (
	"strings"
	"testing"
	"time"

	"rollcall/model/modeltest"
	"rollcall/model/organization"
)

// mentions counts the statements that name a table or a column.
func mentions(list []string, name string) (count int) {
	for _, statement := range list {
		if strings.Contains(statement, name) {
			count++
		}
	}
	return count
}

// TestStrangersReadNothingTwice: what anybody can have the provider read is kept for a minute. The
// keys that hints are verified with are opened with the server's secret, which is not cheap.
func TestStrangersReadNothingTwice(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		var counter modeltest.Statements
		w := newWorld(t, db, counter.Options())
		w.activate(w.tenant)
		hint := w.opened(w.openCode())["id_token"].(string)
		hints := func() int {
			return mentions(counter.During(func() {
				for range 3 {
					w.browser().get(w.logoutAddress("id_token_hint", hint))
					w.browser().get(w.openID("id_token_hint", hint))
				}
			}), "signing_keys")
		}
		if n := hints(); n != 0 {
			t.Errorf("a key that is published was read %d times", n)
		}
		w.clock.Advance(200 * 24 * time.Hour)
		w.keySet()
		if n := hints(); n != 1 {
			t.Errorf("an old key was read %d times", n)
		}
		w.clock.Advance(time.Minute)
		w.keySet()
		if n := hints(); n != 1 {
			t.Errorf("a minute later, an old key was read %d times", n)
		}
		scripts := func() int {
			return mentions(counter.During(func() {
				for _, method := range []string{"OPTIONS", "POST", "OPTIONS"} {
					w.send(nil, method, "/oauth2/token", "Origin", "https://app.example", "Content-Type", formType)
					w.send(nil, method, "/oauth2/token", "Origin", "https://evil.example", "Content-Type", formType)
				}
			}), "redirect_uris")
		}
		if n := scripts(); n != 1 {
			t.Errorf("the origins were read %d times", n)
		}
		w.changeApp(func(a *organization.ApplicationFields) { a.Public = true })
		w.clock.Advance(time.Second)
		if n := scripts(); n != 1 {
			t.Errorf("a second later, an origin that is not known was looked for %d times", n)
		}
		w.clock.Advance(time.Second)
		if got := w.send(nil, "OPTIONS", "/oauth2/token", "Origin", "https://app.example").
			header.Get("Access-Control-Allow-Origin"); got != "https://app.example" {
			t.Errorf("a new public application is answered with %q", got)
		}
	})
}
