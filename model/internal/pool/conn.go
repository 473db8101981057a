package pool

import (
	"context"
	"database/sql/driver"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"rollcall/model"
	"rollcall/model/lasting"
)

// A commit is never cancelled. When the context of a statement ends, the driver of PostgreSQL asks
// the server to cancel it. A commit that waits for its synchronous standby takes that as: wait no
// longer. The change is then visible, and a failover undoes it after a retry was told that nothing
// had to change. So COMMIT, and each statement that writes outside a transaction, run to their end.
// A caller whose context ends meanwhile gets its error and leaves the connection to them.

// connector makes a conn of each connection.
type connector struct {
	driver.Connector
	pool *connections
}

// connections is what the connections of a pool have in common.
type connections struct {
	statement func(query string) // called with each query that is executed; may be nil
	standbys  *standbys          // nil on SQLite, like hosts
	hosts     *hosts
	open      openCommits
}

// Connect opens a connection.
func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	guard := new(cancelGuard)
	inner, err := c.Connector.Connect(context.WithValue(ctx, cancelGuardKey{}, guard))
	if err != nil {
		return nil, err
	}
	opened := &conn{Conn: inner, pool: c.pool, guard: guard}
	if c.pool.hosts != nil {
		c.pool.standbys.forget()
		guard.connected.Store(true)
		opened.host = c.pool.hosts.at(guard.address)
		opened.until = time.Now().Add(lifetime())
		c.pool.hosts.connected(opened.host, opened)
	}
	return opened, nil
}

// cancelGuard is true while a connection does what must not be cancelled. It stays so when the
// connection breaks meanwhile, because the driver asks for a cancellation then as well.
type cancelGuard struct {
	on atomic.Bool

	socket    net.Conn // of PostgreSQL
	address   string   // that was dialed
	connected atomic.Bool
	// unreplicated is true when somebody else has ended the wait for a standby.
	unreplicated atomic.Bool
}

type cancelGuardKey struct{}

// conn is one connection.
type conn struct {
	driver.Conn
	pool    *connections
	guard   *cancelGuard
	inTx    bool
	wrote   bool          // in the transaction
	left    chan struct{} // closed when the work ends that a caller has left; nil without such work
	place   *place        // nil while the connection is free
	standby bool          // the server takes no writes any more
	host    *host         // nil on SQLite
	until   time.Time     // when it has lived for long enough; zero on SQLite
	dead    atomic.Bool   // its server was silent, see host
}

// abandonedFor is how long a connection is kept that a caller has left. Its socket is closed then,
// which cancels nothing.
const abandonedFor = time.Minute

// finish runs work to its end. When ctx ends before, it returns the error of ctx, and the
// connection is of no use any more. If the work then succeeds, late runs, which may be nil.
func (c *conn) finish(ctx context.Context, late func(), work func(context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c.guard.on.Store(true)
	c.guard.unreplicated.Store(false)
	c.pool.open.begin()
	end := func() error {
		defer c.pool.open.end()
		err := work(context.WithoutCancel(ctx))
		if err == nil || Code(err) != "" {
			c.guard.on.Store(false)
		}
		if err == nil && c.guard.unreplicated.Load() {
			return errUnreplicated
		}
		return err
	}
	if ctx.Done() == nil {
		return end()
	}
	done := make(chan error, 1)
	left := make(chan struct{})
	go func() {
		err := end()
		done <- err
		select {
		case <-ctx.Done():
			if late != nil && (err == nil || errors.Is(err, errUnreplicated)) {
				late()
			}
		default:
		}
		close(left)
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		select {
		case err := <-done:
			return err
		default:
		}
		c.left = left
		return ctx.Err()
	}
}

// ExecContext runs a statement.
func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (r driver.Result, err error) {
	c.hold(ctx)
	defer func() { c.look(ctx, err) }()
	answer := lasting.Of(ctx)
	mark := answer.Mark()
	if query == waitForStandby {
		if err := c.finish(ctx, nil, c.tellStandby); err != nil {
			return nil, err
		}
		answer.Replicated(mark)
		return driver.RowsAffected(0), nil
	}
	if c.pool.statement != nil {
		c.pool.statement(query)
	}
	run := c.Conn.(driver.ExecerContext).ExecContext
	if c.inTx || !writes(query) {
		r, err = run(ctx, query, args)
		answer.Read()
		c.wrote = c.wrote || err == nil && writes(query) && affected(r)
		return r, err
	}
	err = c.finish(ctx, nil, func(ctx context.Context) (err error) {
		r, err = run(ctx, query, args)
		return err
	})
	if err != nil {
		answer.Read()
		return nil, err
	}
	if affected(r) {
		answer.Replicated(mark)
	} else {
		answer.Read()
	}
	return r, nil
}

// affected tells whether a statement has changed a row.
func affected(r driver.Result) bool {
	n, err := r.RowsAffected()
	return err == nil && n > 0
}

// QueryContext runs a statement that returns rows. Those of a write are read at once, because it is
// committed only when they have been.
func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (r driver.Rows, err error) {
	c.hold(ctx)
	defer func() { c.look(ctx, err) }()
	if c.pool.statement != nil {
		c.pool.statement(query)
	}
	defer lasting.Of(ctx).Read()
	run := c.Conn.(driver.QueryerContext).QueryContext
	if p, ok := ctx.(*placed); ok {
		ctx = p.Context
		p.running.Store(true)
		defer func() { p.running.Store(err == nil) }() // otherwise the statement may be tried again
	}
	if c.inTx || !writes(query) {
		return run(ctx, query, args)
	}
	read := new(readRows)
	err = c.finish(ctx, nil, func(ctx context.Context) error {
		rows, err := run(ctx, query, args)
		if err != nil {
			return err
		}
		return read.all(rows)
	})
	if err != nil {
		return nil, err
	}
	return read, nil
}

// writes tells whether a statement may write.
func writes(query string) bool {
	query = strings.TrimSpace(query)
	word, rest, _ := strings.Cut(query, " ")
	switch strings.ToUpper(word) {
	case "SELECT", "PRAGMA", "EXPLAIN", "SHOW", "SET":
		return false
	case "WITH":
		for _, w := range []string{"INSERT ", "UPDATE ", "DELETE "} {
			if strings.Contains(rest, w) {
				return true
			}
		}
		return false
	}
	return true
}

// beginning is the context of BEGIN until begun is set. It never ends afterwards: the driver uses
// it for COMMIT and ROLLBACK too.
type beginning struct {
	context.Context
	begun atomic.Bool
}

// Done returns the channel of the context, and nil once the transaction has begun.
func (b *beginning) Done() <-chan struct{} {
	if b.begun.Load() {
		return nil
	}
	return b.Context.Done()
}

// Err returns the error of the context, and nil once the transaction has begun.
func (b *beginning) Err() error {
	if b.begun.Load() {
		return nil
	}
	return b.Context.Err()
}

// BeginTx begins a transaction.
func (c *conn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	c.hold(ctx)
	c.wrote = false
	begin := &beginning{Context: ctx}
	tx, err := c.Conn.(driver.ConnBeginTx).BeginTx(begin, o)
	begin.begun.Store(true)
	c.look(ctx, err)
	if err != nil {
		return nil, err
	}
	c.inTx = true
	return &connTx{ctx, c, tx}, nil
}

// connTx is a transaction.
type connTx struct {
	ctx   context.Context
	conn  *conn
	inner driver.Tx
}

type committedKey struct{}

// WhenCommitted returns the context of a transaction that changes something, or finds that nothing
// has to change. Where its caller cannot be told that it is committed, fn runs once it is.
func WhenCommitted(ctx context.Context, fn func()) context.Context {
	return context.WithValue(ctx, committedKey{}, fn)
}

// errUnreplicated is the error of a commit whose wait for the standby somebody has ended. Who tries
// again is told what is there, as soon as the standby has it.
var errUnreplicated = &model.Error{Kind: model.Unavailable,
	Message: "the change is made, but no standby has it yet; try again"}

// Commit commits.
func (t *connTx) Commit() error {
	t.conn.inTx = false
	late, _ := t.ctx.Value(committedKey{}).(func())
	answer := lasting.Of(t.ctx)
	mark := answer.Mark()
	err := t.conn.finish(t.ctx, late, func(ctx context.Context) error {
		if late != nil && !t.conn.wrote && answer.Open() {
			if err := t.conn.tellStandby(ctx); err != nil {
				return errors.Join(err, t.inner.Rollback())
			}
		}
		return t.inner.Commit()
	})
	t.conn.look(t.ctx, err)
	switch {
	case err == nil && (late != nil || t.conn.wrote):
		answer.Replicated(mark)
	case late != nil && errors.Is(err, errUnreplicated):
		late()
	}
	return err
}

// rollbackTime is how long ROLLBACK may take before the connection is given up.
const rollbackTime = 5 * time.Second

// Rollback undoes everything.
func (t *connTx) Rollback() error {
	t.conn.inTx = false
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.ctx), rollbackTime)
	defer cancel()
	return t.conn.finish(ctx, nil, func(context.Context) error { return t.inner.Rollback() })
}

// Close closes the connection, when the work has ended that a caller has left to it. Until then it
// keeps its place.
func (c *conn) Close() error {
	if c.host != nil {
		c.host.closed(c)
	}
	if c.left == nil {
		defer c.leave()
		return c.Conn.Close()
	}
	go func() {
		defer c.leave()
		select {
		case <-c.left:
		case <-time.After(abandonedFor):
			if c.guard.socket != nil {
				_ = c.guard.socket.Close()
			}
			<-c.left
		}
		_ = c.Conn.Close()
	}()
	return nil
}

// PrepareContext prepares a statement.
func (c *conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	return c.Conn.(driver.ConnPrepareContext).PrepareContext(ctx, query)
}

// Ping asks for an answer.
func (c *conn) Ping(ctx context.Context) error { return c.Conn.(driver.Pinger).Ping(ctx) }

// CheckNamedValue converts a parameter.
func (c *conn) CheckNamedValue(v *driver.NamedValue) error {
	if inner, ok := c.Conn.(driver.NamedValueChecker); ok {
		return inner.CheckNamedValue(v)
	}
	return driver.ErrSkip
}

// ResetSession prepares the connection for another use.
func (c *conn) ResetSession(ctx context.Context) error {
	if c.left != nil || c.dead.Load() {
		return driver.ErrBadConn
	}
	if inner, ok := c.Conn.(driver.SessionResetter); ok {
		err := inner.ResetSession(ctx) // after a while it waits for an answer
		if err != nil {
			c.look(ctx, err)
		}
		return err
	}
	return nil
}

// IsValid tells whether the connection is of any use. The pool asks when a use of it ends.
func (c *conn) IsValid() bool {
	if c.left != nil {
		return false
	}
	c.leave()
	if c.standby || c.dead.Load() || !c.until.IsZero() && time.Now().After(c.until) {
		return false
	}
	if inner, ok := c.Conn.(driver.Validator); ok {
		return inner.IsValid()
	}
	return true
}
