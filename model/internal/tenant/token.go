package tenant

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
)

// NewToken makes a secret with 256 random bits, and what is stored of it: its hash and last
// characters.
func NewToken(prefix string) (token string, hash []byte, suffix string) {
	b := make([]byte, 32)
	rand.Read(b)
	token = prefix + base64.RawURLEncoding.EncodeToString(b)
	return token, HashToken(token), token[len(token)-4:]
}

// HashToken hashes a secret with 256 random bits, which needs no salt and no work factor.
func HashToken(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}
