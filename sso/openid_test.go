package sso_test

import (
	"crypto/x509"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/operator"
	"rollcall/model/organization"
	"rollcall/model/signon"
	"rollcall/testidp"
)

// clientSecret is what every OpenID provider of these tests knows the connection by.
const clientSecret = "a client's secret: with / & signs"

// roots are the certificates that the server trusts. Every test server of Go has the same one.
var roots = sync.OnceValue(func() *x509.CertPool {
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	return pool
})

// openID is a tenant whose identity provider is an OpenID provider over HTTP.
type openID struct {
	tenant
	w      *world
	id     string // of the connection
	server *httptest.Server

	mu    sync.Mutex
	own   map[string]http.HandlerFunc // answers in place of the provider, by the end of the path
	asked []string                    // paths, in order
}

func (o *openID) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	o.asked = append(o.asked, r.URL.Path)
	handle := http.HandlerFunc(nil)
	for suffix, own := range o.own {
		if strings.HasSuffix(r.URL.Path, suffix) {
			handle = own
		}
	}
	o.mu.Unlock()
	if handle != nil {
		handle(w, r)
		return
	}
	o.server.Config.Handler.(*front).idp.ServeHTTP(w, r)
}

// front is a server in front of the provider.
type front struct {
	*openID
	idp *testidp.Server
}

// replace answers a path in place of the provider; nil lets it answer again.
func (o *openID) replace(suffix string, handle http.HandlerFunc) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.own, suffix)
	if handle != nil {
		o.own[suffix] = handle
	}
}

// times is how often a path was asked for since the last call.
func (o *openID) times(suffix string) (n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, path := range o.asked {
		if strings.HasSuffix(path, suffix) {
			n++
		}
	}
	o.asked = nil
	return n
}

// newOpenID makes an organization with an active connection to an OpenID provider of its own.
func (w *world) newOpenID(slug, domain string, personality testidp.Personality, kind string) *openID {
	w.t.Helper()
	o := w.draftOpenID(slug, domain, personality, kind)
	if a := o.signIn(w.browser(), ada(o.tenant), o.login()); a.status != http.StatusSeeOther {
		w.t.Fatalf("the test login: %d %s %v", a.status, a.body, w.log(o.tenant))
	}
	return o
}

// draftOpenID is the same before its first login.
func (w *world) draftOpenID(slug, domain string, personality testidp.Personality, kind string) *openID {
	w.t.Helper()
	ctx := w.t.Context()
	g := &organization.Organization{OrganizationFields: organization.OrganizationFields{
		Name: slug, Slug: slug, Settings: organization.DefaultSettings(),
	}}
	must(w.t, operator.Across(w.store).CreateOrganization(ctx, "operator:test", model.Everywhere(), g,
		map[string]organization.DomainState{domain: organization.DomainStateVerified}))
	o := &openID{w: w, tenant: tenant{org: w.store.Org(g.ID, "operator:test")}, own: map[string]http.HandlerFunc{}}
	o.server = httptest.NewUnstartedServer(nil)
	o.server.StartTLS()
	w.t.Cleanup(o.server.Close)
	idp, err := testidp.New(testidp.Options{Now: w.clock.Now, BaseURL: o.server.URL,
		Applications: []testidp.ApplicationOptions{{Name: slug, Domain: domain, Personality: personality,
			Key: keys().idp}}})
	must(w.t, err)
	o.server.Config.Handler = &front{o, idp}
	o.idp = idp.Applications()[0]
	created := w.api(http.MethodPost, "/connections", map[string]any{
		"organization_id": model.OrganizationPrefix.ID(string(g.ID)), "name": "Northwind", "connection_type": kind,
		"oidc": map[string]any{"issuer": o.idp.OIDCIssuer(), "client_id": "rollcall client",
			"client_secret": clientSecret},
	})
	o.id, _ = created["id"].(string)
	redirectURI, _ := created["oidc"].(map[string]any)["redirect_uri"].(string)
	must(w.t, o.idp.ConnectOIDC("rollcall client", clientSecret, redirectURI))
	id, _ := model.ConnectionPrefix.Parse(o.id)
	o.connection, err = connection.In(o.org).Connection(ctx, id)
	must(w.t, err)
	return o
}

// api is a call of the management API that must succeed.
func (w *world) api(method, path string, body any) map[string]any {
	w.t.Helper()
	text, err := json.Marshal(body)
	must(w.t, err)
	a := w.send(nil, method, path, "Authorization", "Bearer "+bootstrapKey, "Content-Type", "application/json", "",
		string(text))
	if a.status/100 != 2 {
		w.t.Fatalf("%s %s: %d %s", method, path, a.status, a.body)
	}
	return a.object(w.t)
}

// login is the connection's own login address.
func (o *openID) login() string { return o.w.url + "/sso/oidc/" + o.id + "/login" }

// callback is the connection's redirect URI.
func (o *openID) callback() string { return o.w.url + "/sso/oidc/" + o.id + "/callback" }

// answer is where the provider sends the browser back for a person, after a request.
func (o *openID) answer(sent answer, who testidp.Person) string {
	o.w.t.Helper()
	if sent.status != http.StatusSeeOther || !strings.HasPrefix(sent.location.String(), o.server.URL) {
		o.w.t.Fatalf("not sent to the provider: %d to %s: %s", sent.status, sent.location, sent.body)
	}
	r, err := http.NewRequestWithContext(o.w.t.Context(), http.MethodGet, sent.location.String()+"&person="+who.ID, nil)
	must(o.w.t, err)
	r.Header.Set("Accept", "application/json")
	response, err := o.server.Client().Do(r)
	must(o.w.t, err)
	defer response.Body.Close()
	var to struct {
		RedirectTo string `json:"redirect_to"`
		Error      string
	}
	must(o.w.t, json.NewDecoder(response.Body).Decode(&to))
	if to.RedirectTo == "" {
		o.w.t.Fatalf("the provider answers %d %s", response.StatusCode, to.Error)
	}
	return to.RedirectTo
}

// signIn goes from an address of ours to the provider and back, and returns the last answer.
func (o *openID) signIn(b *browser, who testidp.Person, from string) answer {
	o.w.t.Helper()
	return b.get(o.answer(b.get(from), who))
}

// profileOf signs a person in for the application, and returns the profile.
func (o *openID) profileOf(who testidp.Person, extra ...string) map[string]any {
	o.w.t.Helper()
	back := o.signIn(o.w.browser(), who, o.w.authorize(o.tenant, extra...))
	if back.location.Query().Get("code") == "" {
		o.w.t.Fatalf("%d to %s: %v", back.status, back.location, o.attempt())
	}
	return o.w.profile(first(o.w.exchange(back.code(o.w.t))))
}

// attempt is the newest line of the login log.
func (o *openID) attempt() signon.LoginAttempt {
	o.w.t.Helper()
	attempts, _, err := signon.In(o.org).LoginAttempts(o.w.t.Context(), o.connection.ID, model.Page{Limit: 1})
	must(o.w.t, err)
	if len(attempts) == 0 {
		return signon.LoginAttempt{}
	}
	return attempts[0]
}

func texts(v any) []string {
	out := []string{}
	list, _ := v.([]any)
	for _, e := range list {
		s, _ := e.(string)
		out = append(out, s)
	}
	slices.Sort(out)
	return out
}
