package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"rollcall/api"
	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/modeltest"
	"rollcall/model/organization"
	"rollcall/model/people"
	"rollcall/model/store"
	"rollcall/web"
)

const (
	bootstrapKey = "sk_bootstrap_0123456789abcdef0123456789abcdef"
	publicURL    = "https://rollcall.example"
)

// world is a running API over a store, and a client with the operator's key.
type world struct {
	*client
	store    *store.Store
	echo     *echo.Echo
	contract *contract
	idp      *host
}

// client calls the API with one key.
type client struct {
	t    *testing.T
	http *http.Client
	url  string
	key  string
}

// as is the same client with another key.
func (c *client) as(key string) *client {
	other := *c
	other.key = key
	return &other
}

// each runs a test against the API on both databases.
func each(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	modeltest.Each(t, func(t *testing.T, store *store.Store) { test(t, start(t, store)) })
}

// ground is a server with the routes of the API.
func ground(t *testing.T, s *api.Server) *web.Server {
	t.Helper()
	if s.Log == nil {
		s.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	g, err := web.New(web.Options{PublicURL: publicURL, Log: s.Log})
	if err != nil {
		t.Fatal(err)
	}
	s.Mount(g.Echo)
	g.Open()
	return g
}

func start(t *testing.T, store *store.Store) *world {
	t.Helper()
	return startLogged(t, store, nil)
}

// startLogged is start with the log of the caller.
func startLogged(t *testing.T, store *store.Store, log *slog.Logger) *world {
	t.Helper()
	idp := newHost(t)
	g := ground(t,
		&api.Server{Store: store, PublicURL: publicURL, BootstrapKey: bootstrapKey, Outbound: idp.outbound(), Log: log,
			Domains: organization.NewDomainWatch(organization.Across(store),
				web.NewLookupTXT([]netip.AddrPort{idp.dns.Address}))})
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	watch := newContract(t)
	return &world{&client{t, &http.Client{Transport: watch}, server.URL, bootstrapKey}, store, g.Echo, watch, idp}
}

// serve answers a request without a network.
func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// object is a JSON object.
type object map[string]any

// at returns the value at a path of member names and numbers of elements.
func (o object) at(path string) any {
	var value any = map[string]any(o)
	for part := range strings.SplitSeq(path, ".") {
		switch v := value.(type) {
		case map[string]any:
			value = v[part]
		case []any:
			var i int
			if _, err := fmt.Sscan(part, &i); err != nil || i >= len(v) {
				return nil
			}
			value = v[i]
		default:
			return nil
		}
	}
	return value
}

func (o object) text(path string) string {
	s, _ := o.at(path).(string)
	return s
}

// data are the objects of a list.
func (o object) data() []object {
	list, _ := o["data"].([]any)
	out := make([]object, len(list))
	for i, item := range list {
		out[i] = item.(map[string]any)
	}
	return out
}

// ids are the ids of a list's objects.
func (o object) ids() []string {
	out := []string{}
	for _, d := range o.data() {
		out = append(out, d.text("id"))
	}
	return out
}

// send sends a request and returns the status and the header of the answer, and its body as JSON.
func (c *client) send(method, path string, body any, header ...string) (int, http.Header, object) {
	c.t.Helper()
	var sent io.Reader
	if text, ok := body.(string); ok {
		sent = strings.NewReader(text)
	} else if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			c.t.Fatal(err)
		}
		sent = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.url+path, sent)
	if err != nil {
		c.t.Fatal(err)
	}
	if c.key != "" {
		r.Header.Set("Authorization", "Bearer "+c.key)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w, err := c.http.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = w.Body.Close() }()
	text, err := io.ReadAll(w.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	var o object
	if len(text) > 0 {
		if err := json.Unmarshal(text, &o); err != nil {
			c.t.Fatalf("%s %s answers %d %s", method, path, w.StatusCode, text)
		}
	}
	return w.StatusCode, w.Header, o
}

// want sends a request and expects a status.
func (c *client) want(status int, method, path string, body any) object {
	c.t.Helper()
	got, _, o := c.send(method, path, body)
	if got != status {
		c.t.Fatalf("%s %s answers %d, want %d: %v", method, path, got, status, o)
	}
	return o
}

func (c *client) get(path string) object { c.t.Helper(); return c.want(200, "GET", path, nil) }

// must returns a value, or ends the test.
func must[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// tenant is an organization with a directory.
type tenant struct {
	organization, directory, token string     // API ids, and the directory's bearer token
	org                            *store.Org // acting as the directory
	id                             string     // the directory's stored id
}

// tenant makes an organization with the verified domain name.example and a directory that its
// identity provider has reached.
func (w *world) tenant(c *client, name string) tenant {
	w.t.Helper()
	g := w.want(201, "POST", "/organizations", object{"name": name,
		"domain_data": []object{{"domain": name + ".example", "state": "verified"}}})
	if c.key != w.key {
		app := w.applicationOf(c)
		w.want(204, "PUT", "/applications/"+app+"/organizations/"+g.text("id"), nil)
	}
	d := c.want(201, "POST", "/directories",
		object{"organization_id": g.text("id"), "name": name, "type": "okta scim v2.0"})
	out := tenant{organization: g.text("id"), directory: d.text("id"), token: d.text("scim.bearer_token")}
	opened := must[*directory.Access](w.t)(directory.Across(w.store).Authenticate(w.t.Context(), out.token)).Directory
	out.id, out.org = opened.ID, w.store.Org(opened.OrganizationID, opened.Actor())
	return out
}

// applicationOf is the id of the application whose key a client has.
func (w *world) applicationOf(c *client) string {
	w.t.Helper()
	k, _, err := organization.Across(w.store).APIKey(w.t.Context(), c.key)
	if err != nil {
		w.t.Fatal(err)
	}
	return model.ApplicationPrefix.ID(k.ApplicationID)
}

// application makes an application for "all" or a list of organizations, and a client with its key.
func (w *world) application(organizations any) *client {
	w.t.Helper()
	a := w.want(201, "POST", "/applications", object{"name": "An application", "organizations": organizations})
	return w.as(a.text("client_secret"))
}

// person is a SCIM document.
func person(userName string) map[string]any {
	return map[string]any{
		"userName": userName, "externalId": "x-" + userName, "title": "Engineer",
		"name":   map[string]any{"givenName": "Given", "familyName": "Family"},
		"emails": []any{map[string]any{"value": userName, "type": "work", "primary": true}},
	}
}

func (t tenant) user(w *world, userName string) *people.User {
	w.t.Helper()
	return must[*people.User](w.t)(directory.Of(t.org, t.id).CreateUser(w.t.Context(), person(userName)))
}

func (t tenant) group(w *world, name string, members ...string) *people.DirectoryGroup {
	w.t.Helper()
	return must[*people.DirectoryGroup](w.t)(
		directory.Of(t.org, t.id).CreateGroup(w.t.Context(), map[string]any{"displayName": name}, members))
}
