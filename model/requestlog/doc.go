// Package requestlog keeps the SCIM requests of each directory, for the customer's IT to read.
//
// A Log takes the lines of this process and writes them each second. In is one organization, whose
// lines Requests lists. What is kept, and for how long, Sweep decides.
package requestlog

import "rollcall/model/internal/tenant"

// Org is one organization with the operations of this package.
type Org struct{ *tenant.Org }

// In returns an organization with the operations of this package.
func In(org tenant.Bound) Org { return Org{tenant.Of(org)} }

// Store is the whole store with the operations of this package.
type Store struct{ *tenant.Store }

// Across returns the store with the operations of this package.
func Across(store tenant.Base) Store { return Store{tenant.StoreOf(store)} }

// InnerStore is a Store with what the other packages of the store build on.
type InnerStore struct{ Store }

// InsideStore returns the InnerStore of the store. Only a package of the store can make its
// argument.
func InsideStore(s tenant.InnerStore) InnerStore { return InnerStore{Across(s)} }
