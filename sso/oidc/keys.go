package oidc

import (
	"context"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
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

	mu sync.Mutex
	keys
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
		return nil, &Refused{Reason: TokenMalformed, Expected: "a JSON Web Token in compact form",
			Received: "one that cannot be parsed", Err: err}
	}
	header := signed.Signatures[0].Header
	tried, err := b.find(ctx, header.KeyID, header.Algorithm, false)
	if err != nil {
		return nil, err
	}
	payload, refused := verifyBy(signed, tried)
	if refused == nil {
		return payload, nil
	}
	// A provider may give a new key the name of the old one, or none.
	if again, err := b.find(ctx, header.KeyID, header.Algorithm, true); err == nil {
		if payload, err := verifyBy(signed, again); err == nil {
			return payload, nil
		}
	}
	return nil, refused
}

// verifyBy returns the payload of a token that one of the keys has signed.
func verifyBy(signed *jose.JSONWebSignature, keys []jose.JSONWebKey) ([]byte, error) {
	weak := 0
	for _, k := range keys {
		if key, ok := k.Key.(*rsa.PublicKey); ok && (key.N.BitLen() < minRSABits || key.N.BitLen() > maxRSABits) {
			weak = key.N.BitLen()
			continue
		}
		if payload, err := signed.Verify(k.Key); err == nil {
			return payload, nil
		}
	}
	if weak > 0 {
		return nil, refuse(TokenWeakKey, fmt.Sprintf("an RSA key of %d to %d bits", minRSABits, maxRSABits),
			fmt.Sprintf("one of %d bits", weak))
	}
	header := signed.Signatures[0].Header
	return nil, refuse(TokenWrongKey, "a signature by a key of the provider's key set",
		fmt.Sprintf("kid %s, alg %s, and a signature that none of %d keys made", quote(header.KeyID),
			header.Algorithm, len(keys)))
}

// find returns the keys that a token may be signed with. It fetches the set again for a token that
// no key is for, because the provider may have changed its keys (OpenID Connect Core, section
// 10.1.1). With failed set, the keys that are known have not verified it; only keys of a set that
// was fetched since are returned then.
func (b *boundKeys) find(ctx context.Context, id, algorithm string, failed bool) ([]jose.JSONWebKey, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	old := b.fetched.IsZero() || b.now.Sub(b.fetched) > keysKept
	found := b.matching(id, algorithm)
	if failed {
		found = nil
	}
	if !old && len(found) > 0 {
		return found, nil
	}
	if !b.now.Before(b.next) {
		// Other requests wait for the same fetch. It must not fail because this browser
		// disconnects.
		var got keys
		if got, b.failure = b.fetch(context.WithoutCancel(ctx)); b.failure == nil {
			if !old { // after a regular fetch, the first unknown key id may cause another one at once
				b.next = b.now.Add(keysPause)
			}
			b.keys, b.fetched = got, b.now
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
	return nil, b.refusal(id, algorithm)
}

// keys are the keys of a set, and those of it that cannot be used.
type keys struct {
	usable []jose.JSONWebKey
	others []unusable
}

// unusable is a key that cannot be used, and why.
type unusable struct{ id, why string }

// matching returns the keys for signatures that have the key id and the algorithm. A token or key
// that leaves one of them out matches any; a key without an id only if none has the token's
// (OpenID Connect Core, section 10.1, demands ids only among several keys).
func (k keys) matching(id, algorithm string) (found []jose.JSONWebKey) {
	var nameless []jose.JSONWebKey
	for _, key := range k.usable {
		switch {
		case unfit(&key, algorithm) != "":
		case id == "" || key.KeyID == id:
			found = append(found, key)
		case key.KeyID == "":
			nameless = append(nameless, key)
		}
	}
	if len(found) == 0 {
		return nameless
	}
	return found
}

// unfit says why a key is not for signatures by the algorithm. It is empty for one that is.
func unfit(key *jose.JSONWebKey, algorithm string) string {
	switch {
	case key.Use != "" && key.Use != "sig":
		return "its use is " + quote(key.Use) + " and not sig"
	case key.Algorithm != "" && key.Algorithm != algorithm:
		return "its alg is " + quote(key.Algorithm) + ", and the token's " + algorithm
	}
	kind := "EC"
	if _, ok := key.Key.(*rsa.PublicKey); ok {
		kind = "RSA"
	}
	if strings.HasPrefix(algorithm, "ES") != (kind == "EC") {
		return "its kty is " + quote(kind) + ", and the token's alg " + algorithm
	}
	return ""
}

// refusal says why no key of the set is for a token.
func (k keys) refusal(id, algorithm string) error {
	names, why := []string{}, ""
	for i := range k.usable {
		names = append(names, k.usable[i].KeyID)
		if w := unfit(&k.usable[i], algorithm); w != "" && (k.usable[i].KeyID == id || id == "") {
			why = w
		}
	}
	for _, o := range k.others {
		names = append(names, o.id)
		if o.id == id || id == "" {
			why = o.why
		}
	}
	token := "kid " + quote(id)
	if id == "" {
		token = "a key without kid"
	}
	switch {
	case why != "":
		return refuse(TokenUnusable, "a key for "+algorithm+" that can be read", token+" is in the set, but "+why)
	case len(names) == 0:
		return refuse(TokenUnknownKey, "a key of the provider's key set", token+"; the set has no keys")
	}
	return refuse(TokenUnknownKey, "a key of the provider's key set",
		token+"; the set has "+fmt.Sprint(len(names))+": "+quoted(names))
}

// fetch reads the key set from the provider.
func (k *keySet) fetch(ctx context.Context) (out keys, err error) {
	got, err := fetch(ctx, k.client, k.address, nil)
	expected := "a key set at " + k.address
	switch {
	case errors.Is(err, errTooLarge):
		return out, refuse(KeysTooLarge, "at most 256 KiB", "more")
	case err != nil:
		return out, &Refused{Reason: KeysUnreachable, Expected: expected, Received: describeNetwork(err), Err: err}
	case got.status != http.StatusOK:
		return out, refuse(KeysUnreachable, expected, got.describe())
	}
	members, _ := got.object()
	var list []json.RawMessage
	if json.Unmarshal(members["keys"], &list) != nil || list == nil {
		return out, refuse(KeysMalformed, "a JSON object with the list keys at "+k.address, got.describe())
	}
	if len(list) > maxKeys {
		return out, refuse(KeysTooLarge, fmt.Sprintf("at most %d keys", maxKeys), fmt.Sprint(len(list)))
	}
	for _, text := range list {
		key, why := readKey(text)
		if why == "" {
			out.usable = append(out.usable, key)
		} else {
			out.others = append(out.others, unusable{key.KeyID, why})
		}
	}
	return out, nil
}

// certificateMembers are the members of a key that name certificates of it. They are optional, and
// the signature is verified by the key itself (RFC 7517, section 4.7). The library refuses the
// whole key where one of them is wrong.
var certificateMembers = []string{"x5u", "x5c", "x5t", "x5t#S256"}

// readKey reads a key of a set. why is empty for one that can be used. Keys of unknown kinds are
// ignored (RFC 7517, section 5). So are symmetric keys: published in a key set, they are no secret.
func readKey(text json.RawMessage) (key jose.JSONWebKey, why string) {
	var members claims
	if json.Unmarshal(text, &members) != nil || members == nil {
		return key, "it is no JSON object"
	}
	for _, name := range certificateMembers {
		delete(members, name)
	}
	text, _ = json.Marshal(members)
	id, kind := members.exact("kid"), members.exact("kty")
	switch err := json.Unmarshal(text, &key); {
	case kind == "oct":
		why = "its kty is \"oct\", which is a shared secret"
	case kind != "RSA" && kind != "EC":
		why = "its kty is " + quote(kind) + "; RSA and EC are read"
	case err != nil && kind == "EC":
		why = "its crv " + quote(members.exact("crv")) + ", x or y cannot be read; P-256, P-384 and P-521 are"
	case err != nil:
		why = "its n or e cannot be read"
	case !key.Valid() || !key.IsPublic():
		why = "it is no public key"
	}
	if why != "" {
		return jose.JSONWebKey{KeyID: id}, why
	}
	return key, ""
}
