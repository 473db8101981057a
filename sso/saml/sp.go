package saml

import (
	"crypto"
	"crypto/x509"
	"time"
)

// IDP is the identity provider of one connection.
type IDP struct {
	EntityID           string
	SSORedirectURL     string              // endpoint for requests by HTTP-Redirect; may be empty
	SSOPostURL         string              // endpoint for requests by HTTP-POST; may be empty
	SLO                LogoutService       // endpoints for single logout
	Certificates       []*x509.Certificate // any of their keys may sign, at most 16
	WantRequestsSigned bool                // from the metadata, for information only
	LeftOut            []LeftOut           // what was of no use in the metadata
}

// SP is Rollcall as the service provider of one connection.
type SP struct {
	EntityID    string
	ACSURL      string        // the assertion consumer service, for responses
	SLOURL      string        // the single logout service; empty if there is none
	Key         crypto.Signer // the RSA key that signs all our messages
	Certificate *x509.Certificate
	// Standby is a second key, while one key replaces the other. The metadata has both, and
	// messages encrypted for either key are decrypted.
	Standby *KeyPair
	// UnsignedRequests omits the signature of authentication requests, for identity providers that
	// fail on one.
	UnsignedRequests bool
	Encryption       Encryption // which encrypted assertions are decrypted; empty for none
}

// KeyPair is a key with the certificate that publishes it to the identity provider.
type KeyPair struct {
	Key         crypto.Signer
	Certificate *x509.Certificate
}

// Encryption says which encrypted assertions are accepted.
type Encryption string

// The kinds of encryption that may be accepted. An attacker in between can alter a CBC ciphertext
// unnoticed, so CBC is for identity providers that support nothing else.
const (
	EncryptionOff Encryption = ""
	EncryptionGCM Encryption = "gcm"
	EncryptionCBC Encryption = "cbc" // CBC as well as GCM
)

// Expect is what a response is checked against.
type Expect struct {
	RequestID string // the request that this browser sent; empty for an unsolicited response
	// AnyRequest takes an unsolicited response that names a request, as Rippling and others send
	// it. The caller must refuse it if one of Assertion.Requests is a request of ours.
	AnyRequest bool
	Now        time.Time // when the response arrived
	// EnforceCertificateDates refuses a signature by a certificate outside its dates. Otherwise
	// that is a warning: an administrator pinned the key, and an old date alone is no attack.
	EnforceCertificateDates bool
}

// Assertion is the content of a verified assertion (SAML Core §2.3.3).
type Assertion struct {
	ID              string
	Issuer          string
	NameID          string // as sent; empty if there is none
	NameIDFormat    string
	NameQualifier   string              // of the NameID, mostly empty
	SPNameQualifier string              // likewise
	InResponseTo    string              // the ID of our request; empty for an unsolicited response
	Requests        []string            // every InResponseTo of an unsolicited response (Expect.AnyRequest)
	SessionIndex    string              // the session at the identity provider; may be empty
	Attributes      map[string][]string // by Name, values in the order in which they were sent
	// Unreadable has the attributes that are not among Attributes, because a value of theirs is
	// neither text nor one element with text. A caller that reads such an attribute refuses.
	Unreadable          map[string]*Refused
	IssueInstant        time.Time
	AuthnInstant        time.Time  // when the person authenticated, which may be weeks ago
	NotOnOrAfter        time.Time  // the end of its validity
	SessionNotOnOrAfter time.Time  // the latest end of the session; zero if there is none
	ReplayUntil         time.Time  // until then the caller must store the ID, to refuse a second use
	Warnings            []*Refused // faults that did not make the verification fail
}
