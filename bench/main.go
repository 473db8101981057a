// Command bench measures the cost of SCIM requests to Rollcall on PostgreSQL and on SQLite. It
// compares them with a floor: the simplest server that can do the work, on the same PostgreSQL.
//
// The result is the CPU time of a request, for the server and its database together, as a multiple
// of the floor's. Requests per second depend on what else the machine does. The servers are
// measured in turn, and each figure is the median of several rounds.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"rollcall/model/modeltest"
)

// options say what to measure, and for how long.
type options struct {
	program     string // file of the program
	connections []int  // one table for each number of connections
	rounds      int
	lasting     time.Duration  // of the load in each round
	users       int            // users in the directory
	grown       int            // users in a second, larger directory; 0 for none
	sqlite      int            // users on SQLite; 0 for none
	only        *regexp.Regexp // names of the workloads to measure
}

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run executes the command with its arguments.
func run(ctx context.Context, args []string) error {
	if len(args) == 3 && args[0] == "floor" {
		return serveFloor(ctx, args[1], args[2])
	}
	o, err := parse(args)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	b := bench{options: o}
	defer b.close()
	if err := b.prepare(ctx); err != nil {
		return err
	}
	if err := b.measure(); err != nil {
		return err
	}
	return b.starts()
}

// parse reads the flags of the command.
func parse(args []string) (options, error) {
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	short := f.Bool("short", false, "take a minute or two: 8 connections, one short round, small directories")
	program := f.String("program", "bin/rollcall", "the `FILE` of the program to measure")
	connections := f.String("connections", "1,8,32", "numbers of connections")
	rounds := f.Int("rounds", 5, "rounds, whose median counts")
	lasting := f.Duration("time", 2*time.Second, "how long a server is under load each time")
	users := f.Int("users", 20_000, "users in the directory; at least 20000 for the group of 10000")
	grown := f.Int("grown", 200_000, "users in a second directory, to see how the cost grows; 0 leaves it out")
	sqlite := f.Int("sqlite", 20_000, "users in the directory on SQLite; 0 leaves it out")
	only := f.String("only", "", "only workloads whose name matches this `REGEXP`")
	if err := f.Parse(args); err != nil {
		return options{}, err
	}
	o := options{rounds: *rounds, lasting: *lasting, users: *users, grown: *grown, sqlite: *sqlite}
	if *short {
		*connections, o.rounds, o.lasting = "8", 1, 700*time.Millisecond
		o.users, o.grown, o.sqlite = 20_000, 0, 2_000
	}
	var err error
	if o.program, err = filepath.Abs(*program); err != nil {
		return o, err
	}
	for text := range strings.SplitSeq(*connections, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return o, fmt.Errorf("%q is no number of connections", text)
		}
		o.connections = append(o.connections, n)
	}
	o.only, err = regexp.Compile(*only)
	return o, err
}

// serveFloor serves the floor. It runs in a process of its own.
func serveFloor(ctx context.Context, address, url string) error {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return err
	}
	config.MaxConns = 16 // as many as Rollcall has
	db, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return err
	}
	if _, err := db.Exec(ctx, floorSchema); err != nil {
		return err
	}
	s := http.Server{Addr: address, Handler: (&floor{db}).handler(), ReadHeaderTimeout: time.Minute}
	return s.ListenAndServe()
}

// bench is one run of the command.
type bench struct {
	options
	folder   string
	postgres *modeltest.Server
	targets  []*target // the floor first
}

// The names of the targets.
const (
	floorName  = "floor"
	pgName     = "PostgreSQL"
	grownName  = "grown"
	sqliteName = "SQLite"
)

// close stops all processes and removes their files.
func (b *bench) close() {
	for _, t := range b.targets {
		_ = t.stop()
	}
	if b.postgres != nil {
		b.postgres.Close()
	}
	_ = os.RemoveAll(b.folder)
}

// prepare starts the servers and fills their databases.
func (b *bench) prepare(ctx context.Context) (err error) {
	if b.folder, err = os.MkdirTemp("", "rollcall-bench-"); err != nil {
		return err
	}
	// PostgreSQL's own defaults, except for autovacuum: its CPU time would be counted for the
	// server that is measured at that moment.
	b.postgres, err = modeltest.NewServer("shared_buffers=128MB", "max_wal_size=1GB", "autovacuum=off")
	if err != nil {
		return err
	}
	for _, wanted := range []struct {
		name  string
		users int
	}{{floorName, b.users}, {pgName, b.users}, {grownName, b.grown}, {sqliteName, b.sqlite}} {
		if wanted.users == 0 {
			continue
		}
		fmt.Fprintf(os.Stderr, "%s: %d users\n", wanted.name, wanted.users)
		t, err := b.newTarget(ctx, wanted.name, wanted.users)
		if err != nil {
			return fmt.Errorf("%s: %w", wanted.name, err)
		}
		if err := t.findCursor(); err != nil {
			return err
		}
	}
	return nil
}

// newTarget starts a server with a database of its own and creates the users in it.
func (b *bench) newTarget(ctx context.Context, name string, users int) (*target, error) {
	t := &target{name: name, url: "sqlite:" + filepath.Join(b.folder, "rollcall.db")}
	b.targets = append(b.targets, t)
	if name != sqliteName {
		database := "bench_" + strings.ToLower(name)
		t.database, t.url = b.postgres, b.postgres.URL(database)
		db, err := pgx.Connect(ctx, b.postgres.URL("postgres"))
		if err != nil {
			return nil, err
		}
		defer db.Close(ctx)
		if _, err := db.Exec(ctx, "CREATE DATABASE "+database); err != nil {
			return nil, err
		}
	}
	if name == floorName {
		if err := t.startFloor(b.folder); err != nil {
			return nil, err
		}
		return t, t.seedFloor(ctx, users)
	}
	if _, err := t.startRollcall(b.program, b.folder, t.url); err != nil {
		return nil, err
	}
	if err := t.newDirectory(); err != nil {
		return nil, err
	}
	if name == sqliteName {
		return t, t.seedRequests(users)
	}
	return t, t.seedSQL(ctx, users)
}
