package tenant

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"sync"
	"time"

	sqlitedriver "github.com/glebarez/go-sqlite"
	"gorm.io/gorm/clause"
)

// searchPatience is how long a search may take.
const searchPatience = 5 * time.Second

// Patient returns a context that ends a search after searchPatience. On PostgreSQL the driver
// cancels the statement when the context ends. The driver of SQLite does not check the context
// while it looks for the first row. On SQLite the returned condition checks it for each row.
func Patient(ctx context.Context, h Base, column string) (search context.Context, goOn clause.Expr, done func()) {
	s := h.base()
	search, cancel := context.WithTimeout(ctx, s.patience)
	if s.dialect != SqliteDialect {
		return search, clause.Expr{}, cancel
	}
	id := searches.begin(search)
	return search, clause.Expr{SQL: searching + "(?, " + column + ")", Vars: []any{id}}, func() {
		searches.end(id)
		cancel()
	}
}

// searching is the SQL function that the condition calls. It takes a column, because SQLite would
// call it once for all rows otherwise.
const searching = "rollcall_searching"

// searchList has the searches that run on SQLite in this process, because SQLite's functions belong
// to the driver and not to a store.
type searchList struct {
	mu      sync.Mutex
	last    int64
	running map[int64]context.Context
}

var searches = searchList{running: map[int64]context.Context{}}

func (l *searchList) begin(ctx context.Context) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last++
	l.running[l.last] = ctx
	return l.last
}

func (l *searchList) end(id int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.running, id)
}

// check returns an error when the search is over.
func (l *searchList) check(_ *sqlitedriver.FunctionContext, args []driver.Value) (driver.Value, error) {
	id, _ := args[0].(int64)
	l.mu.Lock()
	ctx := l.running[id]
	l.mu.Unlock()
	if ctx == nil {
		return nil, context.Canceled
	}
	return true, ctx.Err()
}

// sqliteDriver returns the driver of SQLite with the function searching.
var sqliteDriver = sync.OnceValues(func() (driver.Driver, error) {
	if err := sqlitedriver.RegisterScalarFunction(searching, 2, searches.check); err != nil {
		return nil, err
	}
	pool, err := sql.Open("sqlite", "") // opens nothing yet
	if err != nil {
		return nil, err
	}
	return pool.Driver(), pool.Close()
})
