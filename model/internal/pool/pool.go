package pool

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	poolSize      = 16
	sqliteReaders = 4
	sqliteLog     = 4 << 20 // bytes that stay of SQLite's log, once nobody reads what it held
	closeTime     = 10 * time.Second

	// sqlitePatience is how long SQLite waits for another process, in milliseconds.
	sqlitePatience = "busy_timeout(5000)"
)

// sessionSettings are the settings of each connection to PostgreSQL that the URL does not set.
//
// The last ones keep the plans of requests independent of statistics. A request asks for few rows
// by an index, and what it joins it finds by an index too, in a loop. While a table is small, or
// while PostgreSQL believes that it is, reading the whole table costs no more than that. A
// connection keeps such a plan for as long as it lives, when the table has a million rows as well.
// Statements that compare whole tables say so, see ComparingTables.
var sessionSettings = map[string]string{
	"statement_timeout":                   "15000",
	"lock_timeout":                        "10000",
	"idle_in_transaction_session_timeout": "60000",
	"application_name":                    "rollcall",

	"enable_seqscan":   "off",
	"enable_hashjoin":  "off",
	"enable_mergejoin": "off",
	"random_page_cost": "1",   // reading many rows and sorting them would seem to be cheaper than an index in order
	"jit":              "off", // the cost of a table without an index would seem to be worth it
}

// Options are what a Pool is opened with.
type Options struct {
	// Statement is called with each statement that reaches the driver, except BEGIN, COMMIT,
	// ROLLBACK and the question whether commits wait for a standby. It may be nil.
	Statement func(query string)
	// SQLite returns the driver of SQLite.
	SQLite func() (driver.Driver, error)
}

// Pool has the connections to one database.
type Pool struct {
	Postgres bool     // or SQLite
	Writer   *Limited // on SQLite a single connection
	Reader   *Limited // outside transactions; the same as Writer on PostgreSQL
	shared   *connections
	file     string // of SQLite
}

// Open makes the connection pools for the database at a URL. It does not connect.
func Open(raw string, o Options) (*Pool, error) {
	shared := &connections{statement: o.Statement}
	if path, ok := strings.CutPrefix(raw, "sqlite:"); ok && path != "" {
		if path == ":memory:" { // each connection would have its own database
			return nil, fmt.Errorf("sqlite:PATH needs a file; :memory: is none")
		}
		return sqlitePool(path, o.SQLite, shared), nil
	}
	if !strings.HasPrefix(raw, "postgres://") && !strings.HasPrefix(raw, "postgresql://") {
		return nil, fmt.Errorf("a database URL is sqlite:PATH or postgres://…")
	}
	config, err := pgx.ParseConfig(raw)
	if err != nil {
		// The error repeats the URL, and with it the password.
		return nil, fmt.Errorf("the postgres:// URL cannot be read")
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = hostTime
	}
	for name, value := range sessionSettings {
		if _, given := config.RuntimeParams[name]; !given {
			config.RuntimeParams[name] = value
		}
	}
	shared.standbys = new(standbys)
	shared.hosts = &hosts{names: map[string]string{}, all: map[string]*host{}}
	pool := sql.OpenDB(connector{postgresConnector{*config, shared.hosts}, shared})
	pool.SetConnMaxIdleTime(5 * time.Minute)
	places := limited(pool, poolSize, reservedPlaces, placeTime)
	return &Pool{Postgres: true, Writer: places, Reader: places, shared: shared}, nil
}

// sqlitePool makes the pools for a file: one connection that writes, and several that only read.
func sqlitePool(path string, d func() (driver.Driver, error), shared *connections) *Pool {
	open := func(options ...string) *sql.DB {
		options = append([]string{
			"_pragma=" + sqlitePatience, "_pragma=foreign_keys(1)",
			"_pragma=journal_mode(WAL)", "_pragma=synchronous(FULL)",
			fmt.Sprintf("_pragma=journal_size_limit(%d)", sqliteLog)}, options...)
		file := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath()}
		return sql.OpenDB(connector{sqliteConnector{file.String() + "?" + strings.Join(options, "&"), d}, shared})
	}
	return &Pool{
		Writer: limited(open("_txlock=immediate"), 1, 0, turnTime),
		Reader: limited(open("_pragma=query_only(1)"), sqliteReaders, 1, placeTime),
		shared: shared, file: path,
	}
}

// sqliteConnector opens connections to one SQLite file.
type sqliteConnector struct {
	dsn    string
	driver func() (driver.Driver, error)
}

func (c sqliteConnector) Connect(context.Context) (driver.Conn, error) {
	d, err := c.driver()
	if err != nil {
		return nil, err
	}
	return d.Open(c.dsn)
}

func (c sqliteConnector) Driver() driver.Driver {
	d, _ := c.driver()
	return d
}

// Close waits for a while for the commits on their way, and ends all connections. A commit that
// goes on after that is not cancelled: PostgreSQL ends it without us.
func (p *Pool) Close() error {
	p.shared.open.wait(closeTime)
	err := p.Writer.DB.Close()
	if p.Reader != p.Writer {
		err = errors.Join(err, p.Reader.DB.Close())
	}
	return err
}
