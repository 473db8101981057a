package model

import (
	"context"
	"errors"

	"gorm.io/gorm"
)

// Open connects to the database named by url (sqlite:PATH or postgres://…),
// applies the pending migrations and makes sure that o.Keys open the secrets in
// it. It fails with Kind Unavailable when the database cannot be reached now.
func Open(ctx context.Context, url string, o Options) (*Store, error) {
	s, err := newStore(url, o, hooks{
		beforeCommit: func(ctx context.Context, org *Org) error { return org.settleEntitlements(ctx) },
		completions:  map[string]func(*gorm.DB) error{filterIndex: foldStored},
	})
	if err != nil {
		return nil, err
	}
	err = s.prepare(ctx, o.NoMigrate)
	if err == nil {
		err = s.learnRules(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}
