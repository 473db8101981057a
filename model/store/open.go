package store

import (
	"context"
	"errors"

	"rollcall/model/entitle"
	"rollcall/model/internal/tenant"
	"rollcall/model/people"
)

// Open connects to the database named by url (sqlite:PATH or postgres://…),
// applies the pending migrations and makes sure that o.Keys open the secrets in
// it. It fails with Kind Unavailable when the database cannot be reached now.
func Open(ctx context.Context, url string, o Options) (*tenant.Store, error) {
	s, err := tenant.NewStore(url, o, tenant.Hooks{
		BeforeCommit: func(ctx context.Context, org *tenant.Org) error {
			return entitle.In(org).SettleEntitlements(ctx)
		},
		Completions: people.Completions,
	})
	if err != nil {
		return nil, err
	}
	err = tenant.Prepare(ctx, s, o.NoMigrate)
	if err == nil {
		err = entitle.Across(s).LearnRules(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}
