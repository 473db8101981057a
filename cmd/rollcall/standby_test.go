package main

import (
	"database/sql"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"rollcall/config"
	"rollcall/model/modeltest"
	"rollcall/model/store"
	"rollcall/web"
)

// replicated is a server on PostgreSQL with a synchronous standby.
type replicated struct {
	t               *testing.T
	leader, standby *modeltest.Server
	base            string
	directory       scimDirectory

	mu         sync.Mutex
	statements []string
}

func newReplicated(t *testing.T) *replicated {
	r := &replicated{t: t, leader: modeltest.StartPostgres(t)}
	r.standby = modeltest.StartStandby(t, r.leader, "standby")
	r.leader.Set(t, "synchronous_standby_names", "standby")
	s := modeltest.Open(t, modeltest.Database{Name: "postgres", URL: r.leader.URL("rollcall")},
		store.Options{Log: slog.New(slog.DiscardHandler), Statement: func(query string) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.statements = append(r.statements, query)
		}})
	w, err := web.New(web.Options{Log: slog.New(slog.DiscardHandler), Lasts: s.Lasts,
		PublicURL: "http://127.0.0.1:8080"})
	if err != nil {
		t.Fatal(err)
	}
	program := server{config: config.Config{APIKey: testKey,
		PublicURL: &url.URL{Scheme: "http", Host: "127.0.0.1:8080"}}, log: slog.New(slog.DiscardHandler)}
	if err := program.mount(w, s); err != nil {
		t.Fatal(err)
	}
	w.Open()
	r.base = serveHTTP(t, w)
	r.directory = newDirectory(t, r.base)
	return r
}

// waits returns how many statements were sent that wait for the standby and write nothing else.
func (r *replicated) waits() (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.statements {
		if strings.Contains(s, "pg_logical_emit_message") {
			n++
		}
	}
	return n
}

// call is a request and the status of its answer.
type call struct {
	name, method, path, body string
	status                   int
}

func (r *replicated) send(c call) answer {
	base, token := r.base, testKey
	if strings.HasPrefix(c.path, "/Users") || strings.HasPrefix(c.path, "/Groups") || c.path == "/Bulk" {
		base, token = r.directory.url, r.directory.token
	}
	return request(r.t, c.method, base+c.path, token, c.body)
}

// group makes a group of one member.
func (r *replicated) group(member string) answer {
	return r.send(call{"", "POST", "/Groups", `{"displayName":"All","members":[{"value":"` + member + `"}]}`, 0})
}

// TestNothingToChangeWaitsForTheStandby stops the standby and asks again for what is there. Another
// replica may have asked for it just before, whose commit still waits or was cancelled: who is told
// now that nothing has to change must find it after a failover.
func TestNothingToChangeWaitsForTheStandby(t *testing.T) {
	t.Parallel()
	r := newReplicated(t)
	var ada, bob, group struct{ ID string }
	r.directory.create(t, "ada@contoso.example").decode(t, &ada)
	r.directory.create(t, "bob@contoso.example").decode(t, &bob)
	var left struct{ ID string }
	r.directory.create(t, "left@contoso.example").decode(t, &left)
	r.send(call{"", "PATCH", "/Users/" + bob.ID, `{"Operations":[{"op":"add","path":"title","value":"Dr."}]}`, 0})
	if n := r.waits(); n != 0 {
		t.Errorf("%d writes waited twice", n)
	}
	r.group(ada.ID).decode(t, &group)

	const off = `{"Operations":[{"op":"replace","path":"active","value":false}]}`
	put := `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ada@contoso.example","active":false}`
	member := `{"Operations":[{"op":"add","path":"members","value":[{"value":"` + ada.ID + `"}]}]}`
	organization := "/organizations/" + r.directory.organization
	nothing := []call{
		{"PATCH of a user", "PATCH", "/Users/" + ada.ID, off, 200},
		{"PUT of a user", "PUT", "/Users/" + ada.ID, put, 200},
		{"a user that is there", "POST", "/Users", `{"userName":"bob@contoso.example"}`, 409},
		{"a user that is gone", "DELETE", "/Users/" + left.ID, "", 404},
		{"a member that is there", "PATCH", "/Groups/" + group.ID, member, 204},
		{"operations in bulk", "POST", "/Bulk", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],` +
			`"Operations":[{"method":"PATCH","path":"/Users/` + ada.ID + `","data":` + off + `}]}`, 200},
		{"an organization as it is", "PUT", organization, `{"name":"Contoso"}`, 200},
		{"a connection that is gone", "DELETE", "/connections/conn_01J00000000000000000000000", "", 404},
		{"a logout of nobody", "GET", "/sso/oidc/conn_01J00000000000000000000000/logout", "", 404},
	}
	for _, c := range append([]call{{"", "DELETE", "/Users/" + left.ID, "", 204}}, nothing...) { // make it so
		if a := r.send(c); a.status != c.status {
			t.Fatalf("%s %s with the standby: %d %s", c.name, c.method, a.status, a.body)
		}
	}
	if err := r.standby.Stop(); err != nil {
		t.Fatal(err)
	}
	waiting := append(nothing, call{"a write", "PATCH", "/Users/" + bob.ID, off, 200})
	answers := make(chan string, len(waiting))
	for _, c := range waiting {
		go func() {
			if a := r.send(c); a.status != c.status {
				t.Errorf("%s: %d %s, want %d", c.name, a.status, a.body, c.status)
			}
			answers <- c.name
		}()
	}
	for _, c := range []call{ // what promises nothing is answered at once
		{"a read", "GET", "/Users/" + ada.ID, "", 200},
		{"a search", "POST", "/Users/.search",
			`{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]}`, 200},
		{"a wrong request", "PATCH", "/Users/" + ada.ID, `{"Operations":[{"op":"no"}]}`, 400},
		{"nobody's request", "POST", "/organizations", `{}`, 422},
	} {
		if a := r.send(c); a.status != c.status {
			t.Errorf("%s without the standby: %d %s, want %d", c.name, a.status, a.body, c.status)
		}
	}
	unanswered := len(waiting)
	for enough := time.After(2 * time.Second); enough != nil; {
		select {
		case name := <-answers:
			unanswered--
			t.Errorf("without the standby, %s is answered", name)
		case <-enough:
			enough = nil
		}
	}
	if err := r.standby.Start(); err != nil {
		t.Fatal(err)
	}
	for range unanswered {
		<-answers
	}
}

// TestCancelledWaitIsNoSuccess has somebody cancel what waits for the standby, as a pooler or an
// administrator may. The change is there, at this server alone.
func TestCancelledWaitIsNoSuccess(t *testing.T) {
	t.Parallel()
	r := newReplicated(t)
	var ada, group struct{ ID string }
	r.directory.create(t, "ada@contoso.example").decode(t, &ada)
	r.group(ada.ID).decode(t, &group)
	if err := r.standby.Stop(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("pgx", r.leader.URL("rollcall"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	const off = `{"Operations":[{"op":"replace","path":"active","value":false}]}`
	for _, c := range []call{
		{"a statement", "PATCH", "/Users/" + ada.ID, off, 0},
		{"the same, with nothing to change", "PATCH", "/Users/" + ada.ID, off, 0},
		{"a transaction", "DELETE", "/Groups/" + group.ID, "", 0},
	} {
		answered := make(chan answer, 1)
		go func() { answered <- r.send(c) }()
		modeltest.Eventually(t, func() bool {
			var cancelled int
			err := db.QueryRow("SELECT count(*) FROM (SELECT pg_cancel_backend(pid) FROM pg_stat_activity " +
				"WHERE wait_event = 'SyncRep') c").Scan(&cancelled)
			return err == nil && cancelled > 0
		})
		a := <-answered
		if a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" ||
			internalText.MatchString(a.body) {
			t.Errorf("%s: %d %v %s, want 503", c.name, a.status, a.header, a.body)
		}
	}
}
