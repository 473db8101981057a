package organization

import (
	"context"
	"fmt"

	"rollcall/model"
	"rollcall/model/internal/across"
	"rollcall/model/internal/tenant"
)

// APIKey is a key of an application for the management API. Only the hash of its token is stored.
type APIKey struct {
	ID            string `gorm:"primaryKey"`
	ApplicationID string
	Hash          []byte
	Suffix        string     // the end of the token, by which people recognize it
	CreatedAt     model.Time `gorm:"autoCreateTime:false"`
}

// Actor is the key's application as the actor of events.
func (k *APIKey) Actor() model.Actor {
	return model.Actor("application:" + model.ApplicationPrefix.ID(k.ApplicationID))
}

// APIKey returns the key of a bearer token, with the organizations that the key reaches. It answers
// Denied for an unknown token.
func (s Store) APIKey(ctx context.Context, token string) (*APIKey, model.Scope, error) {
	var k APIKey
	r := across.Read(ctx, s).Where("hash = ?", tenant.HashToken(token)).Limit(1).Find(&k)
	if r.Error != nil {
		return nil, model.Scope{}, tenant.Translate(s, fmt.Errorf("read API key: %w", r.Error))
	}
	if r.RowsAffected == 0 {
		return nil, model.Scope{}, errAPIKey()
	}
	a, err := s.inner().ApplicationIn(across.Read(ctx, s), k.ApplicationID)
	if model.KindOf(err) == model.NotFound { // deleted since the key was read
		return nil, model.Scope{}, errAPIKey()
	}
	if err != nil {
		return nil, model.Scope{}, err
	}
	return &k, a.Scope(), nil
}

func errAPIKey() error { return model.Deniedf("the API key is missing or unknown") }
