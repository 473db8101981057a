package store_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/store"
)

// longLog returns a store with a long log, which a transaction still reads.
func longLog(t *testing.T) (*store.Store, string, *sql.Tx) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "rollcall.db")
	s := modeltest.Open(t, modeltest.Database{Name: "sqlite", URL: "sqlite:" + file}, store.Options{})
	exec := func(statement string, args ...any) {
		t.Helper()
		storetest.Must(t, storetest.Across(s, t.Context()).Exec(statement, args...).Error)
	}
	exec("CREATE TABLE filling (t text)")
	reader, err := sql.Open("sqlite", file)
	storetest.Must(t, err)
	t.Cleanup(func() { _ = reader.Close() })
	tx, err := reader.Begin()
	storetest.Must(t, err)
	var n int
	storetest.Must(t, tx.QueryRow("SELECT count(*) FROM filling").Scan(&n))
	for range 20 {
		exec("INSERT INTO filling VALUES (?)", strings.Repeat("x", 1<<20))
	}
	if n := logSize(t, file); n < 20<<20 {
		t.Fatalf("the log has %d bytes while it is read", n)
	}
	return s, file, tx
}

// TestLogOfSQLiteShrinks writes while somebody reads, as a backup does. The log of SQLite keeps all
// that meanwhile, and must not stay as large afterwards, whether somebody writes or not.
func TestLogOfSQLiteShrinks(t *testing.T) {
	t.Parallel()
	for name, then := range map[string]func(*testing.T, *store.Store){
		"by the next writes": func(t *testing.T, s *store.Store) {
			for range 3 {
				storetest.Must(t, storetest.Across(s, t.Context()).Exec("INSERT INTO filling VALUES ('x')").Error)
			}
		},
		"without a write": func(t *testing.T, s *store.Store) { storetest.Must(t, s.ShrinkLog(t.Context())) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, file, tx := longLog(t)
			begun := time.Now()
			storetest.Must(t, s.ShrinkLog(t.Context())) // waits for no reader
			if took := time.Since(begun); took > 3*time.Second || logSize(t, file) < 20<<20 {
				t.Errorf("beside a reader it took %v, and %d bytes are left", took, logSize(t, file))
			}
			storetest.Must(t, tx.Rollback())
			then(t, s)
			if n := logSize(t, file); n > 4<<20 {
				t.Errorf("the log keeps %d bytes", n)
			}
			var patience int
			storetest.Must(t, storetest.Across(s, t.Context()).Raw("PRAGMA busy_timeout").Scan(&patience).Error)
			if patience != 5000 {
				t.Errorf("the connection waits %d ms for others afterwards", patience)
			}
		})
	}
}

func logSize(t *testing.T, file string) int64 {
	t.Helper()
	info, err := os.Stat(file + "-wal")
	storetest.Must(t, err)
	return info.Size()
}
