package portal_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"rollcall/model"
	"rollcall/model/operator"
	"rollcall/model/setup"
	"rollcall/model/store"
)

// TestLookingAtALinkDoesNotUseIt: programs that scan mail open links, some of them often, and some
// with HEAD.
func TestLookingAtALinkDoesNotUseIt(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		l, path := s.link(setup.ScopeDomains)
		scanner := s.newBrowser()
		for range 20 {
			a := scanner.send(http.MethodGet, path, nil, "User-Agent", "Mailscan/1.0", "Sec-Purpose", "prefetch")
			scanner.shows(a, http.StatusOK, "Northwind", `method="post"`)
			if a.header.Get("Set-Cookie") != "" {
				t.Fatal("a look sets a cookie")
			}
		}
		if a := scanner.send(http.MethodHead, path, nil); a.status != http.StatusOK {
			t.Errorf("HEAD: %d", a.status)
		}
		scanner.shows(scanner.get("/setup"), http.StatusForbidden, "Open your link again")
		admin := s.newBrowser()
		a := admin.post(path, nil)
		admin.leads(a, "/setup")
		cookie := a.header.Get("Set-Cookie")
		for _, part := range []string{"HttpOnly", "SameSite=Lax", "Path=/"} {
			if !strings.Contains(cookie, part) || strings.Contains(cookie, strings.TrimPrefix(path, "/setup/")) {
				t.Errorf("the cookie is %q", cookie)
			}
		}
		admin.leads(admin.get("/setup"), "/setup/domains")
		if page := admin.get("/setup/domains").page; strings.Contains(page, strings.TrimPrefix(path, "/setup/")) {
			t.Error("a page shows the token")
		}
		links, _, err := setup.In(s.org).Links(t.Context(), model.Page{Limit: 10})
		must(t, err)
		var visits []string
		for _, v := range links[0].Visits {
			visits = append(visits, fmt.Sprint(v.Redeemed(), " ", v.Browser))
		}
		if got := strings.Join(visits, ", "); got != "true Firefox, false Firefox, false another program" ||
			l.ID != links[0].ID {
			t.Errorf("visits %q", got)
		}
	})
}

func TestCookieOverHTTPS(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		_, path := s.link(setup.ScopeDomains)
		a := s.secure(path)
		if cookie := a.Get("Set-Cookie"); !strings.HasPrefix(cookie, "__Host-rollcall-setup=") ||
			!strings.Contains(cookie, "Secure") || strings.Contains(cookie, "Domain") {
			t.Errorf("the cookie is %q", cookie)
		}
	})
}

// TestEndedLinksTellWhomToAsk, and nothing of the organization.
func TestEndedLinksTellWhomToAsk(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := s.newBrowser()
		for name, c := range map[string]struct {
			end  func(l *setup.Link) error
			text string
		}{
			"revoked": {func(l *setup.Link) error {
				_, err := setup.In(s.org).RevokeLink(t.Context(), l.ID)
				return err
			}, "This link was withdrawn"},
			"finished": {func(l *setup.Link) error {
				_, err := setup.In(s.org).FinishLink(t.Context(), l.ID)
				return err
			}, "This link is finished"},
			"expired": {func(*setup.Link) error { s.clock.Advance(15 * 24 * time.Hour); return nil },
				"This link has ended"},
		} {
			l, path := s.link(setup.Scopes...)
			must(t, c.end(l))
			for _, a := range []answer{b.get(path), b.post(path, nil)} {
				b.shows(a, http.StatusGone, c.text, "Ask whoever sent it to you", "<title>Error: ")
				if strings.Contains(a.page, "Northwind") || strings.Contains(a.page, "Begin") {
					t.Errorf("%s: the page shows more: %s", name, a.page)
				}
			}
		}
		b.shows(b.get("/setup/"+strings.Repeat("x", 43)), http.StatusNotFound, "is not known")
		_, path := s.link(setup.ScopeDomains)
		must(t, operator.In(s.org).DeleteOrganization(t.Context()))
		b.shows(b.get(path), http.StatusNotFound, "is not known")
		b.shows(b.post(path, nil), http.StatusNotFound, "is not known")
	})
}

func TestRedeemingHasARate(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		_, path := s.link(setup.ScopeDomains)
		b := s.newBrowser()
		for range 10 {
			b.shows(b.post("/setup/"+strings.Repeat("x", 43), nil), http.StatusNotFound, "is not known")
		}
		a := b.post(path, nil)
		b.shows(a, http.StatusTooManyRequests, "Wait a minute")
		if a.header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
		s.clock.Advance(6 * time.Second)
		b.leads(b.post(path, nil), "/setup")
	})
}

func TestAnotherSiteCannotRedeem(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		_, path := s.link(setup.ScopeDomains)
		b := s.newBrowser()
		b.shows(b.post(path, nil, "Sec-Fetch-Site", "cross-site"), http.StatusForbidden, "Another site sent this form")
		b = s.visitor(setup.ScopeDomains)
		for _, r := range portalRoutes {
			if r.method == http.MethodPost {
				a := b.post(r.path, url.Values{"domains": {"northwind.example"}}, "Sec-Fetch-Site", "cross-site")
				b.shows(a, http.StatusForbidden, "Another site sent this form")
			}
		}
	})
}

// TestAnotherLinkReplacesTheFirst in one browser, whose use of the first one ends.
func TestAnotherLinkReplacesTheFirst(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := s.visitor(setup.ScopeDomains)
		old := *b.http
		jar := b.http.Jar
		first := jar.Cookies(mustParse(t, s.url))[0]
		_, path := s.link(setup.ScopeDomains)
		b.leads(b.post(path, nil), "/setup")
		second := jar.Cookies(mustParse(t, s.url))[0]
		if first.Value == second.Value {
			t.Fatal("the cookie is the same")
		}
		old.Jar = nil
		thief := &browser{s, &old}
		a := thief.send(http.MethodGet, "/setup/domains", nil, "Cookie", first.Name+"="+first.Value)
		thief.shows(a, http.StatusForbidden, "Open your link again")
		b.shows(b.get("/setup/domains"), http.StatusOK, "E-mail domains")
		b.shows(b.post("/setup/leave", nil), http.StatusOK, "You have left")
		a = thief.send(http.MethodGet, "/setup/domains", nil, "Cookie", second.Name+"="+second.Value)
		thief.shows(a, http.StatusForbidden, "Open your link again")
	})
}

func mustParse(t *testing.T, raw string) *url.URL {
	t.Helper()
	u, err := url.Parse(raw)
	must(t, err)
	return u
}

// TestProductOnThePages is the application whose key made the link.
func TestProductOnThePages(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		id := s.application("Contoso Cloud")
		_, token, err := setup.In(s.store.Org(s.org.ID, model.Actor("application:"+model.ApplicationPrefix.ID(id)))).
			CreateLink(t.Context(), setup.LinkFields{Scopes: []setup.Scope{setup.ScopeDomains},
				ReturnURL: "https://app.example/back"})
		must(t, err)
		b := s.newBrowser()
		b.shows(b.get("/setup/"+token), http.StatusOK, "connect your identity provider to Contoso Cloud",
			"– Contoso Cloud</title>", `href="https://app.example/back"`)
		b.leads(b.post("/setup/"+token, nil), "/setup")
		b.shows(b.get("/setup/domains"), http.StatusOK, "Contoso Cloud uses Rollcall",
			`href="https://app.example/back"`)
	})
}

func (s *site) eventTypes() (types []string) {
	s.t.Helper()
	es, _, err := s.store.Events(s.t.Context(), model.Everywhere(), store.EventQuery{OrganizationID: s.org.ID,
		Page: model.Page{Ascending: true, Limit: 100}})
	must(s.t, err)
	for _, e := range es {
		if strings.HasPrefix(string(e.Type), "setup") {
			types = append(types, string(e.Type))
		}
	}
	return types
}
