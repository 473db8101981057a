package pool

import (
	"context"
	"database/sql"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"rollcall/model"
	"rollcall/model/urgent"
)

const (
	// reservedPlaces are the places that only urgent requests take, see package urgent: many writes
	// at once must not keep people from signing in.
	reservedPlaces = 4
	// placeTime is how long a caller waits for a place.
	placeTime = 3 * time.Second
	// turnTime is how long a caller waits for the one connection of SQLite that writes, which is as
	// long as PostgreSQL waits for a lock.
	turnTime = 10 * time.Second
)

// errNoPlace refuses a caller who waited too long for a place.
var errNoPlace = &model.Error{Kind: model.Unavailable,
	Message: "the database has more to do than it can do now; try again soon"}

// Limited is a pool of connections in which each use takes a place. A place is taken until the
// connection is free again. A connection that was left to a commit keeps its place until the commit
// is done, so that a process never has more connections than places.
type Limited struct {
	*sql.DB
	common   *semaphore.Weighted
	reserved *semaphore.Weighted // nil without places for urgent requests only
	patience time.Duration       // for a place
}

// limited limits a pool to a number of places, some of which are reserved.
func limited(pool *sql.DB, places, reserved int64, patience time.Duration) *Limited {
	pool.SetMaxOpenConns(int(places))
	pool.SetMaxIdleConns(int(places))
	p := &Limited{DB: pool, common: semaphore.NewWeighted(places - reserved), patience: patience}
	if reserved > 0 {
		p.reserved = semaphore.NewWeighted(reserved)
	}
	return p
}

// place is one place. It is free when neither the caller nor a connection holds it.
type place struct {
	of      *semaphore.Weighted
	holders atomic.Int32
}

// placed is the context of a use of the pool, with the place that its connection holds as well.
type placed struct {
	context.Context
	place   *place
	running atomic.Bool // the driver has the statement, and watches the context itself
}

// placeKey is the key by which a context gives its placed.
type placeKey struct{}

// Value returns the value of a key.
func (p *placed) Value(key any) any {
	if key == (placeKey{}) {
		return p
	}
	return p.Context.Value(key)
}

// Done returns the channel of the context, and nil while the driver has the statement: package sql
// would have a goroutine for each statement that waits for the end of the context, as the driver
// does anyway.
func (p *placed) Done() <-chan struct{} {
	if p.running.Load() {
		return nil
	}
	return p.Context.Done()
}

// drop ends the hold of one holder. A nil place is that of a connection that is not limited.
func (p *place) drop() {
	if p != nil && p.holders.Add(-1) == 0 {
		p.of.Release(1)
	}
}

// take waits for a place. The context is for the connection, which holds the place as well.
func (p *Limited) take(ctx context.Context) (context.Context, *place, error) {
	of := p.common
	if !of.TryAcquire(1) {
		if p.reserved != nil && urgent.Is(ctx) {
			of = p.reserved
		}
		wait, cancel := context.WithTimeout(ctx, p.patience)
		defer cancel()
		if of.Acquire(wait, 1) != nil {
			if err := ctx.Err(); err != nil {
				return nil, nil, err
			}
			return nil, nil, errNoPlace
		}
	}
	taken := &place{of: of}
	taken.holders.Store(1)
	return &placed{Context: ctx, place: taken}, taken, nil
}

// GetDBConn returns the pool without its limit.
func (p *Limited) GetDBConn() (*sql.DB, error) { return p.DB, nil }

// ExecContext runs a statement.
func (p *Limited) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	ctx, taken, err := p.take(ctx)
	if err != nil {
		return nil, err
	}
	defer taken.drop()
	return p.DB.ExecContext(ctx, query, args...)
}

// QueryContext runs a statement that returns rows.
func (p *Limited) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	ctx, taken, err := p.take(ctx)
	if err != nil {
		return nil, err
	}
	defer taken.drop()
	return p.DB.QueryContext(ctx, query, args...)
}

// QueryRowContext runs a statement that returns one row.
func (p *Limited) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	held, taken, err := p.take(ctx)
	if err != nil {
		ended, end := context.WithCancel(ctx)
		end() // a row's error cannot be set otherwise
		return p.DB.QueryRowContext(ended, query, args...)
	}
	defer taken.drop()
	return p.DB.QueryRowContext(held, query, args...)
}

// BeginTx begins a transaction.
func (p *Limited) BeginTx(ctx context.Context, o *sql.TxOptions) (*sql.Tx, error) {
	ctx, taken, err := p.take(ctx)
	if err != nil {
		return nil, err
	}
	defer taken.drop()
	return p.DB.BeginTx(ctx, o)
}

// hold makes a connection hold the place of ctx, until leave.
func (c *conn) hold(ctx context.Context) {
	if p, ok := ctx.Value(placeKey{}).(*placed); ok && c.place == nil {
		p.place.holders.Add(1)
		c.place = p.place
	}
}

// leave ends the connection's hold of its place.
func (c *conn) leave() {
	c.place.drop()
	c.place = nil
}
