// Package testlogin keeps the test logins of a connection.
//
// A test login goes to the identity provider and back as a real login does, and leaves one row: a
// Test, with what came back and what would have happened. It makes no user, identity, session,
// license or event, and it never turns the connection on. One by which somebody would have been
// signed in makes the connection a tested one.
//
// Org.Begin notes a test that somebody with a set-up link begins. A test at the login address of a
// draft is noted only when the answer comes, since anybody can open that address. Org.Finish notes
// the answer, once. What a test shows is personal data: it is sealed, and Sweep of package operator
// deletes it after Kept.
package testlogin

import "rollcall/model/internal/tenant"

// Org is one organization with the operations of this package.
type Org struct{ *tenant.Org }

// In returns an organization with the operations of this package.
func In(org tenant.Bound) Org { return Org{tenant.Of(org)} }

// Store is the whole store with the operations of this package.
type Store struct{ *tenant.Store }

// Across returns the store with the operations of this package.
func Across(store tenant.Base) Store { return Store{tenant.StoreOf(store)} }
