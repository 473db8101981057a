package api_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"rollcall/scim"
	"rollcall/web"
)

// serveSCIM serves the world's store to identity providers.
func (w *world) serveSCIM() string {
	w.t.Helper()
	log := slog.New(slog.NewTextHandler(w.t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	g, err := web.New(web.Options{PublicURL: publicURL, Log: log})
	if err != nil {
		w.t.Fatal(err)
	}
	(&scim.Server{Store: w.store, PublicURL: publicURL, Log: log}).Mount(g.Echo)
	g.Open()
	server := httptest.NewServer(g)
	w.t.Cleanup(server.Close)
	return server.URL
}

// TestFeedUnderWriters reads the feed by its cursor while 32 identity providers write. The feed
// must have one event for each change, and those of one user in the order of the changes.
func TestFeedUnderWriters(t *testing.T) {
	t.Parallel()
	const writers, changes, people = 32, 6, 8
	each(t, func(t *testing.T, w *world) {
		n := w.tenant(w.client, "contoso")
		idp := &client{t, &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: writers}},
			w.serveSCIM() + "/scim/v2/" + n.directory, n.token}
		var users []string
		for i := range people {
			users = append(users,
				idp.want(201, "POST", "/Users", object{"userName": fmt.Sprint("user-", i), "title": ""}).text("id"))
		}
		last := w.get("/events?order=desc&limit=1").text("data.0.id")

		var mu sync.Mutex
		accepted, over := map[string]bool{}, false // titles; over is true when all are written
		var writing sync.WaitGroup
		for i := range writers {
			writing.Go(func() {
				for j := range changes {
					title := fmt.Sprintf("title-%d-%d", i, j)
					status, header, o := idp.send("PATCH", "/Users/"+users[(i+j)%people], object{
						"schemas":    []string{"urn:ietf:params:scim:api:messages:2.0:PatchOp"},
						"Operations": []object{{"op": "replace", "path": "title", "value": title}}})
					switch {
					case status == 200:
						mu.Lock()
						accepted[title] = true
						mu.Unlock()
					case status != 503 || header.Get("Retry-After") == "":
						t.Errorf("%d %v", status, o)
					}
				}
			})
		}
		done := make(chan struct{})
		go func() { writing.Wait(); close(done) }()

		seen, told, title := map[string]bool{}, map[string]bool{}, map[string]string{} // title is by user
		for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
			select {
			case <-done:
				over = true
			default:
			}
			page := w.get("/events?limit=7&organization_id=" + n.organization + "&after=" + url.QueryEscape(last))
			for _, e := range page.data() {
				last = e.text("id")
				if seen[last] {
					t.Fatalf("event %s came twice", last)
				}
				seen[last] = true
				who, now := e.text("data.id"), e.text("data.job_title")
				before := e.text("data.previous_attributes.job_title")
				if e.text("event") != "dsync.user.updated" || before != title[who] {
					t.Fatalf("%s of %s tells of %q after %q, and the last was %q", e.text("event"), who, now,
						before, title[who])
				}
				if told[now] {
					t.Fatalf("%q came twice", now)
				}
				title[who], told[now] = now, true
			}
			if over && len(told) >= len(accepted) {
				break
			}
		}
		<-done
		if len(told) != len(accepted) || len(accepted) < writers*changes/2 {
			t.Errorf("%d changes were accepted and %d told of", len(accepted), len(told))
		}
		for was := range accepted {
			if !told[was] {
				t.Errorf("%q was accepted and is not told of", was)
			}
		}
		for _, id := range users {
			who := w.directoryUser(n, id)
			if got := idp.want(200, "GET", "/Users/"+id, nil).text("title"); got != title[who] {
				t.Errorf("%s is %q, and the feed ends at %q", who, got, title[who])
			}
		}
	})
}

// directoryUser is the API id of the user with a SCIM id.
func (w *world) directoryUser(n tenant, id string) string {
	w.t.Helper()
	for _, u := range w.get("/directory_users?limit=100&directory=" + n.directory).data() {
		if u.text("idp_id") == id {
			return u.text("id")
		}
	}
	w.t.Fatalf("no directory user has the id %s", id)
	return ""
}

// TestFeedWaits has a reader wait for the next event, and be answered as soon as there is one.
func TestFeedWaits(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		n := w.tenant(w.client, "contoso")
		last := w.get("/events?order=desc&limit=1").text("data.0.id")
		for query, field := range map[string]string{
			"wait=1": "wait", "wait=21&after=" + last: "wait", "wait=-1&after=" + last: "wait",
			"wait=x&after=" + last:            "wait",
			"wait=1&order=desc&after=" + last: "wait", "wait=1&before=" + last: "wait",
		} {
			if o := w.want(422, "GET", "/events?"+query, nil); o.text("errors.0.field") != field {
				t.Errorf("%s: %v", query, o)
			}
		}
		if ids := w.get("/events?wait=1&after=" + last).ids(); len(ids) != 0 {
			t.Errorf("nothing has happened: %v", ids)
		}
		answered := make(chan object)
		go func() { answered <- w.get("/events?wait=20&events=dsync.user.created&after=" + last) }()
		select {
		case o := <-answered:
			t.Fatalf("answered with %v before there was an event", o)
		case <-time.After(300 * time.Millisecond):
		}
		n.user(w, "ada@contoso.example")
		if o := <-answered; len(o.ids()) != 1 || o.text("data.0.event") != "dsync.user.created" {
			t.Errorf("got %v", o)
		}
		app := w.application("all")
		newest := w.get("/events?order=desc&limit=1").text("data.0.id")
		go func() {
			status, _, o := app.send("GET", "/events?wait=20&after="+newest, nil)
			answered <- object{"status": status, "answer": o}
		}()
		time.Sleep(300 * time.Millisecond) // it waits by now
		w.want(204, "DELETE", "/applications/"+w.applicationOf(app), nil)
		if o := <-answered; o["status"] != 401 {
			t.Errorf("whose key is deleted is answered %v", o)
		}
	})
}
