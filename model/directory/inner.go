package directory

import "rollcall/model/internal/tenant"

// InnerStore is a Store with what the other packages of the store build on.
type InnerStore struct{ Store }

// InsideStore returns the InnerStore of the store. Only a package of the store can make its
// argument.
func InsideStore(s tenant.InnerStore) InnerStore { return InnerStore{Across(s)} }

func (s Store) inner() InnerStore { return InnerStore{s} }
