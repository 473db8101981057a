package directory

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"rollcall/model"
	"rollcall/model/internal/tenant"
)

// AccessTokenLifetime is how long an access token is valid.
const AccessTokenLifetime = time.Hour

// accessTokenPrefix tells an access token from a bearer token, which is looked up by its hash.
const accessTokenPrefix = "rc_da_"

// DirectoryAccessToken returns an access token for client credentials, and how long it is valid.
// It answers Denied for credentials that are unknown, revoked or expired, and does not say which.
func (s Store) DirectoryAccessToken(ctx context.Context, clientID, secret string) (
	token string, lifetime time.Duration, err error) {
	t, err := s.directoryToken(ctx, "hash = ? AND type = ?", tenant.HashToken(secret), ClientCredentials)
	if err != nil {
		return "", 0, err
	}
	now := s.Now()
	if t.ClientID() != clientID || t.ExpiresAt != nil && *t.ExpiresAt <= model.TimeOf(now) {
		return "", 0, errToken()
	}
	until := now.Add(AccessTokenLifetime)
	if t.ExpiresAt != nil {
		until = time.UnixMilli(min(until.UnixMilli(), int64(*t.ExpiresAt)))
	}
	id, err := uuid.Parse(t.ID)
	if err != nil {
		return "", 0, fmt.Errorf("token's id: %w", err)
	}
	claim := binary.BigEndian.AppendUint64(id[:], uint64(until.UnixMilli()))
	return accessTokenPrefix + base64.RawURLEncoding.EncodeToString(append(claim, s.signed(claim)...)),
		until.Sub(now), nil
}

// signed is the signature by which this installation recognizes an access token that it made.
// Access tokens are not stored: each use looks up the client credentials.
func (s Store) signed(claim []byte) []byte {
	// The key is for access tokens only: no other hash of this installation is a valid signature.
	key := hmac.New(sha256.New, tenant.HashKey(s))
	key.Write([]byte("directory access tokens"))
	mac := hmac.New(sha256.New, key.Sum(nil))
	mac.Write(claim)
	return mac.Sum(nil)
}

// credentialsOf returns the id of the client credentials that bought an access token, and when
// the access token expires. ok is false for a text that this installation did not sign.
func (s Store) credentialsOf(token string) (id string, until model.Time, ok bool) {
	encoded, ok := strings.CutPrefix(token, accessTokenPrefix)
	if !ok {
		return "", 0, false
	}
	b, err := base64.RawURLEncoding.DecodeString(encoded)
	const claim = len(uuid.UUID{}) + 8
	if err != nil || len(b) != claim+sha256.Size || !hmac.Equal(b[claim:], s.signed(b[:claim])) {
		return "", 0, false
	}
	return uuid.UUID(b[:len(uuid.UUID{})]).String(), model.Time(binary.BigEndian.Uint64(b[len(uuid.UUID{}):])), true
}
