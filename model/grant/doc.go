// Package grant hands signed-in users on to applications over OpenID Connect.
//
// A sign-in ends with an authorization code, which package signon makes. Store.Redeem exchanges a
// code that was asked for with a scope, which no other endpoint takes. It returns what an ID token
// says and an access token. Store.Access finds the user of an access token again.
//
// What the package promises:
//   - A code is exchanged once, by the application that it was made for. Another application
//     changes nothing by trying.
//   - A second use of a code ends what the first one opened (RFC 6749, section 4.1.2).
//   - Whether access has ended is decided by the statements of package signon, at each use
//     (docs/design/identity.md, "Ended access").
//   - A refresh token is rotated, and one that comes after its time ends all that its sign-in gave
//     the application. Many requests at once, and a repeated one, get the same successor.
//   - All replicas sign with the same keys. A key is published before it signs, see Store.Keys.
//   - Whatever ends a session, its transaction leaves a delivery for each application that took
//     part and wants to be told. Triggers of the database write them.
//
// The package owns the rows of token families, of signing keys, of the applications of sessions and
// of their deliveries.
package grant
