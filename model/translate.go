package model

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"net"

	sqlitedriver "github.com/glebarez/go-sqlite"
	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"
)

// translate gives a database error its Kind, once, by what it is and never by
// its text. What already has a Kind keeps it.
func (s *Store) translate(err error) error {
	var known *Error
	switch {
	case err == nil || errors.As(err, &known):
		return err
	case errors.Is(err, gorm.ErrRecordNotFound):
		return &Error{Kind: NotFound, Message: "there is no such thing here", Err: err}
	case errors.Is(err, gorm.ErrDuplicatedKey):
		return &Error{Kind: Conflict, Message: "this already exists", Err: err}
	case errors.Is(err, gorm.ErrForeignKeyViolated):
		return &Error{Kind: Conflict, Message: "something that this refers to has just gone; try again", Err: err}
	case busy(err):
		return &Error{Kind: Busy, Message: "the server is busy with other changes; try again", Err: err}
	case unavailable(err):
		return &Error{Kind: Unavailable, Message: "the database cannot be used now; try again soon", Err: err}
	}
	return err
}

// busy tells of locks that others held for too long, of deadlocks and of serialization failures.
func busy(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch pg.Code {
		case "40001", "40P01", "55P03", "57014":
			return true
		}
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

// unavailable tells of a database that is not there, is going, or takes no writes.
func unavailable(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch pg.Code[:2] {
		case "08", "53", "58": // connection, resources, system
			return true
		case "57": // the operator intervened: shutdown, crash, starting up
			return true
		}
		return pg.Code == "25006" // a standby: read only
	}
	switch sqliteCode(err) {
	case sqliteReadOnly, sqliteIOErr, sqliteFull, sqliteCantOpen:
		return true
	}
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.As(err, &network) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, context.Canceled) || pgconn.SafeToRetry(err)
}
