package sso_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/html"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/modeltest"
	"rollcall/model/operator"
	"rollcall/model/organization"
	"rollcall/model/people"
	"rollcall/model/store"
	"rollcall/testidp"
)

const bootstrapKey = "sk_bootstrap_0123456789abcdef0123456789abcdef"

// logged is what the server writes into its log.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// to is a log of everything, which the test's output shows, too.
func (l *logged) to(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(io.MultiWriter(l, t.Output()), &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// one is a world on SQLite, for what the database does not matter to, with an active connection.
func one(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, modeltest.SQLite(t), store.Options{})
	w.activate(w.tenant)
	return w
}

// replica is another server on the same database, which browsers reach at the same address.
func (w *world) replica(t *testing.T) *world {
	t.Helper()
	other := *w
	other.store = modeltest.Open(t, w.db, store.Options{Now: w.clock.Now, Log: w.logged.to(t)})
	other.server = httptest.NewUnstartedServer(nil)
	other.server.StartTLS()
	t.Cleanup(other.server.Close)
	mount(t, other.server, other.store, w.url, w.logged.to(t))
	return &other
}

// crossSite is a jar without the cookies that a browser keeps from another site's POST.
type crossSite struct{ http.CookieJar }

func (j crossSite) Cookies(u *url.URL) []*http.Cookie {
	var out []*http.Cookie
	for _, c := range j.CookieJar.Cookies(u) {
		lax := []string{"__Host-rollcall", "rollcall", "__Host-rollcall-setup"}
		if !slices.Contains(lax, c.Name) {
			out = append(out, c)
		}
	}
	return out
}

// submit posts a form of our own page.
func (b *browser) submit(location string, form url.Values) answer {
	b.w.t.Helper()
	return b.w.send(b, http.MethodPost, location, "Content-Type", "application/x-www-form-urlencoded",
		"Sec-Fetch-Site", "same-origin",
		"Accept", "text/html", "", form.Encode())
}

// send sends any request. What follows the path are headers by name and value; the value of the
// empty name is the body.
func (w *world) send(b *browser, method, path string, headers ...string) answer {
	w.t.Helper()
	if b == nil {
		b = w.browser()
	}
	body := ""
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "" {
			body = headers[i+1]
		}
	}
	if strings.HasPrefix(path, "/") {
		path = w.url + path
	}
	r, err := http.NewRequestWithContext(w.t.Context(), method, path, strings.NewReader(body))
	must(w.t, err)
	for i := 0; i < len(headers); i += 2 {
		if headers[i] != "" {
			r.Header.Set(headers[i], headers[i+1])
		}
	}
	return b.do(r)
}

// cookie is one that an answer sets; nil when it does not.
func (a answer) cookie(name string) *http.Cookie {
	for _, c := range (&http.Response{Header: a.header}).Cookies() {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// object reads the JSON of an answer.
func (a answer) object(t testing.TB) map[string]any {
	t.Helper()
	var out map[string]any
	if err := json.Unmarshal([]byte(a.body), &out); err != nil {
		t.Fatalf("%d %q: %v", a.status, a.body, err)
	}
	return out
}

// signedIn reports whether a browser has a live session.
func (b *browser) signedIn() bool {
	b.w.t.Helper()
	switch a := b.get("/sso/session"); a.status {
	case http.StatusOK:
		return true
	case http.StatusUnauthorized:
		return false
	default:
		b.w.t.Fatalf("/sso/session: %d %s", a.status, a.body)
		return false
	}
}

// toProvider reports whether an answer redirects the browser to the tenant's identity provider.
func (a answer) toProvider(n tenant) bool {
	return a.status == http.StatusSeeOther && strings.HasPrefix(a.location.String(), n.idp.SAMLSignOnURL()+"?") &&
		a.location.Query().Get("SAMLRequest") != ""
}

// refused demands that an answer is the page of a refusal, without a cookie or a redirect, and that
// the newest line of the login log has the reason.
func (w *world) refused(n tenant, a answer, reason string) {
	w.t.Helper()
	if a.status != http.StatusForbidden || !strings.Contains(a.body, "You were not signed in") ||
		a.location.String() != "" || len(a.header.Values("Set-Cookie")) > 0 {
		w.t.Errorf("not the page of a refusal: %d to %q: %s", a.status, a.location, a.body)
	}
	w.noted(n, reason)
}

// noted demands the reason in the newest line of the login log.
func (w *world) noted(n tenant, reason string) {
	w.t.Helper()
	if reasons := w.log(n); len(reasons) == 0 || reasons[0] != reason {
		w.t.Errorf("the log has %q, want %q first", reasons, reason)
	}
}

// update changes the tenant's connection, and the copy of it here.
func (w *world) update(n tenant, change func(c *connection.ConnectionFields)) {
	w.t.Helper()
	c, err := connection.In(n.org).UpdateConnection(w.t.Context(), n.connection.ID,
		func(c *connection.ConnectionFields) error {
			change(c)
			return nil
		})
	must(w.t, err)
	*n.connection = *c
}

// settings changes the tenant's organization.
func (w *world) settings(n tenant, change func(g *organization.OrganizationFields)) {
	w.t.Helper()
	_, err := operator.In(n.org).UpdateOrganization(w.t.Context(), func(g *organization.OrganizationFields) error {
		change(g)
		return nil
	})
	must(w.t, err)
}

// second is another active connection of the tenant's organization, to the same identity provider.
func (w *world) second(n tenant) tenant {
	w.t.Helper()
	m := tenant{org: n.org, idp: n.idp}
	m.connection = w.connect(m, "GenericSAML")
	w.activate(m)
	must(w.t, n.idp.ConnectSAML(w.sp(n.connection, "/metadata"), w.sp(n.connection, "/acs")))
	return m
}

// at has the tenant's identity provider answer to its connection, where it serves several.
func (w *world) at(n tenant) tenant {
	w.t.Helper()
	must(w.t, n.idp.ConnectSAML(w.sp(n.connection, "/metadata"), w.sp(n.connection, "/acs")))
	return n
}

// person is a person of the tenant's identity provider, by index.
func person(n tenant, i int) testidp.Person { return n.idp.People()[i].Person }

// users are those of the tenant's organization.
func (w *world) users(n tenant) []people.User {
	w.t.Helper()
	users, _, err := people.In(n.org).Users(w.t.Context(), people.UserQuery{Page: model.Page{Limit: 100}})
	must(w.t, err)
	return users
}

// user is the one with an e-mail address.
func (w *world) user(n tenant, email string) people.User {
	w.t.Helper()
	users, _, err := people.In(n.org).Users(w.t.Context(), people.UserQuery{Email: email, Page: model.Page{Limit: 2}})
	if err != nil || len(users) != 1 {
		w.t.Fatalf("%d users with %s: %v", len(users), email, err)
	}
	return users[0]
}

// hrefs are the links below the first element of a name.
func hrefs(t testing.TB, page, below string) []string {
	t.Helper()
	document, err := html.Parse(strings.NewReader(page))
	must(t, err)
	var out []string
	inside := false
	for el := range document.Descendants() {
		inside = inside || el.Data == below
		for _, a := range el.Attr {
			if inside && el.Data == "a" && a.Key == "href" {
				out = append(out, a.Val)
			}
		}
	}
	return out
}

// respond is a response to a request by its id.
func (n tenant) respond(t testing.TB, who testidp.Person, id string) string {
	t.Helper()
	response, err := n.idp.Respond(who.ID, testidp.ResponseOptions{InResponseTo: id})
	must(t, err)
	return response
}

// decoded is the text of base64.
func decoded(t testing.TB, text string) string {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(text)
	must(t, err)
	return string(b)
}
