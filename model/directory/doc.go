// Package directory keeps the directories of an organization: the SCIM sources that create,
// change and remove its users and groups.
//
// The package has three entrances:
//   - In is one organization: its directories and their settings, its tombstones and its schemas.
//   - Of is one directory of an organization: its users, groups and tokens.
//   - Across is the whole store: it finds the directory that a bearer token opens.
//
// A directory sees the users that it owns, and those without an owner that it may adopt
// (docs/design/identity.md, "Adoption"). A change of a user or group is one transaction with its
// events. Where a user is deactivated or deleted, access ends in the same transaction, and a
// deleted user leaves a tombstone (docs/design/identity.md, "Leaving"). On PostgreSQL the most
// frequent changes are one statement each instead; what follows from a change is the same.
//
// The package owns the tables of directories, tokens, tombstones, schemas and departures.
// The tables of users, groups and memberships are of package people.
package directory
