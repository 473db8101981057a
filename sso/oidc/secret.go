package oidc

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
)

// Secret is what a login keeps to itself until its answer comes. The nonce and the PKCE verifier are
// made of it: neither tells of the other, nor of it.
type Secret []byte

// NewSecret makes a secret of 256 bits.
func NewSecret() Secret {
	s := make(Secret, sha256.Size)
	rand.Read(s)
	return s
}

func (s Secret) derive(what string) string {
	sum := sha256.Sum256(append([]byte("rollcall "+what+"\x00"), s...))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func (s Secret) nonce() string { return s.derive("nonce") }

// verifier has the 43 characters that RFC 7636, section 4.1, recommends.
func (s Secret) verifier() string { return s.derive("code_verifier") }
