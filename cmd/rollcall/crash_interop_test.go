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

// kills is how often each fault strikes: more than a few is for make test-crash.
var kills = flag.Int("kills", 3, "how often each kind of crash happens")

// crashWriters write at once.
const crashWriters = 8

// TestInteropCrash has faults strike while clients write. After each of them what was acknowledged
// must be there, what was not must be there whole or not at all, and the feed must tell of exactly
// what is there.
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
				// A transaction whose client is gone may still be committing.
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
				c.writing.Wait() // nobody is told of success while there is no database
				if err := database.Start(); err != nil {
					t.Fatal(err)
				}
				c.server.waitReady(t, http.StatusOK)
			})
		}
		c.report(t)
	})
}

// waitForSessions waits until no session of a server's clients is left but the own.
func waitForSessions(t *testing.T, database *modeltest.Server) {
	t.Helper()
	db, err := sql.Open("pgx", database.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	eventually(t, 20*time.Second, func() bool {
		var n int
		if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE datname = 'rollcall'").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n == 0
	})
}

// crash is a server that is struck again and again, with those who write to it.
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
	faults, unsure, done, notDone int          // unsure are the changes that nobody was told the end of
}

func newCrash(t *testing.T, environ ...string) *crash {
	t.Helper()
	c := &crash{environ: append(environ, "ROLLCALL_SCIM_RATE=0"), feed: newCrashFeed()}
	c.server = startServer(t, os.Args[0], nil, c.environ...)
	c.server.waitReady(t, http.StatusOK)
	c.scimDirectory = newDirectory(t, c.server.url)
	c.shared = c.group(t, crashShared)
	for i := range crashWriters {
		w := &crashWriter{crash: c, number: i, people: crashPeople{}, ids: map[string]string{}, random: rand.New(rand.NewPCG(uint64(i), 9))}
		w.group = c.scimDirectory.group(t, w.crew())
		c.writers = append(c.writers, w)
	}
	return c
}

// group makes a group without members and returns its id.
func (d scimDirectory) group(t *testing.T, name string) string {
	t.Helper()
	a := request(t, http.MethodPost, d.url+"/Groups", d.token, `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"`+name+`"}`)
	if a.status != http.StatusCreated {
		t.Fatalf("create group: %d %s", a.status, a.body)
	}
	var g struct{ ID string }
	a.decode(t, &g)
	return g.ID
}

// strike has the writers write, the fault happen, and everything checked.
func (c *crash) strike(t *testing.T, fault func()) {
	t.Helper()
	before := c.acknowledged.Load()
	enough := before + 20 + rand.Int64N(120)
	c.running.Store(crashWriters)
	for _, w := range c.writers {
		c.writing.Go(func() { defer c.running.Add(-1); w.write(t) })
	}
	eventually(t, time.Minute, func() bool { return c.acknowledged.Load() >= enough || c.running.Load() == 0 })
	time.Sleep(time.Duration(rand.IntN(20_000)) * time.Microsecond) // in the midst of whatever they do
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

// kill ends the process without a chance to finish anything.
func (c *crash) kill() {
	_ = c.server.command.Process.Kill()
	<-c.server.done
	c.writing.Wait()
}

// start starts the server again, which listens at another port then.
func (c *crash) start(t *testing.T) {
	t.Helper()
	old := c.server.url
	c.server = startServer(t, os.Args[0], nil, c.environ...)
	c.server.waitReady(t, http.StatusOK)
	c.scimDirectory.url = strings.Replace(c.scimDirectory.url, old, c.server.url, 1)
}

// report says how much was tried.
func (c *crash) report(t *testing.T) {
	t.Helper()
	t.Logf("%d faults: %d changes acknowledged and there; of %d without an answer %d were done and %d not; %d events replayed",
		c.faults, c.acknowledged.Load(), c.unsure, c.done, c.notDone, c.feed.count)
	if c.unsure < c.faults {
		t.Errorf("only %d changes met the %d faults", c.unsure, c.faults)
	}
}
