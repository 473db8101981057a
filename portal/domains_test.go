package portal_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/model"
	"rollcall/model/organization"
	"rollcall/model/setup"
	"rollcall/portal"
	"rollcall/web"
)

// secure redeems a link at a server that browsers reach over https, and returns the answer's
// header.
func (s *site) secure(path string) http.Header {
	s.t.Helper()
	w, err := web.New(web.Options{PublicURL: "https://rollcall.example"})
	must(s.t, err)
	must(s.t, (&portal.Server{Store: s.store, Pages: w.Pages, PublicURL: "https://rollcall.example"}).Mount(w.Echo))
	w.Open()
	recorder := httptest.NewRecorder()
	w.ServeHTTP(recorder, httptest.NewRequest(http.MethodPost, "https://rollcall.example"+path, nil))
	return recorder.Header()
}

func (s *site) application(name string) string {
	s.t.Helper()
	a := &organization.Application{ApplicationFields: organization.ApplicationFields{Name: name,
		RedirectURIs: []string{"https://app.example/callback"}, AllOrganizations: true}}
	_, err := organization.Across(s.store).CreateApplication(s.t.Context(), a, nil)
	must(s.t, err)
	return a.ID
}

// domain adds a pending domain and returns its id.
func (s *site) domain(name string) string {
	s.t.Helper()
	d, err := organization.In(s.org).CreateDomain(s.t.Context(), name, organization.DomainStatePending)
	must(s.t, err)
	return model.OrganizationDomainPrefix.ID(d.ID)
}

func (s *site) domainsNow() (out []string) {
	s.t.Helper()
	ds, err := organization.In(s.org).Domains(s.t.Context())
	must(s.t, err)
	for _, d := range ds {
		out = append(out, fmt.Sprint(d.Domain, " ", d.State))
	}
	return out
}

// linked is a browser with the link that it has begun with.
type linked struct {
	*browser
	link *setup.Link
}

func (s *site) visitorOf(scopes []setup.Scope) linked {
	s.t.Helper()
	l, path := s.link(scopes...)
	b := s.newBrowser()
	s.clock.Advance(6 * time.Second) // for the rate of redeeming
	b.leads(b.post(path, nil), "/setup")
	return linked{b, l}
}

// child is the browser of a colleague to whom a step was handed.
func (s *site) child(l *setup.Link, scope setup.Scope) *browser {
	s.t.Helper()
	_, token, err := setup.In(s.store.Org(s.org.ID, l.Actor())).HandOn(s.t.Context(), l.ID, []setup.Scope{scope}, "")
	must(s.t, err)
	b := s.newBrowser()
	s.clock.Advance(6 * time.Second)
	b.leads(b.post("/setup/"+token, nil), "/setup")
	return b
}

func TestDomainsAreAddedProvenAndRemoved(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := s.visitor(setup.ScopeDomains)
		b.shows(b.get("/setup/domains"), http.StatusOK, "No domain yet")
		b.leads(b.post("/setup/domains", url.Values{"domains": {"Northwind.example, " +
			"eu.northwind.co.uk\nada@northwind.example"}}),
			"/setup/domains")
		if got := fmt.Sprint(s.domainsNow()); got != "[northwind.example pending eu.northwind.co.uk pending]" {
			t.Fatalf("the domains are %s", got)
		}
		page := b.get("/setup/domains").page
		ds, err := organization.In(s.org).Domains(t.Context())
		must(t, err)
		for _, text := range []string{"_sso-verify.northwind.example", ds[0].VerificationToken, "_sso-verify.eu<",
			`aria-current="step"`, "waiting for DNS", "Nobody has looked for the record yet"} {
			if !strings.Contains(page, text) {
				t.Errorf("the page has no %q: %s", text, page)
			}
		}
		first, second := model.OrganizationDomainPrefix.ID(ds[0].ID), model.OrganizationDomainPrefix.ID(ds[1].ID)
		b.shows(b.post("/setup/domains/"+first+"/check", nil), http.StatusOK, "northwind.example is not proven yet",
			"no TXT record with this value", "<title>Error: ")
		s.dns.SetTXT("_sso-verify.northwind.example", ds[0].VerificationToken)
		b.leads(b.post("/setup/domains/"+first+"/check", nil), "/setup/domains#"+first)
		b.shows(b.get("/setup/domains"), http.StatusOK, "Verified", "looked at again each week")
		b.leads(b.post("/setup/domains/"+second+"/remove", nil), "/setup/domains")
		b.shows(b.post("/setup/domains/"+first+"/remove", nil), http.StatusConflict, "is verified, and people may "+
			"sign in")
		if got := fmt.Sprint(s.domainsNow()); got != "[northwind.example verified]" {
			t.Errorf("the domains are %s", got)
		}
		b.leads(b.get("/setup"), "/setup/summary")
		b.shows(b.get("/setup/summary"), http.StatusOK, "northwind.example", "Done")
		want := []string{"setup_link.created", "setup_link.redeemed", "setup.step_completed"}
		if got := s.eventTypes(); !slices.Equal(got, want) {
			t.Errorf("events %q", got)
		}
	})
}

// TestRefusedDomains stay in the field, each with what is wrong; the others are added.
func TestRefusedDomains(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := s.visitor(setup.ScopeDomains)
		for entered, want := range map[string]struct{ left, reason string }{
			"gmail.com, good.example": {">gmail.com</textarea>", "gives mail addresses to everybody"},
			"no-domain":               {">no-domain</textarea>", "no-domain"},
			" , ;":                    {"></textarea>", "Enter at least one domain"},
			`<script>alert(1)`:        {"&lt;script&gt;alert(1)</textarea>", "alert(1)"},
		} {
			a := b.post("/setup/domains", url.Values{"domains": {entered}})
			b.shows(a, http.StatusBadRequest, want.left, want.reason, `aria-describedby="domains-problem"`,
				`id="domains-problem"`, "<title>Error: ")
			if strings.Contains(a.page, "<script>alert") {
				t.Error("what was entered is not escaped")
			}
		}
		if got := fmt.Sprint(s.domainsNow()); got != "[good.example pending]" {
			t.Errorf("the domains are %s", got)
		}
		var many []string
		for i := range 60 {
			many = append(many, fmt.Sprint("d", i, ".example"))
		}
		b.shows(b.post("/setup/domains", url.Values{"domains": {strings.Join(many, ",")}}), http.StatusBadRequest,
			"at most 50 domains at once", "d59.example</textarea>")
		if n := len(s.domainsNow()); n != 1 {
			t.Errorf("%d domains of a form that is refused", n)
		}
		b.shows(b.post("/setup/domains", url.Values{"domains": {strings.Join(many[:50], ",")}}), http.StatusBadRequest,
			"has at most 50 domains", ">d49.example</textarea>")
		if n := len(s.domainsNow()); n != 50 {
			t.Errorf("%d domains", n)
		}
	})
}

// TestManyWrongDomains cost little, and their page stays short.
func TestManyWrongDomains(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := s.visitor(setup.ScopeDomains)
		var wrong strings.Builder
		for i := range 50 {
			fmt.Fprintf(&wrong, "_%d ", i)
		}
		a := b.post("/setup/domains", url.Values{"domains": {wrong.String()}})
		b.shows(a, http.StatusBadRequest, "and 40 more", "_49</textarea>")
		if n := strings.Count(a.page, "is not a domain name"); n != 10 {
			t.Errorf("%d reasons", n)
		}
		for i := range 150_000 {
			fmt.Fprintf(&wrong, "_%d ", i)
		}
		a = b.post("/setup/domains", url.Values{"domains": {wrong.String()}})
		b.shows(a, http.StatusBadRequest, "at most 50 domains at once")
		if len(a.page) > 20_000 {
			t.Errorf("a page of %d bytes", len(a.page))
		}
	})
}

var shownLink = regexp.MustCompile(`/setup/[A-Za-z0-9_-]{43}`)

// TestStepIsHandedToFew: the refusal says what to do.
func TestStepIsHandedToFew(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := s.visitor(setup.ScopeDomains)
		for range 20 {
			b.shows(b.post("/setup/hand-on", url.Values{"step": {"domains"}}), http.StatusOK, "/setup/")
		}
		a := b.post("/setup/hand-on", url.Values{"step": {"domains"}})
		if a.status < 400 || a.status >= 500 || !strings.Contains(a.page, "Revoke one") {
			t.Errorf("status %d: %s", a.status, a.page)
		}
	})
}

// TestStepIsHandedOn: a colleague gets one step, and whoever handed it on takes it back.
func TestStepIsHandedOn(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := s.visitor(setup.ScopeDomains, setup.ScopeToken)
		a := b.post("/setup/hand-on", url.Values{"step": {"domains"}, "note": {"The <DNS> team"}})
		b.shows(a, http.StatusOK, "shown this once")
		path := shownLink.FindString(a.page)
		if path == "" {
			t.Fatalf("no link: %s", a.page)
		}
		b.shows(b.get("/setup/domains"), http.StatusOK, "The &lt;DNS&gt; team", "never")
		colleague := s.newBrowser()
		colleague.shows(colleague.get(path), http.StatusOK, "a step to")
		colleague.leads(colleague.post(path, nil), "/setup")
		page := colleague.get("/setup/domains").page
		if strings.Contains(page, "Hand this step") || strings.Contains(page, "DNS&gt; team") {
			t.Error("a colleague may not hand on, and does not see the note")
		}
		if a := colleague.post("/setup/hand-on", url.Values{"step": {"domains"}}); a.status != http.StatusForbidden {
			t.Errorf("handed on by a colleague: %d", a.status)
		}
		for _, step := range []string{"summary", "sso", "", "nonsense"} {
			if a := b.post("/setup/hand-on", url.Values{"step": {step}}); a.status != http.StatusBadRequest {
				t.Errorf("handing on %q: %d", step, a.status)
			}
		}
		revoke := regexp.MustCompile(`/setup/handed/(setup_[0-9A-Z]{26})/revoke`)
		id := revoke.FindStringSubmatch(b.get("/setup/domains").page)
		if id == nil {
			t.Fatal("there is no button to revoke")
		}
		b.leads(b.post("/setup/handed/"+id[1]+"/revoke", nil), "/setup/domains")
		colleague.shows(colleague.get("/setup/domains"), http.StatusForbidden, "Open your link again")
		b.shows(b.get("/setup/domains"), http.StatusOK, "Revoked")
	})
}

// TestFinish ends the link, after a page that asks.
func TestFinish(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		l := s.visitorOf([]setup.Scope{setup.ScopeDomains})
		l.shows(l.get("/setup/finish"), http.StatusOK, "End this link?")
		l.shows(l.post("/setup/finish", nil), http.StatusOK, "All done")
		l.shows(l.get("/setup/domains"), http.StatusForbidden, "Open your link again")
		found, err := setup.In(s.org).Link(t.Context(), l.link.ID)
		must(t, err)
		if found.FinishedAt == nil || found.RevokedAt != nil {
			t.Errorf("the link is %+v", found)
		}
	})
}

func TestLinkThatEndsSoonSaysSo(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := s.visitor(setup.ScopeDomains)
		if page := b.get("/setup/domains").page; strings.Contains(page, "Ask whoever sent it") {
			t.Error("it does not end soon")
		}
		s.clock.Advance(12 * 24 * time.Hour)
		_, token, err := setup.In(s.org).CreateLink(t.Context(), setup.LinkFields{Scopes: setup.Scopes,
			ExpiresAt: model.TimeOf(s.clock.Now().Add(48 * time.Hour))})
		must(t, err)
		b.leads(b.post("/setup/"+token, nil), "/setup")
		b.shows(b.get("/setup/domains"), http.StatusOK, "Ask whoever sent it")
	})
}

// verified adds a domain for which an operator vouches.
func (s *site) verified(name string) {
	s.t.Helper()
	_, err := organization.In(s.org).CreateDomain(s.t.Context(), name, organization.DomainStateVerified)
	must(s.t, err)
}
