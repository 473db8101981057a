// Package sso signs people in through their organization's identity provider.
//
// A login goes three ways through this package, and each step checks what the one before promised:
//
//	GET  /sso/authorize                 an application sends the browser: a live session of the same
//	                                    connection is used again, otherwise a login begins
//	GET  /sso/saml/{connection}/login   the same without an application: an identity provider's tile,
//	                                    or the test link of a draft
//	GET  /sso/oidc/{connection}/login   likewise at an OpenID provider
//	GET  /login/{slug}                  the organization's own login address
//	GET  /login, POST /login            the same by an e-mail address, whose domain names the organization
//	        begin: a row in logins, bound to the browser by a cookie; the browser goes to the
//	        identity provider with a signed AuthnRequest, or with state, nonce and code challenge
//	POST /sso/saml/{connection}/acs     the identity provider's answer comes back by the browser
//	        verify: sso/saml, by the one request that this login sent; nothing is written
//	        sign in: model.SignIn, one transaction: the assertion is remembered, the login used up,
//	        the user found or made, the session opened, the application's code made
//	GET  /sso/oidc/{connection}/callback   the same for an OpenID provider's answer
//	        verify: sso/oidc, which exchanges the code and believes the ID token; sign in: as above
//	POST /sso/token                     the application exchanges the code
//	GET  /sso/profile                   and asks who it is, for as long as the session lives
//	GET  /sso/logout                    the session ends with its codes and tokens, and where the
//	                                    connection wants it the identity provider's as well
//	     /sso/saml/{connection}/slo     the identity provider answers that, or ends sessions itself
//
// Administrators also come in by a password, for the day when the identity provider is down:
//
//	GET, POST /password/{token}         a one-time link sets it: GET shows, POST uses the link
//	POST /login/password                model.SignInByPassword: the same work and the same answer, whoever
//	                                    there is; what an application asked for waits in
//	                                    pending_authorizations and gets its code in the same transaction
//
// Only the answer to our own request signs in. What an identity provider sends unasked is verified
// and then starts a login of ours, so that nobody can be signed in as somebody else by a link.
//
// Whatever is refused is a line in the organization's login log, with what was expected and what
// came; the browser is told a reference and nothing else.
package sso
