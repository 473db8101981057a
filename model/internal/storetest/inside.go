package storetest

import (
	"context"
	"rollcall/model/internal/passwords"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"rollcall/model"
	"rollcall/model/internal/across"
	"rollcall/model/internal/tenant"
	"rollcall/model/people"
)

// The functions below are the inside of the store, for tests that are not in its package.

// Across returns the database without an organization.
func Across(s *tenant.Store, ctx context.Context) *gorm.DB { return across.DB(ctx, s) }

// ReadAcross is package across' Read.
func ReadAcross(s *tenant.Store, ctx context.Context) *gorm.DB { return across.Read(ctx, s) }

// Within returns the database of an Org.
func Within(o *tenant.Org, ctx context.Context) *gorm.DB { return tenant.DB(ctx, o) }

// Unscoped returns the database without any organization, which refuses every statement.
func Unscoped(s *tenant.Store, ctx context.Context) *gorm.DB {
	return tenant.Unscoped(s).WithContext(ctx)
}

// OnPostgres tells whether the store is in PostgreSQL.
func OnPostgres(s *tenant.Store) bool { return tenant.DialectOf(s) == tenant.PostgresDialect }

// Record notes an event on a running transaction.
func Record(o *tenant.Org, subject string) error {
	return tenant.Record(o, "test.noted", subject, struct{}{})
}

// ErrDropped is the error of a transaction on which more was noted than it does.
var ErrDropped = tenant.ErrDropped

// Committed notes a function on a transaction.
func Committed(o *tenant.Org, fn func()) { tenant.Committed(o, fn) }

// RulesChanged notes other rules on a transaction.
func RulesChanged(o *tenant.Org) { tenant.RulesChanged(o) }

// Affects notes users to recompute on a transaction.
func Affects(o *tenant.Org, userIDs ...string) { tenant.Affects(o, tenant.CauseManual, userIDs...) }

// InOrganization runs fn for another organization within a transaction.
func InOrganization(
	o *tenant.Org, ctx context.Context, other model.OrganizationID, fn func(theirs *tenant.Org) error,
) error {
	return tenant.InOrganization(ctx, o, other, fn)
}

// ComparingTables runs fn while PostgreSQL plans for comparing whole tables.
func ComparingTables(o *tenant.Org, ctx context.Context, fn func() error) error {
	return tenant.ComparingTables(ctx, o, fn)
}

// WriteRecorded writes nothing by one statement, after fn has noted something on the recorder.
func WriteRecorded(o *tenant.Org, ctx context.Context, fn func(recorder *tenant.Org)) error {
	recorder := tenant.Recorder(o)
	fn(recorder)
	_, err := tenant.Write(ctx, recorder, clause.Expr{SQL: "SELECT 1"}, new(int))
	return err
}

// TracesOf returns the traces of a user, for Departed.
func TracesOf(u *people.User, identities ...people.Identity) (people.Traces, error) {
	return u.Traces(identities)
}

// SetPatience changes how long a filter may take.
func SetPatience(s *tenant.Store, d time.Duration) { tenant.SetPatience(s, d) }

// HashPassword makes what is stored of a new password.
func HashPassword(s *tenant.Store, ctx context.Context, password string, about ...string) (string, error) {
	return passwords.Hash(ctx, s, password, about...)
}
