package pool

import (
	"context"
	"database/sql/driver"
	"errors"
	"math/rand/v2"
	"net"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// postgresConnector opens connections to PostgreSQL.
type postgresConnector struct {
	config pgx.ConnConfig
	hosts  *hosts
}

// errUncancelable refuses to ask for the cancellation of a commit.
var errUncancelable = errors.New("a commit is not cancelled")

const (
	// hostTime is how long one host of the URL may take to connect, where the URL does not say it.
	hostTime = 2 * time.Second
	// hostsTime is how long all of them together may take.
	hostsTime = 6 * time.Second
	// longestLife is about how long a connection lives. After a server has returned behind a
	// proxy, the connections spread over the servers again.
	longestLife = 30 * time.Minute
)

// lifetime is how long a new connection lives. They must not all end at once.
func lifetime() time.Duration {
	return time.Duration(float64(longestLife) * (0.9 + 0.2*rand.Float64()))
}

// Connect opens a connection. The driver dials through it again to ask for a cancellation, which is
// refused while the connection commits.
func (c postgresConnector) Connect(ctx context.Context) (driver.Conn, error) {
	config := c.config.Copy()
	ctx, cancel := context.WithTimeout(ctx, max(hostsTime, config.ConnectTimeout))
	defer cancel()
	config.LookupFunc = c.hosts.lookup(config.LookupFunc)
	c.hosts.order(config)
	if guard, ok := ctx.Value(cancelGuardKey{}).(*cancelGuard); ok {
		config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) { guard.notice(n) }
		config.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
			if guard.on.Load() {
				return nil, errUncancelable
			}
			socket, err := dial(ctx, network, address)
			if !guard.connected.Load() {
				guard.socket, guard.address = socket, address
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
		Timeout:         hostTime,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: 2 * time.Second, Count: 3},
		Control:         unacknowledgedFor(10 * time.Second),
	}
	return d.DialContext(ctx, network, address)
}
