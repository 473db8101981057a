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
	"rollcall/model/internal/across"
	"rollcall/model/internal/tenant"
)

// TokenType is how an identity provider shows that it has a directory's secret.
type TokenType string

// The types of directory tokens.
const (
	// BearerToken is sent with every request.
	BearerToken TokenType = "bearer"
	// ClientCredentials buy access tokens, which are sent with every request
	// (RFC 6749, section 4.4).
	ClientCredentials TokenType = "client_credentials"
)

// AccessTokenLifetime is how long an access token opens its directory.
const AccessTokenLifetime = time.Hour

// accessTokenPrefix tells an access token from a bearer token, which is looked up by its hash.
const accessTokenPrefix = "rc_da_"

// CreateDirectoryClient adds client credentials, of which the secret is returned
// this once. It answers Conflict when the directory has two valid tokens.
func (o Org) CreateDirectoryClient(ctx context.Context, directoryID, name string, expires *model.Time) (t *DirectoryToken, secret string, err error) {
	return o.createDirectoryToken(ctx, directoryID, name, expires, ClientCredentials)
}

// ClientID is what client credentials are named by.
func (t *DirectoryToken) ClientID() string { return model.DirectoryTokenPrefix.ID(t.ID) }

// DirectoryAccessToken returns an access token for client credentials, and how
// long it is valid. It answers Denied for credentials that are unknown, revoked
// or expired, without telling which.
func (s Store) DirectoryAccessToken(ctx context.Context, clientID, secret string) (token string, lifetime time.Duration, err error) {
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
	return accessTokenPrefix + base64.RawURLEncoding.EncodeToString(append(claim, s.signed(claim)...)), until.Sub(now), nil
}

// signed is what proves that this installation made an access token. The token
// itself is stored nowhere: the credentials are looked up for as long as it lives.
func (s Store) signed(claim []byte) []byte {
	// A key of its own: nothing that is hashed for another end can pass for a token.
	key := hmac.New(sha256.New, tenant.HashKey(s))
	key.Write([]byte("directory access tokens"))
	mac := hmac.New(sha256.New, key.Sum(nil))
	mac.Write(claim)
	return mac.Sum(nil)
}

// credentialsOf returns the id of the credentials that an access token was given
// for, and its end; ok is false when it is none of this installation's.
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

// presented returns the directory token that a bearer token is, or was given
// for, with the moment at which it ends, which is nil for one that does not.
func (s Store) presented(ctx context.Context, token string) (*DirectoryToken, *model.Time, error) {
	if id, until, ok := s.credentialsOf(token); ok {
		t, err := s.directoryToken(ctx, "id = ? AND type = ?", id, ClientCredentials)
		if err == nil && t.ExpiresAt != nil {
			until = min(until, *t.ExpiresAt)
		}
		return t, &until, err
	}
	t, err := s.directoryToken(ctx, "hash = ? AND type = ?", tenant.HashToken(token), BearerToken)
	if err != nil {
		return nil, nil, err
	}
	return t, t.ExpiresAt, nil
}

// directoryToken reads the one token that a condition can be true of.
func (s Store) directoryToken(ctx context.Context, condition string, values ...any) (*DirectoryToken, error) {
	var t DirectoryToken
	r := across.Read(ctx, s).Where(condition, values...).Limit(1).Find(&t)
	if r.Error != nil {
		return nil, tenant.Translate(s, fmt.Errorf("read token: %w", r.Error))
	}
	if r.RowsAffected == 0 {
		return nil, errToken()
	}
	return &t, nil
}
