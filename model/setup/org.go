package setup

import (
	"context"

	"rollcall/model/internal/tenant"
)

// Org is one organization with the methods of this package.
type Org struct{ *tenant.Org }

// In returns an organization with the methods of this package.
func In(org tenant.Bound) Org { return Org{tenant.Of(org)} }

// Tx runs fn in one transaction, as the Tx of the embedded Org does.
func (o Org) Tx(ctx context.Context, fn func(org Org) error) error {
	return o.Org.Tx(ctx, func(org *tenant.Org) error { return fn(In(org)) })
}

// Store is the store with the methods of this package that need no organization.
type Store struct{ *tenant.Store }

// Across returns the store with the methods of this package.
func Across(store tenant.Base) Store { return Store{tenant.StoreOf(store)} }
