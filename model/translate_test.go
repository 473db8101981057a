package model

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"
)

func TestTranslate(t *testing.T) {
	t.Parallel()
	pg := func(code string) error { return &pgconn.PgError{Code: code, Message: "relation users"} }
	for name, c := range map[string]struct {
		err  error
		want Kind
	}{
		"a row that is not there":        {gorm.ErrRecordNotFound, NotFound},
		"a unique index":                 {gorm.ErrDuplicatedKey, Conflict},
		"a foreign key":                  {gorm.ErrForeignKeyViolated, Conflict},
		"a deadlock":                     {pg("40P01"), Busy},
		"a serialization failure":        {pg("40001"), Busy},
		"a lock timeout":                 {pg("55P03"), Busy},
		"a statement timeout":            {pg("57014"), Busy},
		"a shutdown":                     {pg("57P01"), Unavailable},
		"a crash":                        {pg("57P02"), Unavailable},
		"a start":                        {pg("57P03"), Unavailable},
		"too many connections":           {pg("53300"), Unavailable},
		"a full disk":                    {pg("53100"), Unavailable},
		"a standby":                      {pg("25006"), Unavailable},
		"an idle transaction's end":      {pg("25P03"), Unavailable},
		"a lost connection":              {pg("08006"), Unavailable},
		"an unreadable file":             {pg("58030"), Unavailable},
		"a byte that is no text":         {pg("22021"), Invalid},
		"an escape that is no text":      {pg("22P05"), Invalid},
		"a failed transaction":           {pg("25P02"), Internal},
		"a wrong statement":              {pg("42601"), Internal},
		"a code that is none":            {pg(""), Internal},
		"a bad connection":               {driver.ErrBadConn, Unavailable},
		"a returned connection":          {sql.ErrConnDone, Unavailable},
		"a transaction that had ended":   {sql.ErrTxDone, Unavailable},
		"an end of input":                {io.ErrUnexpectedEOF, Unavailable},
		"a refused connection":           {&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, Unavailable},
		"a wrong password":               {&pgconn.ConnectError{}, Unavailable},
		"a caller who has gone":          {context.Canceled, Unavailable},
		"a caller whose time is over":    {context.DeadlineExceeded, Unavailable},
		"anything else":                  {errors.New("boom"), Internal},
		"what has a kind already":        {&Error{Kind: Stale, Message: "changed"}, Stale},
		"what has a kind around a cause": {&Error{Kind: Denied, Message: "no", Err: pg("40P01")}, Denied},
	} {
		t.Run(name, func(t *testing.T) {
			wrapped := fmt.Errorf("do it: %w", c.err)
			got := (&Store{}).translate(wrapped)
			if KindOf(got) != c.want {
				t.Errorf("kind %d, want %d: %v", KindOf(got), c.want, got)
			}
			if !errors.Is(got, c.err) {
				t.Errorf("the cause is lost: %v", got)
			}
			var e *Error
			if errors.As(got, &e) && c.want != Stale && c.want != Denied && e.Err != wrapped {
				t.Errorf("the cause is %v", e.Err)
			}
		})
	}
	if err := (&Store{}).translate(nil); err != nil {
		t.Error(err)
	}
}
