package oidc

import (
	"context"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	maxKeys    = 100
	minRSABits = 2048
	maxRSABits = 8192 // verifying takes time by the square of the length: 5 s with 256 Ki bits
	// keysKept is how long a fetched key set is used. A key that the provider withdraws is accepted
	// for at most that long.
	keysKept = time.Hour
	// keysPause is the least time between two fetches of a fresh set, however many unknown key ids
	// come. keysRetry is the least time after a failed fetch.
	keysPause = time.Minute
	keysRetry = 5 * time.Second
)

// keySet is a provider's JSON Web Key Set (RFC 7517) as it was last fetched. The one of go-oidc has
// no limits: it fetches for each signature that does not verify, and keeps any number of keys.
type keySet struct {
	address string
	client  *http.Client

	mu      sync.Mutex
	keys    []jose.JSONWebKey
	fetched time.Time // time of the last successful fetch, zero before the first
	next    time.Time // earliest time of the next fetch
	failure error     // error of the last fetch
}

func newKeySet(address string, client *http.Client) *keySet {
	readLongKeys()
	return &keySet{address: address, client: client}
}

// readLongKeys has the library read RSA keys of any length, as it passes over those of more than
// 4096 bits. A key that has more than maxRSABits is then refused as such, and not as unknown. The
// library's limit is a variable of the process, so it is set once, before any key is read.
var readLongKeys = sync.OnceFunc(func() { jose.MaxRSAModulusBits = math.MaxInt })

// boundKeys is a keySet for the verification of one token at the time now. It implements the KeySet
// of go-oidc. That library does not return the key set's error, so boundKeys keeps it.
type boundKeys struct {
	*keySet
	now     time.Time
	refused error
}

// VerifySignature returns the payload of a token that one of the keys has signed. The caller has
// checked that the algorithm is one of algorithms.
func (b *boundKeys) VerifySignature(ctx context.Context, token string) (payload []byte, err error) {
	payload, err = b.verify(ctx, token)
	b.refused = err
	return payload, err
}

// verify is VerifySignature without keeping the error.
func (b *boundKeys) verify(ctx context.Context, token string) ([]byte, error) {
	var accepted []jose.SignatureAlgorithm
	for _, a := range algorithms {
		accepted = append(accepted, jose.SignatureAlgorithm(a))
	}
	signed, err := jose.ParseSignedCompact(token, accepted)
	if err != nil {
		return nil, &Refused{Reason: TokenMalformed, Expected: "a JSON Web Token in compact form", Err: err}
	}
	header := signed.Signatures[0].Header
	candidates, err := b.find(ctx, header.KeyID, header.Algorithm)
	if err != nil {
		return nil, err
	}
	weak := false
	for _, k := range candidates {
		if key, ok := k.Key.(*rsa.PublicKey); ok && (key.N.BitLen() < minRSABits || key.N.BitLen() > maxRSABits) {
			weak = true
			continue
		}
		if payload, err := signed.Verify(k.Key); err == nil {
			return payload, nil
		}
	}
	if weak {
		expected := fmt.Sprintf("an RSA key of %d to %d bits", minRSABits, maxRSABits)
		return nil, refuse(TokenWeakKey, expected, "another one")
	}
	return nil, refuse(TokenWrongKey, "a signature by one of the provider's keys", "another one")
}

// find returns the keys that a token may be signed with. For an unknown key id it fetches the set
// again, because the provider may have changed its keys (OpenID Connect Core, section 10.1.1).
func (b *boundKeys) find(ctx context.Context, id, algorithm string) ([]jose.JSONWebKey, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	old := b.fetched.IsZero() || b.now.Sub(b.fetched) > keysKept
	found := b.matching(id, algorithm)
	if !old && len(found) > 0 {
		return found, nil
	}
	if !b.now.Before(b.next) {
		// Other requests wait for the same fetch. It must not fail because this browser
		// disconnects.
		var keys []jose.JSONWebKey
		if keys, b.failure = b.fetch(context.WithoutCancel(ctx)); b.failure == nil {
			if !old { // after a regular fetch, the first unknown key id may cause another one at once
				b.next = b.now.Add(keysPause)
			}
			b.keys, b.fetched = keys, b.now
			found = b.matching(id, algorithm)
		} else {
			b.next = b.now.Add(keysRetry)
		}
	}
	// While the provider is unavailable, keys from an earlier fetch are still accepted.
	switch {
	case len(found) > 0:
		return found, nil
	case b.failure != nil:
		return nil, b.failure
	}
	return nil, refuse(TokenUnknownKey, "a key of the provider's key set", "kid "+id)
}

// matching returns the keys for signatures that have the key id and the algorithm. A token or key
// that leaves one of them out matches any.
func (k *keySet) matching(id, algorithm string) (found []jose.JSONWebKey) {
	for _, key := range k.keys {
		if (id == "" || key.KeyID == id) && (key.Use == "" || key.Use == "sig") &&
			(key.Algorithm == "" || key.Algorithm == algorithm) {
			found = append(found, key)
		}
	}
	return found
}

// fetch reads the key set from the provider.
func (k *keySet) fetch(ctx context.Context) ([]jose.JSONWebKey, error) {
	status, body, err := fetch(ctx, k.client, k.address, nil)
	switch {
	case errors.Is(err, errTooLarge):
		return nil, refuse(KeysTooLarge, "at most 256 KiB", "more")
	case err != nil:
		return nil, &Refused{
			Reason: KeysUnreachable, Expected: "a key set", Received: "no answer that could be read", Err: err,
		}
	case status != http.StatusOK:
		return nil, refuse(KeysUnreachable, "a key set", fmt.Sprintf("status %d", status))
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(body, &set); err != nil || set.Keys == nil {
		return nil, &Refused{Reason: KeysMalformed, Expected: "a JSON object with the field keys", Err: err}
	}
	if len(set.Keys) > maxKeys {
		return nil, refuse(KeysTooLarge, fmt.Sprintf("at most %d keys", maxKeys), fmt.Sprint(len(set.Keys)))
	}
	var keys []jose.JSONWebKey
	for _, text := range set.Keys {
		var key jose.JSONWebKey
		// RFC 7517, section 5: keys of unknown kinds are ignored. So are symmetric keys: published
		// in a key set, they are no secret.
		if json.Unmarshal(text, &key) == nil && key.Valid() && key.IsPublic() {
			keys = append(keys, key)
		}
	}
	return keys, nil
}
