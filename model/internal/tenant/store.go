package tenant

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"sync"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"rollcall/model"
	"rollcall/model/internal/guard"
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
	dialect  Dialect
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

	Hooks
}

// Hooks are what the packages above have a store do.
type Hooks struct {
	// BeforeCommit ends each transaction of an Org: it may write, and an error of it undoes everything.
	BeforeCommit func(ctx context.Context, org *Org) error
	// completions are what some migrations need besides their SQL, by version.
	Completions map[string]func(*gorm.DB) error
}

// NewStore makes a store of the database named by url (sqlite:PATH or postgres://…), which it does not
// connect to yet, and which prepare must make ready.
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
			return nil, Translate(s, fmt.Errorf("open database: %w", err))
		}
		return db, guard.Guard(db)
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

func Prepare(ctx context.Context, h Base, noMigrate bool) error {
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

// State returns the store's one value of a type, made when it is first asked for: what a package
// keeps in memory for each store, such as a cache.
func State[T any](h Base, create func() *T) *T {
	s, key := h.base(), reflect.TypeFor[T]()
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
		return &model.Error{Kind: model.Unavailable, Message: "migrations are pending: run rollcall migrate"}
	}
	return nil
}

// Org returns the store as one organization sees it, for someone who acts. It
// does not look whether the organization exists: all its reads are then empty.
func (s *Store) Org(id model.OrganizationID, by model.Actor) *Org {
	return &Org{
		ID: id, by: by, store: s,
		db:   guard.ForOrganization(s.db, id),
		read: guard.ForOrganization(s.read, id),
	}
}

// Org is the store as one organization sees it, and everything that can be done
// in it. Each method is atomic by itself; Tx groups several.
type Org struct {
	ID    model.OrganizationID
	by    model.Actor
	store *Store
	db    *gorm.DB
	read  *gorm.DB
	tx    *transaction // nil outside Tx
}

// transaction is what is collected while a transaction runs.
type transaction struct {
	at     model.Time
	events []model.Event
	size   int      // of the data of events, in bytes
	after  []func() // run once it is committed
	failed error    // of a Tx that joined; nothing may be committed after it

	eventsOnly bool // see collecting

	affected                map[string]model.Cause // the users who are recomputed at the end
	unruled                 bool                   // users were affected while no rules were known
	everybody, reconfigured bool                   // the worker recomputes all users, the latter by other rules
}

// collecting is the Org with a new transaction, which collects what the Org is told. Every transaction
// is made here. Of one with eventsOnly nothing is done at its end but to write its events.
func (o *Org) collecting(eventsOnly bool) *Org {
	tx := &transaction{at: Now(o), eventsOnly: eventsOnly}
	return &Org{ID: o.ID, by: o.by, store: o.store, db: o.db, read: o.read, tx: tx}
}

// Recorder returns an Org that collects events without a transaction; the caller writes them itself,
// after it has asked dropped.
func Recorder(h Bound) *Org { o := h.org(); return o.collecting(true) }

// InOrganization does something in another organization within the running transaction: what one
// organization proves may end what another one had, and neither half may happen alone.
func InOrganization(ctx context.Context, h Bound, other model.OrganizationID, fn func(theirs *Org) error) error {
	o := h.org()
	theirs := o.collecting(true)
	theirs.ID, theirs.db = other, guard.ForOrganization(o.db, other)
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
	users := len(t.affected) > 0 || t.everybody || t.unruled && HasRules(o)
	if t.eventsOnly && (len(t.after) > 0 || users || t.reconfigured) {
		return ErrDropped
	}
	return nil
}

// ErrDropped is a fault of the program.
var ErrDropped = errors.New("model: a transaction that only writes its events was told of more")

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
		if err := o.store.BeforeCommit(ctx, org); err != nil {
			return err
		}
		return org.writeEvents(ctx)
	})
	if err != nil {
		return Translate(o.store, err)
	}
	for _, fn := range org.tx.after {
		fn()
	}
	return nil
}

// Now is one moment for all of a transaction.
func Now(h Bound) model.Time {
	o := h.org()
	if o.tx != nil {
		return o.tx.at
	}
	return model.TimeOf(o.store.now())
}

// Committed runs fn once the transaction has ended well.
func Committed(h Bound, fn func()) { o := h.org(); o.tx.after = append(o.tx.after, fn) }
