package main

import (
	"fmt"
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

// timed is a request, and how long it may take while the database is silent.
type timed struct {
	name, method, path, token, body string
	limit                           time.Duration
}

func (q timed) send(t *testing.T, base string) (status int, retry string, took time.Duration) {
	r, err := http.NewRequestWithContext(t.Context(), q.method, base+q.path, strings.NewReader(q.body))
	if err != nil {
		t.Error(err)
		return 0, "", 0
	}
	r.Header.Set("Content-Type", "application/json")
	if strings.HasPrefix(q.body, "email=") {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if q.token != "" {
		r.Header.Set("Authorization", "Bearer "+q.token)
	}
	for _, name := range []string{"rollcall", "rollcall-console"} {
		r.AddCookie(&http.Cookie{Name: name, Value: strings.Repeat("A", 43)})
	}
	begun := time.Now()
	response, err := (&http.Client{Timeout: 70 * time.Second}).Do(r)
	if err != nil {
		t.Errorf("%s: %v", q.name, err)
		return 0, "", time.Since(begun)
	}
	defer response.Body.Close()
	return response.StatusCode, response.Header.Get("Retry-After"), time.Since(begun)
}

// TestSilentDatabaseIsAnsweredFor sends a request of each kind to the whole program while its
// database accepts connections and says nothing: on connections of before, and on new ones.
func TestSilentDatabaseIsAnsweredFor(t *testing.T) {
	t.Parallel()
	silent, db := modeltest.NewSilence(t, modeltest.Postgres(t))
	s := modeltest.Open(t, db, store.Options{Log: slog.New(slog.DiscardHandler)})
	w, err := web.New(web.Options{Log: slog.New(slog.DiscardHandler), Ready: s.Ready, Lasts: s.Lasts,
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
	base := serveHTTP(t, w)
	d := newDirectory(t, base)
	scim := strings.TrimPrefix(d.url, base)
	const check, page, call, bulk = 5 * time.Second, 15 * time.Second, 25 * time.Second, 60 * time.Second
	token := "rc_at_" + strings.Repeat("A", 43)
	all := []timed{
		{"a profile", "GET", "/sso/profile", token, "", check},
		{"a session", "GET", "/sso/session", "", "", check},
		{"who is signed in", "GET", "/oauth2/userinfo", token, "", check},
		{"readiness", "GET", "/readyz", "", "", check},
		{"a sign-in", "GET", "/login/contoso", "", "", page},
		{"the console", "GET", "/console", "", "", page},
		{"an address", "POST", "/login", "", "email=ada@contoso.example", page},
		{"the API", "GET", "/organizations", testKey, "", call},
		{"a write of the API", "PUT", "/organizations/" + d.organization, testKey, `{"name":"New"}`, call},
		{"a SCIM list", "GET", scim + "/Users", d.token, "", call},
		{"a SCIM write", "POST", scim + "/Users", d.token, `{"userName":"ada@contoso.example"}`, call},
		{"SCIM in bulk", "POST", scim + "/Bulk", d.token,
			`{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[` +
				`{"method":"POST","path":"/Users","bulkId":"1","data":{"userName":"bob@contoso.example"}}]}`, bulk},
	}
	var before sync.WaitGroup
	for range 12 { // so that there are connections
		before.Go(func() { _ = d.total(t) })
	}
	before.Wait()
	silent.Store(true)
	for round := range 2 {
		var requests sync.WaitGroup
		for _, q := range all {
			q.name = fmt.Sprint(q.name, ", round ", round+1)
			requests.Go(func() {
				status, retry, took := q.send(t, base)
				if status != http.StatusServiceUnavailable || retry == "" && q.path != "/readyz" {
					t.Errorf("%s: %d, Retry-After %q", q.name, status, retry)
				}
				if took > q.limit+3*time.Second {
					t.Errorf("%s took %v, and %v is the limit", q.name, took, q.limit)
				}
				t.Logf("%s: %v", q.name, took.Round(time.Millisecond))
			})
		}
		requests.Wait()
	}
	silent.Store(false)
	for _, q := range all {
		if status, _, _ := q.send(t, base); status >= 500 {
			t.Errorf("%s after the database's return: %d", q.name, status)
		}
	}
}
