package pool

import (
	"errors"

	"github.com/jackc/pgx/v5/pgconn"
)

// The codes of PostgreSQL's errors after which a connection is of no use.
const (
	// ReadOnlyTransaction is the code of a write to a standby.
	ReadOnlyTransaction = "25006"
	// internalError is the code of what a standby cannot do otherwise.
	internalError = "XX000"
)

// Code returns the SQLSTATE of an error of PostgreSQL, and an empty text for other errors.
func Code(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}
