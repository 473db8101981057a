package store_test

import (
	"context"
	"maps"

	"rollcall/model"
	"rollcall/model/internal/storetest"
	"rollcall/model/setup"
	"rollcall/model/store"
)

// The entries of TestIsolation about set-up links.
func init() {
	from := setup.Sender{Address: "192.0.2.7", Browser: "Safari"}
	maps.Copy(naming, map[string]call{
		"setup.Link": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
			return setup.In(org).Link(ctx, of.Link.ID)
		},
		"setup.HandOn": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
			l, _, err := setup.In(org).HandOn(ctx, of.Link.ID, []setup.Scope{setup.ScopeDomains}, "")
			return l, err
		},
		"setup.Children": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
			_, _, _ = setup.In(org).HandOn(ctx, of.Link.ID, []setup.Scope{setup.ScopeDomains}, "")
			return setup.In(org).Children(ctx, of.Link.ID)
		},
		"setup.NoteLook": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
			return storetest.Done(setup.In(org).NoteLook(ctx, of.Link.ID, from))
		},
		"setup.RevokeLink": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
			return setup.In(org).RevokeLink(ctx, of.Link.ID)
		},
		"setup.FinishLink": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
			return setup.In(org).FinishLink(ctx, of.Link.ID)
		},
	})
	maps.Copy(whole, map[string]call{
		"setup.CreateLink": func(ctx context.Context, org *store.Org, _ storetest.Estate) (any, error) {
			l, _, err := setup.In(org).CreateLink(ctx, setup.LinkFields{Scopes: setup.Scopes})
			return l, err
		},
		"setup.Links": func(ctx context.Context, org *store.Org, _ storetest.Estate) (any, error) {
			links, _, err := setup.In(org).Links(ctx, model.Page{Limit: 10})
			return links, err
		},
		"setup.Steps": func(ctx context.Context, org *store.Org, _ storetest.Estate) (any, error) {
			return setup.In(org).Steps(ctx)
		},
		"setup.Choose": func(ctx context.Context, org *store.Org, _ storetest.Estate) (any, error) {
			return storetest.Done(setup.In(org).Choose(ctx, setup.StepProvider, "okta", false))
		},
		"setup.Complete": func(ctx context.Context, org *store.Org, _ storetest.Estate) (any, error) {
			return storetest.Done(setup.In(org).Complete(ctx, setup.StepTest))
		},
	})
}
