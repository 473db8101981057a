package sso_test

import (
	"bytes"
	"compress/flate"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"rollcall/api"
	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/modeltest"
	"rollcall/model/operator"
	"rollcall/model/organization"
	"rollcall/model/signon"
	"rollcall/model/store"
	"rollcall/scim"
	"rollcall/sso"
	"rollcall/sso/saml"
	"rollcall/testidp"
	"rollcall/web"
)

const (
	callback = "https://app.example/callback"
	domain   = "contoso.example"
)

// keys are made once: RSA takes its time.
var keys = sync.OnceValue(func() (k struct {
	idp         *rsa.PrivateKey
	sp          *rsa.PrivateKey
	certificate *x509.Certificate
}) {
	k.idp, _ = rsa.GenerateKey(rand.Reader, 2048)
	k.sp, k.certificate, _ = saml.NewKey("test", time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	return k
})

// world is a server over TLS, an organization with one connection, the identity provider at its
// other end, and an application.
type world struct {
	t         testing.TB
	db        modeltest.Database
	store     *store.Store
	logged    *logged
	server    *httptest.Server
	url       string
	clock     *modeltest.Clock
	transport *http.Transport // of all browsers: TLS handshakes take long
	tenant
	app    *organization.Application
	secret string // of app
}

// tenant is an organization with its identity provider.
type tenant struct {
	org        *store.Org
	connection *connection.Connection
	idp        *testidp.Application
}

// each runs a test on both databases.
func each(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) { test(t, newWorld(t, db, store.Options{})) })
}

func newWorld(t testing.TB, db modeltest.Database, o store.Options) *world {
	t.Helper()
	w := &world{t: t, db: db, clock: modeltest.NewClock(), logged: &logged{}}
	o.Now, o.Log = w.clock.Now, w.logged.to(t)
	w.store = modeltest.Open(t, db, o)
	w.server = httptest.NewUnstartedServer(nil)
	w.server.StartTLS()
	t.Cleanup(w.server.Close)
	w.url = w.server.URL
	w.transport = w.server.Client().Transport.(*http.Transport).Clone()
	w.transport.TLSClientConfig = &tls.Config{RootCAs: w.transport.TLSClientConfig.RootCAs}
	mount(t, w.server, w.store, w.url, o.Log)
	w.tenant = w.newTenant("contoso", domain, testidp.PlainSAML, "GenericSAML")
	w.app = &organization.Application{ApplicationFields: organization.ApplicationFields{
		Name: "Analytics", AllOrganizations: true, RedirectURIs: []string{callback},
	}}
	var err error
	w.secret, err = organization.Across(w.store).CreateApplication(t.Context(), w.app, nil)
	must(t, err)
	return w
}

// mount puts the program's HTTP surface behind a server whose address browsers know as publicURL.
func mount(t testing.TB, server *httptest.Server, store *store.Store, publicURL string, log *slog.Logger) {
	t.Helper()
	ground, err := web.New(web.Options{PublicURL: publicURL, Log: log,
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	must(t, err)
	outbound := web.NewOutbound(web.OutboundOptions{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		Roots: roots()})
	must(t, (&sso.Server{Store: store, Pages: ground.Pages, PublicURL: publicURL, Outbound: outbound, Log: log}).
		Mount(ground.Echo))
	(&scim.Server{Store: store, PublicURL: publicURL, Log: log}).Mount(ground.Echo)
	(&api.Server{Store: store, PublicURL: publicURL, BootstrapKey: bootstrapKey, Outbound: outbound, Log: log}).
		Mount(ground.Echo)
	ground.Open()
	server.Config.Handler = ground
}

// newTenant makes an organization and connects an identity provider to it.
func (w *world) newTenant(slug, domain string, personality testidp.Personality, kind string) tenant {
	w.t.Helper()
	ctx := w.t.Context()
	g := &organization.Organization{OrganizationFields: organization.OrganizationFields{
		Name: slug, Slug: slug, Settings: organization.DefaultSettings(),
	}}
	must(w.t, operator.Across(w.store).CreateOrganization(ctx, "operator:test", model.Everywhere(), g,
		map[string]organization.DomainState{domain: organization.DomainStateVerified}))
	n := tenant{org: w.store.Org(g.ID, "operator:test")}
	idp, err := testidp.New(testidp.Options{Now: w.clock.Now, BaseURL: "https://" + slug + ".idp.example",
		Applications: []testidp.ApplicationOptions{{Name: slug, Domain: domain, Personality: personality,
			Key: keys().idp}}})
	must(w.t, err)
	n.idp = idp.Applications()[0]
	n.connection = w.connect(n, kind)
	return n
}

// connect creates a connection to the tenant's identity provider, and registers it there.
func (w *world) connect(n tenant, kind string) *connection.Connection {
	w.t.Helper()
	known, err := saml.ParseMetadata(n.idp.SAMLMetadata(), "", w.clock.Now())
	must(w.t, err)
	key, err := x509.MarshalPKCS8PrivateKey(keys().sp)
	must(w.t, err)
	c := &connection.Connection{Type: kind, SPCertificate: pemOf(keys().certificate),
		ConnectionFields: connection.ConnectionFields{
			Name:              "Northwind",
			IDPEntityID:       known.EntityID,
			IDPSSORedirectURL: known.SSORedirectURL,
			IDPSSOPostURL:     known.SSOPostURL,
		}}
	for _, certificate := range known.Certificates {
		c.IDPCertificates = append(c.IDPCertificates, pemOf(certificate))
	}
	must(w.t, connection.In(n.org).CreateConnection(w.t.Context(), c, key))
	must(w.t, n.idp.ConnectSAML(w.sp(c, "/metadata"), w.sp(c, "/acs")))
	return c
}

func pemOf(c *x509.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
}

// parsed are the certificates of PEM texts.
func parsed(t testing.TB, texts ...string) []*x509.Certificate {
	t.Helper()
	var out []*x509.Certificate
	for _, text := range texts {
		c, err := saml.ParseCertificate(text)
		must(t, err)
		out = append(out, c)
	}
	return out
}

// sp is a URL of a connection.
func (w *world) sp(c *connection.Connection, path string) string {
	return w.url + "/sso/saml/" + model.ConnectionPrefix.ID(c.ID) + path
}

// activate makes the tenant's connection active by a login at its test link.
func (w *world) activate(n tenant) {
	w.t.Helper()
	b := w.browser()
	answer := b.post(w.sp(n.connection, "/acs"), n.answer(w.t, b.get(w.sp(n.connection, "/login")), ada(n),
		testidp.ResponseOptions{}))
	if answer.status != http.StatusSeeOther {
		w.t.Fatalf("the test login: %d %s %v", answer.status, answer.body, w.log(n))
	}
}

// ada is the first person of the tenant's identity provider.
func ada(n tenant) testidp.Person { return n.idp.People()[0].Person }

// browser keeps cookies and follows nothing by itself.
type browser struct {
	w       *world
	http    *http.Client
	address string // as a proxy tells it; its own when empty
}

func (w *world) browser() *browser {
	jar, err := cookiejar.New(nil)
	must(w.t, err)
	return &browser{w: w, http: &http.Client{Jar: jar, Transport: w.transport,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		}}}
}

// answer is what came back.
type answer struct {
	status   int
	header   http.Header
	location *url.URL // where the browser is sent; empty when nowhere
	body     string
}

func (b *browser) do(r *http.Request) answer {
	b.w.t.Helper()
	if b.address != "" {
		r.Header.Set("X-Forwarded-For", b.address)
	}
	response, err := b.http.Do(r)
	must(b.w.t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	must(b.w.t, err)
	location, err := url.Parse(response.Header.Get("Location"))
	must(b.w.t, err)
	return answer{response.StatusCode, response.Header, location, string(body)}
}

func (b *browser) get(location string, headers ...string) answer {
	b.w.t.Helper()
	if strings.HasPrefix(location, "/") {
		location = b.w.url + location
	}
	r, err := http.NewRequestWithContext(b.w.t.Context(), http.MethodGet, location, nil)
	must(b.w.t, err)
	r.Header.Set("Accept", "text/html")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return b.do(r)
}

func (b *browser) post(location string, form url.Values) answer {
	b.w.t.Helper()
	r, err := http.NewRequestWithContext(b.w.t.Context(), http.MethodPost, location, strings.NewReader(form.Encode()))
	must(b.w.t, err)
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	// An identity provider's page posts it: Lax cookies stay away.
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	other := *b.http
	other.Jar = crossSite{b.http.Jar}
	return (&browser{b.w, &other, b.address}).do(r)
}

// authorize is the address to which the application sends the browser.
func (w *world) authorize(n tenant, extra ...string) string {
	q := url.Values{"client_id": {model.ApplicationPrefix.ID(w.app.ID)}, "redirect_uri": {callback},
		"response_type": {"code"},
		"state":         {"a state"}, "connection": {model.ConnectionPrefix.ID(n.connection.ID)}}
	for i := 0; i < len(extra); i += 2 {
		q.Set(extra[i], extra[i+1])
		if extra[i+1] == "" {
			q.Del(extra[i])
		}
	}
	return w.url + "/sso/authorize?" + q.Encode()
}

var requestID = regexp.MustCompile(`\bID="([^"]+)"`)

// request reads the AuthnRequest that the browser is sent with.
func request(t testing.TB, a answer) (document, id, relayState string) {
	t.Helper()
	q := a.location.Query()
	deflated, err := base64.StdEncoding.DecodeString(q.Get("SAMLRequest"))
	must(t, err)
	text, err := io.ReadAll(flate.NewReader(bytes.NewReader(deflated)))
	if err != nil || requestID.FindSubmatch(text) == nil {
		t.Fatalf("%d to %s is no AuthnRequest: %v %s", a.status, a.location, err, a.body)
	}
	return string(text), string(requestID.FindSubmatch(text)[1]), q.Get("RelayState")
}

// answer is the form with which the identity provider answers a request for a person.
func (n tenant) answer(t testing.TB, sent answer, who testidp.Person, o testidp.ResponseOptions) url.Values {
	t.Helper()
	_, id, relayState := request(t, sent)
	if o.InResponseTo == "" {
		o.InResponseTo = id
	}
	response, err := n.idp.Respond(who.ID, o)
	must(t, err)
	return url.Values{"SAMLResponse": {response}, "RelayState": {relayState}}
}

// signIn walks from the application to the identity provider and back, and returns the last answer.
func (b *browser) signIn(n tenant, who testidp.Person, extra ...string) answer {
	b.w.t.Helper()
	sent := b.get(b.w.authorize(n, extra...))
	return b.post(b.w.sp(n.connection, "/acs"), n.answer(b.w.t, sent, who, testidp.ResponseOptions{}))
}

// code is the code with which an answer sends the browser to the application.
func (a answer) code(t testing.TB) string {
	t.Helper()
	code := a.location.Query().Get("code")
	if a.status != http.StatusSeeOther || code == "" || !strings.HasPrefix(a.location.String(), callback+"?") {
		t.Fatalf("no code: %d to %s: %s", a.status, a.location, a.body)
	}
	return code
}

// call sends a request of the application's server and reads the JSON of the answer.
func (w *world) call(method, path, token string, form url.Values) (int, map[string]any) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.url+path, strings.NewReader(form.Encode()))
	must(w.t, err)
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	a := w.browser().do(r)
	var body map[string]any
	if err := json.Unmarshal([]byte(a.body), &body); err != nil {
		w.t.Fatalf("%s %s: %d %q: %v", method, path, a.status, a.body, err)
	}
	return a.status, body
}

// exchange exchanges a code.
func (w *world) exchange(code string, extra ...string) (int, map[string]any) {
	w.t.Helper()
	form := url.Values{"client_id": {model.ApplicationPrefix.ID(w.app.ID)}, "client_secret": {w.secret},
		"grant_type": {"authorization_code"}, "code": {code}}
	for i := 0; i < len(extra); i += 2 {
		form.Set(extra[i], extra[i+1])
	}
	return w.call(http.MethodPost, "/sso/token", "", form)
}

// token signs a person in and returns the application's access token.
func (w *world) token(n tenant, b *browser, who testidp.Person) string {
	w.t.Helper()
	status, body := w.exchange(b.signIn(n, who).code(w.t))
	token, _ := body["access_token"].(string)
	if status != http.StatusOK || token == "" {
		w.t.Fatalf("%d %v", status, body)
	}
	return token
}

// profile reads the profile of a token. It is nil when the token has ended.
func (w *world) profile(token string) map[string]any {
	w.t.Helper()
	status, body := w.call(http.MethodGet, "/sso/profile", token, nil)
	switch status {
	case http.StatusOK:
		return body
	case http.StatusUnauthorized:
		return nil
	}
	w.t.Fatalf("%d %v", status, body)
	return nil
}

// log are the reasons in the tenant's login log, the newest first; empty for a success.
func (w *world) log(n tenant) []string {
	w.t.Helper()
	attempts, _, err := signon.In(n.org).LoginAttempts(w.t.Context(), n.connection.ID, model.Page{Limit: 100})
	must(w.t, err)
	var reasons []string
	for _, a := range attempts {
		reasons = append(reasons, a.Reason)
	}
	return reasons
}
