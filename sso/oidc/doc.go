// Package oidc is the relying party's side of OpenID Connect, one OpenID provider at a time: it
// reads discovery documents, makes authentication requests, exchanges codes and tells what an ID
// token means. It answers no HTTP and knows no clock: the caller does and passes it. What it fetches
// goes through the client that it is given.
//
// The code flow alone is spoken, always with state, nonce and PKCE. An ID token is believed in this
// order, and whoever breaks a rule is refused for a Reason of its own:
//
//	header     one of the asymmetric algorithms, before any key is looked at
//	signature  a key of the provider's own set, by go-oidc and go-jose; an unknown key id has the
//	           set fetched again, once a minute at most
//	claims     issuer, audience, authorized party, times, nonce and access token hash, by the time
//	           that was passed in (OpenID Connect Core, section 3.1.3.7)
//	person     what names somebody for good, and what Microsoft Entra ID and Google mean otherwise
//	           than others do by an e-mail address
//
// What needs a store is the caller's: that a state is used once and in the browser in which it began,
// and that a token does not come twice.
package oidc
