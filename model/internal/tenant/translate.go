package tenant

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"

	sqlitedriver "github.com/glebarez/go-sqlite"
	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"

	"rollcall/model"
)

// Translate gives a database error its Kind, once, by what it is and never by
// its text. What already has a Kind keeps it.
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
		return &model.Error{Kind: model.Conflict, Message: "something that this refers to has just gone; try again", Err: err}
	case unstorable(err):
		return &model.Error{Kind: model.Invalid, Message: "a text contains a character that cannot be stored, such as U+0000; send it without", Err: err}
	case busy(err):
		return &model.Error{Kind: model.Busy, Message: "the server is busy with other changes; try again", Err: err}
	case unavailable(err):
		return &model.Error{Kind: model.Unavailable, Message: "the database cannot be used now; try again soon", Err: err}
	}
	return err
}

// postgresCode is the SQLSTATE of an error that PostgreSQL answered with; empty for others.
func postgresCode(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}

const (
	deadlockDetected     = "40P01"
	serializationFailure = "40001"
	uniqueViolation      = "23505"
	foreignKeyViolation  = "23503"
	// queryCanceled is what a statement gets that ran into statement_timeout: it
	// waited or worked longer than a request may. A caller who gave up gets the
	// error of its context instead.
	queryCanceled = "57014"
)

// busy tells of locks that others held for too long, of deadlocks and of serialization failures.
func busy(err error) bool {
	switch postgresCode(err) {
	case deadlockDetected, serializationFailure, queryCanceled, "55P03": // lock timeout
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

func sqliteCode(err error) int {
	var e *sqlitedriver.Error
	if errors.As(err, &e) {
		return e.Code() & 0xff
	}
	return 0
}

// unstorable tells of text that PostgreSQL has no encoding for.
func unstorable(err error) bool {
	switch postgresCode(err) {
	case "22021", "22P05": // character not in repertoire, untranslatable character
		return true
	}
	return false
}

// unavailable tells of a database that is not there, is going, or takes no writes.
func unavailable(err error) bool {
	var connect *pgconn.ConnectError
	if errors.As(err, &connect) {
		return true
	}
	if code := postgresCode(err); code != "" {
		for _, class := range []string{
			"08", "53", "58", // connection, resources, system
			"57",    // the operator intervened: shutdown, crash, starting up
			"25006", // a standby: read only
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
		driver.ErrBadConn, sql.ErrConnDone, net.ErrClosed, io.EOF, io.ErrUnexpectedEOF,
		context.DeadlineExceeded, context.Canceled, sql.ErrTxDone, // the last: its context ended before COMMIT
	} {
		if errors.Is(err, gone) {
			return true
		}
	}
	return false
}
