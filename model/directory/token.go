package directory

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"gorm.io/gorm"

	"rollcall/model"
	"rollcall/model/internal/tenant"
)

// DirectoryToken is a bearer token of a directory, or client credentials: the
// hash of the secret, never itself.
type DirectoryToken struct {
	ID             string               `gorm:"primaryKey"`
	OrganizationID model.OrganizationID `gorm:"<-:create"`
	DirectoryID    string
	Type           TokenType
	Name           string
	Hash           []byte
	Suffix         string      // its last four characters, to tell tokens apart
	ExpiresAt      *model.Time // nil: never
	LastUsedAt     *model.Time // to about ten minutes
	CreatedAt      model.Time  `gorm:"autoCreateTime:false"`
}

// maxDirectoryTokens are valid at once: enough to change one without an outage,
// too few for any to be forgotten.
const maxDirectoryTokens = 2

// CreateDirectoryToken adds a bearer token, which is returned this once. It
// answers Conflict when the directory has two that are valid.
func (o Org) CreateDirectoryToken(ctx context.Context, directoryID, name string, expires *model.Time) (t *DirectoryToken, token string, err error) {
	return o.createDirectoryToken(ctx, directoryID, name, expires, BearerToken)
}

func (o Org) createDirectoryToken(ctx context.Context, directoryID, name string, expires *model.Time, kind TokenType) (t *DirectoryToken, token string, err error) {
	if err := model.ValidName(name); err != nil {
		return nil, "", err
	}
	err = o.Tx(ctx, func(org Org) error {
		// The directory's row is the lock under which its tokens are counted.
		var d Directory
		if err := tenant.ByID(o, tenant.ForChange(org, tenant.DB(org).WithContext(ctx), directoryID), &d, "directory", directoryID); err != nil {
			return err
		}
		if expires != nil && *expires <= tenant.Now(org) {
			return model.Invalidf("expires_at", "expires_at must be in the future")
		}
		var valid int64
		if err := org.validTokens(ctx, directoryID).Count(&valid).Error; err != nil {
			return fmt.Errorf("count tokens: %w", err)
		}
		if valid >= maxDirectoryTokens {
			return model.Conflictf("token", "the directory has %d valid tokens; delete one first", valid)
		}
		t = &DirectoryToken{ID: model.NewID(), DirectoryID: directoryID, Type: kind, Name: name, ExpiresAt: expires, CreatedAt: tenant.Now(org)}
		prefix := "rc_dt_"
		if kind == ClientCredentials {
			prefix = "rc_ds_"
		}
		token, t.Hash, t.Suffix = tenant.NewToken(prefix)
		if err := tenant.DB(org).WithContext(ctx).Create(t).Error; err != nil {
			return fmt.Errorf("create token: %w", err)
		}
		return tenant.Record(org, DirectoryTokenCreated, model.DirectoryPrefix.ID(directoryID), t.PublicForm())
	})
	if err != nil {
		return nil, "", err
	}
	return t, token, nil
}

func (o Org) validTokens(ctx context.Context, directoryID string) *gorm.DB {
	return tenant.DB(o).WithContext(ctx).Model(&DirectoryToken{}).
		Where("directory_id = ? AND (expires_at IS NULL OR expires_at > ?)", directoryID, tenant.Now(o))
}

// DirectoryTokens lists a directory's tokens, oldest first, expired ones included.
func (o Org) DirectoryTokens(ctx context.Context, directoryID string) ([]DirectoryToken, error) {
	if _, err := o.Directory(ctx, directoryID); err != nil {
		return nil, err
	}
	var ts []DirectoryToken
	err := tenant.Read(o).WithContext(ctx).Where("directory_id = ?", directoryID).Order("id").Find(&ts).Error
	if err != nil {
		return nil, tenant.Translate(o, fmt.Errorf("read tokens: %w", err))
	}
	return ts, nil
}

// RevokeDirectoryToken deletes a token. This process refuses it from then on,
// another replica within a second.
func (o Org) RevokeDirectoryToken(ctx context.Context, directoryID, id string) error {
	return o.Tx(ctx, func(org Org) error {
		var t DirectoryToken
		err := tenant.ByID(o, tenant.DB(org).WithContext(ctx).Where("directory_id = ?", directoryID), &t, "token", id)
		if err != nil {
			return err
		}
		r := tenant.DB(org).WithContext(ctx).Where("id = ?", id).Delete(&DirectoryToken{})
		if r.Error != nil {
			return fmt.Errorf("delete token: %w", r.Error)
		}
		if r.RowsAffected == 0 {
			return model.NotFoundf("there is no token %.64q here", id) // someone else was first
		}
		tenant.Committed(org, TokensOf(Across(o)).Clear)
		return tenant.Record(org, DirectoryTokenRevoked, model.DirectoryPrefix.ID(directoryID), t.PublicForm())
	})
}

// noteUse remembers roughly when a token was last used. It is not worth failing a request for.
func (o Org) noteUse(ctx context.Context, t *DirectoryToken) error {
	if t.LastUsedAt != nil && tenant.Now(o)-*t.LastUsedAt < model.Time(useGranularity.Milliseconds()) {
		return nil
	}
	return tenant.DB(o).WithContext(ctx).Model(&DirectoryToken{}).Where("id = ?", t.ID).UpdateColumn("last_used_at", tenant.Now(o)).Error
}

const (
	useGranularity = 10 * time.Minute
	tokenCacheTime = time.Second
	tokenCacheSize = 10_000
)

// TokensOf is the cache of a store.
func TokensOf(s Store) *tokenCache { return tenant.State(s, newTokenCache) }

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

// Clear forgets all tokens: cheaper to reason about than finding the ones concerned.
func (c *tokenCache) Clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries.Purge()
	c.generation++
}
