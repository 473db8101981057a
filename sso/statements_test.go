package sso_test

import (
	"net/url"
	"strings"
	"testing"

	"rollcall/model/modeltest"
	"rollcall/testidp"
)

// TestStatements counts what reaches the database; the limits are the numbers of today.
func TestStatements(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		var counter modeltest.Statements
		w := newWorld(t, db, counter.Options())
		w.activate(w.tenant)
		w.setPassword(w.admin(w.tenant, admin).ID, password)
		var b begun
		var a answer
		var token string
		acs := func(who testidp.Person) func() {
			return func() {
				a = b.post(w.sp(w.connection, "/acs"), w.answer(t, b.sent, who, testidp.ResponseOptions{}))
				a.code(t)
			}
		}
		for _, c := range []struct {
			what string
			most int
			run  func()
		}{
			{"begin", 5, func() { b = w.begin(w.tenant) }},
			{"acs, a known person", 16, acs(ada(w.tenant))},
			{"token", 7, func() { token = first(w.exchange(a.code(t))) }},
			{"profile", 2, func() { w.profile(token) }},
			{"session", 3, func() { b.get("/sso/session") }},
			{"authorize, live session", 10, func() { b.get(w.asks()).code(t) }},
			{"begin again", 7, func() { b.sent = b.get(w.asks("prompt", "login")) }},
			{"acs, replacing a session", 17, acs(ada(w.tenant))},
			{"begin in another browser", 5, func() { b = w.begin(w.tenant) }},
			{"acs, a new person", 24, acs(person(w.tenant, 1))},
			{"login page", 0, func() { w.browser().get("/login") }},
			{"login page, an address", 4, func() {
				w.browser().submit("/login", url.Values{"email": {"x@" + domain}})
			}},
			{"login page, a wrong password", 8, func() { w.browser().enter(admin, "not it") }},
			{"login page, a password", 17, func() { w.browser().enter(admin, password) }},
			{"acs, nothing that could be read", 4, func() {
				b.post(w.sp(w.connection, "/acs"), url.Values{"SAMLResponse": {"AAAA"}})
			}},
		} {
			list := counter.During(c.run)
			t.Logf("%s: %d statements", c.what, len(list))
			if len(list) > c.most {
				t.Errorf("%s: %d statements, more than %d:\n%s", c.what, len(list), c.most, strings.Join(list, "\n"))
			}
		}
	})
}
