package storetest

import (
	"context"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/directory"
	"rollcall/model/entitle"
	"rollcall/model/internal/across"
	"rollcall/model/internal/tenant"
	"rollcall/model/operator"
	"rollcall/model/organization"
	"rollcall/model/people"
	"rollcall/model/signon"
)

// What the tests of package model_test see of the inside.

// Models are a value of each type that is a table's row.
var Models = []any{
	&organization.Organization{}, &organization.Domain{}, &organization.Application{}, &organization.ApplicationOrganization{}, &organization.APIKey{}, &directory.Directory{}, &directory.DirectoryToken{},
	&people.User{}, &people.UserValue{}, &people.DirectoryGroup{}, &people.GroupMember{}, &people.GroupGroup{}, &people.Identity{}, &directory.Tombstone{}, &directory.TombstoneKey{}, &model.Event{},
	&tenant.Secret{}, &tenant.RestoreNumber{}, &tenant.SchemaMigration{},
	&connection.Connection{}, &signon.Login{}, &signon.Assertion{}, &people.Session{}, &signon.AuthorizationCode{}, &signon.AccessToken{}, &people.AssertedGroup{}, &signon.LoginAttempt{},
	&directory.DirectoryRequest{}, &directory.Schema{}, &directory.Departure{}, &tenant.FeedCursor{}, &people.Guess{}, &operator.Operator{}, &operator.OperatorSession{}, &connection.CertificateWarning{},
	&people.UserPassword{}, &people.PasswordSetup{}, &signon.PendingAuthorization{}, &signon.LoginResponse{}, &signon.SingleLogout{},
	&entitle.Account{}, &entitle.ConnectionAccount{}, &entitle.AccountGroup{}, &entitle.GroupMapping{}, &entitle.RoleMapping{}, &entitle.License{}, &entitle.GroupAssignment{}, &entitle.Recompute{},
}

type (
	UserValue    = people.UserValue
	GroupMember  = people.GroupMember
	GroupGroup   = people.GroupGroup
	TombstoneKey = directory.TombstoneKey
	UserPassword = people.UserPassword
)

// Across is the database without an organization.
func Across(s *tenant.Store, ctx context.Context) *gorm.DB { return across.DB(ctx, s) }

// Within is the database as an Org has it.
func Within(o *tenant.Org, ctx context.Context) *gorm.DB { return tenant.DB(o).WithContext(ctx) }

// Unscoped is the database without a word about organizations.
func Unscoped(s *tenant.Store, ctx context.Context) *gorm.DB {
	return tenant.Unscoped(s).WithContext(ctx)
}

// OnPostgres tells which database it is.
func OnPostgres(s *tenant.Store) bool { return tenant.DialectOf(s) == tenant.PostgresDialect }

// Record notes an event in a running transaction.
func Record(o *tenant.Org, subject string) error {
	return tenant.Record(o, "test.noted", subject, struct{}{})
}

// ErrDropped is what a transaction gets that was told of more than it does.
var ErrDropped = tenant.ErrDropped

// What a transaction is told besides events.
func Committed(o *tenant.Org, fn func())       { tenant.Committed(o, fn) }
func RulesChanged(o *tenant.Org)               { tenant.RulesChanged(o) }
func Affects(o *tenant.Org, userIDs ...string) { tenant.Affects(o, model.CauseManual, userIDs...) }

// InOrganization does something in another organization within a transaction.
func InOrganization(o *tenant.Org, ctx context.Context, other model.OrganizationID, fn func(theirs *tenant.Org) error) error {
	return tenant.InOrganization(ctx, o, other, fn)
}

// ComparingTables runs fn while the database compares whole tables.
func ComparingTables(o *tenant.Org, ctx context.Context, fn func() error) error {
	return tenant.ComparingTables(ctx, o, fn)
}

// WriteRecorded writes nothing, as the writes of one statement do, after fn has told the recorder
// something.
func WriteRecorded(o *tenant.Org, ctx context.Context, fn func(recorder *tenant.Org)) error {
	recorder := tenant.Recorder(o)
	fn(recorder)
	_, err := tenant.Write(ctx, recorder, clause.Expr{SQL: "SELECT 1"}, new(int))
	return err
}

// Traces of a user, for Departed.
func TracesOf(u *people.User, identities ...people.Identity) (people.Traces, error) {
	return u.Traces(identities)
}

// DocumentLimit is the most bytes of a document.
const DocumentLimit = people.DocumentLimit

// NewID makes a stored id.
var NewID = model.NewID

// SetPatience changes how long a filter may take.
func SetPatience(s *tenant.Store, d time.Duration) { tenant.SetPatience(s, d) }

// HashPassword makes what is stored of a new password.
func HashPassword(s *tenant.Store, ctx context.Context, password string, about ...string) (string, error) {
	return people.Across(s).HashPassword(ctx, password, about...)
}

// ComparePassword compares a password with what is stored.
func ComparePassword(s *tenant.Store, ctx context.Context, hash, password string) (equal, outdated bool, err error) {
	return people.Across(s).ComparePassword(ctx, hash, password)
}
