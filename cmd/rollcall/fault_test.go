package main

import (
	"bytes"
	"database/sql"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"rollcall/config"
	"rollcall/model"
	"rollcall/model/modeltest"
	"rollcall/model/store"
	"rollcall/web"
)

var secretKey = "ROLLCALL_SECRET_KEY=" + strings.Repeat("A", 43) + "="

func TestOutageOfPostgreSQL(t *testing.T) {
	database := modeltest.StartPostgres(t)
	s := startServer(t, os.Args[0], nil, "ROLLCALL_DATABASE_URL="+database.URL("rollcall"), secretKey)
	s.waitReady(t, http.StatusOK)
	d := newDirectory(t, s.url)

	// Four writers that record the acknowledged users and the other statuses.
	var mu sync.Mutex
	acknowledged, refused := map[string]bool{}, map[int]int{}
	stop := make(chan struct{})
	var writers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				name := fmt.Sprintf("w%d-%d@contoso.example", w, n)
				a := d.create(t, name)
				mu.Lock()
				if a.status == http.StatusCreated {
					acknowledged[name] = true
				} else {
					refused[a.status]++
					if a.status == http.StatusServiceUnavailable && a.header.Get("Retry-After") == "" {
						t.Errorf("503 without Retry-After: %s", a.body)
					}
				}
				mu.Unlock()
			}
		})
	}
	count := func() int { mu.Lock(); defer mu.Unlock(); return len(acknowledged) }
	modeltest.Eventually(t, func() bool { return count() > 100 })
	database.StopImmediately(t)
	modeltest.Eventually(t, func() bool {
		mu.Lock()
		defer mu.Unlock()
		return refused[http.StatusServiceUnavailable] > 3
	})
	s.waitReady(t, http.StatusServiceUnavailable)
	before := count()
	if err := database.Start(); err != nil {
		t.Fatal(err)
	}
	back := time.Now()
	modeltest.Eventually(t, func() bool { return count() > before })
	t.Logf("writes again %s after PostgreSQL", time.Since(back).Round(time.Millisecond))
	s.waitReady(t, http.StatusOK)
	close(stop)
	writers.Wait()

	delete(refused, http.StatusServiceUnavailable)
	if len(refused) > 0 {
		t.Errorf("answers other than 201 and 503: %v", refused)
	}
	for name := range acknowledged {
		a := request(t, http.MethodGet, d.url+"/Users?filter="+url.QueryEscape(`userName eq "`+name+`"`), d.token, "")
		if !strings.Contains(a.body, `"totalResults":1`) {
			t.Fatalf("%s was acknowledged and is gone: %d %s", name, a.status, a.body)
		}
	}
	t.Logf("%d acknowledged writes are there", len(acknowledged))
}

func TestReadOnlySQLiteFile(t *testing.T) {
	t.Parallel()
	// Root can write to read-only files, so as root the test runs the server as another user, from
	// a copy of the program that this user may execute.
	folder, err := os.MkdirTemp("", "rollcall-readonly-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	binary, credential := filepath.Join(folder, "rollcall"), (*syscall.Credential)(nil)
	copyFile(t, os.Args[0], binary)
	data := filepath.Join(folder, "data")
	if err := os.MkdirAll(data, 0o755); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() == 0 {
		credential = &syscall.Credential{Uid: 65534, Gid: 65534}
		chmod(t, 0o755, folder)
		if err := os.Chown(data, 65534, 65534); err != nil {
			t.Fatal(err)
		}
	}
	environ := []string{"ROLLCALL_DATABASE_URL=sqlite:" + filepath.Join(data, "rollcall.db")}
	s := startServer(t, binary, credential, environ...)
	s.waitReady(t, http.StatusOK)
	d := newDirectory(t, s.url)
	if a := d.create(t, "ada@contoso.example"); a.status != http.StatusCreated {
		t.Fatalf("create: %d %s", a.status, a.body)
	}
	_ = s.command.Process.Signal(syscall.SIGTERM)
	<-s.done

	files, err := filepath.Glob(filepath.Join(data, "*"))
	if err != nil {
		t.Fatal(err)
	}
	chmod(t, 0o444, files...)
	s2 := startServer(t, binary, credential, environ...)
	d.url = strings.Replace(d.url, s.url, s2.url, 1)
	modeltest.Eventually(t, func() bool {
		return request(t, http.MethodGet, d.url+"/Users", d.token, "").status != http.StatusServiceUnavailable
	})
	if got := d.total(t); got != 1 {
		t.Errorf("reads %d users, want 1", got)
	}
	a := d.create(t, "bob@contoso.example")
	if a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" ||
		internalText.MatchString(a.body) {
		t.Errorf("a write answers %d %v %s, want 503 with Retry-After", a.status, a.header, a.body)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
}

func chmod(t *testing.T, mode os.FileMode, paths ...string) {
	t.Helper()
	for _, p := range paths {
		if err := os.Chmod(p, mode); err != nil {
			t.Fatal(err)
		}
	}
}

// internalText matches what no answer may contain: texts of drivers, of SQL and of Go.
var internalText = regexp.MustCompile(`(?i)sql|pq:|pgx|gorm|relation|column|\bdial\b|connect:|\.go:|` +
	`goroutine|panic|no such table|/tmp/|driver|syntax error`)

func TestNoAnswerHoldsInternalText(t *testing.T) {
	for _, broken := range []struct {
		name   string
		how    func(t *testing.T, p *modeltest.Server)
		status int
	}{
		{"tables gone", func(t *testing.T, p *modeltest.Server) {
			db, err := sql.Open("pgx", p.URL("rollcall"))
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			_, err = db.Exec("DROP TABLE users, user_values, directory_groups, directory_group_members, events, " +
				"organization_domains, tombstones, tombstone_keys CASCADE")
			if err != nil {
				t.Fatal(err)
			}
		}, http.StatusInternalServerError},
		{"server gone", func(t *testing.T, p *modeltest.Server) {
			p.StopImmediately(t)
		}, http.StatusServiceUnavailable},
	} {
		t.Run(broken.name, func(t *testing.T) {
			database := modeltest.StartPostgres(t)
			var log bytes.Buffer
			store := modeltest.Open(t, modeltest.Database{Name: "postgres", URL: database.URL("rollcall")},
				store.Options{Log: slog.New(slog.DiscardHandler)})
			w, err := web.New(
				web.Options{Log: slog.New(slog.NewTextHandler(&log, nil)), PublicURL: "http://127.0.0.1:8080"})
			if err != nil {
				t.Fatal(err)
			}
			s := server{config: config.Config{APIKey: testKey,
				PublicURL: &url.URL{Scheme: "http", Host: "127.0.0.1:8080"}}, log: slog.New(slog.DiscardHandler)}
			s.mount(w, store)
			w.Open()
			listener := serveHTTP(t, w)
			d := newDirectory(t, listener)
			var user struct{ ID string }
			d.create(t, "ada@contoso.example").decode(t, &user)
			broken.how(t, database)
			walk(t, w, listener, d, user.ID, broken.status)
		})
	}
}

// walk calls every route. It checks that no answer contains internalText and that the fault was
// met.
func walk(t *testing.T, w *web.Server, base string, d scimDirectory, user string, status int) {
	t.Helper()
	met := 0
	userID := model.UserPrefix.ID(user)
	ids := map[string]string{"scim": d.id, "directories": d.id, "organizations": d.organization, "users": userID,
		"directory_users": "directory_" + userID}
	for _, route := range w.Echo.Routes() {
		if !regexp.MustCompile(`^[A-Z]+$`).MatchString(route.Method) {
			continue // Echo's own pseudo routes
		}
		first, _, _ := strings.Cut(strings.TrimPrefix(route.Path, "/"), "/")
		path := regexp.MustCompile(`:[a-z_]+`).ReplaceAllString(route.Path, ids[first])
		path = strings.Replace(path, "*", "Users", 1)
		token, body := testKey, ""
		if strings.HasPrefix(path, "/scim/") {
			token = d.token
		}
		if route.Method == http.MethodPost || route.Method == http.MethodPut || route.Method == http.MethodPatch {
			body = `{"name":"x","userName":"x"}`
		}
		a := request(t, route.Method, base+path, token, body)
		if internalText.MatchString(a.body) && !strings.HasPrefix(path, "/assets/") {
			t.Errorf("%s %s: %d %s", route.Method, path, a.status, a.body)
		}
		if a.status == status {
			met++
		}
	}
	for _, call := range []struct{ method, path, body string }{
		{"GET", "/Users", ""}, {"GET", "/Users/" + user, ""}, {"POST", "/Users", `{"userName":"bob@contoso.example"}`},
		{"PATCH", "/Users/" + user, `{"Operations":[{"op":"replace","path":"active","value":false}]}`},
		{"PUT", "/Users/" + user, `{"userName":"ada@contoso.example"}`}, {"DELETE", "/Users/" + user, ""},
		{"GET", "/Groups", ""},
		{"POST", "/Groups", `{"displayName":"All"}`},
	} {
		a := request(t, call.method, d.url+call.path, d.token, call.body)
		if a.status != status || internalText.MatchString(a.body) {
			t.Errorf("%s %s: %d %s, want %d without internal text", call.method, call.path, a.status, a.body, status)
		}
	}
	if met < 10 {
		t.Errorf("only %d routes met the fault", met)
	}
}
