package main

import (
	"database/sql"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rollcall/model/modeltest"
)

// TestServerShrinksTheLogOfSQLite reads for long while much is written. Afterwards nobody writes.
func TestServerShrinksTheLogOfSQLite(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "rollcall.db")
	s := startServer(t, os.Args[0], nil, "ROLLCALL_DATABASE_URL=sqlite:"+file)
	s.waitReady(t, http.StatusOK)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	size := func() int64 {
		info, err := os.Stat(file + "-wal")
		must(err)
		return info.Size()
	}
	other, err := sql.Open("sqlite", file+"?_pragma=busy_timeout(5000)")
	must(err)
	defer other.Close()
	_, err = other.Exec("CREATE TABLE filling (t text)")
	must(err)
	reader, err := other.Begin()
	must(err)
	must(reader.QueryRow("SELECT count(*) FROM filling").Scan(new(int)))
	for range 8 {
		_, err := other.Exec("INSERT INTO filling VALUES (?)", strings.Repeat("x", 1<<20))
		must(err)
	}
	if n := size(); n < 8<<20 {
		t.Fatalf("the log has %d bytes while it is read", n)
	}
	must(reader.Rollback())
	modeltest.Eventually(t, func() bool { return size() <= 4<<20 })
}
