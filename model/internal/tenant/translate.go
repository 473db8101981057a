package tenant

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	sqlitedriver "github.com/glebarez/go-sqlite"
	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"

	"rollcall/model"
	"rollcall/model/internal/pool"
)

// Translate gives a database error its Kind, by its code and never by its text. An error that has a
// Kind keeps it.
func Translate(h Base, err error) error {
	var known *model.Error
	switch {
	case err == nil || errors.As(err, &known):
		return err
	case errors.Is(err, gorm.ErrRecordNotFound):
		return &model.Error{Kind: model.NotFound, Message: "there is no such thing here", Err: err}
	case errors.Is(err, gorm.ErrDuplicatedKey):
		return &model.Error{Kind: model.Conflict, Message: "this already exists", Err: err}
	case errors.Is(err, gorm.ErrForeignKeyViolated):
		return &model.Error{Kind: model.Conflict, Err: err,
			Message: "something that this refers to has just gone; try again"}
	case unstorable(err):
		return &model.Error{Kind: model.Invalid, Err: err,
			Message: "a text contains a character that cannot be stored, such as U+0000; send it without"}
	case busy(err):
		return &model.Error{Kind: model.Busy, Err: err,
			Message: "the server is busy with other changes; try again"}
	case unavailable(err):
		return &model.Error{Kind: model.Unavailable, Err: err,
			Message: "the database cannot be used now; try again soon"}
	}
	return err
}

// The codes of PostgreSQL's errors.
const (
	deadlockDetected     = "40P01"
	serializationFailure = "40001"
	uniqueViolation      = "23505"
	foreignKeyViolation  = "23503"
	// queryCanceled is the code of a statement that took longer than statement_timeout. A caller
	// that gave up gets the error of its context instead.
	queryCanceled = "57014"
	// planChanged is the code of a prepared statement whose columns have another type since another
	// process migrated the database. The driver prepares it anew the next time.
	planChanged = "0A000"
)

// refusals are the codes with which a PostgreSQL server refuses a connection until somebody changes
// the URL or the server, and what to do.
var refusals = map[string]string{
	"28P01": "the password in ROLLCALL_DATABASE_URL is wrong",
	"28000": "the user in ROLLCALL_DATABASE_URL may not connect; see the server's roles and its pg_hba.conf",
	"3D000": "the database in ROLLCALL_DATABASE_URL is not there; create it",
}

// refusal returns another error for one of refusals: what the server says, then what to do.
func refusal(err error) error {
	var refused *pgconn.PgError
	if !errors.As(err, &refused) || refusals[refused.Code] == "" {
		return err
	}
	return fmt.Errorf("%s (%s): %s", refused.Message, refused.Code, refusals[refused.Code])
}

// busy tells whether others held a lock for too long, or the transactions collided.
func busy(err error) bool {
	switch pool.Code(err) {
	case deadlockDetected, serializationFailure, queryCanceled, planChanged, "55P03": // lock timeout
		return true
	}
	switch sqliteCode(err) {
	case sqliteBusy, sqliteLocked:
		return true
	}
	return false
}

// The primary result codes of SQLite (sqlite.org/rescode.html).
const (
	sqliteBusy     = 5
	sqliteLocked   = 6
	sqliteReadOnly = 8
	sqliteIOErr    = 10
	sqliteFull     = 13
	sqliteCantOpen = 14
)

// sqliteCode returns the primary result code of an error of SQLite, and 0 for other errors.
func sqliteCode(err error) int {
	var e *sqlitedriver.Error
	if errors.As(err, &e) {
		return e.Code() & 0xff
	}
	return 0
}

// unstorable tells whether a text has no encoding in PostgreSQL.
func unstorable(err error) bool {
	switch pool.Code(err) {
	case "22021", "22P05": // character not in repertoire, untranslatable character
		return true
	}
	return false
}

// unavailable tells whether the database cannot be reached, is stopping, or takes no writes.
func unavailable(err error) bool {
	var connect *pgconn.ConnectError
	if errors.As(err, &connect) {
		return true
	}
	if code := pool.Code(err); code != "" {
		for _, class := range []string{
			"08", "53", "58", // connection, resources, system
			"57", // the operator intervened: shutdown, crash, starting up
			pool.ReadOnlyTransaction,
			"25P03", // it ended a transaction that did nothing for too long
		} {
			if strings.HasPrefix(code, class) {
				return true
			}
		}
		return false
	}
	switch sqliteCode(err) {
	case sqliteReadOnly, sqliteIOErr, sqliteFull, sqliteCantOpen:
		return true
	}
	var network net.Error
	if errors.As(err, &network) || pgconn.SafeToRetry(err) {
		return true
	}
	for _, gone := range []error{
		driver.ErrBadConn, sql.ErrConnDone, pgconn.ErrConnClosed, net.ErrClosed, io.EOF, io.ErrUnexpectedEOF,
		context.DeadlineExceeded, context.Canceled, sql.ErrTxDone, // the last: its context ended before COMMIT
	} {
		if errors.Is(err, gone) {
			return true
		}
	}
	return false
}
