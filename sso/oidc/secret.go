package oidc

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
)

// Secret is the secret of one login. It is stored until the provider answers. The nonce and the
// PKCE verifier are derived from it: neither reveals the other, nor the secret.
type Secret []byte

// NewSecret returns a random secret of 256 bits.
func NewSecret() Secret {
	s := make(Secret, sha256.Size)
	rand.Read(s)
	return s
}

// derive returns a value for one purpose, as 43 characters of base64url.
func (s Secret) derive(purpose string) string {
	sum := sha256.Sum256(append([]byte("rollcall "+purpose+"\x00"), s...))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// nonce returns the nonce of the authentication request (OpenID Connect Core, section 3.1.2.1).
func (s Secret) nonce() string { return s.derive("nonce") }

// verifier returns the PKCE code verifier, of the 43 characters that RFC 7636, section 4.1,
// recommends.
func (s Secret) verifier() string { return s.derive("code_verifier") }
