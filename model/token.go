package model

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"gorm.io/gorm"
)

// DirectoryToken is a bearer token of a directory, or client credentials: the
// hash of the secret, never itself.
type DirectoryToken struct {
	ID             string         `gorm:"primaryKey"`
	OrganizationID OrganizationID `gorm:"<-:create"`
	DirectoryID    string
	Type           TokenType
	Name           string
	Hash           []byte
	Suffix         string // its last four characters, to tell tokens apart
	ExpiresAt      *Time  // nil: never
	LastUsedAt     *Time  // to about ten minutes
	CreatedAt      Time   `gorm:"autoCreateTime:false"`
}

// maxDirectoryTokens are valid at once: enough to change one without an outage,
// too few for any to be forgotten.
const maxDirectoryTokens = 2

// newToken makes a secret with 256 random bits, and what is stored of it.
func newToken(prefix string) (token string, hash []byte, suffix string) {
	b := make([]byte, 32)
	rand.Read(b)
	token = prefix + base64.RawURLEncoding.EncodeToString(b)
	return token, hashToken(token), token[len(token)-4:]
}

// hashToken needs no salt and no work factor: what it hashes has 256 random bits.
func hashToken(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// CreateDirectoryToken adds a bearer token, which is returned this once. It
// answers Conflict when the directory has two that are valid.
func (o *Org) CreateDirectoryToken(ctx context.Context, directoryID, name string, expires *Time) (t *DirectoryToken, token string, err error) {
	return o.createDirectoryToken(ctx, directoryID, name, expires, BearerToken)
}

func (o *Org) createDirectoryToken(ctx context.Context, directoryID, name string, expires *Time, kind TokenType) (t *DirectoryToken, token string, err error) {
	if err := validName(name); err != nil {
		return nil, "", err
	}
	err = o.Tx(ctx, func(org *Org) error {
		// The directory's row is the lock under which its tokens are counted.
		var d Directory
		if err := o.one(org.forChange(org.db.WithContext(ctx), directoryID), &d, "directory", directoryID); err != nil {
			return err
		}
		if expires != nil && *expires <= org.now() {
			return Invalidf("expires_at", "expires_at must be in the future")
		}
		var valid int64
		if err := org.validTokens(ctx, directoryID).Count(&valid).Error; err != nil {
			return fmt.Errorf("count tokens: %w", err)
		}
		if valid >= maxDirectoryTokens {
			return Conflictf("token", "the directory has %d valid tokens; delete one first", valid)
		}
		t = &DirectoryToken{ID: newID(), DirectoryID: directoryID, Type: kind, Name: name, ExpiresAt: expires, CreatedAt: org.now()}
		prefix := "rc_dt_"
		if kind == ClientCredentials {
			prefix = "rc_ds_"
		}
		token, t.Hash, t.Suffix = newToken(prefix)
		if err := org.db.WithContext(ctx).Create(t).Error; err != nil {
			return fmt.Errorf("create token: %w", err)
		}
		return org.record(DirectoryTokenCreated, DirectoryPrefix.ID(directoryID), t.PublicForm())
	})
	if err != nil {
		return nil, "", err
	}
	return t, token, nil
}

func (o *Org) validTokens(ctx context.Context, directoryID string) *gorm.DB {
	return o.db.WithContext(ctx).Model(&DirectoryToken{}).
		Where("directory_id = ? AND (expires_at IS NULL OR expires_at > ?)", directoryID, o.now())
}

// DirectoryTokens lists a directory's tokens, oldest first, expired ones included.
func (o *Org) DirectoryTokens(ctx context.Context, directoryID string) ([]DirectoryToken, error) {
	if _, err := o.Directory(ctx, directoryID); err != nil {
		return nil, err
	}
	var ts []DirectoryToken
	err := o.read.WithContext(ctx).Where("directory_id = ?", directoryID).Order("id").Find(&ts).Error
	if err != nil {
		return nil, o.store.translate(fmt.Errorf("read tokens: %w", err))
	}
	return ts, nil
}

// RevokeDirectoryToken deletes a token. This process refuses it from then on,
// another replica within a second.
func (o *Org) RevokeDirectoryToken(ctx context.Context, directoryID, id string) error {
	return o.Tx(ctx, func(org *Org) error {
		var t DirectoryToken
		err := o.one(org.db.WithContext(ctx).Where("directory_id = ?", directoryID), &t, "token", id)
		if err != nil {
			return err
		}
		r := org.db.WithContext(ctx).Where("id = ?", id).Delete(&DirectoryToken{})
		if r.Error != nil {
			return fmt.Errorf("delete token: %w", r.Error)
		}
		if r.RowsAffected == 0 {
			return NotFoundf("there is no token %.64q here", id) // someone else was first
		}
		org.committed(tokensOf(o.store).clear)
		return org.record(DirectoryTokenRevoked, DirectoryPrefix.ID(directoryID), t.PublicForm())
	})
}

// noteUse remembers roughly when a token was last used. It is not worth failing a request for.
func (o *Org) noteUse(ctx context.Context, t *DirectoryToken) error {
	if t.LastUsedAt != nil && o.now()-*t.LastUsedAt < Time(useGranularity.Milliseconds()) {
		return nil
	}
	return o.db.WithContext(ctx).Model(&DirectoryToken{}).Where("id = ?", t.ID).UpdateColumn("last_used_at", o.now()).Error
}

const (
	useGranularity = 10 * time.Minute
	tokenCacheTime = time.Second
	tokenCacheSize = 10_000
)

// tokensOf is the cache of a store.
func tokensOf(s *Store) *tokenCache { return state(s, newTokenCache) }

func newTokenCache() *tokenCache {
	entries, _ := simplelru.NewLRU[[32]byte, tokenEntry](tokenCacheSize, nil) // fails only for a size below 1
	return &tokenCache{entries: entries}
}

// find returns what is remembered, and the generation that add must be given.
func (c *tokenCache) find(hash []byte, now time.Time) (tokenEntry, uint64, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries.Get([32]byte(hash))
	age := now.Sub(e.read)
	return e, c.generation, ok && age >= 0 && age < tokenCacheTime
}

func (c *tokenCache) add(hash []byte, e tokenEntry, generation uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if generation == c.generation {
		c.entries.Add([32]byte(hash), e)
	}
}

// clear forgets all tokens: cheaper to reason about than finding the ones concerned.
func (c *tokenCache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries.Purge()
	c.generation++
}
