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
	"reflect"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
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
	db       *gorm.DB // the writer; on SQLite a single connection
	read     *gorm.DB // outside transactions; the same as db on PostgreSQL
	pools    []*sql.DB
	dialect  dialect
	now      func() time.Time
	log      *slog.Logger
	restore  int64 // the restore number of this database's events
	hashKey  []byte
	patience time.Duration // with one filter
	seal     sealer
	// passwordMemory is Options.PasswordMemory.
	passwordMemory uint32
	ruled          ruledOrganizations
	states         sync.Map // by type, see state

	hooks
}

// hooks are what the packages above have a store do.
type hooks struct {
	// beforeCommit ends each transaction of an Org: it may write, and an error of it undoes everything.
	beforeCommit func(ctx context.Context, org *Org) error
	// completions are what some migrations need besides their SQL, by version.
	completions map[string]func(*gorm.DB) error
}

// newStore makes a store of the database named by url (sqlite:PATH or postgres://…), which it does not
// connect to yet, and which prepare must make ready.
func newStore(url string, o Options, h hooks) (*Store, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	s := &Store{now: o.Now, log: o.Log, patience: searchPatience, hooks: h, passwordMemory: o.PasswordMemory}
	var err error
	if s.seal, err = newSealer(o.Keys); err != nil {
		return nil, err
	}
	return s, s.connect(url, o.Statement)
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
	return err
}

// state returns the store's one value of a type, made when it is first asked for: what a package
// keeps in memory for each store, such as a cache.
func state[T any](s *Store, create func() *T) *T {
	key := reflect.TypeFor[T]()
	if v, ok := s.states.Load(key); ok {
		return v.(*T)
	}
	v, _ := s.states.LoadOrStore(key, create())
	return v.(*T)
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
		db:   forOrganization(s.db, id),
		read: forOrganization(s.read, id),
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

// transaction is what is collected while a transaction runs.
type transaction struct {
	at     Time
	events []Event
	size   int      // of the data of events, in bytes
	after  []func() // run once it is committed
	failed error    // of a Tx that joined; nothing may be committed after it

	eventsOnly bool // see collecting

	affected                map[string]Cause // the users who are recomputed at the end
	unruled                 bool             // users were affected while no rules were known
	everybody, reconfigured bool             // the worker recomputes all users, the latter by other rules
}

// collecting is the Org with a new transaction, which collects what the Org is told. Every transaction
// is made here. Of one with eventsOnly nothing is done at its end but to write its events.
func (o *Org) collecting(eventsOnly bool) *Org {
	tx := &transaction{at: o.now(), eventsOnly: eventsOnly}
	return &Org{ID: o.ID, by: o.by, store: o.store, db: o.db, read: o.read, tx: tx}
}

// recorder returns an Org that collects events without a transaction; the caller writes them itself,
// after it has asked dropped.
func (o *Org) recorder() *Org { return o.collecting(true) }

// inOrganization does something in another organization within the running transaction: what one
// organization proves may end what another one had, and neither half may happen alone.
func (o *Org) inOrganization(ctx context.Context, other OrganizationID, fn func(theirs *Org) error) error {
	theirs := o.collecting(true)
	theirs.ID, theirs.db = other, forOrganization(o.db, other)
	theirs.read = theirs.db
	if err := fn(theirs); err != nil {
		return err
	}
	if theirs.tx.failed != nil {
		return theirs.tx.failed
	}
	if err := theirs.dropped(); err != nil {
		return err
	}
	return theirs.writeEvents(ctx)
}

// dropped refuses a transaction that ends with its events, and was told of more: a function to run
// once it is committed, users to recompute, or other rules.
func (o *Org) dropped() error {
	t := o.tx
	users := len(t.affected) > 0 || t.everybody || t.unruled && o.hasRules()
	if t.eventsOnly && (len(t.after) > 0 || users || t.reconfigured) {
		return errDropped
	}
	return nil
}

// errDropped is a fault of the program.
var errDropped = errors.New("model: a transaction that only writes its events was told of more")

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
	org := o.collecting(false)
	err := o.db.WithContext(ctx).Transaction(func(db *gorm.DB) error {
		org.db = db.Session(&gorm.Session{})
		org.read = org.db
		if err := fn(org); err != nil {
			return err
		}
		if org.tx.failed != nil {
			return org.tx.failed
		}
		if err := o.store.beforeCommit(ctx, org); err != nil {
			return err
		}
		return org.writeEvents(ctx)
	})
	if err != nil {
		return o.store.translate(err)
	}
	for _, fn := range org.tx.after {
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
// so that a stream of SCIM requests costs no look-up each. An entry has the time of its look-up,
// as the store's clock decides when it is too old. The library's expirable cache goes by the
// machine's clock, and each one runs a goroutine that nothing can stop.
type tokenCache struct {
	mu      sync.Mutex
	entries *simplelru.LRU[[32]byte, tokenEntry]
	// generation grows with each invalidation: a look-up that began before it
	// must not bring back what it has just been made to forget.
	generation uint64
}

type tokenEntry struct {
	access  Access
	expires *Time
	read    time.Time
}
