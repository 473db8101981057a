// Package tenant is the one database as one organization sees it.
//
// A Store is the database with the rows of all organizations. An Org is the Store for one
// organization and one actor. Every statement of an Org has the predicate of package guard, so that
// it neither reads nor writes a row of another organization. Org.Tx groups statements and the
// events that they record in one transaction.
//
// What only the packages below model may call are functions and not methods, because an Org also
// reaches callers outside of model. A function takes a handle: an Org or a Store, or anything that
// embeds one. Package across, and nobody else, reaches the rows of all organizations.
//
// The package has the migrations, the differences between PostgreSQL and SQLite, locks and retries,
// pages, the feed of events, the forms in which texts are stored, and the secrets that are sealed
// at rest.
package tenant
