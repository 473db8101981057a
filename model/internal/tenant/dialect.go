package tenant

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/glebarez/sqlite"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
)

// Dialect is the database at hand; what differs between the two asks it.
type Dialect uint8

const (
	SqliteDialect Dialect = iota
	PostgresDialect
)

func (d Dialect) Name() string {
	if d == PostgresDialect {
		return "postgres"
	}
	return "sqlite"
}

func (d Dialect) dialector(pool *sql.DB) gorm.Dialector {
	if d == PostgresDialect {
		return postgres.New(postgres.Config{Conn: pool})
	}
	return &sqlite.Dialector{Conn: pool}
}

// OneOf is a condition that column is one of a list given as one JSON array
// parameter, so that a list of any length is one statement with one plan.
func (d Dialect) OneOf(column string) string {
	if d == PostgresDialect {
		return column + " = ANY(ARRAY(SELECT json_array_elements_text(?::json)))"
	}
	return column + " IN (SELECT value FROM json_each(?))"
}

// NoneOf is the opposite of OneOf. This form PostgreSQL always answers by hashing
// the list; an anti-join it may answer by a loop over it for each row.
func (d Dialect) NoneOf(column string) string {
	if d == PostgresDialect {
		return column + " NOT IN (SELECT json_array_elements_text(?::json))"
	}
	return column + " NOT IN (SELECT value FROM json_each(?))"
}

// In is the condition that column is among the rows of a sub-select. The forms
// are those that each planner answers from an index even inside an OR.
func (d Dialect) In(column, query string) string {
	if d == PostgresDialect {
		return column + " = ANY(ARRAY(" + query + "))"
	}
	return column + " IN (" + query + ")"
}

// Beside is a column for a condition that is not to choose the index, where
// another one pinpoints rows: SQLite, which keeps no figures unless somebody
// asks, otherwise prefers the index that has a list's order and reads it all.
func (d Dialect) Beside(column string, pinpointed bool) string {
	if d == SqliteDialect && pinpointed {
		return "+" + column
	}
	return column
}

// Batch is how many rows of so many columns one INSERT holds: below PostgreSQL's
// limit of 65,535 parameters, and few on SQLite, whose driver looks each
// parameter up from the first one on.
func (d Dialect) Batch(columns int) int {
	if d == PostgresDialect {
		return 10_000 / columns
	}
	return 500 / columns
}

const (
	poolSize       = 16
	sqliteReaders  = 4
	connectTimeout = 3 * time.Second
)

// openPools makes the connection pools for url: the writer first, then, on
// SQLite, the readers. Nothing is connected yet.
func openPools(raw string, statement func(string)) (Dialect, []*sql.DB, error) {
	if path, ok := strings.CutPrefix(raw, "sqlite:"); ok && path != "" {
		if path == ":memory:" { // each connection would have a database of its own
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
	for name, value := range map[string]string{
		"statement_timeout":                   "15000",
		"lock_timeout":                        "10000",
		"idle_in_transaction_session_timeout": "60000",
		"application_name":                    "rollcall",
	} {
		if _, given := config.RuntimeParams[name]; !given {
			config.RuntimeParams[name] = value
		}
	}
	pool := sql.OpenDB(observed(stdlib.GetConnector(*config), statement))
	pool.SetMaxOpenConns(poolSize)
	pool.SetMaxIdleConns(poolSize)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	return PostgresDialect, []*sql.DB{pool}, nil
}

func sqlitePools(path string, statement func(string)) []*sql.DB {
	open := func(size int, options ...string) *sql.DB {
		options = append([]string{
			"_pragma=busy_timeout(5000)", "_pragma=foreign_keys(1)",
			"_pragma=journal_mode(WAL)", "_pragma=synchronous(FULL)"}, options...)
		dsn := (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath()}).String() + "?" + strings.Join(options, "&")
		pool := sql.OpenDB(observed(sqliteConnector{dsn}, statement))
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

// Containing limits a query to rows whose column contains text in any case (ASCII
// only on SQLite), for people who search a short list.
func (d Dialect) Containing(db *gorm.DB, column, text string) *gorm.DB {
	operator := " LIKE"
	if d == PostgresDialect {
		operator = " ILIKE"
	}
	text = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text)
	return db.Where(column+operator+` ? ESCAPE '\'`, "%"+text+"%")
}
