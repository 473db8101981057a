// Package saml is the service provider's side of SAML 2.0 Web Browser SSO, one identity provider at
// a time: it makes authentication requests, tells what a response means, and reads and writes
// metadata. It keeps nothing, answers no HTTP and knows no clock: the caller does and passes them.
//
// A response goes through three layers, each of which alone refuses most forgeries:
//
//	precheck   the bytes, before any parser builds a tree of them: limits, and none of the markup
//	           that two parsers could read differently
//	signature  XML Signature in the one shape that identity providers send, over goxmldsig's
//	           canonicalizer; what is read afterwards is the very tree that was canonicalized
//	profile    everything that SAML asks of a bearer assertion, by the time that was passed in
//
// crewjam/saml gives the vocabulary of metadata and requests. Its ParseResponse is not called: it
// looks at two process-wide clock settings, it copies the signed element before it asks a
// SignatureVerifier, which fails beyond 1000 elements, and what it verified is not what it reads.
//
// What needs a store is the caller's: that a request is used once, that an assertion does not come
// twice (Assertion.ReplayUntil), and that an unsolicited one signs nobody in.
package saml
