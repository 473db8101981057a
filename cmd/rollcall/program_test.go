package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

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
		out     string // a regular expression that matches both streams together
	}{
		{"version says what it is", []string{"version"}, nil, 0, `^rollcall \S+ \(go1\.`},
		{"help lists the commands", []string{"help"}, nil, 0, `(?s)serve.*demo.*testidp.*migrate.*version`},
		{"no command is an error", nil, nil, 2, "Usage"},
		{"an unknown command is named", []string{"sevre"}, nil, 2, `no command "sevre"`},
		{"a command's help lists its flags", []string{"serve", "-h"}, nil, 0, `-no-migrate`},
		{"an unknown flag is an error", []string{"serve", "--prot"}, nil, 2, `-prot`},
		{"an argument too many is an error", []string{"migrate", "now"}, nil, 2, `unexpected argument "now"`},
		{"testidp needs a purpose", []string{"testidp"}, nil, 2, `(?s)--scim-url.*--saml-acs-url`},
		{"testidp needs a token with the SCIM URL",
			[]string{"testidp", "--scim-url", "http://127.0.0.1:1/scim", "--listen", "127.0.0.1:0"}, nil, 2, `token:`},
		{"testidp needs a service provider's both names",
			[]string{"testidp", "--saml-entity-id", "x", "--listen", "127.0.0.1:0"}, nil, 2, `acs_url:`},
		{"testidp knows its personalities", []string{"testidp", "--personality", "ping", "--listen", "127.0.0.1:0"},
			nil, 2, `plain, okta, entra or adfs`},
		{"an unknown setting is an error", []string{"serve"}, []string{"ROLLCALL_LISTEM=x"}, 2, `ROLLCALL_LISTEN`},
		{
			"all problems are reported at once", []string{"serve"},
			[]string{"ROLLCALL_DATABASE_URL=mysql://x", "ROLLCALL_API_KEY=short",
				"ROLLCALL_PUBLIC_URL=http://example.com"}, 2,
			`(?s)ROLLCALL_PUBLIC_URL.*ROLLCALL_DATABASE_URL.*ROLLCALL_API_KEY`,
		},
		{"PostgreSQL needs a secret key", []string{"migrate"}, []string{"ROLLCALL_DATABASE_URL=postgres://127.0.0.1/x"},
			2, `ROLLCALL_SECRET_KEY`},
		{"a configuration file that is missing is named", []string{"serve", "--config", "/nowhere/x.env"}, nil, 2,
			`/nowhere/x.env`},
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
	t.Parallel()
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
	t.Parallel()
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

// TestServeWarns starts with a database beyond loopback that is reached without TLS. The address is
// one for documentation (RFC 5737), and the start ends before it is asked.
func TestServeWarns(t *testing.T) {
	t.Parallel()
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte(strings.Repeat("A", 43)+"="), 0o600); err != nil {
		t.Fatal(err)
	}
	for mode, warned := range map[string]bool{"disable": true, "prefer": true, "verify-full": false} {
		var out bytes.Buffer
		p := program{out: &out, err: &out, environ: []string{"ROLLCALL_SECRET_KEY_FILE=" + key,
			"ROLLCALL_LISTEN=192.0.2.1:1", "ROLLCALL_PUBLIC_URL=https://id.example.com",
			"ROLLCALL_DATABASE_URL=postgres://rollcall:hunter2secret@192.0.2.1/x?sslmode=" + mode}}
		if code := p.run(t.Context(), []string{"serve"}); code != 1 {
			t.Errorf("%s: exit status %d", mode, code)
		}
		if said := strings.Contains(out.String(), "sslmode="+mode+" lets whoever"); said != warned {
			t.Errorf("%s: warned %t, want %t: %s", mode, said, warned, out.String())
		}
		if strings.Contains(out.String(), "hunter2secret") {
			t.Errorf("%s: the password is told: %s", mode, out.String())
		}
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
