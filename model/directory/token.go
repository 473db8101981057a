package directory

import (
	"context"
	"fmt"
	"time"

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

// ClientID is what client credentials are named by.
func (t *DirectoryToken) ClientID() string { return model.DirectoryTokenPrefix.ID(t.ID) }

// DirectoryTokenObject is the public form of a DirectoryToken; the token itself is never in it.
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
		Object: "directory_token", ID: model.DirectoryTokenPrefix.ID(t.ID), DirectoryID: model.DirectoryPrefix.ID(t.DirectoryID),
		OrganizationID: model.OrganizationPrefix.ID(string(t.OrganizationID)), Name: t.Name, TokenSuffix: t.Suffix,
		ExpiresAt: t.ExpiresAt, LastUsedAt: t.LastUsedAt, CreatedAt: t.CreatedAt,
	}
}

// maxDirectoryTokens are valid at once: enough to change one without an outage,
// too few for any to be forgotten.
const maxDirectoryTokens = 2

// CreateToken adds a bearer token, which is returned this once. It
// answers Conflict when the directory has two that are valid.
func (c Contents) CreateToken(ctx context.Context, name string, expires *model.Time) (t *DirectoryToken, token string, err error) {
	return c.createToken(ctx, name, expires, BearerToken)
}

// CreateClient adds client credentials, of which the secret is returned
// this once. It answers Conflict when the directory has two valid tokens.
func (c Contents) CreateClient(ctx context.Context, name string, expires *model.Time) (t *DirectoryToken, secret string, err error) {
	return c.createToken(ctx, name, expires, ClientCredentials)
}

func (c Contents) createToken(ctx context.Context, name string, expires *model.Time, kind TokenType) (t *DirectoryToken, token string, err error) {
	if err := model.ValidName(name); err != nil {
		return nil, "", err
	}
	err = c.tx(ctx, func(c Contents) error {
		// The directory's row is the lock under which its tokens are counted.
		var d Directory
		if err := tenant.One(c.org, tenant.ForChange(c.org, tenant.DB(c.org).WithContext(ctx), c.id), &d, "directory", c.id); err != nil {
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
		t = &DirectoryToken{ID: model.NewID(), DirectoryID: c.id, Type: kind, Name: name, ExpiresAt: expires, CreatedAt: tenant.Now(c.org)}
		prefix := "rc_dt_"
		if kind == ClientCredentials {
			prefix = "rc_ds_"
		}
		token, t.Hash, t.Suffix = model.NewToken(prefix)
		if err := tenant.DB(c.org).WithContext(ctx).Create(t).Error; err != nil {
			return fmt.Errorf("create token: %w", err)
		}
		return tenant.Record(c.org, DirectoryTokenCreated, model.DirectoryPrefix.ID(c.id), t.PublicForm())
	})
	if err != nil {
		return nil, "", err
	}
	return t, token, nil
}

func (c Contents) validTokens(ctx context.Context) *gorm.DB {
	return tenant.DB(c.org).WithContext(ctx).Model(&DirectoryToken{}).
		Where("directory_id = ? AND (expires_at IS NULL OR expires_at > ?)", c.id, tenant.Now(c.org))
}

// Tokens lists the directory's tokens, oldest first, expired ones included.
func (c Contents) Tokens(ctx context.Context) ([]DirectoryToken, error) {
	if _, err := c.org.Directory(ctx, c.id); err != nil {
		return nil, err
	}
	var ts []DirectoryToken
	err := tenant.Read(c.org).WithContext(ctx).Where("directory_id = ?", c.id).Order("id").Find(&ts).Error
	if err != nil {
		return nil, tenant.Translate(c.org, fmt.Errorf("read tokens: %w", err))
	}
	return ts, nil
}

// RevokeToken deletes a token. This process refuses it from then on,
// another replica within a second.
func (c Contents) RevokeToken(ctx context.Context, id string) error {
	return c.tx(ctx, func(c Contents) error {
		var t DirectoryToken
		err := tenant.One(c.org, tenant.DB(c.org).WithContext(ctx).Where("directory_id = ?", c.id), &t, "token", id)
		if err != nil {
			return err
		}
		r := tenant.DB(c.org).WithContext(ctx).Where("id = ?", id).Delete(&DirectoryToken{})
		if r.Error != nil {
			return fmt.Errorf("delete token: %w", r.Error)
		}
		if r.RowsAffected == 0 {
			return model.NotFoundf("there is no token %.64q here", id) // someone else was first
		}
		tenant.Committed(c.org, TokensOf(Across(c.org)).Clear)
		return tenant.Record(c.org, DirectoryTokenRevoked, model.DirectoryPrefix.ID(c.id), t.PublicForm())
	})
}

// useGranularity is how exact LastUsedAt is.
const useGranularity = 10 * time.Minute

// noteUse remembers roughly when a token was last used. It is not worth failing a request for.
func (o Org) noteUse(ctx context.Context, t *DirectoryToken) error {
	if t.LastUsedAt != nil && tenant.Now(o)-*t.LastUsedAt < model.Time(useGranularity.Milliseconds()) {
		return nil
	}
	return tenant.DB(o).WithContext(ctx).Model(&DirectoryToken{}).Where("id = ?", t.ID).UpdateColumn("last_used_at", tenant.Now(o)).Error
}
