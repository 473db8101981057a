package tenant

import (
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"sync"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"rollcall/model"
	"rollcall/model/internal/guard"
	"rollcall/model/internal/pool"
)

// Options are what a Store is opened with.
type Options struct {
	// Keys seal the installation's secrets at rest. Each has 32 bytes. The first seals, and all
	// open.
	Keys [][]byte
	// Now is the clock of every decision; time.Now when nil.
	Now func() time.Time
	// Log receives what no caller can be told; slog.Default() when nil.
	Log *slog.Logger
	// NoMigrate leaves the schema as it is. Then Open fails with Kind Unavailable while migrations
	// are pending.
	NoMigrate bool
	// PasswordMemory is the memory for hashing one password, in KiB; 19 MiB when zero. Tests take
	// less.
	PasswordMemory uint32
	// Statement is called with each statement that reaches the driver, except BEGIN, COMMIT,
	// ROLLBACK and the question whether commits wait for a standby. It must be safe for concurrent
	// use. It may be nil.
	Statement func(query string)
}

// Store is the one database with the rows of all organizations.
type Store struct {
	db             *gorm.DB // the writer; on SQLite a single connection
	read           *gorm.DB // outside transactions; the same as db on PostgreSQL
	pool           *pool.Pool
	dialect        Dialect
	now            func() time.Time
	log            *slog.Logger
	restore        int64 // the restore number of this database's events
	hashKey        []byte
	patience       time.Duration // for one filter
	seal           sealer
	passwordMemory uint32 // see Options
	ruled          ruledOrganizations
	states         sync.Map // by type, see State

	Hooks
}

// Hooks are what the packages above give a store to call.
type Hooks struct {
	// BeforeCommit runs at the end of each Tx of an Org. It may write, and its error undoes
	// everything.
	BeforeCommit func(ctx context.Context, org *Org) error
	// Completions are what some migrations need besides their SQL, by version.
	Completions map[string]func(*gorm.DB) error
}

// NewStore makes a store for the database at url (sqlite:PATH or postgres://…). It does not connect
// yet, and Prepare must follow.
func NewStore(url string, o Options, h Hooks) (*Store, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	s := &Store{now: o.Now, log: o.Log, patience: searchPatience, Hooks: h, passwordMemory: o.PasswordMemory}
	var err error
	if s.seal, err = newSealer(o.Keys); err != nil {
		return nil, err
	}
	return s, s.connect(url, o.Statement)
}

// connect opens the pools of the database at url.
func (s *Store) connect(url string, statement func(string)) (err error) {
	if s.pool, err = pool.Open(url, pool.Options{Statement: statement, SQLite: sqliteDriver}); err != nil {
		return err
	}
	if s.pool.Postgres {
		s.dialect = PostgresDialect
	}
	config := func() *gorm.Config {
		return &gorm.Config{
			TranslateError:           true,
			SkipDefaultTransaction:   true,
			DisableNestedTransaction: true,
			DisableAutomaticPing:     true,
			QueryFields:              true, // see Returning
			Logger:                   logger.Discard,
			NowFunc:                  s.now,
		}
	}
	open := func(of *pool.Limited) (*gorm.DB, error) {
		db, err := gorm.Open(s.dialect.dialector(of), config())
		if err != nil {
			return nil, Translate(s, fmt.Errorf("open database: %w", err))
		}
		return db, guard.Guard(db)
	}
	if s.db, err = open(s.pool.Writer); err != nil {
		return err
	}
	s.read = s.db
	if s.pool.Reader != s.pool.Writer {
		s.read, err = open(s.pool.Reader)
	}
	return err
}

// Prepare connects to the database, migrates it unless noMigrate is set, and reads what a store
// needs to know of it. It fails when the store's keys do not open the secrets in it. Its error is
// not Unavailable when the database refuses the URL, because waiting does not help then.
func Prepare(ctx context.Context, h Base, noMigrate bool) error {
	return refusal(prepare(ctx, h, noMigrate))
}

func prepare(ctx context.Context, h Base, noMigrate bool) error {
	s := h.base()
	if !noMigrate {
		if err := s.migrate(ctx); err != nil {
			return Translate(s, fmt.Errorf("migrate: %w", err))
		}
	} else if err := s.Ready(ctx); err != nil {
		return err
	}
	if err := s.numberRestore(ctx); err != nil {
		return Translate(s, fmt.Errorf("number restore: %w", err))
	}
	key, err := s.installationKey(ctx, "tombstones")
	s.hashKey = key
	return err
}

// Ready returns nil when the schema is current and the database answers.
func (s *Store) Ready(ctx context.Context) error {
	pending, err := s.pendingMigrations(ctx)
	if err != nil {
		return err
	}
	if len(pending) > 0 {
		return &model.Error{Kind: model.Unavailable, Message: "migrations are pending: run rollcall migrate"}
	}
	return nil
}

// Lasts waits until a failover undoes nothing of what the request of ctx has read, see package
// lasting. While it fails, the request must not be told that nothing had to change.
func (s *Store) Lasts(ctx context.Context) error { return Translate(s, s.pool.Lasts(ctx)) }

// ShrinkLog empties the log of SQLite when it is long and nobody reads it.
func (s *Store) ShrinkLog(ctx context.Context) error { return Translate(s, s.pool.ShrinkLog(ctx)) }

// Close waits for the commits on their way, for a while, and ends all connections.
func (s *Store) Close() error { return s.pool.Close() }

// Now returns the time of the store's clock.
func (s *Store) Now() time.Time { return s.now() }

// State returns what a package keeps in memory for a store, such as a cache: one value of each
// type. It is created when it is first asked for.
func State[T any](h Base, create func() *T) *T {
	s, key := h.base(), reflect.TypeFor[T]()
	if v, ok := s.states.Load(key); ok {
		return v.(*T)
	}
	v, _ := s.states.LoadOrStore(key, create())
	return v.(*T)
}
