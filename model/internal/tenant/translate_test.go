package tenant

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

	"rollcall/model"
)

func TestTranslate(t *testing.T) {
	t.Parallel()
	pg := func(code string) error { return &pgconn.PgError{Code: code, Message: "relation users"} }
	for name, c := range map[string]struct {
		err  error
		want model.Kind
	}{
		"a row that is not there":      {gorm.ErrRecordNotFound, model.NotFound},
		"a unique index":               {gorm.ErrDuplicatedKey, model.Conflict},
		"a foreign key":                {gorm.ErrForeignKeyViolated, model.Conflict},
		"a deadlock":                   {pg("40P01"), model.Busy},
		"a serialization failure":      {pg("40001"), model.Busy},
		"a lock timeout":               {pg("55P03"), model.Busy},
		"a statement timeout":          {pg("57014"), model.Busy},
		"a shutdown":                   {pg("57P01"), model.Unavailable},
		"a crash":                      {pg("57P02"), model.Unavailable},
		"a start":                      {pg("57P03"), model.Unavailable},
		"too many connections":         {pg("53300"), model.Unavailable},
		"a full disk":                  {pg("53100"), model.Unavailable},
		"a standby":                    {pg("25006"), model.Unavailable},
		"an idle transaction's end":    {pg("25P03"), model.Unavailable},
		"a lost connection":            {pg("08006"), model.Unavailable},
		"an unreadable file":           {pg("58030"), model.Unavailable},
		"a byte that is no text":       {pg("22021"), model.Invalid},
		"an escape that is no text":    {pg("22P05"), model.Invalid},
		"a failed transaction":         {pg("25P02"), model.Internal},
		"a wrong statement":            {pg("42601"), model.Internal},
		"a code that is none":          {pg(""), model.Internal},
		"a bad connection":             {driver.ErrBadConn, model.Unavailable},
		"a returned connection":        {sql.ErrConnDone, model.Unavailable},
		"a closed connection":          {fmt.Errorf("exec: %w", pgconn.ErrConnClosed), model.Unavailable},
		"a transaction that had ended": {sql.ErrTxDone, model.Unavailable},
		"an end of input":              {io.ErrUnexpectedEOF, model.Unavailable},
		"a refused connection":         {&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, model.Unavailable},
		"a wrong password":             {&pgconn.ConnectError{}, model.Unavailable},
		"a caller who has gone":        {context.Canceled, model.Unavailable},
		"a caller whose time is over":  {context.DeadlineExceeded, model.Unavailable},
		"anything else":                {errors.New("boom"), model.Internal},
		"what has a kind already":      {&model.Error{Kind: model.Stale, Message: "changed"}, model.Stale},
		"what has a kind around a cause": {
			&model.Error{Kind: model.Denied, Message: "no", Err: pg("40P01")}, model.Denied},
	} {
		t.Run(name, func(t *testing.T) {
			wrapped := fmt.Errorf("do it: %w", c.err)
			got := Translate((&Store{}), wrapped)
			if model.KindOf(got) != c.want {
				t.Errorf("kind %d, want %d: %v", model.KindOf(got), c.want, got)
			}
			if !errors.Is(got, c.err) {
				t.Errorf("the cause is lost: %v", got)
			}
			var e *model.Error
			if errors.As(got, &e) && c.want != model.Stale && c.want != model.Denied && e.Err != wrapped {
				t.Errorf("the cause is %v", e.Err)
			}
		})
	}
	if err := Translate((&Store{}), nil); err != nil {
		t.Error(err)
	}
}
