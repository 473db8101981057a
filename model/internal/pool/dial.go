package pool

import (
	"context"
	"database/sql/driver"
	"errors"
	"net"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// postgresConnector opens connections to PostgreSQL.
type postgresConnector struct{ config pgx.ConnConfig }

// errUncancelable refuses to ask for the cancellation of a commit.
var errUncancelable = errors.New("a commit is not cancelled")

// Connect opens a connection. The driver dials through it again to ask for a cancellation, which is
// refused while the connection commits.
func (c postgresConnector) Connect(ctx context.Context) (driver.Conn, error) {
	config := c.config.Copy()
	if guard, ok := ctx.Value(cancelGuardKey{}).(*cancelGuard); ok {
		config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) { guard.notice(n) }
		config.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
			if guard.on.Load() {
				return nil, errUncancelable
			}
			socket, err := dial(ctx, network, address)
			if guard.socket == nil {
				guard.socket = socket
			}
			return socket, err
		}
	}
	return stdlib.GetConnector(*config).Connect(ctx)
}

// Driver returns the driver of PostgreSQL.
func (c postgresConnector) Driver() driver.Driver { return stdlib.GetDefaultDriver() }

// dial opens a connection whose dead peer is noticed within some ten seconds.
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{
		Timeout:         connectTimeout,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: 2 * time.Second, Count: 3},
		Control:         unacknowledgedFor(10 * time.Second),
	}
	return d.DialContext(ctx, network, address)
}
