package model

import (
	"context"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// What the tests of package model_test see of the inside.

// Models are a value of each type that is a table's row.
var Models = []any{
	&Organization{}, &Domain{}, &Application{}, &applicationOrganization{}, &APIKey{}, &Directory{}, &DirectoryToken{},
	&User{}, &userValue{}, &DirectoryGroup{}, &groupMember{}, &groupGroup{}, &Identity{}, &Tombstone{}, &tombstoneKey{}, &Event{},
	&secret{}, &restoreNumber{}, &schemaMigration{},
	&Connection{}, &Login{}, &assertion{}, &Session{}, &authorizationCode{}, &accessToken{}, &assertedGroup{}, &LoginAttempt{},
	&DirectoryRequest{}, &Schema{}, &departure{}, &feedCursor{}, &guess{}, &Operator{}, &OperatorSession{}, &certificateWarning{},
	&userPassword{}, &PasswordSetup{}, &PendingAuthorization{}, &LoginResponse{}, &SingleLogout{},
	&Account{}, &connectionAccount{}, &AccountGroup{}, &GroupMapping{}, &RoleMapping{}, &License{}, &GroupAssignment{}, &Recompute{},
}

type (
	UserValue    = userValue
	GroupMember  = groupMember
	GroupGroup   = groupGroup
	TombstoneKey = tombstoneKey
	UserPassword = userPassword
)

// Across is the database without an organization.
func Across(s *Store, ctx context.Context) *gorm.DB { return s.across(ctx) }

// Within is the database as an Org has it.
func Within(o *Org, ctx context.Context) *gorm.DB { return o.db.WithContext(ctx) }

// Unscoped is the database without a word about organizations.
func Unscoped(s *Store, ctx context.Context) *gorm.DB { return s.db.WithContext(ctx) }

// OnPostgres tells which database it is.
func OnPostgres(s *Store) bool { return s.dialect == postgresDialect }

// Record notes an event in a running transaction.
func Record(o *Org, subject string) error { return o.record("test.noted", subject, struct{}{}) }

// ErrDropped is what a transaction gets that was told of more than it does.
var ErrDropped = errDropped

// What a transaction is told besides events.
func Committed(o *Org, fn func())       { o.committed(fn) }
func RulesChanged(o *Org)               { o.rulesChanged() }
func Affects(o *Org, userIDs ...string) { o.affects(CauseManual, userIDs...) }

// InOrganization does something in another organization within a transaction.
func InOrganization(o *Org, ctx context.Context, other OrganizationID, fn func(theirs *Org) error) error {
	return o.inOrganization(ctx, other, fn)
}

// ComparingTables runs fn while the database compares whole tables.
func ComparingTables(o *Org, ctx context.Context, fn func() error) error {
	return o.comparingTables(ctx, fn)
}

// WriteRecorded writes nothing, as the writes of one statement do, after fn has told the recorder something.
func WriteRecorded(o *Org, ctx context.Context, fn func(recorder *Org)) error {
	recorder := o.recorder()
	fn(recorder)
	_, err := recorder.write(ctx, clause.Expr{SQL: "SELECT 1"}, new(int))
	return err
}

// Traces of a user, for Departed.
func TracesOf(u *User, identities ...Identity) (Traces, error) { return u.traces(identities) }

// DocumentLimit is the most bytes of a document.
const DocumentLimit = documentLimit

// NewID makes a stored id.
var NewID = newID

// SetPatience changes how long a filter may take.
func SetPatience(s *Store, d time.Duration) { s.patience = d }

// HashPassword makes what is stored of a new password.
func HashPassword(s *Store, ctx context.Context, password string, about ...string) (string, error) {
	return s.hashPassword(ctx, password, about...)
}

// ComparePassword compares a password with what is stored.
func ComparePassword(s *Store, ctx context.Context, hash, password string) (equal, outdated bool, err error) {
	return s.comparePassword(ctx, hash, password)
}
