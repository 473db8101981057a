// Package people holds the users of an organization: who they are, what they may do, and how their
// access ends.
//
// In enters an organization, and Across the whole store, where a link names a user before the
// organization is known. The package owns the rows of users, their identities, passwords and
// sessions, and the rows of directory groups with their members. The packages above it decide when
// a directory, a login or a person changes a user.
//
// What follows from a change is decided in one place: ConsequencesOf compares a user before and
// after it, without the database. Every writer carries out what it returns, so that no way of
// writing forgets an event, an ended session or the last administrator.
//
// Access ends by the epoch of a user: sessions, codes and tokens of another epoch are dead from the
// next look-up on (docs/design/identity.md, "Ended access").
package people
