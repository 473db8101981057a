package main

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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
		{"testidp needs a purpose", []string{"testidp"}, nil, 2, `(?s)--scim-url.*--saml-acs-url`},
		{"testidp needs a token beside the SCIM URL", []string{"testidp", "--scim-url", "http://127.0.0.1:1/scim", "--listen", "127.0.0.1:0"}, nil, 2, `token:`},
		{"testidp needs a service provider's both names", []string{"testidp", "--saml-entity-id", "x", "--listen", "127.0.0.1:0"}, nil, 2, `acs_url:`},
		{"testidp knows its personalities", []string{"testidp", "--personality", "ping", "--listen", "127.0.0.1:0"}, nil, 2, `plain, okta, entra or adfs`},
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
	said := out.String()[strings.Index(out.String(), "Rollcall is running"):]
	rows := 0
	for line := range strings.Lines(said) {
		rows += 1 + (len([]rune(line))-2)/80 // the line without its end, wrapped
	}
	if rows > 23 {
		t.Errorf("the screen has %d lines in a window of 80 columns, want at most 23 and one for the cursor:\n%s", rows, said)
	}
	idp := regexp.MustCompile(`(http://\S+) +Northwind Directory`).FindStringSubmatch(said)
	_, commands, ok := strings.Cut(said, "Try, in another terminal:\n")
	commands, _, _ = strings.Cut(commands, "\nCtrl-C")
	if idp == nil || !ok {
		t.Fatalf("the screen has no page of the identity provider or no commands:\n%s", said)
	}
	paste := func() string {
		t.Helper()
		shown, err := exec.CommandContext(t.Context(), "bash", "-uc", commands).CombinedOutput()
		if err != nil {
			t.Fatalf("the commands: %v\n%s", err, shown)
		}
		return string(shown)
	}
	before := paste()
	if n := strings.Count(before, `@contoso.example"	"state":"active"`); n != 25 || strings.Contains(before, `"event":`) {
		t.Fatalf("%d active people, want 25 and no event yet:\n%s", n, before)
	}
	// Press a button as the page does.
	page := request(t, http.MethodGet, idp[1]+"/applications/1", "", "")
	unassign := regexp.MustCompile(`action="(/applications/1/people/([^"/]+)/unassign)"`).FindStringSubmatch(page.body)
	if unassign == nil {
		t.Fatalf("the page has no unassign button: %d", page.status)
	}
	if pressed := press(t, idp[1]+unassign[1]); pressed.status != http.StatusOK {
		t.Fatalf("unassign: %d %s", pressed.status, pressed.body)
	}
	address := unassign[2] + "@contoso.example"
	people, happened, ok := strings.Cut(paste(), `"event":`)
	if n := strings.Count(people, `"state":"active"`); n != 24 || !strings.Contains(people, `"username":"`+address+`"	"state":"inactive"`) {
		t.Errorf("%d active people, want 24 and %s inactive:\n%s", n, address, people)
	}
	happened, left, hasLeft := strings.Cut(happened, `{"object":"list"`)
	want := `"dsync.user.updated"
"email":"` + address + `"
"event":"user.access_ended"
"reason":"deprovisioned"
`
	if !ok || !hasLeft {
		t.Fatalf("no events, or no list of whose access has ended: %q %q", happened, left)
	}
	if diff := cmp.Diff(want, happened); diff != "" {
		t.Errorf("the events (-want +got):\n%s", diff)
	}
	if !strings.Contains(left, `"reason":"deprovisioned"`) {
		t.Errorf("whose access has ended: %s", left)
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
