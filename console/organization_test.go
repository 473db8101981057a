package console_test

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"rollcall/console"
	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/directory"
	"rollcall/model/operator"
	"rollcall/model/organization"
	"rollcall/model/signon"
	"rollcall/model/store"
	"rollcall/web"
)

// customer makes an organization and returns it with the path of its page.
func (s *site) customer(name string, domains ...string) (*store.Org, string) {
	s.t.Helper()
	o := &organization.Organization{OrganizationFields: organization.OrganizationFields{
		Name: name, Settings: organization.DefaultSettings()}}
	states := map[string]organization.DomainState{}
	for _, domain := range domains {
		states[domain] = organization.DomainStateVerified
	}
	must(s.t, operator.Across(s.store).CreateOrganization(s.t.Context(), "system", model.Everywhere(), o, states))
	return s.store.Org(o.ID, "system"), "/console/organizations/" + model.OrganizationPrefix.ID(string(o.ID))
}

// trust makes a connection.
func (s *site) trust(org *store.Org, name string) *connection.Connection {
	s.t.Helper()
	c := &connection.Connection{ID: connection.NewConnectionID(), Type: "OktaSAML",
		ConnectionFields: connection.ConnectionFields{Name: name, IDPEntityID: "https://idp.example",
			IDPSSORedirectURL: "https://idp.example/sso", IDPCertificates: []string{"certificate"}}}
	must(s.t, connection.In(org).CreateConnection(s.t.Context(), c, []byte("key")))
	return c
}

func TestOrganizationsAreFoundByNameOrDomain(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *site) {
		s.customer("Contoso", "contoso.example", "a.example", "b.example", "c.example", "d.example")
		s.customer("Fabrikam <Ltd>", "fabrikam.example")
		s.customer("Web.example shop")
		s.settle()
		for search, want := range map[string]string{
			"": "Contoso Fabrikam Web", "ontos": "Contoso", "CONTOSO": "Contoso", "b.example": "Contoso",
			"ada@Fabrikam.example": "Fabrikam", "web.example": "Web", "nobody": "", "<Ltd>": "Fabrikam",
		} {
			a := s.get("/console?" + url.Values{"q": {search}}.Encode())
			for _, name := range []string{"Contoso", "Fabrikam", "Web"} {
				if got := strings.Contains(a.page, `">`+name); got != strings.Contains(want, name) || a.status != 200 {
					t.Errorf("%q: %s is found: %v, status %d", search, name, got, a.status)
				}
			}
		}
		s.shows(s.get("/console?q=n%3Cobody"), http.StatusOK, "<strong>n&lt;obody</strong>")
		s.shows(s.get("/console"), http.StatusOK, ", and 2 more")
	})
}

// TestEveryPageOfTheListIsReached follows the links of a search to its end.
func TestEveryPageOfTheListIsReached(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *site) {
		for i := range 103 {
			s.customer(fmt.Sprintf("Shop %d", i))
		}
		s.customer("Elsewhere")
		s.settle()
		next := regexp.MustCompile(`href="(/console\?[^"]*after=[^"]*)"`)
		seen, pages := map[string]bool{}, 0
		for path := "/console?q=shop"; path != ""; pages++ {
			a := s.get(path)
			for _, name := range regexp.MustCompile(`">(Shop \d+|Elsewhere)</a>`).FindAllStringSubmatch(a.page, -1) {
				if seen[name[1]] {
					t.Errorf("%s is listed twice", name[1])
				}
				seen[name[1]] = true
			}
			if path = ""; next.MatchString(a.page) {
				path = html.UnescapeString(next.FindStringSubmatch(a.page)[1])
			}
		}
		if len(seen) != 103 || seen["Elsewhere"] || pages != 3 {
			t.Errorf("%d organizations on %d pages", len(seen), pages)
		}
	})
}

func TestAnOrganizationsPageShowsWhatItHas(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *site) {
		org, path := s.customer("Contoso", "contoso.example")
		_, empty := s.customer("Fabrikam")
		c := s.trust(org, "Okta <prod>")
		_, _, err := directory.In(org).CreateDirectory(t.Context(), "People", directory.EntraDirectory)
		must(t, err)
		s.settle()
		page := s.get(path)
		for _, text := range []string{"<h1>Contoso</h1>", "contoso.example", "Verified", "Okta &lt;prod&gt;", "Draft",
			"People", path + "/connections/" + model.ConnectionPrefix.ID(c.ID) + "/logins", "None yet. With a link"} {
			s.shows(page, http.StatusOK, text)
		}
		for _, text := range []string{"None yet. A link lets", "No connection yet", "No directory yet"} {
			s.shows(s.get(empty), http.StatusOK, text)
		}
	})
}

// TestALinkIsShownOnce makes a set-up link, uses it by its address, and ends it.
func TestALinkIsShownOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *site) {
		_, path := s.customer("Contoso")
		s.settle()
		fields := url.Values{"scopes": {"domains", "sso"}, "note": {"Grace <IT>"}, "days": {"14"}}
		made := s.post(path+"/links", fields)
		s.shows(made, http.StatusCreated, "The link is made")
		address := regexp.MustCompile(`http://127\.0\.0\.1/setup/[A-Za-z0-9_-]{20,}`).FindString(made.page)
		if address == "" {
			t.Fatalf("no address: %s", made.page)
		}
		again := s.get(path)
		if strings.Contains(again.page, address) || strings.Contains(again.page, "The link is made") {
			t.Error("the address is shown again")
		}
		s.shows(again, http.StatusOK, "Grace &lt;IT&gt;")
		s.shows(again, http.StatusOK, "domains, sso")
		revoke := regexp.MustCompile(`action="([^"]*/revoke)"`).FindStringSubmatch(again.page)
		s.leads(s.post(revoke[1], nil), path+"#links")
		if after := s.get(path); !strings.Contains(after.page, "Revoked") || strings.Contains(after.page, "/revoke") {
			t.Errorf("not revoked: %s", after.page)
		}
		s.shows(s.get(path+"/events"), http.StatusOK, "setup_link.revoked")
		if events := s.get(path + "/events"); strings.Contains(events.page, address[len("http://127.0.0.1/setup/"):]) {
			t.Error("an event has the token")
		}
	})
}

// TestARefusedLinkKeepsWhatWasEntered leaves out and overdoes each field.
func TestARefusedLinkKeepsWhatWasEntered(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *site) {
		_, path := s.customer("Contoso")
		s.settle()
		for name, c := range map[string]struct {
			fields url.Values
			beside string
		}{
			"no scope":         {url.Values{"note": {"Kept"}, "days": {"7"}}, "scopes-problem"},
			"no scope of ours": {url.Values{"scopes": {"all"}, "note": {"Kept"}, "days": {"7"}}, "scopes-problem"},
			"too long":         {url.Values{"scopes": {"sso"}, "note": {"Kept"}, "days": {"91"}}, "days-problem"},
			"no days":          {url.Values{"scopes": {"sso"}, "note": {"Kept"}, "days": {"soon"}}, "days-problem"},
			"a long note": {url.Values{"scopes": {"sso"}, "note": {"Kept" + strings.Repeat("x", 2000)}, "days": {"7"}},
				"note-problem"},
		} {
			a := s.post(path+"/links", c.fields)
			if a.status != http.StatusBadRequest || !strings.Contains(a.page, `id="`+c.beside+`"`) ||
				!strings.Contains(a.page, `value="Kept`) || !strings.Contains(a.page, "<title>Error: ") {
				t.Errorf("%s: %d %s", name, a.status, a.page)
			}
		}
		s.shows(s.get(path), http.StatusOK, "None yet. With a link")
	})
}

func TestTheLoginLogSaysWhatToMend(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *site) {
		ctx := t.Context()
		org, path := s.customer("Contoso", "contoso.example")
		c := s.trust(org, "Okta")
		_, err := signon.In(org).RecordFailedLogin(ctx, signon.LoginAttempt{ConnectionID: c.ID,
			Reason: "wrong_audience", Expected: "https://ours", Received: "https://<theirs>", Reference: "ref-1",
			Address: "203.0.113.7"}, "refused")
		must(t, err)
		s.settle()
		log := path + "/connections/" + model.ConnectionPrefix.ID(c.ID) + "/logins"
		for _, text := range []string{"Refused", "https://&lt;theirs&gt;", "ref-1", "wrong_audience", "203.0.113.7",
			"Where to mend it"} {
			s.shows(s.get(log), http.StatusOK, text)
		}
		_, other := s.customer("Fabrikam")
		s.shows(s.get(other+"/connections/"+model.ConnectionPrefix.ID(c.ID)+"/logins"), http.StatusNotFound, "")
		s.shows(s.get(log+"?after=somewhere"), http.StatusBadRequest, "follow the link again")
	})
}

func TestMembersAreListedAndFound(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *site) {
		org, path := s.customer("Contoso", "contoso.example")
		d, _, err := directory.In(org).CreateDirectory(t.Context(), "People", directory.EntraDirectory)
		must(t, err)
		for _, name := range []string{"grace", "edsger"} {
			_, err = directory.Of(org, d.ID).CreateUser(t.Context(), map[string]any{"userName": name,
				"active": name == "grace",
				"emails": []any{map[string]any{"value": name + "@contoso.example", "primary": true}}})
			must(t, err)
		}
		s.settle()
		all := s.get(path + "/members")
		for _, text := range []string{"grace@contoso.example", "edsger@contoso.example", "Active", "Off"} {
			s.shows(all, http.StatusOK, text)
		}
		one := s.get(path + "/members?email=GRACE%40contoso.example")
		if s.shows(one, http.StatusOK, "grace@contoso.example"); strings.Contains(one.page, "edsger") {
			t.Error("the search finds others")
		}
		s.shows(s.get(path+"/members?email=no@x.example"), http.StatusOK, "Nobody here has exactly")
	})
}

// TestTheConsoleIsForOperatorsOnly asks for each route without a session, with one that has ended
// and with one of a one-time password. Nothing of an organization is shown.
func TestTheConsoleIsForOperatorsOnly(t *testing.T) {
	t.Parallel()
	open := map[string]bool{"GET /console/login": true, "POST /console/login": true, "POST /console/logout": true}
	each(t, func(t *testing.T, s *site) {
		org, path := s.customer("Contoso")
		c := s.trust(org, "Okta")
		e := echo.New()
		w, err := web.New(web.Options{})
		must(t, err)
		must(t, (&console.Server{Store: s.store, Pages: w.Pages}).Mount(e))
		fill := strings.NewReplacer("/console/organizations/:id", path, ":connection", model.ConnectionPrefix.ID(c.ID),
			":link", "setup_01M89NW4ZRFK2VM2N1YE9DSNMM")
		ask := func(method, route string) answer {
			if method == http.MethodGet {
				return s.get(fill.Replace(route))
			}
			return s.post(fill.Replace(route), url.Values{})
		}
		walked := 0
		for _, r := range e.Routes() {
			if !strings.HasPrefix(r.Path, "/console") || open[r.Method+" "+r.Path] ||
				r.Method != http.MethodGet && r.Method != http.MethodPost {
				continue
			}
			walked++
			s.browser = s.newBrowser()
			s.leads(ask(r.Method, r.Path), "/console/login")
			s.leads(s.signIn(ada, s.oneTime), "/console/password")
			if !strings.HasSuffix(r.Path, "/password") {
				s.leads(ask(r.Method, r.Path), "/console/password")
			}
			s.clock.Advance(31 * time.Minute)
			s.leads(ask(r.Method, r.Path), "/console/login")
		}
		if walked < 9 {
			t.Errorf("%d routes", walked)
		}
	})
}
