package directory

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"rollcall/model"
	"rollcall/model/internal/tenant"
)

// DirectoryToken is a bearer token or the client credentials of a directory. It has the hash of
// the secret, never the secret itself.
type DirectoryToken struct {
	ID             string               `gorm:"primaryKey"`
	OrganizationID model.OrganizationID `gorm:"<-:create"`
	DirectoryID    string
	Type           TokenType
	Name           string
	Hash           []byte
	Suffix         string      // the last four characters of the secret, which tell tokens apart
	ExpiresAt      *model.Time // nil: never
	LastUsedAt     *model.Time // as exact as useGranularity
	CreatedAt      model.Time  `gorm:"autoCreateTime:false"`
}

// TokenType is how an identity provider proves that it has a directory's secret.
type TokenType string

// The types of directory tokens.
const (
	// BearerToken is sent with every request.
	BearerToken TokenType = "bearer"
	// ClientCredentials are exchanged for access tokens, which are sent with every request
	// (RFC 6749, section 4.4).
	ClientCredentials TokenType = "client_credentials"
)

// ClientID is the client_id of client credentials.
func (t *DirectoryToken) ClientID() string { return model.DirectoryTokenPrefix.ID(t.ID) }

// DirectoryTokenObject is the public form of a DirectoryToken, without the secret and its hash.
type DirectoryTokenObject struct {
	Object         string      `json:"object"`
	ID             string      `json:"id"`
	DirectoryID    string      `json:"directory_id"`
	OrganizationID string      `json:"organization_id"`
	Name           string      `json:"name"`
	TokenSuffix    string      `json:"token_suffix"`
	ExpiresAt      *model.Time `json:"expires_at"`
	LastUsedAt     *model.Time `json:"last_used_at"`
	CreatedAt      model.Time  `json:"created_at"`
}

// PublicForm returns the object that the API and events show.
func (t *DirectoryToken) PublicForm() DirectoryTokenObject {
	return DirectoryTokenObject{
		Object:         "directory_token",
		ID:             model.DirectoryTokenPrefix.ID(t.ID),
		DirectoryID:    model.DirectoryPrefix.ID(t.DirectoryID),
		OrganizationID: model.OrganizationPrefix.ID(string(t.OrganizationID)), Name: t.Name, TokenSuffix: t.Suffix,
		ExpiresAt: t.ExpiresAt, LastUsedAt: t.LastUsedAt, CreatedAt: t.CreatedAt,
	}
}

// maxDirectoryTokens is how many tokens of a directory are valid at once: enough to replace one
// without an outage, and too few to forget one.
const maxDirectoryTokens = 2

// CreateToken adds a bearer token. It alone returns the secret, which cannot be read later. It
// answers Conflict where the directory has two valid tokens.
func (c Contents) CreateToken(ctx context.Context, name string, expires *model.Time) (
	t *DirectoryToken, token string, err error) {
	return c.createToken(ctx, name, expires, BearerToken)
}

// CreateClient adds client credentials. It alone returns the secret, which cannot be read later.
// It answers Conflict where the directory has two valid tokens.
func (c Contents) CreateClient(ctx context.Context, name string, expires *model.Time) (
	t *DirectoryToken, secret string, err error) {
	return c.createToken(ctx, name, expires, ClientCredentials)
}

// createToken adds a token of a kind.
func (c Contents) createToken(ctx context.Context, name string, expires *model.Time, kind TokenType) (
	t *DirectoryToken, secret string, err error) {
	if err := model.ValidName(name); err != nil {
		return nil, "", err
	}
	err = c.tx(ctx, func(c Contents) error {
		// The lock of the directory's row makes the count of its tokens reliable.
		var d Directory
		db := tenant.ForChange(c.org, tenant.DB(ctx, c.org), c.id)
		if err := tenant.ByID(c.org, db, &d, "directory", c.id); err != nil {
			return err
		}
		if expires != nil && *expires <= tenant.Now(c.org) {
			return model.Invalidf("expires_at", "expires_at must be in the future")
		}
		var valid int64
		if err := c.validTokens(ctx).Count(&valid).Error; err != nil {
			return fmt.Errorf("count tokens: %w", err)
		}
		if valid >= maxDirectoryTokens {
			return model.Conflictf("token", "the directory has %d valid tokens; delete one first", valid)
		}
		t = &DirectoryToken{
			ID: model.NewID(), DirectoryID: c.id, Type: kind, Name: name, ExpiresAt: expires,
			CreatedAt: tenant.Now(c.org),
		}
		prefix := "rc_dt_"
		if kind == ClientCredentials {
			prefix = "rc_ds_"
		}
		secret, t.Hash, t.Suffix = tenant.NewToken(prefix)
		if err := tenant.DB(ctx, c.org).Create(t).Error; err != nil {
			return fmt.Errorf("create token: %w", err)
		}
		return tenant.Record(c.org, DirectoryTokenCreated, model.DirectoryPrefix.ID(c.id), t.PublicForm())
	})
	if err != nil {
		return nil, "", err
	}
	return t, secret, nil
}

// validTokens is the query for the tokens of the directory that have not expired.
func (c Contents) validTokens(ctx context.Context) *gorm.DB {
	return tenant.DB(ctx, c.org).Model(&DirectoryToken{}).
		Where("directory_id = ? AND (expires_at IS NULL OR expires_at > ?)", c.id, tenant.Now(c.org))
}

// Tokens lists the directory's tokens, oldest first, expired ones included.
func (c Contents) Tokens(ctx context.Context) ([]DirectoryToken, error) {
	if _, err := c.org.Directory(ctx, c.id); err != nil {
		return nil, err
	}
	var ts []DirectoryToken
	err := tenant.Read(ctx, c.org).Where("directory_id = ?", c.id).Order("id").Find(&ts).Error
	if err != nil {
		return nil, tenant.Translate(c.org, fmt.Errorf("read tokens: %w", err))
	}
	return ts, nil
}

// RevokeToken deletes a token. The next request with it is refused, by every replica.
func (c Contents) RevokeToken(ctx context.Context, id string) error {
	return c.tx(ctx, func(c Contents) error {
		var t DirectoryToken
		err := tenant.ByID(c.org, tenant.DB(ctx, c.org).Where(tenant.IsBeside("directory_id"), c.id), &t, "token", id)
		if err != nil {
			return err
		}
		r := tenant.DB(ctx, c.org).Where("id = ?", id).Delete(&DirectoryToken{})
		if r.Error != nil {
			return fmt.Errorf("delete token: %w", r.Error)
		}
		if r.RowsAffected == 0 {
			return model.NotFoundf("there is no token %.64q here", id) // another request was first
		}
		tenant.Committed(c.org, Across(c.org).inner().ForgetTokens)
		return tenant.Record(c.org, DirectoryTokenRevoked, model.DirectoryPrefix.ID(c.id), t.PublicForm())
	})
}

// useGranularity is the least time between two updates of LastUsedAt.
const useGranularity = 10 * time.Minute

// noteUse stores when a token was last used, unless a recent use is stored already.
func (o Org) noteUse(ctx context.Context, t *DirectoryToken) error {
	if t.LastUsedAt != nil && tenant.Now(o)-*t.LastUsedAt < model.Time(useGranularity.Milliseconds()) {
		return nil
	}
	return tenant.DB(ctx, o).Model(&DirectoryToken{}).Where("id = ?", t.ID).
		UpdateColumn("last_used_at", tenant.Now(o)).Error
}
