// Command bench measures what a SCIM request costs: against Rollcall on PostgreSQL and on SQLite, and
// against a floor, the least server that could do the work, on the same PostgreSQL.
//
// What counts is the CPU time of a request, of the server and of its database together, as a multiple
// of the floor's. Requests a second depend on what else the machine does. The servers take turns,
// and each figure is the median of several rounds.
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

// options are what is measured, and how long.
type options struct {
	program     string
	connections []int
	rounds      int
	lasting     time.Duration
	users       int
	grown       int // users of a second, larger directory; 0 for none
	sqlite      int // users on SQLite; 0 for none
	only        *regexp.Regexp
}

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

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

func parse(args []string) (options, error) {
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	short := f.Bool("short", false, "take a minute or two: 8 connections, one short round, small directories")
	program := f.String("program", "bin/rollcall", "the `FILE` of the program to measure")
	connections := f.String("connections", "1,8,32", "numbers of connections")
	rounds := f.Int("rounds", 5, "rounds, whose median counts")
	lasting := f.Duration("time", 2*time.Second, "how long a server is under load each time")
	users := f.Int("users", 20_000, "users in the directory; at least 20000 for the group of 10000")
	grown := f.Int("grown", 200_000, "users in a second directory, which tells how the cost grows; 0 leaves it out")
	sqlite := f.Int("sqlite", 20_000, "users in the directory on SQLite; 0 leaves it out")
	only := f.String("only", "", "only workloads whose name matches this `REGEXP`")
	if err := f.Parse(args); err != nil {
		return options{}, err
	}
	o := options{rounds: *rounds, lasting: *lasting, users: *users, grown: *grown, sqlite: *sqlite}
	if *short {
		*connections, o.rounds, o.lasting, o.users, o.grown, o.sqlite = "8", 1, 700*time.Millisecond, 20_000, 0, 2_000
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

// serveFloor is the process of the floor.
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

// bench is one run.
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

func (b *bench) close() {
	for _, t := range b.targets {
		_ = t.stop()
	}
	if b.postgres != nil {
		b.postgres.Close()
	}
	_ = os.RemoveAll(b.folder)
}

// prepare starts everything and fills the databases.
func (b *bench) prepare(ctx context.Context) (err error) {
	if b.folder, err = os.MkdirTemp("", "rollcall-bench-"); err != nil {
		return err
	}
	// PostgreSQL's own defaults, but for autovacuum, whose work would count for whoever is measured then.
	if b.postgres, err = modeltest.NewServer("shared_buffers=128MB", "max_wal_size=1GB", "autovacuum=off"); err != nil {
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
