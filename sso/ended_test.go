package sso_test

import (
	"net/http"
	"slices"
	"testing"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/directory"
	"rollcall/model/organization"
	"rollcall/model/people"
	"rollcall/model/refusal"
	"rollcall/model/signon"
	"rollcall/testidp"
)

// guest is a signed-in user of a directory, with the session, the code and the token.
type guest struct {
	*world
	directory scimDirectory
	scimID    string
	userID    string
	browser   *browser
	token     string // that the application has
	code      string // that it has not exchanged yet
	sent      answer // a login that is on its way in the same browser
}

// welcome provisions the tenant's person, signs them in and leaves a code and a login open.
func (w *world) welcome(d scimDirectory, who testidp.Person) *guest {
	w.t.Helper()
	g := &guest{world: w, directory: d, scimID: d.provision(who.UserName, who.ExternalID, who)}
	g.enter(who)
	return g
}

func (g *guest) enter(who testidp.Person) {
	g.t.Helper()
	g.browser, g.token = g.signedInBrowser(g.tenant, who)
	profile := g.profile(g.token)
	g.userID, _ = profile["user_id"].(string)
	g.code = g.browser.get(g.asks()).code(g.t)
	g.sent = g.browser.get(g.asks("prompt", "login"))
}

// shutOut demands that nothing which was open opens anything at the very next request.
func (g *guest) shutOut() {
	g.t.Helper()
	if got := g.profile(g.token); got != nil {
		g.t.Errorf("the token still tells %v", got)
	}
	if g.browser.signedIn() {
		g.t.Error("the browser is still signed in")
	}
	if status, body := g.exchange(g.code); status != http.StatusBadRequest || body["error"] != "invalid_grant" {
		g.t.Errorf("the code is exchanged: %d %v", status, body)
	}
	if a := g.browser.get(g.asks()); a.location.Query().Has("code") {
		g.t.Error("the session is used again")
	}
	if a := g.browser.get("/sso/signed-in"); a.status != http.StatusUnauthorized {
		g.t.Errorf("the page says that somebody is signed in: %d", a.status)
	}
}

// ending is one way in which access ends.
type ending struct {
	name   string
	end    func(g *guest)
	reason people.EndingReason
	events []string // all that follow, in their order
	// again is why the next login is refused; empty when the person may come back
	again string
}

var endings = []ending{
	{"unassigned", func(g *guest) { g.directory.setActive(g.scimID, false) }, people.EndedDeprovisioned,
		[]string{"dsync.user.updated", "user.access_ended"}, string(refusal.UserDeactivated)},
	{"deleted by SCIM", func(g *guest) {
		g.directory.call(http.MethodDelete, "/Users/"+g.scimID, http.StatusNoContent, nil)
	}, people.EndedDeleted,
		[]string{"dsync.user.deleted", "user.access_ended"}, string(refusal.PersonDeprovisioned)},
	{"directory deleted", func(g *guest) {
		a := g.send(nil, http.MethodDelete, "/directories/"+model.DirectoryPrefix.ID(g.directory.id),
			"Authorization", "Bearer "+g.secret)
		if a.status >= 300 {
			g.t.Fatalf("%d %s", a.status, a.body)
		}
	}, people.EndedDirectoryDeleted, []string{"user.access_ended", "dsync.deleted"}, ""},
	{"directory deleted where logins make nobody", func(g *guest) {
		g.settings(g.tenant, func(o *organization.OrganizationFields) { o.Settings.JIT = false })
		must(g.t, directory.In(g.org).DeleteDirectory(g.t.Context(), g.directory.id))
	}, people.EndedDirectoryDeleted, []string{"organization.updated", "user.access_ended", "dsync.deleted"},
		string(refusal.UserDeactivated)},
	{"sessions revoked", func(g *guest) {
		_, err := people.In(g.org).RevokeSessions(g.t.Context(), g.user(g.tenant, ada(g.tenant).UserName).ID)
		must(g.t, err)
	}, people.EndedRevoked, []string{"user.access_ended"}, ""},
	{"no administrator any more", func(g *guest) {
		_, err := people.In(g.org).SetRole(g.t.Context(), g.user(g.tenant, ada(g.tenant).UserName).ID, people.Member)
		must(g.t, err)
	}, people.EndedRoleChanged, []string{"user.role_changed", "user.access_ended"}, ""},
	{"user deleted by an operator", func(g *guest) {
		must(g.t, directory.In(g.org).DeleteUser(g.t.Context(), g.user(g.tenant, ada(g.tenant).UserName).ID))
	}, people.EndedDeleted, []string{"user.deleted", "user.access_ended"}, string(refusal.PersonDeprovisioned)},
	{"connection deleted", func(g *guest) {
		must(g.t, connection.In(g.org).DeleteConnection(g.t.Context(), g.connection.ID))
	}, people.EndedConnectionChanged,
		[]string{"connection.deactivated", "user.access_ended", "connection.deleted"}, "gone"},
	{"another identity provider", func(g *guest) {
		g.update(g.tenant, func(c *connection.ConnectionFields) { c.IDPEntityID = "https://other.example/" })
	}, people.EndedConnectionChanged, []string{"connection.deactivated", "user.access_ended"},
		string(refusal.ConnectionIsDraft)},
}

func TestAccessEndsByTheNextRequest(t *testing.T) {
	t.Parallel()
	for _, e := range endings {
		t.Run(e.name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				w.activate(w.tenant)
				who := ada(w.tenant)
				d := w.newDirectory(w.tenant, "generic scim v2.0")
				// of the test login
				must(t, directory.In(w.org).DeleteUser(t.Context(), w.user(w.tenant, who.UserName).ID))
				g := w.welcome(d, who)
				if e.reason == people.EndedRoleChanged {
					_, err := people.In(w.org).SetRole(t.Context(), w.user(w.tenant, who.UserName).ID, people.Admin)
					must(t, err)
					w.admin(w.tenant, "stand-in@"+domain) // the last one could not become a member
					if w.profile(g.token) == nil {
						t.Error("becoming an administrator ends access")
					}
				}
				before := len(w.events())
				e.end(g)
				g.told(t, e, w.events()[before:])
				g.learns(t, e.reason)
				g.shutOut()
				g.comesBack(t, e, who)
				g.shutOut()
				if e.again != "" { // otherwise the browser is another
					g.learns(t, e.reason)
				}
			})
		})
	}
}

// learns demands that the 401 of the token and that of the browser say why, and by which event.
func (g *guest) learns(t *testing.T, reason people.EndingReason) {
	t.Helper()
	feed := g.send(nil, http.MethodGet, "/events?events=user.access_ended&order=desc&limit=1",
		"Authorization", "Bearer "+g.secret).object(t)
	newest := feed["data"].([]any)[0].(map[string]any)["id"]
	for name, a := range map[string]answer{
		"token":   g.send(nil, http.MethodGet, "/sso/profile", "Authorization", "Bearer "+g.token),
		"browser": g.browser.get("/sso/session"),
	} {
		if o := a.object(t); a.status != http.StatusUnauthorized || o["error"] != "Unauthorized" ||
			o["reason"] != string(reason) || o["event_id"] != newest || o["error_description"] == "" {
			t.Errorf("the %s learns %d %v, want %s by %s", name, a.status, o, reason, newest)
		}
	}
}

// told demands these events. The event of the ended access must have the user and the reason.
func (g *guest) told(t *testing.T, e ending, events []event) {
	t.Helper()
	var names []string
	for _, event := range events {
		names = append(names, event.Event)
		if event.Event != "user.access_ended" {
			continue
		}
		if event.Data["user_id"] != g.userID || event.Data["reason"] != string(e.reason) ||
			len(event.Data["profile_ids"].([]any)) != 1 {
			t.Errorf("%v, want %s of %s", event.Data, e.reason, g.userID)
		}
	}
	if !slices.Equal(names, e.events) {
		t.Errorf("events %v, want %v", names, e.events)
	}
}

// comesBack ends the login that was on its way, which lets in only who may come back.
func (g *guest) comesBack(t *testing.T, e ending, who testidp.Person) {
	t.Helper()
	a := g.browser.post(g.sp(g.connection, "/acs"), g.answer(t, g.sent, who, testidp.ResponseOptions{}))
	switch e.again {
	case "":
		if w := g.world; w.profile(first(w.exchange(a.code(t)))) == nil {
			t.Error("whoever comes back has no profile")
		}
		g.browser = g.world.browser() // the old one has a new session
		return
	case "gone":
		if a.status != http.StatusNotFound {
			t.Errorf("%d %s", a.status, a.body)
		}
		return
	}
	g.refused(g.tenant, a, e.again)
	attempts, _, err := signon.In(g.org).LoginAttempts(t.Context(), g.connection.ID, model.Page{Limit: 1})
	must(t, err)
	if got := attempts[0]; e.again == string(refusal.UserDeactivated) &&
		(got.UserID == nil || model.UserPrefix.ID(*got.UserID) != g.userID || got.Email != who.UserName ||
			got.Subject != who.UserName) {
		t.Errorf("the log does not say who it was: %+v", got)
	}
}

// first is the access token of an exchange.
func first(_ int, body map[string]any) string {
	token, _ := body["access_token"].(string)
	return token
}

// TestReactivationRevivesNothing: a user who is assigned again must sign in again.
func TestReactivationRevivesNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		d := w.newDirectory(w.tenant, "generic scim v2.0")
		who := person(w.tenant, 3)
		w.activate(w.tenant)
		g := w.welcome(d, who)
		d.setActive(g.scimID, false)
		d.setActive(g.scimID, true)
		g.shutOut()
		before := g.token
		g.enter(who)
		if w.profile(g.token)["user_id"] != g.userID {
			t.Error("somebody else came back")
		}
		if w.profile(before) != nil {
			t.Error("the new sign-in revives the old token")
		}
	})
}

// TestUnassignedBeforeTheFirstLogin: being unassigned is no way around the tombstone or JIT.
func TestUnassignedBeforeTheFirstLogin(t *testing.T) {
	t.Parallel()
	w := one(t)
	d := w.newDirectory(w.tenant, "generic scim v2.0")
	who := person(w.tenant, 4)
	id := d.provision(who.UserName, who.ExternalID, who)
	d.setActive(id, false)
	b := w.begin(w.tenant)
	w.refused(w.tenant, b.post(w.sp(w.connection, "/acs"), w.answer(t, b.sent, who, testidp.ResponseOptions{})),
		string(refusal.UserDeactivated))
	d.setActive(id, true)
	if w.profile(w.token(w.tenant, w.browser(), who)) == nil {
		t.Error("assigned again, but not let in")
	}
	d.setActive(id, false)
	d.call(http.MethodDelete, "/Users/"+id, http.StatusNoContent, nil)
	b = w.begin(w.tenant)
	w.refused(w.tenant, b.post(w.sp(w.connection, "/acs"), w.answer(t, b.sent, who, testidp.ResponseOptions{})),
		string(refusal.PersonDeprovisioned))
}

// TestAccessEndsOnEveryReplica: nothing of a session is remembered between two requests.
func TestAccessEndsOnEveryReplica(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.activate(w.tenant)
		d := w.newDirectory(w.tenant, "generic scim v2.0")
		g := w.welcome(d, person(w.tenant, 5))
		other := w.replica(t)
		ask := func() int {
			return w.send(nil, http.MethodGet, other.server.URL+"/sso/profile", "Authorization", "Bearer "+g.token).
				status
		}
		if got := ask(); got != http.StatusOK {
			t.Fatal(got)
		}
		d.setActive(g.scimID, false)
		if got := ask(); got != http.StatusUnauthorized {
			t.Errorf("the other replica still answers %d", got)
		}
		g.shutOut()
	})
}
