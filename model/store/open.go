package store

import (
	"context"
	"errors"
	"maps"

	"gorm.io/gorm"

	"rollcall/model/entitle"
	"rollcall/model/internal/removed"
	"rollcall/model/internal/tenant"
	"rollcall/model/people"
)

// completions are what completes a migration, by its name.
func completions() map[string]func(*gorm.DB) error {
	all := maps.Clone(people.Completions)
	all["0017_removed_resources"] = removed.FromEvents
	return all
}

// Open connects to the database at url (sqlite:PATH or postgres://…), applies the pending
// migrations and checks that o.Keys open the secrets in it. It answers Unavailable when it cannot
// reach the database. The caller closes the Store.
func Open(ctx context.Context, url string, o Options) (*Store, error) {
	s, err := tenant.NewStore(url, o, tenant.Hooks{
		BeforeCommit: func(ctx context.Context, org *tenant.Org) error {
			return entitle.Inside(tenant.Inside(org)).SettleEntitlements(ctx)
		},
		Completions: completions(),
	})
	if err != nil {
		return nil, err
	}
	err = tenant.Prepare(ctx, s, o.NoMigrate)
	if err == nil {
		err = entitle.InsideStore(tenant.InsideStore(s)).LearnRules(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}
