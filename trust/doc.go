// Package trust reads what an identity provider publishes into a connection, and explains what went
// wrong there.
//
// A [Reader] takes what an administrator says about an identity provider, fetches its metadata or
// its discovery document, and turns both into a change of a connection. A [Watch] reads the
// metadata again from time to time. [Providers] turns a connection back into what the protocol
// packages sso/saml and sso/oidc work with. [Advice] and [Screen] explain a refused login to the
// administrators.
package trust
