package store

import (
	"context"

	"rollcall/model/internal/tenant"
)

type (
	// Store is the database with all organizations. It is safe for concurrent use.
	Store = tenant.Store
	// Org is the database as one organization sees it, for an actor. It is safe for concurrent use,
	// except in a transaction.
	Org = tenant.Org
	// Options are what a Store is opened with.
	Options = tenant.Options
	// MigrationState is a migration of this program, and when it was applied to a database.
	MigrationState = tenant.MigrationState
	// EventQuery asks for events.
	EventQuery = tenant.EventQuery
)

// HasSecrets tells whether the database at url, which it does not change, has secrets that the
// secret key opens.
func HasSecrets(ctx context.Context, url string) (bool, error) { return tenant.HasSecrets(ctx, url) }

// MigrationStatus lists the migrations of the database at url, which it does not change. All of
// them are pending for an empty url, which is a database that does not exist yet.
func MigrationStatus(ctx context.Context, url string) ([]MigrationState, error) {
	return tenant.MigrationStatus(ctx, url)
}
