package model

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
)

// NewToken makes a secret with 256 random bits, and what is stored of it.
func NewToken(prefix string) (token string, hash []byte, suffix string) {
	b := make([]byte, 32)
	rand.Read(b)
	token = prefix + base64.RawURLEncoding.EncodeToString(b)
	return token, HashToken(token), token[len(token)-4:]
}

// HashToken needs no salt and no work factor: what it hashes has 256 random bits.
func HashToken(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}
