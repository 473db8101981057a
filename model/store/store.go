// Package store opens the store of Rollcall.
//
// A Store is the one database with all organizations. An Org is the store as one organization sees
// it, for an actor. What can be done with the two is in the packages beside this one, each entered by
// its In or Across: organization, people, connection, entitle, directory, signon and operator.
package store

import (
	"context"

	"rollcall/model/internal/tenant"
)

type (
	// Store is the whole store.
	Store = tenant.Store
	// Org is the store as one organization sees it.
	Org = tenant.Org
	// Options are what a Store is opened with.
	Options = tenant.Options
	// MigrationState is a migration of this program and when a database saw it.
	MigrationState = tenant.MigrationState
	// EventQuery asks for events.
	EventQuery = tenant.EventQuery
)

// MigrationStatus lists the migrations of the database at url, which it leaves as it is. For an empty
// url, a database that is not there yet, all are pending.
func MigrationStatus(ctx context.Context, url string) ([]MigrationState, error) {
	return tenant.MigrationStatus(ctx, url)
}
