package scim_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/modeltest"
	"rollcall/model/operator"
	"rollcall/model/organization"
	"rollcall/model/store"
	"rollcall/scim"
	"rollcall/web"
)

// public is the public URL of the servers in these tests.
const public = "https://rollcall.example"

const (
	coreUser   = "urn:ietf:params:scim:schemas:core:2.0:User"
	coreGroup  = "urn:ietf:params:scim:schemas:core:2.0:Group"
	enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	listURN    = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
	errorURN   = "urn:ietf:params:scim:api:messages:2.0:Error"
)

// deployment is a server with its log.
type deployment struct {
	t       testing.TB
	store   *store.Store
	handler http.Handler
	url     string // where it is served
	log     *syncBuffer
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// deploy serves a store over HTTP.
func deploy(t testing.TB, store *store.Store) *deployment {
	t.Helper()
	return deployWith(t, scim.Server{Store: store})
}

// deployWith is deploy for a server with settings of its own.
func deployWith(t testing.TB, s scim.Server) *deployment {
	t.Helper()
	log := &syncBuffer{}
	logger := slog.New(slog.NewTextHandler(log, nil))
	w, err := web.New(web.Options{PublicURL: public, Log: logger})
	if err != nil {
		t.Fatal(err)
	}
	s.PublicURL, s.Log = public, logger
	s.Mount(w.Echo)
	server := httptest.NewServer(w.Echo)
	t.Cleanup(server.Close)
	return &deployment{t, s.Store, w.Echo, server.URL, log}
}

// organization makes an organization that has verified the domains.
func (d *deployment) organization(name string, domains ...string) model.OrganizationID {
	d.t.Helper()
	verified := map[string]organization.DomainState{}
	for _, domain := range domains {
		verified[domain] = organization.DomainStateVerified
	}
	g := &organization.Organization{
		OrganizationFields: organization.OrganizationFields{Name: name, Settings: organization.DefaultSettings()}}
	err := operator.Across(d.store).CreateOrganization(d.t.Context(), model.System, model.Everywhere(), g, verified)
	if err != nil {
		d.t.Fatal(err)
	}
	return g.ID
}

// client is an identity provider that has the token of one directory.
type client struct {
	*deployment
	org       *store.Org
	directory *directory.Directory
	token     string
	base      string // the path of the directory
	location  string // its public URL
}

func (d *deployment) client(id model.OrganizationID) *client {
	d.t.Helper()
	return d.clientOf(id, "generic scim v2.0")
}

// clientOf is client for a directory of a type.
func (d *deployment) clientOf(id model.OrganizationID, kind string) *client {
	d.t.Helper()
	org := d.store.Org(id, model.System)
	directory, token, err := directory.In(org).CreateDirectory(d.t.Context(), "Staff", kind)
	if err != nil {
		d.t.Fatal(err)
	}
	base := "/scim/v2/" + model.DirectoryPrefix.ID(directory.ID)
	return &client{d, org, directory, token, base, public + base}
}

// newClient is a client of a new deployment with one organization.
func newClient(t testing.TB, store *store.Store) *client {
	d := deploy(t, store)
	return d.client(d.organization("Northwind"))
}

// reply is an answer as a client receives it.
type reply struct {
	status int
	header http.Header
	text   string
	body   map[string]any
}

// do sends a request with the client's token. headers are names and values; an empty value leaves
// the header out.
func (c *client) do(method, path, body string, headers ...string) reply {
	c.t.Helper()
	h := http.Header{"Authorization": {"Bearer " + c.token}}
	if body != "" {
		h.Set("Content-Type", "application/scim+json")
	}
	for i := 0; i < len(headers); i += 2 {
		h.Del(headers[i])
		if headers[i+1] != "" {
			h.Set(headers[i], headers[i+1])
		}
	}
	return c.send(method, c.base+path, strings.NewReader(body), h)
}

func (d *deployment) send(method, path string, body io.Reader, h http.Header) reply {
	d.t.Helper()
	r, err := http.NewRequestWithContext(d.t.Context(), method, d.url+path, body)
	if err != nil {
		d.t.Fatal(err)
	}
	r.Header = h
	w, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		d.t.Fatal(err)
	}
	defer func() { _ = w.Body.Close() }()
	text, err := io.ReadAll(w.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	a := reply{status: w.StatusCode, header: w.Header, text: string(text)}
	if len(text) > 0 {
		if kind := w.Header.Get("Content-Type"); kind != "application/scim+json;charset=utf-8" {
			d.t.Errorf("%s %.200s: Content-Type %q", method, path, kind)
		}
		if err := json.Unmarshal(text, &a.body); err != nil {
			d.t.Fatalf("%s %.200s: body %q: %v", method, path, text, err)
		}
	}
	return a
}

// want sends a request and fails the test unless the status is the wanted one.
func (c *client) want(status int, method, path, body string, headers ...string) reply {
	c.t.Helper()
	a := c.do(method, path, body, headers...)
	if a.status != status {
		c.t.Fatalf("%s %.200s: %d %s, want %d", method, path, a.status, a.text, status)
	}
	return a
}

// create makes a resource and returns its id.
func (c *client) create(endpoint, body string) string {
	c.t.Helper()
	return c.want(201, "POST", endpoint, body).body["id"].(string)
}

func (c *client) user(userName string) string {
	c.t.Helper()
	return c.create("/Users", fmt.Sprintf(`{"userName":%q}`, userName))
}

// group makes a group with members.
func (c *client) group(displayName string, ids ...string) string {
	c.t.Helper()
	members := []map[string]string{}
	for _, id := range ids {
		members = append(members, map[string]string{"value": id})
	}
	text, err := json.Marshal(map[string]any{"displayName": displayName, "members": members})
	if err != nil {
		c.t.Fatal(err)
	}
	return c.create("/Groups", string(text))
}

func patchOf(operations string) string {
	return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":` + operations + `}`
}

// filtered is the path of a list with a filter.
func filtered(endpoint, filter string) string {
	return endpoint + "?filter=" + url.QueryEscape(filter)
}

// values are one attribute of each resource of a list.
func (a reply) values(name string) []string {
	list := []string{}
	resources, _ := a.body["Resources"].([]any)
	for _, r := range resources {
		v, _ := r.(map[string]any)[name].(string)
		list = append(list, v)
	}
	return list
}

// refused checks that a reply is the SCIM error of the status and type, with all parts in the
// detail.
func refused(t testing.TB, a reply, status int, scimType string, parts ...string) {
	t.Helper()
	want := map[string]any{"schemas": []any{errorURN}, "status": fmt.Sprint(status), "detail": a.body["detail"]}
	if scimType != "" {
		want["scimType"] = scimType
	}
	if diff := cmp.Diff(want, a.body); diff != "" || a.status != status {
		t.Errorf("answer %d %s, want %d %s", a.status, a.text, status, scimType)
	}
	detail, _ := a.body["detail"].(string)
	if detail == "" {
		t.Error("there is no detail")
	}
	for _, part := range parts {
		if !strings.Contains(detail, part) {
			t.Errorf("detail %q lacks %q", detail, part)
		}
	}
}

// keys are the names of an object's members, sorted.
func keys(object map[string]any) []string { return sorted(slices.Collect(maps.Keys(object))...) }

func sorted(names ...string) []string {
	slices.Sort(names)
	return names
}

// each runs a test against a server on both databases.
func each(t *testing.T, test func(t *testing.T, c *client)) {
	t.Helper()
	modeltest.Each(t, func(t *testing.T, store *store.Store) { test(t, newClient(t, store)) })
}

// path reads a value out of a body: names of members, and numbers of elements.
func (a reply) path(steps ...any) any {
	var v any = a.body
	for _, step := range steps {
		switch s := step.(type) {
		case string:
			object, _ := v.(map[string]any)
			v = object[s]
		case int:
			list, _ := v.([]any)
			if s >= len(list) {
				return nil
			}
			v = list[s]
		}
	}
	return v
}
