package modeltest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"rollcall/model/store"
)

// servers are the servers of this test process. A test has one to itself while it runs: the feed
// waits for every transaction of its server, whichever database that is in.
var servers struct {
	sync.Mutex
	idle []*Server
	n    int // of the databases that were made
}

// first is the folder of the first server, with a copy of its data from which the others start.
var first = sync.OnceValues(func() (string, error) {
	folder, err := newFolder("rollcall-postgres-")
	if err != nil {
		return "", err
	}
	s, err := start(folder, "", ofTests...)
	if err != nil {
		return "", err
	}
	if err := s.exec("postgres", "CREATE DATABASE rollcall_template"); err != nil {
		return "", err
	}
	store, err := store.Open(context.Background(), s.URL("rollcall_template"), store.Options{Keys: [][]byte{Key}})
	if err != nil {
		return "", fmt.Errorf("migrate template: %w", err)
	}
	if err := errors.Join(store.Close(), s.stop("fast"), s.run("cp", "-a", s.data(), seedOf(folder)),
		s.Start()); err != nil {
		return "", err
	}
	s.giveBack()
	return folder, nil
})

// ofTests are the settings of tests' servers. Autovacuum's transactions would hold back the feed at
// any moment.
var ofTests = []string{"autovacuum=off", "shared_buffers=32MB"}

func seedOf(folder string) string { return filepath.Join(folder, "seed") }

// take returns a server that no other test uses.
func take() (*Server, error) {
	seeded, err := first()
	if err != nil {
		return nil, err
	}
	servers.Lock()
	if last := len(servers.idle) - 1; last >= 0 {
		defer servers.Unlock()
		s := servers.idle[last]
		servers.idle = servers.idle[:last]
		return s, nil
	}
	servers.Unlock()
	folder, err := newFolder("rollcall-postgres-")
	if err != nil {
		return nil, err
	}
	return start(folder, seedOf(seeded), ofTests...)
}

func (s *Server) giveBack() {
	servers.Lock()
	defer servers.Unlock()
	servers.idle = append(servers.idle, s)
}

// Postgres returns a fresh PostgreSQL database: a clone of a migrated template. It is dropped when
// the test ends.
func Postgres(t testing.TB) Database {
	t.Helper()
	return clone(t, "rollcall_template")
}

// EmptyPostgres returns a PostgreSQL database without any migration.
func EmptyPostgres(t testing.TB) Database {
	t.Helper()
	return clone(t, "template0")
}

func clone(t testing.TB, template string) Database {
	t.Helper()
	s, err := take()
	if err != nil {
		t.Fatalf("PostgreSQL for tests: %v", err)
	}
	servers.Lock()
	servers.n++
	name := fmt.Sprintf("rollcall_%d", servers.n)
	servers.Unlock()
	if err := s.exec("postgres", "CREATE DATABASE "+name+" TEMPLATE "+template+" STRATEGY file_copy"); err != nil {
		t.Fatalf("clone template: %v", err)
	}
	t.Cleanup(func() {
		if err := s.exec("postgres", "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Errorf("drop %s: %v", name, err)
		}
		s.giveBack()
	})
	return Database{"postgres", s.URL(name)}
}

// Server is a PostgreSQL server of one test, which the test can stop and start.
type Server struct {
	folder  string // data and socket
	bin     string
	command *exec.Cmd
	stdin   []io.Closer // of each start; the garbage collector would close the pipe and end the server
	options []string
}

// StartPostgres starts a server for one test, with PostgreSQL's own durability settings, and an
// empty database "rollcall".
func StartPostgres(t testing.TB) *Server {
	t.Helper()
	s, err := NewServer()
	if err != nil {
		t.Fatalf("PostgreSQL for tests: %v", err)
	}
	t.Cleanup(s.Close)
	if err := s.exec("postgres", "CREATE DATABASE rollcall"); err != nil {
		t.Fatal(err)
	}
	return s
}

// NewServer starts a server with PostgreSQL's own durability settings for a program that is not a
// test. Further settings are name=value. The caller closes the server.
func NewServer(settings ...string) (*Server, error) {
	folder, err := os.MkdirTemp("", "rollcall-postgres-")
	if err != nil {
		return nil, err
	}
	return start(folder, "", append([]string{"fsync=on", "synchronous_commit=on", "full_page_writes=on"},
		settings...)...)
}

// Close ends the server and removes its data.
func (s *Server) Close() {
	_ = s.stop("immediate")
	_ = os.RemoveAll(s.folder)
}

// PID returns the id of the server's main process. Its children serve the connections.
func (s *Server) PID() int { return s.command.Process.Pid }

// URL returns the address of one database of the server.
func (s *Server) URL(database string) string {
	q := url.Values{"host": {s.folder}, "user": {"rollcall"}, "dbname": {database}}
	return "postgres:///?" + q.Encode()
}

// start starts a server with its data in the folder, which goes when the server is closed: new, or
// a copy of the data of a server that is stopped.
func start(folder, seed string, options ...string) (*Server, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	s := &Server{folder: folder, bin: bin, options: append([]string{
		"listen_addresses=", "unix_socket_directories=" + folder, "fsync=off", "synchronous_commit=off",
		"full_page_writes=off", "max_connections=200", "shared_buffers=64MB", "max_wal_size=256MB",
	}, options...)}
	owner, err := unprivileged()
	if err != nil {
		return nil, err
	}
	if owner != nil {
		if err := os.Chown(folder, int(owner.Uid), int(owner.Gid)); err != nil {
			return nil, err
		}
	}
	if seed != "" {
		err = s.run("cp", "-a", seed, s.data())
	} else {
		err = s.run(filepath.Join(bin, "initdb"), "-D", s.data(), "-U", "rollcall",
			"--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")
	}
	if err != nil {
		return nil, err
	}
	return s, s.Start()
}

func (s *Server) data() string { return filepath.Join(s.folder, "data") }

// run runs a program as the owner of the server's data.
func (s *Server) run(program string, arguments ...string) error {
	owner, err := unprivileged()
	if err != nil {
		return err
	}
	c := exec.Command(program, arguments...)
	c.Dir, c.SysProcAttr = s.folder, as(owner)
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", filepath.Base(program), err, out)
	}
	return nil
}

// Start starts the server and waits until it answers.
func (s *Server) Start() error {
	owner, err := unprivileged()
	if err != nil {
		return err
	}
	// The inner shell outlives a test process that is killed: it sees the pipe to
	// it close, stops the server and removes the folder.
	script := `exec 3<&0; (cat <&3 >/dev/null; "$BIN/pg_ctl" stop -m immediate -D "$FOLDER/data" >/dev/null 2>&1; ` +
		`rm -rf "$FOLDER") & exec "$@"`
	args := []string{"-c", script, "sh", filepath.Join(s.bin, "postgres"), "-D", s.data()}
	for _, o := range s.options {
		args = append(args, "-c", o)
	}
	s.command = exec.Command("/bin/sh", args...)
	s.command.Env = append(os.Environ(), "FOLDER="+s.folder, "BIN="+s.bin)
	s.command.Dir, s.command.SysProcAttr = s.folder, as(owner)
	log, err := os.OpenFile(filepath.Join(s.folder, "log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	s.command.Stdout, s.command.Stderr = log, log
	stdin, err := s.command.StdinPipe()
	if err != nil {
		return err
	}
	s.stdin = append(s.stdin, stdin)
	if err := s.command.Start(); err != nil {
		return err
	}
	deadline := time.Now().Add(30 * time.Second)
	for {
		err := s.exec("postgres", "SELECT 1")
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			said, _ := os.ReadFile(log.Name())
			return fmt.Errorf("the server does not answer: %w: %s", err, said)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// StopImmediately ends the server like a crash: pg_ctl stop -m immediate.
func (s *Server) StopImmediately(t testing.TB) {
	t.Helper()
	if err := s.stop("immediate"); err != nil {
		t.Fatalf("stop PostgreSQL: %v", err)
	}
}

// Stop ends the server as a supervisor does: pg_ctl stop -m fast.
func (s *Server) Stop() error { return s.stop("fast") }

func (s *Server) stop(mode string) error {
	return s.run(filepath.Join(s.bin, "pg_ctl"), "stop", "-w", "-m", mode, "-D", s.data())
}

func (s *Server) exec(database, statement string) error {
	db, err := sql.Open("pgx", s.URL(database))
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.Exec(statement)
	return err
}

// binaries returns the folder of PostgreSQL's newest installed programs. On Debian it is not in
// PATH.
func binaries() (string, error) {
	dirs, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		return "", err
	}
	slices.SortFunc(dirs, func(a, b string) int { return version(b) - version(a) })
	if p, err := exec.LookPath("initdb"); err == nil {
		dirs = append(dirs, filepath.Dir(p))
	}
	for _, d := range dirs {
		if _, err := os.Stat(filepath.Join(d, "initdb")); err == nil {
			return d, nil
		}
	}
	return "", errors.New("its programs are not installed; run make test once, or apt-get install postgresql")
}

func version(dir string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(dir)))
	return n
}

// unprivileged returns the user that runs PostgreSQL if the tests run as root, because PostgreSQL
// refuses root. It returns nil for the tests' own user.
func unprivileged() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err := errors.Join(err1, err2); err != nil {
			return nil, err
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("PostgreSQL does not run as root, and there is no user postgres or nobody")
}

func as(c *syscall.Credential) *syscall.SysProcAttr {
	// In a process group of its own, an interrupt from the terminal does not end the server before
	// the tests.
	return &syscall.SysProcAttr{Credential: c, Setpgid: true}
}
