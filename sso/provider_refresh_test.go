package sso_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"rollcall/model"
	"rollcall/model/modeltest"
	"rollcall/model/organization"
	"rollcall/model/people"
	"rollcall/model/signon"
)

const offline = "openid email offline_access"

// refreshing is a world whose application has the usual leeway.
func (w *world) refreshing() *world {
	w.t.Helper()
	w.activate(w.tenant)
	w.changeApp(func(a *organization.ApplicationFields) { a.RefreshLeewaySeconds = 30 })
	return w
}

// refresh sends a refresh token. What follows replaces parameters.
func (w *world) refresh(token string, extra ...string) answer {
	w.t.Helper()
	form := url.Values{"client_id": {w.clientID()}, "client_secret": {w.secret}, "grant_type": {"refresh_token"},
		"refresh_token": {token}}
	for i := 0; i < len(extra); i += 2 {
		form.Set(extra[i], extra[i+1])
	}
	return w.postForm("/oauth2/token", form)
}

// refreshed demands another refresh token, and returns both tokens.
func (w *world) refreshed(token string) (refresh, access string) {
	w.t.Helper()
	a := w.refresh(token)
	if a.status != http.StatusOK {
		w.t.Fatalf("%d %s", a.status, a.body)
	}
	o := a.object(w.t)
	return o["refresh_token"].(string), o["access_token"].(string)
}

// introspect asks about a token. What follows replaces parameters.
func (w *world) introspect(token string, extra ...string) map[string]any {
	w.t.Helper()
	form := url.Values{"client_id": {w.clientID()}, "client_secret": {w.secret}, "token": {token}}
	for i := 0; i < len(extra); i += 2 {
		form.Set(extra[i], extra[i+1])
	}
	a := w.postForm("/oauth2/introspect", form)
	if a.status != http.StatusOK {
		w.t.Fatalf("%d %s", a.status, a.body)
	}
	return a.object(w.t)
}

// TestRefresh walks along a chain of refresh tokens.
func TestRefresh(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.refreshing()
		first := w.opened(w.openCode("scope", offline))
		if first["scope"] != offline || first["expires_in"] != 300.0 {
			t.Errorf("%v", first)
		}
		r1 := first["refresh_token"].(string)
		if again, _ := w.refreshed(r1); again != r1 {
			t.Error("a young token is rotated")
		}
		w.clock.Advance(30 * time.Second)
		r2, access := w.refreshed(r1)
		if r2 == r1 || w.userinfo(access).status != 200 {
			t.Error("an old token is not rotated")
		}
		w.clock.Advance(29 * time.Second)
		if again, _ := w.refreshed(r1); again != r2 {
			t.Error("a repeat within the leeway has another successor")
		}
		said, _ := w.verified(w.refresh(r2).object(t)["id_token"].(string))
		if said["nonce"] != nil || said["email"] == nil {
			t.Errorf("%v", said)
		}
		w.clock.Advance(time.Second)
		before := len(w.typesSince(0))
		if a := w.refresh(r1); a.status != 400 || a.oauthError(t) != "invalid_grant" {
			t.Errorf("after the leeway: %d %s", a.status, a.body)
		}
		if a := w.refresh(r2); a.oauthError(t) != "invalid_grant" || w.userinfo(access).status != 401 {
			t.Errorf("its successor lives on: %d", a.status)
		}
		if a := w.refresh(r1); a.oauthError(t) != "invalid_grant" {
			t.Errorf("%d", a.status)
		}
		if types := w.typesSince(before); strings.Join(types, " ") != "authentication.refresh_reused" {
			t.Errorf("events: %v", types)
		}
	})
}

// TestRefreshIsRefused: who does not have both the token and its application changes nothing.
func TestRefreshIsRefused(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.refreshing()
		foreign := &organization.Application{ApplicationFields: organization.ApplicationFields{Name: "Billing",
			AllOrganizations: true, RedirectURIs: []string{callback}}}
		secret, err := organization.Across(w.store).CreateApplication(t.Context(), foreign, nil)
		must(t, err)
		theirs := []string{"client_id", model.ApplicationPrefix.ID(foreign.ID), "client_secret", secret}
		r1 := w.opened(w.openCode("scope", offline))["refresh_token"].(string)
		w.clock.Advance(time.Minute)
		r2, access := w.refreshed(r1)
		w.clock.Advance(time.Minute)
		for name, c := range map[string]struct {
			a    answer
			want string
		}{
			"another application":               {w.refresh(r2, theirs...), "invalid_grant"},
			"an old one of another application": {w.refresh(r1, theirs...), "invalid_grant"},
			"none":                              {w.refresh(""), "invalid_request"},
			"another text":                      {w.refresh("rc_rt_x"), "invalid_grant"},
			"another MAC":                       {w.refresh(r2[:len(r2)-2] + "AA"), "invalid_grant"},
			"another generation":                {w.refresh(r1[:38] + r2[38:]), "invalid_grant"},
			"an access token":                   {w.refresh(access), "invalid_grant"},
			"a wrong secret":                    {w.refresh(r2, "client_secret", "sk_x"), "invalid_client"},
			"more than was granted":             {w.refresh(r2, "scope", "openid profile"), "invalid_scope"},
			"a scope of spaces":                 {w.refresh(r2, "scope", " "), "invalid_scope"},
			"revoked by another": {w.postForm("/oauth2/revoke", url.Values{"token": {r2}}),
				"invalid_client"},
		} {
			if c.a.oauthError(t) != c.want {
				t.Errorf("%s: %d %s", name, c.a.status, c.a.body)
			}
		}
		revoke := url.Values{"token": {r2}, "client_id": {theirs[1]}, "client_secret": {secret}}
		if a := w.postForm("/oauth2/revoke", revoke); a.status != 200 {
			t.Errorf("revoked by another application: %d", a.status)
		}
		for _, token := range []string{r2, access} {
			if o := w.introspect(token, theirs...); len(o) != 1 || o["active"] != false {
				t.Errorf("another application is told of a token: %v", o)
			}
		}
		less := w.refresh(r2, "scope", "email").object(t)
		if less["scope"] != "email" || less["id_token"] != nil ||
			w.userinfo(less["access_token"].(string)).status != 403 {
			t.Errorf("less: %v", less)
		}
	})
}

// TestRefreshesAtOnce sends one token many times at once, to two replicas: nobody is signed out,
// and there is one successor.
func TestRefreshesAtOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.refreshing()
		other := w.replica(t)
		other.url = other.server.URL
		token := w.opened(w.openCode("scope", offline))["refresh_token"].(string)
		w.clock.Advance(time.Minute)
		var wait sync.WaitGroup
		answers := make([]answer, 32)
		for i := range answers {
			wait.Go(func() { answers[i] = []*world{w, other}[i%2].refresh(token) })
		}
		wait.Wait()
		next := map[string]bool{}
		for _, a := range answers {
			var o struct {
				Refresh string `json:"refresh_token"`
			}
			if json.Unmarshal([]byte(a.body), &o) != nil || a.status != 200 {
				t.Errorf("%d %s", a.status, a.body)
			}
			next[o.Refresh] = true
		}
		if len(next) != 1 || next[token] {
			t.Errorf("%d successors", len(next))
		}
	})
}

// TestIntrospection tells an application of its own tokens.
func TestIntrospection(t *testing.T) {
	t.Parallel()
	w := one(t).refreshing()
	tokens := w.opened(w.openCode("scope", offline))
	access, refresh := tokens["access_token"].(string), tokens["refresh_token"].(string)
	for token, kind := range map[string]any{access: "Bearer", refresh: nil} {
		o := w.introspect(token)
		if o["active"] != true || o["client_id"] != w.clientID() || o["scope"] != offline || o["iss"] != w.url ||
			o["token_type"] != kind || o["sub"] == nil || o["exp"] == nil {
			t.Errorf("%v", o)
		}
	}
	if o := w.introspect("x"); len(o) != 1 || o["active"] != false {
		t.Errorf("%v", o)
	}
	w.clock.Advance(5 * time.Minute)
	if w.introspect(access)["active"] != false || w.introspect(refresh)["active"] != true {
		t.Error("after five minutes")
	}
	_, access = w.refreshed(refresh)
	w.clock.Advance(time.Minute)
	if w.introspect(refresh)["active"] != false {
		t.Error("a rotated token is active")
	}
	w.changeApp(func(a *organization.ApplicationFields) { a.Public = true })
	form := url.Values{"client_id": {w.clientID()}, "token": {access}}
	if a := w.postForm("/oauth2/introspect", form); a.oauthError(t) != "invalid_client" {
		t.Errorf("a public application: %d %s", a.status, a.body)
	}
}

// TestRevocation ends what an application says.
func TestRevocation(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.refreshing()
		revoke := func(token string) {
			form := url.Values{"client_id": {w.clientID()}, "client_secret": {w.secret}, "token": {token}}
			if a := w.postForm("/oauth2/revoke", form); a.status != 200 {
				t.Errorf("%d %s", a.status, a.body)
			}
		}
		tokens := w.opened(w.openCode("scope", offline))
		access, refresh := tokens["access_token"].(string), tokens["refresh_token"].(string)
		revoke("x")
		revoke(access)
		if w.userinfo(access).status != 401 {
			t.Error("a revoked access token lives")
		}
		refresh, access = w.refreshed(refresh)
		revoke(refresh)
		if w.userinfo(access).status != 401 || w.refresh(refresh).status != 400 {
			t.Error("a revoked family lives")
		}
		revoke(refresh)
		code := w.openCode("scope", offline)
		replayed := w.opened(code)
		w.postForm("/oauth2/token", w.tokenForm(code))
		if w.userinfo(replayed["access_token"].(string)).status != 401 ||
			w.refresh(replayed["refresh_token"].(string)).status != 400 {
			t.Error("a code that came again leaves its tokens")
		}
	})
}

// TestAlwaysRefresh: the application's setting stands in for the scope, and public applications
// have a shorter leeway.
func TestAlwaysRefresh(t *testing.T) {
	t.Parallel()
	w := one(t).refreshing()
	w.changeApp(func(a *organization.ApplicationFields) {
		a.RefreshTokens, a.Public = organization.RefreshAlways, true
	})
	r1, _ := w.opened(w.openCode(), "client_secret", "")["refresh_token"].(string)
	w.clock.Advance(10 * time.Second)
	if r2, _ := w.refreshed(r1); r2 == r1 || r1 == "" {
		t.Error("not rotated after ten seconds")
	}
}

// setState switches the tenant's connection by the API.
func (w *world) setState(state string) {
	w.t.Helper()
	a := w.send(nil, http.MethodPatch, "/connections/"+model.ConnectionPrefix.ID(w.connection.ID),
		"Authorization", "Bearer "+bootstrapKey, "Content-Type", "application/json", "", `{"state":"`+state+`"}`)
	if a.status != http.StatusOK {
		w.t.Fatalf("%d %s", a.status, a.body)
	}
}

// TestAccessEndsEverywhere: whatever ends access ends it at all endpoints, by the next request, at
// every replica.
func TestAccessEndsEverywhere(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.refreshing()
		other := w.replica(t)
		other.url = other.server.URL
		user := w.user(w.tenant, ada(w.tenant).UserName)
		for _, c := range []struct {
			what string
			end  func(b *browser)
			back func()
		}{
			{"sessions are revoked", func(*browser) {
				_, err := people.In(w.org).RevokeSessions(t.Context(), user.ID)
				must(t, err)
			}, nil},
			{"sign-out", func(b *browser) { b.submit("/sso/logout", url.Values{}) }, nil},
			{"a session is ended", func(*browser) {
				sessions, _, err := signon.In(w.org).Sessions(t.Context(), user.ID, model.Page{Limit: 1})
				must(t, err)
				must(t, signon.In(w.org).EndSession(t.Context(), sessions[0].ID))
			}, nil},
			{"the connection is switched off", func(*browser) {
				w.setState("inactive")
			}, func() { w.setState("active") }},
			{"the application does not serve the organization", func(*browser) {
				w.changeApp(func(a *organization.ApplicationFields) { a.AllOrganizations = false })
			}, func() { w.changeApp(func(a *organization.ApplicationFields) { a.AllOrganizations = true }) }},
			{"the session is over", func(*browser) { w.clock.Advance(25 * time.Hour) }, nil},
			{"the application is deleted", func(*browser) {
				must(t, organization.Across(w.store).DeleteApplication(t.Context(), w.app.ID))
			}, nil},
		} {
			b := w.browser()
			tokens := w.opened(b.signInAt(w.openID("scope", offline)).code(t))
			access, refresh := tokens["access_token"].(string), tokens["refresh_token"].(string)
			w.clock.Advance(time.Minute)
			for _, at := range []*world{w, other} {
				if at.userinfo(access).status != 200 || at.introspect(refresh)["active"] != true {
					t.Fatalf("%s: no access before", c.what)
				}
			}
			c.end(b)
			for _, at := range []*world{w, other} {
				if a := at.userinfo(access); a.status != 401 {
					t.Errorf("%s: userinfo %d", c.what, a.status)
				}
				if a := at.refresh(refresh); a.status < 400 || a.status > 401 {
					t.Errorf("%s: refresh %d %s", c.what, a.status, a.body)
				}
				if c.what == "the application is deleted" {
					continue
				}
				if at.introspect(access)["active"] != false || at.introspect(refresh)["active"] != false {
					t.Errorf("%s: a token is active", c.what)
				}
			}
			if c.back != nil {
				c.back()
			}
		}
	})
}

// TestStatementsOfRefresh counts what reaches the database.
func TestStatementsOfRefresh(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		var counter modeltest.Statements
		w := newWorld(t, db, counter.Options()).refreshing()
		var access, refresh string
		code := w.openCode("scope", offline)
		w.keySet()
		for _, c := range []struct {
			what string
			most int
			run  func()
		}{
			{"code", 8, func() {
				tokens := w.opened(code)
				access, refresh = tokens["access_token"].(string), tokens["refresh_token"].(string)
			}},
			{"refresh, young", 4, func() { w.refreshed(refresh) }},
			{"refresh", 4, func() {
				w.clock.Advance(time.Minute - time.Second)
				refresh,
					access = w.refreshed(refresh)
			}},
			{"introspect", 2, func() { w.introspect(access) }},
			{"introspect a refresh token", 2, func() { w.introspect(refresh) }},
			{"userinfo", 3, func() { w.userinfo(access) }},
		} {
			list := counter.During(c.run)
			t.Logf("%s: %d statements", c.what, len(list))
			if len(list) > c.most {
				t.Errorf("%s: %d statements, more than %d:\n%s", c.what, len(list), c.most, strings.Join(list, "\n"))
			}
		}
	})
}
