// Package sso signs people in through their organization's identity provider.
//
// A login takes one of three ways through this package. Each step relies on what the step before it
// has checked:
//
//	GET  /sso/authorize                 an application sends the browser: a live session of the
//	                                    same connection is used again, or else a login begins
//	GET  /sso/saml/{connection}/login   a login without an application: from an identity
//	                                    provider's tile, or by the test link of a draft
//	GET  /sso/oidc/{connection}/login   the same at an OpenID provider
//	GET  /login/{slug}                  the organization's own login address
//	GET  /login, POST /login            a login by an e-mail address, whose domain names the
//	                                    organization
//	        begin: a row in logins, bound to the browser by a cookie; the browser goes to the
//	        identity provider with a signed AuthnRequest, or with state, nonce and code challenge
//	POST /sso/saml/{connection}/acs     the browser brings the identity provider's response
//	        verify: sso/saml compares it with the one request of this login; nothing is written
//	        sign in: signon.SignIn, in one transaction: remember the assertion, use the login up,
//	        find or create the user, open the session, make the application's code
//	GET  /sso/oidc/{connection}/callback   the browser brings an OpenID provider's answer
//	        verify: sso/oidc exchanges the code and verifies the ID token; sign in: as above
//	POST /sso/token                     the application exchanges the code
//	GET  /sso/profile                   and asks for the user, as long as the session is live
//	GET  /sso/logout                    the session ends with its codes and tokens, and the
//	                                    identity provider's session, if the connection demands it
//	     /sso/saml/{connection}/slo     the identity provider answers that, or ends sessions
//
// Administrators can also sign in by a password, in case the identity provider is down:
//
//	GET, POST /password/{token}         a one-time link sets it: GET shows the form, POST uses the
//	                                    link up
//	POST /login/password                signon.SignInByPassword: the same work and the same answer
//	                                    whether the user exists or not; an application's request
//	                                    waits in pending_authorizations and gets its code in the
//	                                    same transaction
//
// Only the response to one of our requests signs somebody in. A response that was not asked for is
// verified and then starts a login, so that no link can sign a person in as somebody else.
//
// Each refusal is a row of the organization's login log, with the expected and the received value.
// The browser gets only a reference.
package sso
