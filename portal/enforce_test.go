package portal_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/organization"
	"rollcall/model/people"
	"rollcall/model/setup"
	"rollcall/model/signon"
	"rollcall/model/testlogin"
)

// tested notes the answer to a test of the only connection.
func (s *site) tested(result testlogin.Result) {
	s.t.Helper()
	c := s.connections()[0]
	t, err := testlogin.In(s.org).Begin(s.t.Context(), c.ID)
	must(s.t, err)
	reason := ""
	if result == testlogin.Red {
		reason = "wrong_audience"
	}
	_, err = testlogin.In(s.org).Finish(s.t.Context(), testlogin.Answer{Connection: &c, Result: result, Reason: reason,
		Login: &signon.Login{ConnectionID: c.ID, TestID: t.ID}})
	must(s.t, err)
}

// connected is a visitor of all scopes whose connection knows its identity provider.
func (s *site) connected() linked {
	l := s.visitorOf(setup.Scopes)
	l.choose("okta", "SAML")
	l.leads(l.enter(url.Values{"metadata": {s.metadata("okta")}}), "/setup/sso#known")
	return l
}

// settings are those of the organization.
func (s *site) settings() organization.Settings {
	s.t.Helper()
	g, err := organization.In(s.org).Organization(s.t.Context())
	must(s.t, err)
	return g.Settings
}

func TestTestLoginIsShown(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		l := s.visitorOf(setup.Scopes)
		l.shows(l.get("/setup/test"), http.StatusOK, "Connect your identity provider first")
		l.choose("entra", "SAML")
		l.leads(l.enter(url.Values{"metadata": {s.metadata("entra")}}), "/setup/sso#known")
		begin := "/sso/saml/" + model.ConnectionPrefix.ID(s.connections()[0].ID) + "/test"
		l.shows(l.get("/setup/test"), http.StatusOK, `<a class="button" href="`+begin+`">`)
		_, err := testlogin.In(s.org).Begin(t.Context(), s.connections()[0].ID)
		must(t, err)
		l.shows(l.get("/setup/test"), http.StatusOK, "Nothing has come back yet", "AADSTS50105", `class="waiting"`)
		s.tested(testlogin.Red)
		l.shows(l.get("/setup/test"), http.StatusOK, "<title>Error: ", "Identifier (Entity ID)", `class="broken"`)
		s.tested(testlogin.Green)
		page := l.get("/setup/test").page
		if !strings.Contains(page, "It works") || strings.Count(page, "/setup/tests/test_") != 3 ||
			strings.Contains(page, "<title>Error: ") {
			t.Errorf("the page is %s", page)
		}
		l.shows(l.get("/setup/summary"), http.StatusOK, "it works")
		if !slices.Contains(s.eventTypes(), "setup.step_completed") {
			t.Error("no step is completed")
		}
		l.enter(url.Values{"metadata": {s.metadata("entra")}}) // another key
		l.shows(l.get("/setup/test"), http.StatusOK, "changed since the last test")
	})
}

// TestTurnOn: each gate holds, and what follows is what the page said.
func TestTurnOn(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		l := s.connected()
		offered := url.Values{"level": {"offered"}}
		confirm := func(form url.Values) answer { return l.post("/setup/enforce/confirm", form) }
		refused := func(a answer, text string) {
			t.Helper()
			l.shows(a, http.StatusConflict, text, "<title>Error: ")
			if s.connections()[0].State != connection.ConnectionDraft {
				t.Fatal("it is turned on")
			}
		}
		refused(l.post("/setup/enforce", offered), "A verified domain; A test login")
		refused(confirm(offered), "A verified domain; A test login")
		s.verified("northwind.example")
		s.tested(testlogin.Red)
		refused(confirm(offered), "Missing: A test login")
		s.tested(testlogin.Amber)
		refused(confirm(url.Values{"level": {"everything"}}), "Choose how far")
		refused(confirm(url.Values{"level": {"required"}, "name": {"Northwind"}}), "An administrator who can still "+
			"get in")
		s.clock.Advance(25 * time.Hour)
		l = s.again(l)
		refused(confirm(offered), "Missing: A test login")
		s.tested(testlogin.Green)
		l.shows(l.post("/setup/enforce", offered), http.StatusOK, "under northwind.example are sent to Okta")
		l.leads(confirm(offered), "/setup/enforce")
		if s.connections()[0].State != connection.ConnectionActive || s.settings().SSORequired {
			t.Errorf("after offering: %+v", s.settings())
		}
		l.shows(l.get("/setup/enforce"), http.StatusOK, "is offered", "Undo: back to off", `class="done"`)

		ada, err := people.In(s.org).CreateUser(t.Context(), map[string]any{"userName": "ada@northwind.example",
			"active": true, "emails": []any{map[string]any{"value": "ada@northwind.example", "primary": true}}})
		must(t, err)
		_, err = people.In(s.org).SetRole(t.Context(), ada.ID, people.Admin)
		must(t, err)
		_, err = people.In(s.org).CreateUser(t.Context(), map[string]any{"userName": "eve@elsewhere.example",
			"active": true, "emails": []any{map[string]any{"value": "eve@elsewhere.example", "primary": true}}})
		must(t, err)
		required := url.Values{"level": {"required"}, "passwords": {"no"}}
		l.shows(l.get("/setup/enforce"), http.StatusOK, "1 people could not sign in", "<li>eve@elsewhere.example</li>",
			"by the identity provider")
		l.shows(l.post("/setup/enforce", required), http.StatusOK, "Type the name of the organization")
		l.shows(confirm(required), http.StatusBadRequest, `id="name-problem"`)
		required.Set("name", "northwind")
		l.leads(confirm(required), "/setup/enforce")
		if g := s.settings(); !g.SSORequired || g.AllowAdminPasswords {
			t.Errorf("after requiring: %+v", g)
		}
		s.clock.Advance(25 * time.Hour)
		l = s.again(l)
		page := l.get("/setup/enforce").page
		if strings.Contains(page, "Undo") || !strings.Contains(page, "is required") {
			t.Errorf("after a day the page is %s", page)
		}
		l.leads(confirm(offered), "/setup/enforce") // less needs no new test
		if s.settings().SSORequired {
			t.Error("it is still required")
		}
		l.leads(confirm(url.Values{"level": {"off"}}), "/setup/enforce")
		if s.connections()[0].State != connection.ConnectionInactive {
			t.Errorf("after turning it off: %s", s.connections()[0].State)
		}
	})
}

// again opens the visitor's link once more, as somebody does a day later.
func (s *site) again(l linked) linked {
	s.t.Helper()
	return s.visitorOf(l.link.Scopes)
}

// TestSecondConnectionBecomesTheDefault where another one is on already.
func TestSecondConnectionBecomesTheDefault(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		l := s.connected()
		s.verified("northwind.example")
		s.tested(testlogin.Green)
		l.leads(l.post("/setup/enforce/confirm", url.Values{"level": {"offered"}}), "/setup/enforce")
		l.choose("keycloak", "SAML")
		l.leads(l.enter(url.Values{"metadata": {s.metadata("keycloak")}}), "/setup/sso#known")
		second := s.connections()[1]
		began, err := testlogin.In(s.org).Begin(t.Context(), second.ID)
		must(t, err)
		_, err = testlogin.In(s.org).Finish(t.Context(), testlogin.Answer{Connection: &second, Result: testlogin.Green,
			Login: &signon.Login{ConnectionID: second.ID, TestID: began.ID}})
		must(t, err)
		l.leads(l.post("/setup/enforce/confirm", url.Values{"level": {"offered"}}), "/setup/enforce")
		if got := string(s.settings().DefaultConnection); got != second.ID {
			t.Errorf("the default is %s", got)
		}
	})
}
