package main

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"rollcall/web"
)

func serveHTTP(t *testing.T, w *web.Server) string {
	t.Helper()
	s := httptest.NewServer(w)
	t.Cleanup(s.Close)
	return s.URL
}

func TestCommands(t *testing.T) {
	for _, test := range []struct {
		name    string
		args    []string
		environ []string
		code    int
		out     string // a regular expression of what it says on either stream
	}{
		{"version says what it is", []string{"version"}, nil, 0, `^rollcall \S+ \(go1\.`},
		{"help lists the commands", []string{"help"}, nil, 0, `(?s)serve.*demo.*testidp.*migrate.*version`},
		{"no command is an error", nil, nil, 2, "Usage"},
		{"an unknown command is named", []string{"sevre"}, nil, 2, `no command "sevre"`},
		{"a command's help lists its flags", []string{"serve", "-h"}, nil, 0, `-no-migrate`},
		{"an unknown flag is an error", []string{"serve", "--prot"}, nil, 2, `-prot`},
		{"an argument too many is an error", []string{"migrate", "now"}, nil, 2, `unexpected argument "now"`},
		{"testidp needs a server", []string{"testidp"}, nil, 2, `(?i)scim`},
		{"an unknown setting is an error", []string{"serve"}, []string{"ROLLCALL_LISTEM=x"}, 2, `ROLLCALL_LISTEN`},
		{
			"all problems are told at once", []string{"serve"},
			[]string{"ROLLCALL_DATABASE_URL=mysql://x", "ROLLCALL_API_KEY=short", "ROLLCALL_PUBLIC_URL=http://example.com"}, 2,
			`(?s)ROLLCALL_PUBLIC_URL.*ROLLCALL_DATABASE_URL.*ROLLCALL_API_KEY`,
		},
		{"PostgreSQL needs a secret key", []string{"migrate"}, []string{"ROLLCALL_DATABASE_URL=postgres://127.0.0.1/x"}, 2, `ROLLCALL_SECRET_KEY`},
		{"a configuration file that is missing is named", []string{"serve", "--config", "/nowhere/x.env"}, nil, 2, `/nowhere/x.env`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			var out bytes.Buffer
			p := program{environ: test.environ, out: &out, err: &out}
			if code := p.run(t.Context(), test.args); code != test.code {
				t.Errorf("exit status %d, want %d", code, test.code)
			}
			if !regexp.MustCompile(test.out).MatchString(out.String()) {
				t.Errorf("says %q, want %s", out.String(), test.out)
			}
			if left, _ := filepath.Glob("*"); len(left) > 0 {
				t.Errorf("it left %v behind", left)
			}
		})
	}
}

func TestMigrate(t *testing.T) {
	folder := t.TempDir()
	environ := []string{"ROLLCALL_DATABASE_URL=sqlite:" + filepath.Join(folder, "new", "rollcall.db")}
	run := func(args ...string) (int, string) {
		var out bytes.Buffer
		p := program{environ: environ, out: &out, err: &out}
		return p.run(t.Context(), append([]string{"migrate"}, args...)), out.String()
	}
	if code, out := run("--status"); code != 1 || !strings.Contains(out, "0001_start               pending") {
		t.Errorf("status of a database that is not there: %d %s", code, out)
	}
	if left, _ := filepath.Glob(filepath.Join(folder, "*")); len(left) > 0 {
		t.Errorf("--status made %v", left)
	}
	if code, out := run(); code != 0 {
		t.Fatalf("migrate: %d %s", code, out)
	}
	if code, out := run("--status"); code != 0 || strings.Contains(out, "pending") {
		t.Errorf("status afterwards: %d %s", code, out)
	}
	for _, name := range []string{"rollcall.db", "rollcall.db.key"} {
		info, err := os.Stat(filepath.Join(folder, "new", name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v, want mode 0600", name, info, err)
		}
	}
}

func TestServe(t *testing.T) {
	environ := "ROLLCALL_DATABASE_URL=sqlite:" + filepath.Join(t.TempDir(), "rollcall.db")
	s := startServer(t, os.Args[0], nil, environ)
	s.waitReady(t, http.StatusOK)
	d := newDirectory(t, s.url)
	if a := d.create(t, "ada@contoso.example"); a.status != http.StatusCreated {
		t.Fatalf("create: %d %s", a.status, a.body)
	}
	if err := s.command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-s.done
	if code := s.command.ProcessState.ExitCode(); code != 0 {
		t.Errorf("SIGTERM ends it with %d: %s", code, s.text())
	}
	for _, secret := range []string{"ada@", d.token, testKey} {
		if strings.Contains(s.text(), secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
	again := startServer(t, os.Args[0], nil, environ)
	again.waitReady(t, http.StatusOK)
	d.url = strings.Replace(d.url, s.url, again.url, 1)
	if n := d.total(t); n != 1 {
		t.Errorf("after a restart the directory has %d users, want 1", n)
	}
}

// synchronized is a buffer that a running program writes and a test reads.
type synchronized struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *synchronized) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *synchronized) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func TestDemo(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var out, problems synchronized
	p := program{out: &out, err: &problems}
	ended := make(chan int)
	go func() {
		ended <- p.run(ctx, []string{"demo", "--listen", "127.0.0.1:0", "--idp-listen", "127.0.0.1:0"})
	}()
	eventually(t, time.Minute, func() bool { return strings.Contains(out.String(), "Ctrl-C stops it") || problems.String() != "" })
	if problems.String() != "" {
		t.Fatal(problems.String())
	}
	said := out.String()
	find := func(expression string) string {
		t.Helper()
		m := regexp.MustCompile(expression).FindStringSubmatch(said)
		if m == nil {
			t.Fatalf("the screen has no %s:\n%s", expression, said)
		}
		return m[1]
	}
	api, key := find(`ROLLCALL=(\S+)`), find(`KEY=(\S+)`)
	idp, users, events := find(`(http://\S+) +Northwind Directory`), find(`\$ROLLCALL(/directory_users[^"]+)`), find(`\$ROLLCALL(/events\?organization_id[^"]+)`)
	if n := strings.Count(said[strings.Index(said, "Rollcall is running"):], "\n"); n > 24 {
		t.Errorf("the screen has %d lines, want at most 24:\n%s", n, said)
	}

	type user struct{ ID, State, Email string }
	people := func() []user {
		var list struct{ Data []user }
		request(t, http.MethodGet, api+users, key, "").decode(t, &list)
		return list.Data
	}
	if list := people(); len(list) != 25 {
		t.Fatalf("the API shows %d people, want 25", len(list))
	}
	// Press a button as the page does, and see what the curl lines show.
	page := request(t, http.MethodGet, idp+"/applications/1", "", "")
	unassign := regexp.MustCompile(`action="(/applications/1/people/[^"/]+/unassign)"`).FindStringSubmatch(page.body)
	if unassign == nil {
		t.Fatalf("the page has no unassign button: %d", page.status)
	}
	pressed := press(t, idp+unassign[1])
	if pressed.status >= 400 || pressed.status == 0 {
		t.Fatalf("unassign: %d %s", pressed.status, pressed.body)
	}
	inactive := 0
	for _, u := range people() {
		if u.State == "inactive" {
			inactive++
		}
	}
	var feed struct{ Data []struct{ Event string } }
	request(t, http.MethodGet, api+events+"&order=desc", key, "").decode(t, &feed)
	if inactive != 1 || len(feed.Data) < 2 || feed.Data[0].Event != "user.access_ended" || feed.Data[1].Event != "dsync.user.updated" {
		t.Errorf("%d inactive, events %+v; want one, and dsync.user.updated before user.access_ended", inactive, feed.Data)
	}
	cancel()
	if code := <-ended; code != 0 {
		t.Errorf("it ends with %d: %s", code, problems.String())
	}
	if left, _ := filepath.Glob(filepath.Join(os.Getenv("TMPDIR"), "rollcall-demo-*")); len(left) > 0 {
		t.Errorf("it left %v", left)
	}
}

// press sends a form of the identity provider as a script would, asking for JSON.
func press(t *testing.T, url string) answer {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, url, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Content-Type", "application/json")
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	return answer{status: response.StatusCode}
}
