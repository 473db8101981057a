package webhook_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/modeltest"
	"rollcall/model/operator"
	"rollcall/model/organization"
	"rollcall/model/people"
	"rollcall/model/store"
	endpoints "rollcall/model/webhook"
	"rollcall/web"
	"rollcall/webhook"
)

// world is a store with an application, and one organization that it serves.
type world struct {
	*testing.T
	*modeltest.Clock
	store       *store.Store
	application model.Scope
	tenant
	log strings.Builder
}

// tenant is an organization with a directory.
type tenant struct {
	org *store.Org // acting as the directory
	dir string
}

func each(t *testing.T, test func(w *world)) {
	t.Helper()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		w := &world{T: t, Clock: modeltest.NewClock()}
		w.store = modeltest.Open(t, db, store.Options{Now: w.Now})
		a := &organization.Application{ApplicationFields: organization.ApplicationFields{Name: "Orbit"}}
		must[string](w)(organization.Across(w.store).CreateApplication(t.Context(), a, nil))
		w.application = a.Scope()
		w.tenant = w.founded("Northwind", w.application)
		must[bool](w)(endpoints.Across(w.store).FanOut(t.Context())) // as a server does when it starts
		test(w)
	})
}

// founded makes an organization that an application serves, with a directory.
func (w *world) founded(name string, application model.Scope) tenant {
	w.Helper()
	g := &organization.Organization{OrganizationFields: organization.OrganizationFields{
		Name: name, Settings: organization.DefaultSettings()}}
	err := operator.Across(w.store).CreateOrganization(w.Context(), model.System, application, g, nil)
	if err != nil {
		w.Fatal(err)
	}
	org := w.store.Org(g.ID, model.System)
	d, _, err := directory.In(org).CreateDirectory(w.Context(), name, "okta scim v2.0")
	if err != nil {
		w.Fatal(err)
	}
	return tenant{w.store.Org(g.ID, d.Actor()), d.ID}
}

func must[T any](w *world) func(v T, err error) T {
	return func(v T, err error) T {
		w.Helper()
		if err != nil {
			w.Fatal(err)
		}
		return v
	}
}

// provision has the identity provider create a user.
func (n tenant) provision(w *world, name string) *people.User {
	w.Helper()
	return must[*people.User](w)(directory.Of(n.org, n.dir).CreateUser(w.Context(),
		map[string]any{"userName": name + "@northwind.example", "active": true}))
}

// rename has the identity provider change a user, which is one event.
func (n tenant) rename(w *world, u *people.User, title string) {
	w.Helper()
	must[*people.User](w)(directory.Of(n.org, n.dir).UpdateUser(w.Context(), u.ID, func(d *people.UserDraft) error {
		document, err := d.DocumentMap()
		if err != nil {
			return err
		}
		document["title"] = title
		return d.SetDocument(document)
	}))
}

// receiver is an application's endpoint.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	got    []request
	answer func(request) int
	header http.Header // of the answers
}

// request is what a receiver was sent.
type request struct {
	header http.Header
	body   string
	id     string
	event  string
	about  string // the user that the event is about, or its id
	title  string
}

// receive starts a receiver, which answers 200 until told otherwise.
func (w *world) receive() *receiver {
	r := &receiver{header: http.Header{}}
	r.Server = httptest.NewServer(http.HandlerFunc(func(to http.ResponseWriter, q *http.Request) {
		text, err := io.ReadAll(q.Body)
		var e struct {
			ID, Event string
			Data      struct {
				ID            string
				RawAttributes struct{ Title string } `json:"raw_attributes"`
			}
		}
		if err != nil || json.Unmarshal(text, &e) != nil {
			w.Errorf("received %q, %v", text, err)
		}
		got := request{q.Header, string(text), e.ID, e.Event, e.Data.ID, e.Data.RawAttributes.Title}
		r.mu.Lock()
		r.got = append(r.got, got)
		answer := r.answer
		for name, values := range r.header {
			to.Header()[name] = values
		}
		r.mu.Unlock()
		if answer != nil {
			to.WriteHeader(answer(got))
		}
		_, _ = io.WriteString(to, "what the receiver says is not kept")
	}))
	w.Cleanup(r.Close)
	return r
}

// answers changes what the receiver answers.
func (r *receiver) answers(status func(request) int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = status
}

func always(status int) func(request) int { return func(request) int { return status } }

// take returns what came since the last call.
func (r *receiver) take() []request {
	r.mu.Lock()
	defer r.mu.Unlock()
	got := r.got
	r.got = nil
	return got
}

// titles are the titles of the users in what came since the last call.
func (r *receiver) titles() string {
	var list []string
	for _, q := range r.take() {
		list = append(list, q.title)
	}
	return strings.Join(list, " ")
}

// sender is a replica that may reach the receivers.
func (w *world) sender(reach ...*receiver) *webhook.Sender {
	o := web.OutboundOptions{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}
	for _, r := range reach {
		o.AllowHosts = append(o.AllowHosts, strings.TrimPrefix(r.URL, "http://"))
	}
	return &webhook.Sender{Store: w.store, Outbound: web.NewOutbound(o),
		Log: slog.New(slog.NewTextHandler(&w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
}

// send has a replica send what is due, and returns how many attempts that were.
func (w *world) send(s *webhook.Sender) int {
	w.Helper()
	return must[int](w)(s.RunOnce(w.Context()))
}

// endpoint adds an endpoint of a scope for events about users.
func (w *world) endpoint(scope model.Scope, url string) *endpoints.Endpoint {
	w.Helper()
	return must[*endpoints.Endpoint](w)(endpoints.Across(w.store).Create(w.Context(), scope, endpoints.Fields{
		URL: url, Events: []model.EventType{people.DirectoryUserCreated, people.DirectoryUserUpdated}}))
}

// state describes the newest deliveries of an endpoint, the oldest first.
func (w *world) state(scope model.Scope, id string) string {
	w.Helper()
	ds, _, err := endpoints.Across(w.store).Deliveries(w.Context(), scope, id, "",
		model.Page{Limit: 100, Ascending: true})
	if err != nil {
		w.Fatal(err)
	}
	var list []string
	for _, d := range ds {
		list = append(list, fmt.Sprintf("%s after %d", d.State, d.Attempts))
	}
	return strings.Join(list, ", ")
}

// again reads an endpoint.
func (w *world) again(scope model.Scope, id string) *endpoints.Endpoint {
	w.Helper()
	return must[*endpoints.Endpoint](w)(endpoints.Across(w.store).Endpoint(w.Context(), scope, id))
}

// run runs a sender until the function that it returns is called.
func run(w *world, s *webhook.Sender) (end func()) {
	ctx, cancel := context.WithCancel(w.Context())
	ended := make(chan error)
	go func() { ended <- s.Run(ctx) }()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			w.Error(err)
		}
	}
}
