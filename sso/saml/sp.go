package saml

import (
	"crypto"
	"crypto/x509"
	"time"
)

// IDP is what one connection knows of its identity provider.
type IDP struct {
	EntityID           string
	SSORedirectURL     string // where requests go by HTTP-Redirect; empty where it takes none
	SSOPostURL         string // where requests go by HTTP-POST; empty where it takes none
	Certificates       []*x509.Certificate
	WantRequestsSigned bool // the metadata says so; requests are signed anyway
}

// SP is Rollcall as one connection's identity provider sees it.
type SP struct {
	EntityID    string
	ACSURL      string
	Key         crypto.Signer // RSA; what is signed is signed with this one
	Certificate *x509.Certificate
	// Standby is a second key while one replaces the other: the metadata has both, and what is
	// encrypted for either is opened.
	Standby *KeyPair
	// UnsignedRequests leaves authentication requests without a signature, for identity providers
	// that fail on one.
	UnsignedRequests bool
	Encryption       Encryption // which encrypted assertions are decrypted; none when empty
}

// KeyPair is a key with the certificate that shows it to the identity provider.
type KeyPair struct {
	Key         crypto.Signer
	Certificate *x509.Certificate
}

// Encryption says which encrypted assertions are taken.
type Encryption string

// What may be decrypted. Whoever relays a CBC ciphertext can alter it unseen, so it is for identity
// providers that have nothing else.
const (
	EncryptionOff Encryption = ""
	EncryptionGCM Encryption = "gcm"
	EncryptionCBC Encryption = "cbc" // CBC as well as GCM
)

// Expect is what the caller knows about a response before it reads it.
type Expect struct {
	RequestID string    // the request that this browser sent; empty for an unsolicited response
	Now       time.Time // when the response arrived
	// EnforceCertificateDates refuses a signature by an expired certificate. Without it that is a
	// warning: the key was pinned by an administrator, and the date is no one's attack.
	EnforceCertificateDates bool
}

// Assertion is what an identity provider vouches for, verified.
type Assertion struct {
	ID                  string
	Issuer              string
	NameID              string // as sent; empty where there is none
	NameIDFormat        string
	InResponseTo        string // empty: unsolicited
	SessionIndex        string
	Attributes          map[string][]string // by Name, values in the order they were sent
	IssueInstant        time.Time
	AuthnInstant        time.Time // may be weeks ago
	NotOnOrAfter        time.Time
	SessionNotOnOrAfter time.Time // zero where there is none
	ReplayUntil         time.Time // how long the ID must be remembered, so that it comes once
	Warnings            []*Refused
}
