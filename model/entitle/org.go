package entitle

import (
	"context"

	"rollcall/model/internal/tenant"
)

// Org is one organization with the operations of this package.
type Org struct{ *tenant.Org }

// In returns an organization with the operations of this package.
func In(org tenant.Bound) Org { return Org{tenant.Of(org)} }

// Tx runs fn in one transaction: either everything that fn writes is committed, or nothing.
func (o Org) Tx(ctx context.Context, fn func(org Org) error) error {
	return o.Org.Tx(ctx, func(org *tenant.Org) error { return fn(In(org)) })
}

// change is Tx for a write that another transaction's locks may abort: fn runs again then,
// see tenant.Change.
func (o Org) change(ctx context.Context, fn func(org Org) error) error {
	return tenant.Change(ctx, o, func(org *tenant.Org) error { return fn(In(org)) })
}

// Store is the whole store with the operations of this package.
type Store struct{ *tenant.Store }

// Across returns the store, and with it every organization, with the operations of this package.
func Across(store tenant.Base) Store { return Store{tenant.StoreOf(store)} }
