package tenant

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
)

// sealer encrypts what must be read back and nobody else may read, by AES-256-GCM. The first key
// seals, and all keys open. A sealed text is version (1 byte), key id (4), nonce (12), ciphertext
// and tag.
type sealer struct{ keys []sealKey }

type sealKey struct {
	id   [4]byte
	aead cipher.AEAD
}

const sealVersion = 1

// errSealed has nothing of the key or of the text, because it may be logged.
var errSealed = errors.New("no configured secret key opens it")

func newSealer(keys [][]byte) (sealer, error) {
	var s sealer
	if len(keys) == 0 {
		return s, errors.New("a secret key is needed to seal secrets")
	}
	for _, k := range keys {
		if len(k) != 32 {
			return s, errors.New("a secret key must have 32 bytes")
		}
		block, err := aes.NewCipher(k)
		if err != nil {
			return s, err
		}
		aead, err := cipher.NewGCM(block)
		if err != nil {
			return s, err
		}
		sum := sha256.Sum256(append([]byte("rollcall key id\x00"), k...))
		s.keys = append(s.keys, sealKey{[4]byte(sum[:4]), aead})
	}
	return s, nil
}

// Seal encrypts text for one place. The purpose names table, column and row, so that a sealed text
// does not open in another place.
func (s sealer) Seal(text []byte, purpose string) []byte {
	k := s.keys[0]
	out := append([]byte{sealVersion}, k.id[:]...)
	nonce := make([]byte, k.aead.NonceSize())
	rand.Read(nonce)
	out = append(out, nonce...)
	return k.aead.Seal(out, nonce, text, []byte(purpose))
}

// Open decrypts what Seal encrypted for the same purpose.
func (s sealer) Open(sealed []byte, purpose string) ([]byte, error) {
	if len(sealed) < 5 || sealed[0] != sealVersion {
		return nil, errSealed
	}
	id, rest := [4]byte(sealed[1:5]), sealed[5:]
	for _, k := range s.keys {
		n := k.aead.NonceSize()
		if k.id != id || len(rest) < n {
			continue
		}
		text, err := k.aead.Open(nil, rest[:n], rest[n:], []byte(purpose))
		if err == nil {
			return text, nil
		}
	}
	return nil, fmt.Errorf("%s: %w", purpose, errSealed)
}
