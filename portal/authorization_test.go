package portal_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"rollcall/model/setup"
	"rollcall/portal"
	"rollcall/web"
)

// portalRoute is a route below /setup, with the scopes of which a link needs one.
type portalRoute struct {
	method, path string
	scopes       []setup.Scope // any link when nil
}

var anyScope []setup.Scope

// portalRoutes are all routes below /setup but those of a link itself. A route without a row here
// fails TestEveryRouteHasARow.
var portalRoutes = []portalRoute{
	{"GET", "/setup", anyScope},
	{"POST", "/setup/hand-on", anyScope},
	{"POST", "/setup/handed/:id/revoke", anyScope},
	{"POST", "/setup/leave", anyScope},
	{"GET", "/setup/summary", anyScope},
	{"GET", "/setup/finish", anyScope},
	{"POST", "/setup/finish", anyScope},
	{"GET", "/setup/provider", []setup.Scope{setup.ScopeSSO}},
	{"POST", "/setup/provider", []setup.Scope{setup.ScopeSSO}},
	{"GET", "/setup/sso", []setup.Scope{setup.ScopeSSO, setup.ScopeCertificate}},
	{"POST", "/setup/sso", []setup.Scope{setup.ScopeSSO, setup.ScopeCertificate}},
	{"POST", "/setup/sso/choose", []setup.Scope{setup.ScopeSSO, setup.ScopeCertificate}},
	{"POST", "/setup/sso/certificates/:fingerprint/remove", []setup.Scope{setup.ScopeSSO, setup.ScopeCertificate}},
	{"GET", "/setup/test", []setup.Scope{setup.ScopeSSO, setup.ScopeCertificate}},
	{"GET", "/setup/enforce", []setup.Scope{setup.ScopeEnforce}},
	{"POST", "/setup/enforce", []setup.Scope{setup.ScopeEnforce}},
	{"POST", "/setup/enforce/confirm", []setup.Scope{setup.ScopeEnforce}},
	{"GET", "/setup/directory", []setup.Scope{setup.ScopeDirectory, setup.ScopeToken}},
	{"POST", "/setup/directory", []setup.Scope{setup.ScopeDirectory}},
	{"POST", "/setup/directory/choose", []setup.Scope{setup.ScopeDirectory, setup.ScopeToken}},
	{"POST", "/setup/directory/skip", []setup.Scope{setup.ScopeDirectory}},
	{"POST", "/setup/directory/tokens", []setup.Scope{setup.ScopeToken}},
	{"POST", "/setup/directory/tokens/:id/remove", []setup.Scope{setup.ScopeToken}},
	{"GET", "/setup/domains", []setup.Scope{setup.ScopeDomains}},
	{"POST", "/setup/domains", []setup.Scope{setup.ScopeDomains}},
	{"POST", "/setup/domains/:id/check", []setup.Scope{setup.ScopeDomains}},
	{"POST", "/setup/domains/:id/remove", []setup.Scope{setup.ScopeDomains}},
}

func TestEveryRouteHasARow(t *testing.T) {
	t.Parallel()
	w, err := web.New(web.Options{PublicURL: publicURL})
	must(t, err)
	must(t, (&portal.Server{Pages: w.Pages, PublicURL: publicURL}).Mount(w.Echo))
	rows := map[string]bool{"GET /setup/:token": true, "POST /setup/:token": true}
	for _, r := range portalRoutes {
		rows[r.method+" "+r.path] = true
	}
	for _, r := range w.Echo.Routes() {
		if name := r.Method + " " + r.Path; strings.HasPrefix(r.Path, "/setup") && r.Method != echo.RouteNotFound &&
			!rows[name] {
			t.Errorf("%s has no row in portalRoutes", name)
		}
		delete(rows, r.Method+" "+r.Path)
	}
	for name := range rows {
		t.Errorf("there is no route %s", name)
	}
}

// TestWhoMayDoWhat sends each request as each kind of visitor. A link of each scope reaches the
// pages of that scope only, in its own organization only, and an ended one reaches none.
func TestWhoMayDoWhat(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		d := s.domain("northwind.example")
		may := map[string][]setup.Scope{"nobody": nil}
		browsers := map[string]*browser{"nobody": s.newBrowser()}
		for _, scope := range setup.Scopes {
			name := "link of " + string(scope)
			may[name], browsers[name] = []setup.Scope{scope}, s.visitor(scope)
		}
		parent := s.visitorOf(setup.Scopes)
		browsers["child"], may["child"] = s.child(parent.link, setup.ScopeDomains), []setup.Scope{setup.ScopeDomains}
		for _, name := range []string{"revoked", "child of a revoked one"} {
			l := s.visitorOf(setup.Scopes)
			browsers[name], may[name] = l.browser, nil
			if name != "revoked" {
				browsers[name] = s.child(l.link, setup.ScopeDomains)
			}
			_, err := setup.In(s.org).RevokeLink(t.Context(), l.link.ID)
			must(t, err)
		}
		finished := s.visitorOf(setup.Scopes)
		browsers["finished"] = finished.browser
		_, err := setup.In(s.org).FinishLink(t.Context(), finished.link.ID)
		must(t, err)
		for who, b := range browsers {
			for _, r := range portalRoutes {
				if r.path == "/setup/finish" && r.method == "POST" || r.path == "/setup/leave" {
					continue // they end the visit; TestFinish and TestAnotherLinkReplacesTheFirst use them
				}
				path := strings.Replace(r.path, ":id", d, 1)
				a := b.send(r.method, path, url.Values{"domains": {"other.example"}})
				allowed := may[who] != nil && (r.scopes == nil ||
					slices.ContainsFunc(may[who], func(one setup.Scope) bool { return slices.Contains(r.scopes, one) }))
				outside := may[who] == nil && strings.Contains(a.page, "Open your link again") ||
					may[who] != nil && strings.Contains(a.page, "is not for this step")
				if outside == allowed || outside && a.status != http.StatusForbidden {
					t.Errorf("%s: %s %s: %d, allowed %t: %q", who, r.method, path, a.status, allowed,
						title.FindString(a.page))
				}
			}
		}
	})
}

// TestLinkOfAnotherOrganization reaches nothing of this one.
func TestLinkOfAnotherOrganization(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		d := s.domain("northwind.example")
		l := s.visitorOf(setup.Scopes)
		child := s.child(l.link, setup.ScopeDomains)
		_ = child
		ours := s.org
		s.org = s.newOrganization("Fabrikam")
		b := s.visitor(setup.Scopes...)
		for _, path := range []string{"/setup/domains/" + d + "/check", "/setup/domains/" + d + "/remove",
			"/setup/handed/" + setup.LinkPrefix.ID(l.link.ID) + "/revoke"} {
			if a := b.post(path, nil); a.status != http.StatusNotFound || strings.Contains(a.page, "northwind") {
				t.Errorf("%s: %d %s", path, a.status, a.page)
			}
		}
		s.org = ours
		if got := fmt.Sprint(s.domainsNow()); got != "[northwind.example pending]" {
			t.Errorf("the domains are %s", got)
		}
		l.shows(l.get("/setup/domains"), http.StatusOK, "northwind.example")
	})
}
