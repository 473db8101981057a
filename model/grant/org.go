package grant

import "rollcall/model/internal/tenant"

// Store is the whole store with the operations of this package.
type Store struct{ *tenant.Store }

// Across returns the store with the operations of this package.
func Across(store tenant.Base) Store { return Store{tenant.StoreOf(store)} }
