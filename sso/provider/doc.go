// Package provider is the OpenID provider that applications sign people in with.
//
// It has the endpoints that an application calls, and the documents that tell of them. The
// endpoints to which an application sends a browser are in package sso, whose sign-in pages they
// lead to. Both make codes and find sessions by the same calls of the model.
//
//	GET  /.well-known/openid-configuration        what this server can do; also under the name
//	GET  /.well-known/oauth-authorization-server  that RFC 8414 gives it
//	GET  /oauth2/jwks                             the keys of ID tokens
//	POST /oauth2/token                            a code or a refresh token for tokens
//	GET, POST /oauth2/userinfo                    who signed in, as long as access lasts
//	POST /oauth2/introspect                       whether a token of the client is good
//	POST /oauth2/revoke                           ends a token of the client
//
// Logouts tells applications of sessions that have ended.
//
// What the package promises:
//   - A request that is not as the standards say changes nothing, and its answer helps nobody who
//     guesses.
//   - An ID token is signed after its transaction was committed, with a key that was published
//     before, and says nothing that userinfo does not say.
//   - No answer with a token or an error is kept by a cache.
package provider
