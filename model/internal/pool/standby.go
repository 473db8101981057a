package pool

import (
	"context"
	"database/sql/driver"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"rollcall/model"
	"rollcall/model/lasting"
)

// waitForStandby writes a record to PostgreSQL's log and nothing else. Its commit waits until the
// synchronous standby has that record, and everything before it. No statement reads the record.
const waitForStandby = "SELECT pg_logical_emit_message(true, 'rollcall', '')"

// askStandby asks whether commits wait for a standby.
const askStandby = "SHOW synchronous_standby_names"

// standbyKnown is how long an answer to askStandby counts. The server may be told of a standby, or
// that there is none, at any time.
const standbyKnown = time.Minute

// standbys remembers whether commits wait for a standby. A request asks only when it would have to
// wait and nothing was asked for a while.
type standbys struct {
	mu    sync.Mutex
	set   bool
	until time.Time // when it must be asked again
}

// known returns what is known, if that still counts.
func (s *standbys) known() (set, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.set, time.Now().Before(s.until)
}

// learn notes an answer of the server.
func (s *standbys) learn(set bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.set, s.until = set, time.Now().Add(standbyKnown)
}

// forget makes the next request ask: a new connection may be to another server.
func (s *standbys) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.until = time.Time{}
}

// notice reads what the server says beside its answers. While a connection commits, it warns with
// this code of one thing only: somebody has ended the wait for the standby.
func (g *cancelGuard) notice(n *pgconn.Notice) {
	if g.on.Load() && n.Code == warning && n.SeverityUnlocalized == "WARNING" {
		g.unreplicated.Store(true)
	}
}

// warning is the code of a warning without a code of its own.
const warning = "01000"

// waits tells whether commits of the connection wait for a standby.
func (c *conn) waits(ctx context.Context) (bool, error) {
	if c.pool.standbys == nil {
		return false, nil
	}
	if set, known := c.pool.standbys.known(); known {
		return set, nil
	}
	rows, err := c.Conn.(driver.QueryerContext).QueryContext(ctx, askStandby, nil)
	if err != nil {
		return false, err
	}
	read := new(readRows)
	if err := read.all(rows); err != nil {
		return false, err
	}
	names := make([]driver.Value, 1)
	if err := read.Next(names); err != nil {
		return false, err
	}
	set := names[0] != ""
	c.pool.standbys.learn(set)
	return set, nil
}

// tellStandby makes the next commit of the connection wait for all that was visible before, if
// commits wait at all.
func (c *conn) tellStandby(ctx context.Context) error {
	waits, err := c.waits(ctx)
	if err != nil || !waits {
		return err
	}
	if c.pool.statement != nil {
		c.pool.statement(waitForStandby)
	}
	_, err = c.Conn.(driver.ExecerContext).ExecContext(ctx, waitForStandby, nil)
	if Code(err) == internalError { // a standby cannot write the record, and may be behind
		c.standby = true
		return &model.Error{Kind: model.Unavailable, Err: err,
			Message: "the database cannot be used now; try again soon"}
	}
	return err
}

// Lasts waits until a failover undoes nothing of what the request of ctx has read. Its error says
// that this is not known yet: the request must not be told that nothing had to change. On SQLite,
// and on a server without a synchronous standby, there is nothing to wait for.
func (p *Pool) Lasts(ctx context.Context) error {
	if p.shared.standbys == nil || !lasting.Of(ctx).Open() {
		return nil
	}
	if set, known := p.shared.standbys.known(); known && !set {
		return nil
	}
	_, err := p.Writer.ExecContext(ctx, waitForStandby)
	return err
}
