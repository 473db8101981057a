// Package saml is the service provider's side of SAML 2.0 Web Browser SSO and Single Logout, for
// one identity provider at a time. It makes authentication requests, verifies responses, and reads
// and writes metadata. It stores nothing, serves no HTTP and reads no clock: the caller passes the
// time.
//
// A response passes three layers, each of which alone refuses most forgeries:
//
//	precheck   the bytes, before a parser builds a tree of them: limits, and no markup that two
//	           parsers could read differently
//	signature  XML Signature in the one shape that identity providers send, over a canonical form
//	           that code of our own writes; the same tree is read afterwards
//	profile    everything that SAML requires of a bearer assertion, at the time that was passed in
//
// crewjam/saml has the types for metadata and requests. Its ParseResponse is not used, for three
// reasons. It reads two process-wide clock settings. It copies the signed element before it calls a
// SignatureVerifier, which fails beyond 1000 elements. And it reads another tree than it verified.
//
// The caller does what needs a store: it makes sure that a request is used once, that an assertion
// is used once (Assertion.ReplayUntil), and that an unsolicited assertion signs nobody in.
package saml
