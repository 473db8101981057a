//go:build interop

package main

import (
	"database/sql"
	"flag"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rollcall/model/modeltest"
)

// kills is how often each fault happens. make test-crash sets a high number.
var kills = flag.Int("kills", 3, "how often each kind of crash happens")

// crashWriters is the number of clients that write at the same time.
const crashWriters = 8

// TestInteropCrash causes faults while clients write. After each fault every acknowledged change
// must be stored, every other change must be stored completely or not at all, and the events of the
// feed must lead to exactly what is stored.
func TestInteropCrash(t *testing.T) {
	t.Run("the process is killed, on SQLite", func(t *testing.T) {
		environ := []string{"ROLLCALL_DATABASE_URL=sqlite:" + filepath.Join(t.TempDir(), "rollcall.db")}
		c := newCrash(t, environ...)
		for range *kills {
			c.strike(t, func() { c.kill(); c.start(t) })
		}
		c.report(t)
	})
	t.Run("the process is killed, on PostgreSQL", func(t *testing.T) {
		database := modeltest.StartPostgres(t)
		c := newCrash(t, "ROLLCALL_DATABASE_URL="+database.URL("rollcall"), secretKey)
		for range *kills {
			c.strike(t, func() {
				c.kill()
				// A session of the killed server may still be committing.
				waitForSessions(t, database)
				c.start(t)
			})
		}
		c.report(t)
	})
	t.Run("PostgreSQL is stopped", func(t *testing.T) {
		database := modeltest.StartPostgres(t)
		c := newCrash(t, "ROLLCALL_DATABASE_URL="+database.URL("rollcall"), secretKey)
		for range *kills {
			c.strike(t, func() {
				database.StopImmediately(t)
				c.writing.Wait() // no write is acknowledged while there is no database
				if err := database.Start(); err != nil {
					t.Fatal(err)
				}
				c.server.waitReady(t, http.StatusOK)
			})
		}
		c.report(t)
	})
}

// waitForSessions waits until the database has no session of the server.
func waitForSessions(t *testing.T, database *modeltest.Server) {
	t.Helper()
	db, err := sql.Open("pgx", database.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	modeltest.Eventually(t, func() bool {
		var n int
		err := db.QueryRowContext(t.Context(),
			"SELECT count(*) FROM pg_stat_activity WHERE datname = 'rollcall'").Scan(&n)
		if err != nil {
			t.Fatal(err)
		}
		return n == 0
	})
}

// crash is a server that fails repeatedly, with the clients that write to it.
type crash struct {
	environ []string
	server  *process
	scimDirectory
	writers []*crashWriter
	writing sync.WaitGroup
	running atomic.Int64 // writers
	feed    crashFeed
	shared  string // id of the group that all writers change

	acknowledged                  atomic.Int64 // changes
	faults, unsure, done, notDone int          // unsure are the changes without an answer
}

func newCrash(t *testing.T, environ ...string) *crash {
	t.Helper()
	c := &crash{environ: append(environ, "ROLLCALL_SCIM_RATE=0"), feed: newCrashFeed()}
	c.server = startServer(t, os.Args[0], nil, c.environ...)
	c.server.waitReady(t, http.StatusOK)
	c.scimDirectory = newDirectory(t, c.server.url)
	c.shared = c.group(t, crashShared)
	for i := range crashWriters {
		w := &crashWriter{crash: c, number: i, people: crashPeople{}, ids: map[string]string{},
			random: rand.New(rand.NewPCG(uint64(i), 9))}
		w.group = c.scimDirectory.group(t, w.crew())
		c.writers = append(c.writers, w)
	}
	return c
}

// group makes a group without members and returns its id.
func (d scimDirectory) group(t *testing.T, name string) string {
	t.Helper()
	a := request(t, http.MethodPost, d.url+"/Groups", d.token,
		`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"`+name+`"}`)
	if a.status != http.StatusCreated {
		t.Fatalf("create group: %d %s", a.status, a.body)
	}
	var g struct{ ID string }
	a.decode(t, &g)
	return g.ID
}

// strike lets the writers write, causes the fault and checks the result.
func (c *crash) strike(t *testing.T, fault func()) {
	t.Helper()
	before := c.acknowledged.Load()
	enough := before + 20 + rand.Int64N(120)
	c.running.Store(crashWriters)
	for _, w := range c.writers {
		c.writing.Go(func() { defer c.running.Add(-1); w.write(t) })
	}
	modeltest.Eventually(t, func() bool { return c.acknowledged.Load() >= enough || c.running.Load() == 0 })
	time.Sleep(time.Duration(rand.IntN(20_000)) * time.Microsecond) // so that the fault comes at a random moment
	fault()
	c.writing.Wait()
	c.faults++
	c.check(t)
	if t.Failed() {
		var said []string
		for line := range strings.Lines(c.server.text()) {
			if !strings.Contains(line, `"level":"INFO"`) {
				said = append(said, line)
			}
		}
		t.Fatalf("after %d faults; the server said:\n%s", c.faults, strings.Join(said, ""))
	}
}

// kill sends SIGKILL to the process.
func (c *crash) kill() {
	_ = c.server.command.Process.Kill()
	<-c.server.done
	c.writing.Wait()
}

// start starts the server again, on another port.
func (c *crash) start(t *testing.T) {
	t.Helper()
	old := c.server.url
	c.server = startServer(t, os.Args[0], nil, c.environ...)
	c.server.waitReady(t, http.StatusOK)
	c.scimDirectory.url = strings.Replace(c.scimDirectory.url, old, c.server.url, 1)
}

// report logs how many changes were made.
func (c *crash) report(t *testing.T) {
	t.Helper()
	t.Logf("%d faults: %d changes acknowledged and there; "+
		"of %d without an answer %d were done and %d not; %d events replayed",
		c.faults, c.acknowledged.Load(), c.unsure, c.done, c.notDone, c.feed.count)
	if c.unsure < c.faults {
		t.Errorf("only %d changes met the %d faults", c.unsure, c.faults)
	}
}
