package api_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/api"
	"rollcall/model/modeltest"
	"rollcall/model/store"
)

func TestEvents(t *testing.T) {
	t.Parallel()
	clock := modeltest.NewClock()
	modeltest.EachWith(t, store.Options{Now: clock.Now}, func(t *testing.T, store *store.Store) {
		w := start(t, store)
		began := clock.Now()
		app := w.application("all")
		one := w.tenant(w.client, "one")
		clock.Advance(time.Hour)
		two := w.tenant(app, "two")
		two.user(w, "ada@two.example")

		names := func(o object) []string {
			out := []string{}
			for _, e := range o.data() {
				out = append(out, e.text("event"))
			}
			return out
		}
		start := []string{"organization.created", "organization_domain.created", "organization_domain.verified",
			"dsync.token.created", "dsync.activated"}
		hour := url.QueryEscape(began.Add(time.Hour).Format("2006-01-02T15:04:05.999-07:00"))
		for _, test := range []struct {
			name, query string
			want        []string
		}{
			{"oldest first", "organization_id=" + one.organization, start},
			{"newest first", "limit=2&order=desc&organization_id=" + two.organization,
				[]string{"dsync.user.created", "dsync.activated"}},
			{"of types with commas", "events=dsync.user.created,dsync.activated",
				[]string{"dsync.activated", "dsync.activated", "dsync.user.created"}},
			{"of types one by one", "events=dsync.user.created&events=dsync.activated&organization_id=" +
				two.organization, []string{"dsync.activated", "dsync.user.created"}},
			{"of types in brackets", "events[]=dsync.user.created&events%5B%5D=user.created",
				[]string{"dsync.user.created"}},
			{"of a type that never occurs", "events=session.created", []string{}},
			{"from a moment on", "range_start=" + hour + "&organization_id=" + one.organization, []string{}},
			{"before a moment", "range_end=" + hour, start},
			{"from a day on", "range_start=2026-03-04&limit=5", start},
			{"before a day", "range_end=2026-03-04", []string{}},
		} {
			t.Run(test.name, func(t *testing.T) {
				if diff := cmp.Diff(test.want, names(w.get("/events?"+test.query))); diff != "" {
					t.Error(diff)
				}
			})
		}
		t.Run("each names who acted", func(t *testing.T) {
			for kind, want := range map[string]map[string]any{
				"organization.created": {"id": "operator:bootstrap", "source": "api", "name": nil},
				"dsync.token.created":  {"id": w.applicationOf(app), "source": "api", "name": nil},
				"dsync.user.created":   {"id": two.directory, "source": "system", "name": nil},
			} {
				e := w.get("/events?events=" + kind + "&organization_id=" + two.organization)
				if diff := cmp.Diff(want, e.at("data.0.context.actor")); diff != "" {
					t.Errorf("%s: %s", kind, diff)
				}
			}
		})
		t.Run("reading on after the last event brings the next", func(t *testing.T) {
			last := w.get("/events?order=desc&limit=1").text("data.0.id")
			if got := names(w.get("/events?after=" + last)); len(got) != 0 {
				t.Errorf("after the last: %v", got)
			}
			w.want(200, "PUT", "/organizations/"+one.organization, object{"name": "One more"})
			if diff := cmp.Diff([]string{"organization.updated"}, names(w.get("/events?after="+last))); diff != "" {
				t.Error(diff)
			}
		})
	})
}

// TestStoppedDatabase calls every route while the database is stopped.
func TestStoppedDatabase(t *testing.T) {
	database := modeltest.StartPostgres(t)
	w := start(t,
		modeltest.Open(t, modeltest.Database{Name: "postgres", URL: database.URL("rollcall")}, store.Options{}))
	app := w.application("all")
	database.StopImmediately(t)
	// What is made in an organization is read before the database is asked.
	owned := object{"organization_id": "org_" + anID}
	bodies := map[string]any{"/organizations": object{"name": "x"}, "/applications": object{"name": "x"},
		"/organization_domains": owned, "/directories": owned, "/connections": owned, "/accounts": owned,
		"/licenses": object{"user_id": "user_" + anID, "account_id": "acct_" + anID}}
	w.routes(func(method, route string) {
		path := pathOf(route) + "?directory=directory_" + anID + "&organization_id=org_" + anID
		for _, c := range []*client{w.client, app} {
			var body any
			if body = bodies[route]; method == "PATCH" && strings.HasPrefix(route, "/applications") {
				body = object{"name": "x"}
			}
			status, header, o := c.send(method, path, body)
			if status != 503 || o.text("code") != "unavailable" || header.Get("Retry-After") == "" {
				t.Errorf("%s %s answers %d %v", method, route, status, o)
			}
		}
	})
}

// TestPanic expects an error in the form of the API when a handler panics.
func TestPanic(t *testing.T) {
	t.Parallel()
	h := ground(t, &api.Server{BootstrapKey: bootstrapKey})
	r := httptest.NewRequest("GET", "/organizations", nil)
	r.Header.Set("Authorization", "Bearer "+bootstrapKey)
	w := serve(h, r)
	if checkError(t, "GET /organizations", w.Body.Bytes()); w.Code != 500 ||
		!strings.Contains(w.Body.String(), w.Header().Get("X-Request-Id")) {
		t.Errorf("answers %d %s", w.Code, w.Body)
	}
}

// stream sends a body of unknown length.
func (c *client) stream(method, path string, body io.Reader) (status int, code string) {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.url+path, struct{ io.Reader }{body})
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+c.key)
	r.Header.Set("Content-Type", "application/json")
	w, err := c.http.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = w.Body.Close() }()
	text, err := io.ReadAll(w.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	_, code, _ = strings.Cut(string(text), `"code":"`)
	code, _, _ = strings.Cut(code, `"`)
	return w.StatusCode, code
}
