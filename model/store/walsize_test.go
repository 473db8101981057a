package store_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/store"
)

// TestLogOfSQLiteShrinks writes while somebody reads, as a backup does. The log of SQLite keeps all
// that meanwhile, and must not stay as large afterwards.
func TestLogOfSQLiteShrinks(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "rollcall.db")
	s := modeltest.Open(t, modeltest.Database{Name: "sqlite", URL: "sqlite:" + file}, store.Options{})
	exec := func(statement string, args ...any) {
		t.Helper()
		storetest.Must(t, storetest.Across(s, t.Context()).Exec(statement, args...).Error)
	}
	size := func() int64 {
		info, err := os.Stat(file + "-wal")
		storetest.Must(t, err)
		return info.Size()
	}
	exec("CREATE TABLE filling (t text)")
	reader, err := sql.Open("sqlite", file)
	storetest.Must(t, err)
	defer reader.Close()
	tx, err := reader.Begin()
	storetest.Must(t, err)
	var n int
	storetest.Must(t, tx.QueryRow("SELECT count(*) FROM filling").Scan(&n))
	for range 20 {
		exec("INSERT INTO filling VALUES (?)", strings.Repeat("x", 1<<20))
	}
	if size() < 20<<20 {
		t.Fatalf("the log has %d bytes while it is read", size())
	}
	storetest.Must(t, tx.Rollback())
	for range 3 {
		exec("INSERT INTO filling VALUES (?)", "x")
	}
	if size() > 4<<20 {
		t.Errorf("the log keeps %d bytes", size())
	}
}
