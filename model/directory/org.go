package directory

import (
	"context"

	"rollcall/model/internal/tenant"
)

// Org is one organization with the operations of this package.
type Org struct{ *tenant.Org }

// In returns an organization with the operations of this package.
func In(org tenant.Bound) Org { return Org{tenant.Of(org)} }

// Tx runs fn in one transaction, see tenant.Org.Tx.
func (o Org) Tx(ctx context.Context, fn func(org Org) error) error {
	return o.Org.Tx(ctx, func(org *tenant.Org) error { return fn(In(org)) })
}

// change is Tx for a write that starts again when others' locks have ended it, see tenant.Change.
func (o Org) change(ctx context.Context, fn func(org Org) error) error {
	return tenant.Change(ctx, o, func(org *tenant.Org) error { return fn(In(org)) })
}

// remove is Tx for a removal of many rows, see tenant.Remove.
func (o Org) remove(ctx context.Context, fn func(org Org, last bool) error) error {
	return tenant.Remove(ctx, o, func(org *tenant.Org, last bool) error { return fn(In(org), last) })
}

// Store is the whole store with the operations of this package.
type Store struct{ *tenant.Store }

// Across returns the store with the operations of this package.
func Across(store tenant.Base) Store { return Store{tenant.StoreOf(store)} }
