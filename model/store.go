// Package model holds organizations, their users, groups, connections and
// licenses, and the one database they live in.
//
// A Store is the whole; an Org is the store as one organization sees it, and
// the only way to an organization's rows. What can be asked before the
// organization is known stands in across.go. Every write happens in one
// transaction, and the events that tell of it are rows of the same transaction.
package model

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// Options are what a Store is opened with.
type Options struct {
	// Keys seal the installation's secrets at rest: 32 bytes each, the first one seals, all of them open.
	Keys [][]byte
	// Now is the clock of every decision; time.Now when nil.
	Now func() time.Time
	// Log receives what no caller can be told; slog.Default() when nil.
	Log *slog.Logger
	// NoMigrate leaves the schema as it is; Open then fails with Kind Unavailable while migrations are pending.
	NoMigrate bool
	// PasswordMemory is what hashing one password takes, in KiB; 19 MiB when zero. Only tests want less.
	PasswordMemory uint32
	// Statement is told of each statement that reaches the driver, except BEGIN, COMMIT
	// and ROLLBACK. It must be safe for concurrent use; nil means that nobody counts.
	Statement func(query string)
}

// Store is the database and its rules.
type Store struct {
	db        *gorm.DB // the writer; on SQLite a single connection
	read      *gorm.DB // outside transactions; the same as db on PostgreSQL
	pools     []*sql.DB
	dialect   dialect
	now       func() time.Time
	log       *slog.Logger
	restore   int64 // the restore number of this database's events
	hashKey   []byte
	patience  time.Duration // with one filter
	seal      sealer
	tokens    tokenCache
	rules     ruleCache
	passwords passwords
}

// Open connects to the database named by url (sqlite:PATH or postgres://…),
// applies the pending migrations and makes sure that o.Keys open the secrets in
// it. It fails with Kind Unavailable when the database cannot be reached now.
func Open(ctx context.Context, url string, o Options) (*Store, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	s := &Store{now: o.Now, log: o.Log, patience: searchPatience}
	s.tokens.init()
	s.passwords = newPasswords(o.PasswordMemory)
	var err error
	if s.seal, err = newSealer(o.Keys); err != nil {
		return nil, err
	}
	if err := s.connect(url, o.Statement); err != nil {
		return nil, err
	}
	if err := s.prepare(ctx, o.NoMigrate); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Store) connect(url string, statement func(string)) error {
	d, pools, err := openPools(url, statement)
	if err != nil {
		return err
	}
	s.dialect, s.pools = d, pools
	config := func() *gorm.Config {
		return &gorm.Config{
			TranslateError:           true,
			SkipDefaultTransaction:   true,
			DisableNestedTransaction: true,
			DisableAutomaticPing:     true,
			Logger:                   logger.Discard,
			NowFunc:                  s.now,
		}
	}
	open := func(pool *sql.DB) (*gorm.DB, error) {
		db, err := gorm.Open(d.dialector(pool), config())
		if err != nil {
			return nil, s.translate(fmt.Errorf("open database: %w", err))
		}
		return db, guard(db)
	}
	if s.db, err = open(pools[0]); err != nil {
		return err
	}
	s.read = s.db
	if len(pools) > 1 {
		s.read, err = open(pools[1])
	}
	return err
}

func (s *Store) prepare(ctx context.Context, noMigrate bool) error {
	if !noMigrate {
		if err := s.migrate(ctx); err != nil {
			return s.translate(fmt.Errorf("migrate: %w", err))
		}
	} else if err := s.Ready(ctx); err != nil {
		return err
	}
	if err := s.numberRestore(ctx); err != nil {
		return s.translate(fmt.Errorf("number restore: %w", err))
	}
	key, err := s.installationKey(ctx, "tombstones")
	s.hashKey = key
	if err == nil {
		err = s.learnRules(ctx)
	}
	return err
}

// Close ends all connections.
func (s *Store) Close() error {
	var errs []error
	for _, p := range s.pools {
		errs = append(errs, p.Close())
	}
	return errors.Join(errs...)
}

// Now is the store's clock, for decisions that must agree with its own.
func (s *Store) Now() time.Time { return s.now() }

// Ready returns nil when the schema is current and the database answers.
func (s *Store) Ready(ctx context.Context) error {
	pending, err := s.PendingMigrations(ctx)
	if err != nil {
		return err
	}
	if len(pending) > 0 {
		return &Error{Kind: Unavailable, Message: "migrations are pending: run rollcall migrate"}
	}
	return nil
}

// Org returns the store as one organization sees it, for someone who acts. It
// does not look whether the organization exists: all its reads are then empty.
func (s *Store) Org(id OrganizationID, by Actor) *Org {
	return &Org{
		ID: id, by: by, store: s,
		db:   s.db.Set(tenantKey, id).Session(&gorm.Session{}),
		read: s.read.Set(tenantKey, id).Session(&gorm.Session{}),
	}
}

// Org is the store as one organization sees it, and everything that can be done
// in it. Each method is atomic by itself; Tx groups several.
type Org struct {
	ID    OrganizationID
	by    Actor
	store *Store
	db    *gorm.DB
	read  *gorm.DB
	tx    *transaction // nil outside Tx
}

// transaction is what gathers while a Tx runs.
type transaction struct {
	at     Time
	events []Event
	size   int      // of the data of events, in bytes
	after  []func() // run once it is committed
	failed error    // of a Tx that joined; nothing may be committed after it

	affected                map[string]Cause // the users who are recomputed at the end
	unruled                 bool             // users were affected while no rules were known
	everybody, reconfigured bool             // the worker recomputes all users, the latter by other rules
}

// Tx runs fn in one transaction with the events that it records; inside, use
// the Org that fn is given. A Tx within a Tx joins it. An error that fn returns
// undoes everything, and so does one of a joined Tx, or of a method that failed,
// even when fn goes on after it: a half of a method is never committed. Nothing
// is seen by others before it ends well.
func (o *Org) Tx(ctx context.Context, fn func(org *Org) error) error {
	if o.tx != nil {
		err := fn(o)
		if err != nil && o.tx.failed == nil {
			o.tx.failed = err
		}
		return err
	}
	t := &transaction{at: TimeOf(o.store.now())}
	err := o.db.WithContext(ctx).Transaction(func(db *gorm.DB) error {
		db = db.Session(&gorm.Session{})
		org := &Org{ID: o.ID, by: o.by, store: o.store, db: db, read: db, tx: t}
		if err := fn(org); err != nil {
			return err
		}
		if t.failed != nil {
			return t.failed
		}
		if err := org.settleEntitlements(ctx); err != nil {
			return err
		}
		return org.writeEvents(ctx)
	})
	if err != nil {
		return o.store.translate(err)
	}
	for _, fn := range t.after {
		fn()
	}
	return nil
}

// now is one moment for all of a transaction.
func (o *Org) now() Time {
	if o.tx != nil {
		return o.tx.at
	}
	return TimeOf(o.store.now())
}

// committed runs fn once the transaction has ended well.
func (o *Org) committed(fn func()) { o.tx.after = append(o.tx.after, fn) }

// tokenCache remembers directories by the hash of a bearer token for a second,
// so that a stream of SCIM requests costs no look-up each.
type tokenCache struct {
	mu      sync.Mutex
	entries map[[32]byte]tokenEntry
	// generation grows with each invalidation: a look-up that began before it
	// must not bring back what it has just been made to forget.
	generation uint64
}

type tokenEntry struct {
	access  Access
	expires *Time
	read    time.Time
}
