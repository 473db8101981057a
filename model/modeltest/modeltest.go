// Package modeltest gives tests a real store, on both databases.
//
// PostgreSQL is started from the installed binaries, as an unprivileged user in a
// temporary folder, once for each test that runs at the same time as others; it
// ends with the process, however the process ends.
package modeltest

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rollcall/model/store"
)

// Database is one database of a test.
type Database struct {
	Name string // "sqlite" or "postgres"
	URL  string // for store.Open
}

// Key is the secret key of every test database.
var Key = bytes.Repeat([]byte{7}, 32)

// Each runs a test on a fresh store on SQLite and on PostgreSQL, in parallel.
func Each(t *testing.T, test func(t *testing.T, store *store.Store)) {
	t.Helper()
	EachDatabase(t, func(t *testing.T, db Database) { test(t, Open(t, db, store.Options{})) })
}

// EachWith is Each with options; Keys, Log and PasswordMemory have defaults fit for tests. It runs
// one database after the other, because they share what is in the options: a clock, a counter.
func EachWith(t *testing.T, o store.Options, test func(t *testing.T, store *store.Store)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, Open(t, SQLite(t), o)) })
	t.Run("postgres", func(t *testing.T) { test(t, Open(t, Postgres(t), o)) })
}

// EachDatabase runs a test on a fresh database of each kind in parallel, for tests that open
// stores themselves.
func EachDatabase(t *testing.T, test func(t *testing.T, db Database)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, SQLite(t))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, Postgres(t))
	})
}

// template returns the file of a migrated SQLite database. It is made once, because migrating a
// database takes seconds under the race detector.
var template = sync.OnceValues(func() ([]byte, error) {
	folder, err := newFolder("rollcall-sqlite-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	db, path := sqliteIn(folder)
	store, err := store.Open(context.Background(), db.URL, store.Options{Keys: [][]byte{Key}})
	if err != nil {
		return nil, fmt.Errorf("migrate template: %w", err)
	}
	if err := store.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(path) // after Close, the file has everything
})

// SQLite returns a fresh SQLite database in a folder of the test's own.
func SQLite(t testing.TB) Database {
	t.Helper()
	migrated, err := template()
	if err != nil {
		t.Fatalf("SQLite for tests: %v", err)
	}
	db, path := sqliteIn(testFolder(t))
	if err := os.WriteFile(path, migrated, 0o600); err != nil {
		t.Fatal(err)
	}
	return db
}

// EmptySQLite returns a SQLite database whose file does not exist yet.
func EmptySQLite(t testing.TB) Database {
	db, _ := sqliteIn(testFolder(t))
	return db
}

// testFolder is a new folder for databases that is removed when the test ends.
func testFolder(t testing.TB) string {
	t.Helper()
	folder, err := newFolder("rollcall-sqlite-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	return folder
}

// sqliteIn returns a SQLite database in a folder, with the path of its file.
func sqliteIn(folder string) (db Database, path string) {
	path = filepath.Join(folder, "rollcall.db")
	return Database{"sqlite", "sqlite:" + path}, path
}

// asksForAll tells whether a statement answers with * for columns. One that stays prepared fails
// when a newer program adds a column.
func asksForAll(query string) bool {
	query = strings.ReplaceAll(query, "SELECT * FROM unnest(", "") // whose columns are the parameters
	filling := strings.HasPrefix(query, "INSERT ") && !strings.Contains(query, " RETURNING ")
	return !filling && everything.MatchString(query) && !wholeTable.MatchString(query)
}

// wholeTable matches the statements by which tests look at all tables and their columns.
var wholeTable = regexp.MustCompile(
	"^SELECT \\* FROM [\"`]?\\w+[\"`]?( WHERE (organization_id|id) = (\\$1|\\?))?( LIMIT (\\$1|0|1))?$")

var everything = regexp.MustCompile(`(?i)\b(SELECT|RETURNING|DISTINCT) \*|["\w]\.\*|, \*`)

// Open opens a store that is closed when the test ends. No statement of it may answer with * for
// columns.
func Open(t testing.TB, db Database, o store.Options) *store.Store {
	t.Helper()
	if o.Keys == nil {
		o.Keys = [][]byte{Key}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	if o.PasswordMemory == 0 {
		o.PasswordMemory = 64
	}
	var opened atomic.Bool // before that, a migration may use a table as it is then
	record := o.Statement
	o.Statement = func(query string) {
		if opened.Load() && asksForAll(query) {
			t.Errorf("a statement asks for all columns, whichever they are: %s", query)
		}
		if record != nil {
			record(query)
		}
	}
	s, err := store.Open(t.Context(), db.URL, o)
	if err != nil {
		t.Fatalf("open %s: %v", db.Name, err)
	}
	opened.Store(true)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// Eventually waits until a condition holds that another goroutine or process makes true. The limit
// is far from what it takes, so that no result depends on how busy the machine is.
func Eventually(t testing.TB, condition func() bool) {
	t.Helper()
	every := time.NewTicker(10 * time.Millisecond)
	defer every.Stop()
	for limit := time.After(time.Minute); !condition(); {
		select {
		case <-every.C:
		case <-limit:
			t.Fatal("the condition did not become true within a minute")
		}
	}
}

// Statements counts what reaches the driver of a store that is opened with its Options.
type Statements struct {
	mu   sync.Mutex
	list []string
}

// Options returns store options that record each statement in s.
func (s *Statements) Options() store.Options {
	return store.Options{Statement: func(query string) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.list = append(s.list, query)
	}}
}

// During returns the statements that run executes, without BEGIN and COMMIT.
func (s *Statements) During(run func()) []string {
	s.mu.Lock()
	before := len(s.list)
	s.mu.Unlock()
	run()
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.list[before:]...)
}

// Ticking returns a clock that is a millisecond later each time it is read, so that no two rows of
// a test were created at the same time.
func Ticking() func() time.Time {
	start := time.Now()
	var reads atomic.Int64
	return func() time.Time { return start.Add(time.Duration(reads.Add(1)) * time.Millisecond) }
}

// Clock is a clock that a test moves.
type Clock struct {
	mu sync.Mutex
	at time.Time
}

// NewClock returns a clock that shows an arbitrary fixed time.
func NewClock() *Clock { return &Clock{at: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)} }

// Now returns the clock's time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

// Advance moves the clock forward.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}
