// Package store opens the database of Rollcall.
//
// Open returns the Store, which is the one database with all organizations. Its method Org returns
// the Org, which is the database as one organization sees it, for an actor. An Org reads and
// changes the rows of its organization only.
//
// Org.Tx groups calls into one transaction. Store.Events reads the feed of events in pages.
// Store.Ready tells whether the database answers and its schema is current.
//
// All other methods are in the packages organization, people, connection, entitle, directory,
// signon and operator. Each of them adds its methods to an Org by its function In, and to a Store
// by its function Across:
//
//	users, _, err := people.In(s.Org(id, actor)).Users(ctx, people.UserQuery{})
//	swept, err := operator.Across(s).Sweep(ctx)
package store
