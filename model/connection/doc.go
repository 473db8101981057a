// Package connection holds the trusts between organizations and their identity providers, over
// SAML and OpenID Connect.
//
// A Connection says who the identity provider is, by which keys and certificates each side is
// known, and what its messages may contain. In enters one organization: it creates, changes and
// deletes connections, replaces their keys, and keeps what their metadata says. Across enters the
// whole store: it finds the connection that a URL names, lists them by page, opens their sealed
// keys and secrets, and claims those that a worker has to look at.
//
// The package records the events of connections and of their certificates. When a connection is
// deleted, or is now of another identity provider, its identities are unlinked and the sessions
// that began by it end (docs/design/identity.md, "Leaving"). Signing people in is not part of it.
package connection
