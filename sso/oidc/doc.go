// Package oidc is the relying party's side of OpenID Connect, for one OpenID provider at a time. It
// reads discovery documents, makes authentication requests, exchanges codes and verifies ID tokens.
// It serves no HTTP and reads no clock: the caller passes the time. All documents are fetched by
// the HTTP client that the caller passes.
//
// The package supports the authorization code flow only, always with state, nonce and PKCE. An ID
// token passes these checks in this order, and each check has a Reason of its own:
//
//	header     one of the asymmetric algorithms, before any key is used
//	signature  a key of the provider's own set, by go-oidc and go-jose; for an unknown key id the
//	           set is fetched again, at most once a minute
//	claims     issuer, audience, authorized party, times, nonce and access token hash, at the time
//	           that was passed in (OpenID Connect Core, section 3.1.3.7)
//	person     the lasting identifier of the account, and whether its e-mail address is confirmed,
//	           which Microsoft Entra ID and Google express in their own ways
//
// The caller does what needs a store: it makes sure that a state is used once and in the browser in
// which the login began, and that no token is used twice.
package oidc
