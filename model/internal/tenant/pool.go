package tenant

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	poolSize       = 16
	sqliteReaders  = 4
	sqliteLog      = 4 << 20 // bytes that stay of SQLite's log, once nobody reads what it held
	connectTimeout = 3 * time.Second
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

// openPools makes the connection pools for url: first the writer, then on SQLite the readers. It
// does not connect.
func openPools(raw string, statement func(string)) (Dialect, []*sql.DB, error) {
	if path, ok := strings.CutPrefix(raw, "sqlite:"); ok && path != "" {
		if path == ":memory:" { // each connection would have its own database
			return 0, nil, fmt.Errorf("sqlite:PATH needs a file; :memory: is none")
		}
		return SqliteDialect, sqlitePools(path, statement), nil
	}
	if !strings.HasPrefix(raw, "postgres://") && !strings.HasPrefix(raw, "postgresql://") {
		return 0, nil, fmt.Errorf("a database URL is sqlite:PATH or postgres://…")
	}
	config, err := pgx.ParseConfig(raw)
	if err != nil {
		// The error repeats the URL, and with it the password.
		return 0, nil, fmt.Errorf("the postgres:// URL cannot be read")
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
	for name, value := range sessionSettings {
		if _, given := config.RuntimeParams[name]; !given {
			config.RuntimeParams[name] = value
		}
	}
	pool := sql.OpenDB(connector{postgresConnector{*config}, statement})
	pool.SetMaxOpenConns(poolSize)
	pool.SetMaxIdleConns(poolSize)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	return PostgresDialect, []*sql.DB{pool}, nil
}

// sqlitePools makes the pools for a file: one connection that writes, and several that only read.
func sqlitePools(path string, statement func(string)) []*sql.DB {
	open := func(size int, options ...string) *sql.DB {
		options = append([]string{
			"_pragma=busy_timeout(5000)", "_pragma=foreign_keys(1)",
			"_pragma=journal_mode(WAL)", "_pragma=synchronous(FULL)",
			fmt.Sprintf("_pragma=journal_size_limit(%d)", sqliteLog)}, options...)
		file := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath()}
		dsn := file.String() + "?" + strings.Join(options, "&")
		pool := sql.OpenDB(connector{sqliteConnector{dsn}, statement})
		pool.SetMaxOpenConns(size)
		pool.SetMaxIdleConns(size)
		return pool
	}
	return []*sql.DB{open(1, "_txlock=immediate"), open(sqliteReaders, "_pragma=query_only(1)")}
}

// sqliteConnector opens connections to one SQLite file.
type sqliteConnector struct{ dsn string }

func (c sqliteConnector) Connect(context.Context) (driver.Conn, error) {
	d, err := sqliteDriver()
	if err != nil {
		return nil, err
	}
	return d.Open(c.dsn)
}

func (sqliteConnector) Driver() driver.Driver {
	d, _ := sqliteDriver()
	return d
}
