package sso_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"sync"
	"testing"
	"time"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/directory"
	"rollcall/model/organization"
	"rollcall/model/people"
	"rollcall/model/signon"
	"rollcall/sso/provider"
	"rollcall/web"
)

// receiver is an application that takes logout tokens.
type receiver struct {
	mu     sync.Mutex
	tokens []string
	status int
}

func (r *receiver) ServeHTTP(answer http.ResponseWriter, request *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tokens = append(r.tokens, request.PostFormValue("logout_token"))
	answer.WriteHeader(r.status)
}

// taken returns the tokens that came, and forgets them.
func (r *receiver) taken() (out []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	out, r.tokens = r.tokens, nil
	return out
}

// hears has the application take logout tokens, which the returned Logouts sends.
func (w *world) hears() (*receiver, *provider.Logouts) {
	w.t.Helper()
	r := &receiver{status: http.StatusOK}
	served := httptest.NewServer(r)
	w.t.Cleanup(served.Close)
	w.changeApp(func(a *organization.ApplicationFields) { a.BackchannelLogoutURI = served.URL + "/logout" })
	outbound := web.NewOutbound(web.OutboundOptions{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	return r, provider.NewLogouts(w.store, w.url, outbound, w.logged.to(w.t))
}

// sends sends what is due, and returns how much that was.
func (w *world) sends(l *provider.Logouts) int {
	w.t.Helper()
	n, err := l.RunOnce(w.t.Context())
	must(w.t, err)
	return n
}

// TestBackchannelLogout: whatever ends a session, each application that took part is told once, by
// whichever of the two ways it signs people in.
func TestBackchannelLogout(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.activate(w.tenant)
		r, logouts := w.hears()
		d := w.newDirectory(w.tenant, "okta scim v2.0")
		who := person(w.tenant, 1)
		w.admin(w.tenant, admin) // an organization keeps one
		scimID := d.provision(who.UserName, who.ExternalID, who)
		user := func() people.User { return w.user(w.tenant, who.UserName) }
		for _, c := range []struct {
			what string
			end  func(b *browser)
		}{
			{"sign-out", func(b *browser) { b.submit("/sso/logout", url.Values{}) }},
			{"a session is ended", func(*browser) {
				sessions, _, err := signon.In(w.org).Sessions(t.Context(), user().ID, model.Page{Limit: 1})
				must(t, err)
				must(t, signon.In(w.org).EndSession(t.Context(), sessions[0].ID))
			}},
			{"sessions are revoked", func(*browser) {
				_, err := people.In(w.org).RevokeSessions(t.Context(), user().ID)
				must(t, err)
			}},
			{"a role changes", func(*browser) {
				for _, role := range []people.Role{people.Admin, people.Member} {
					_, err := people.In(w.org).SetRole(t.Context(), user().ID, role)
					must(t, err)
				}
			}},
			{"another sign-in replaces it", func(b *browser) {
				b.comesBack(b.get(w.asks("prompt", "login")), who)
			}},
			{"SCIM deactivates", func(*browser) { d.setActive(scimID, false); d.setActive(scimID, true) }},
			{"the connection is switched off", func(*browser) { w.setState("inactive"); w.setState("active") }},
			{"SCIM deletes", func(*browser) {
				d.call(http.MethodDelete, "/Users/"+scimID, http.StatusNoContent, nil)
				scimID = d.provision(who.UserName, who.ExternalID, who)
			}},
			{"the directory is deleted", func(*browser) {
				must(t, directory.In(w.org).DeleteDirectory(t.Context(), d.id))
				d = w.newDirectory(w.tenant, "okta scim v2.0")
				scimID = d.provision(who.UserName, who.ExternalID, who)
			}},
			{"the connection is deleted", func(*browser) {
				must(t, connection.In(w.org).DeleteConnection(t.Context(), w.connection.ID))
			}},
		} {
			b := w.browser()
			said, _ := w.verified(w.opened(b.comesBack(b.get(w.openID()), who).code(t))["id_token"].(string))
			w.exchange(b.get(w.asks()).code(t)) // the same application by the other endpoints: told once
			if n := w.sends(logouts); n != 0 || len(r.taken()) != 0 {
				t.Errorf("%s: %d are told before", c.what, n)
			}
			c.end(b)
			w.sends(logouts)
			w.sends(logouts)
			tokens := r.taken()
			if len(tokens) != 1 {
				t.Fatalf("%s: %d are told", c.what, len(tokens))
			}
			told, _ := w.verified(tokens[0])
			events, _ := told["events"].(map[string]any)
			if told["sub"] != said["sub"] || told["sid"] != said["sid"] || told["aud"] != w.clientID() ||
				told["iss"] != w.url || told["jti"] == nil || told["nonce"] != nil || told["exp"] == nil ||
				events["http://schemas.openid.net/event/backchannel-logout"] == nil {
				t.Errorf("%s: told %v, signed in %v", c.what, told, said)
			}
			if types := hintTypes(w, tokens[0]); types {
				t.Errorf("%s: a logout token signs out at /oauth2/logout", c.what)
			}
		}
	})
}

// hintTypes tells whether the sign-out page takes a token as an ID token.
func hintTypes(w *world, token string) bool {
	w.t.Helper()
	return w.browser().get(w.openID("prompt", "none", "id_token_hint", token)).location.Query().Get("error") !=
		"invalid_request"
}

// TestBackchannelLogoutIsTriedAgain until the application takes it, says that it never will, or a
// day is over.
func TestBackchannelLogoutIsTriedAgain(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.activate(w.tenant)
		r, logouts := w.hears()
		end := func() {
			b := w.browser()
			w.opened(b.signInAt(w.openID()).code(t))
			b.submit("/sso/logout", url.Values{})
		}
		r.status = http.StatusInternalServerError
		end()
		seen := map[string]bool{}
		for _, pause := range []time.Duration{0, time.Second, 5 * time.Second, 15 * time.Second, time.Minute,
			5 * time.Minute, 15 * time.Minute, 15 * time.Minute} {
			if pause > 0 {
				w.clock.Advance(pause - time.Millisecond)
				if n := w.sends(logouts); n != 0 {
					t.Errorf("%d are sent before %s", n, pause)
				}
				w.clock.Advance(time.Millisecond)
			}
			if n := w.sends(logouts); n != 1 {
				t.Errorf("%d are sent after %s", n, pause)
			}
			for _, token := range r.taken() {
				told, _ := w.verified(token)
				seen[told["jti"].(string)] = true
			}
		}
		if len(seen) != 8 {
			t.Errorf("%d tokens of their own", len(seen))
		}
		r.status = http.StatusNoContent
		w.clock.Advance(15 * time.Minute)
		if w.sends(logouts) != 1 || w.sends(logouts) != 0 {
			t.Error("it is not done")
		}
		for what, undone := range map[string]func(){
			"refused":        func() { r.status = http.StatusBadRequest },
			"never answered": func() { r.status = http.StatusFound },
		} {
			undone()
			end()
			before := len(w.typesSince(0))
			for range 120 {
				w.sends(logouts)
				w.clock.Advance(15 * time.Minute)
			}
			types := w.typesSince(before)
			if len(types) != 1 || types[0] != "application.logout_undeliverable" || w.sends(logouts) != 0 {
				t.Errorf("%s: %v", what, types)
			}
			r.taken()
		}
		end()
		w.changeApp(func(a *organization.ApplicationFields) { a.BackchannelLogoutURI = "" })
		if w.sends(logouts) != 1 || len(r.taken()) != 0 {
			t.Error("it is told at an address that was withdrawn")
		}
		end()
		if w.sends(logouts) != 0 {
			t.Error("an application without an address is told")
		}
	})
}

// TestBackchannelLogoutIsSentOnce by several processes at once.
func TestBackchannelLogoutIsSentOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.activate(w.tenant)
		r, logouts := w.hears()
		for range 3 {
			b := w.browser()
			w.opened(b.comesBack(b.get(w.openID()), person(w.tenant, 0)).code(t))
			b.submit("/sso/logout", url.Values{})
		}
		var wait sync.WaitGroup
		for range 8 {
			wait.Go(func() { w.sends(logouts) })
		}
		wait.Wait()
		if n := len(r.taken()); n != 3 {
			t.Errorf("%d are told", n)
		}
	})
}
