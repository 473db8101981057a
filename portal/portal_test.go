package portal_test

import (
	"crypto/x509"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"rollcall/api"
	"rollcall/model"
	"rollcall/model/modeltest"
	"rollcall/model/operator"
	"rollcall/model/organization"
	"rollcall/model/setup"
	"rollcall/model/store"
	"rollcall/portal"
	"rollcall/web"
)

const publicURL = "http://127.0.0.1"

// site is a server with the portal and the API, and an organization whose IT gets links.
type site struct {
	t     *testing.T
	store *store.Store
	clock *modeltest.Clock
	dns   *modeltest.DNS
	url   string
	org   *store.Org

	idp       *httptest.Server // the only private address that the portal may fetch from
	documents *http.ServeMux
}

// each runs a test against the portal on both databases.
func each(t *testing.T, test func(t *testing.T, s *site)) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		clock := modeltest.NewClock()
		s := &site{t: t, clock: clock, store: modeltest.Open(t, db, store.Options{Now: clock.Now})}
		s.dns = modeltest.NewDNS(t)
		domains := organization.NewDomainWatch(organization.Across(s.store),
			web.NewLookupTXT([]netip.AddrPort{s.dns.Address}))
		log := slog.New(slog.NewTextHandler(t.Output(), nil))
		s.documents = http.NewServeMux()
		s.idp = httptest.NewTLSServer(s.documents)
		t.Cleanup(s.idp.Close)
		roots := x509.NewCertPool()
		roots.AddCert(s.idp.Certificate())
		outbound := web.NewOutbound(web.OutboundOptions{Roots: roots, Timeout: 2 * time.Second,
			Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})
		w, err := web.New(web.Options{PublicURL: publicURL, Log: log})
		must(t, err)
		must(t, (&portal.Server{Store: s.store, Pages: w.Pages, PublicURL: publicURL, Domains: domains,
			Outbound: outbound, Log: log}).Mount(w.Echo))
		(&api.Server{Store: s.store, PublicURL: publicURL,
			BootstrapKey: "sk_bootstrap_0123456789abcdef0123456789abcdef",
			Domains:      domains, Log: log}).Mount(w.Echo)
		w.Open()
		server := httptest.NewServer(w)
		t.Cleanup(server.Close)
		s.url, s.org = server.URL, s.newOrganization("Northwind")
		test(t, s)
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (s *site) newOrganization(name string) *store.Org {
	s.t.Helper()
	g := &organization.Organization{OrganizationFields: organization.OrganizationFields{
		Name: name, Slug: organization.SlugOf(name), Settings: organization.DefaultSettings()}}
	must(s.t, operator.Across(s.store).CreateOrganization(s.t.Context(), "operator:test", model.Everywhere(), g, nil))
	return s.store.Org(g.ID, "operator:test")
}

// link makes a link and returns its path.
func (s *site) link(scopes ...setup.Scope) (*setup.Link, string) {
	s.t.Helper()
	l, token, err := setup.In(s.org).CreateLink(s.t.Context(), setup.LinkFields{Scopes: scopes})
	must(s.t, err)
	return l, "/setup/" + token
}

// browser is somebody's browser. It keeps cookies and does not follow redirects.
type browser struct {
	*site
	http *http.Client
}

func (s *site) newBrowser() *browser {
	jar, err := cookiejar.New(nil)
	must(s.t, err)
	return &browser{s, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}}
}

// visitor is a browser that has begun with a new link.
func (s *site) visitor(scopes ...setup.Scope) *browser {
	s.t.Helper()
	_, path := s.link(scopes...)
	b := s.newBrowser()
	b.leads(b.post(path, nil), "/setup")
	return b
}

// answer is the answer to a request.
type answer struct {
	status         int
	location, page string
	header         http.Header
}

func (b *browser) send(method, path string, form url.Values, headers ...string) answer {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, strings.NewReader(form.Encode()))
	must(b.t, err)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	r.Header.Set("Accept", "text/html")
	r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := b.http.Do(r)
	must(b.t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	must(b.t, err)
	a := answer{response.StatusCode, response.Header.Get("Location"), string(body), response.Header}
	a.check(b.t, method+" "+path)
	return a
}

var title = regexp.MustCompile(`<title>([^<]*)</title>`)

// check holds what is so of every page: its title says when it is about an error, and nothing in it
// is what the Content-Security-Policy forbids.
func (a answer) check(t *testing.T, what string) {
	t.Helper()
	if a.page == "" {
		return
	}
	found := title.FindStringSubmatch(a.page)
	if found == nil {
		t.Fatalf("%s: a page without a title: %s", what, a.page)
	}
	wrong := strings.Contains(a.page, `role="alert"`) || strings.Contains(a.page, `class="wrong"`) ||
		strings.Contains(a.page, `class="note bad"`)
	if strings.HasPrefix(found[1], "Error: ") != wrong && a.status < 400 {
		t.Errorf("%s: the title is %q, and the page shows an error: %t", what, found[1], wrong)
	}
	for _, inline := range []string{"<style", " style=", "<script>", " onclick="} {
		if strings.Contains(a.page, inline) {
			t.Errorf("%s has %s", what, inline)
		}
	}
}

func (b *browser) get(path string) answer { b.t.Helper(); return b.send(http.MethodGet, path, nil) }

func (b *browser) post(path string, form url.Values, headers ...string) answer {
	b.t.Helper()
	return b.send(http.MethodPost, path, form, headers...)
}

func (b *browser) leads(a answer, location string) {
	b.t.Helper()
	if a.status != http.StatusSeeOther || a.location != location {
		b.t.Fatalf("status %d to %q, not 303 to %q: %s", a.status, a.location, location, a.page)
	}
}

var tag = regexp.MustCompile(`(<[^>]*>|\s)+`)

// shows checks the status of an answer, and that its page has texts.
func (b *browser) shows(a answer, status int, texts ...string) {
	b.t.Helper()
	for _, text := range texts {
		if a.status != status || !strings.Contains(a.page, text) {
			_, content, _ := strings.Cut(a.page, "<main")
			b.t.Fatalf("status %d, not %d with %q: %s", a.status, status, text, tag.ReplaceAllString(content, " "))
		}
	}
}
