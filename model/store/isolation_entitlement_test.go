package store_test

import (
	"context"

	"rollcall/model"
	"rollcall/model/entitle"
	"rollcall/model/internal/storetest"
	"rollcall/model/signon"
	"rollcall/model/store"
)

// entitlementCalls are the methods about accounts that name something by its id.
func entitlementCalls() map[string]call {
	page := model.Page{Limit: 10}
	return map[string]call{
		"entitle.Account": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
			return entitle.In(org).Account(ctx, of.Account.ID)
		},
		"entitle.AccountGroup": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
			return entitle.In(org).AccountGroup(ctx, of.Account.ID, of.AccountGroup.ID)
		},
		"entitle.AccountGroups": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
			gs, _, err := entitle.In(org).AccountGroups(ctx, of.Account.ID, page)
			return gs, err
		},
		"entitle.AddMapping": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
			return entitle.In(org).AddMapping(ctx, of.Account.ID, of.AccountGroup.ID, storetest.ByName("new"))
		},
		"entitle.AssignGroup": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
			return entitle.In(org).AssignGroup(ctx, of.Account.ID, of.AccountGroup.ID, of.Other.ID)
		},
		"entitle.AssignLicense": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
			return entitle.In(org).AssignLicense(ctx, of.Unowned.ID, of.Account.ID)
		},
		"entitle.CreateAccountGroup": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
			g := &entitle.AccountGroup{AccountID: of.Account.ID,
				AccountGroupFields: entitle.AccountGroupFields{Name: "New"}}
			return storetest.Done(entitle.In(org).CreateAccountGroup(ctx, g))
		},
		"entitle.DeleteAccount": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
			return storetest.Done(entitle.In(org).DeleteAccount(ctx, of.Account.ID))
		},
		"entitle.DeleteAccountGroup": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
			return storetest.Done(entitle.In(org).DeleteAccountGroup(ctx, of.Account.ID, of.AccountGroup.ID))
		},
		"entitle.GroupAssignments": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
			as, _, err := entitle.In(org).GroupAssignments(ctx,
				entitle.AssignmentQuery{GroupID: of.AccountGroup.ID, Page: page})
			return as, err
		},
		"entitle.License": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
			return entitle.In(org).License(ctx, of.License.ID)
		},
		"entitle.Licenses": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
			ls, _, err := entitle.In(org).Licenses(ctx, entitle.LicenseQuery{AccountID: of.Account.ID, Page: page})
			return ls, err
		},
		"entitle.Preview": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
			p, err := entitle.In(org).Preview(ctx,
				entitle.Proposal{Groups: map[string]entitle.ProposedGroup{of.AccountGroup.ID: {}}}, "", 10)
			if err != nil {
				return nil, err
			}
			return p, nil
		},
		"signon.ProfileAccounts": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
			return signon.In(org).ProfileAccounts(ctx, of.Other.ID)
		},
		"entitle.RemoveMapping": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
			return entitle.In(org).RemoveMapping(ctx, of.Account.ID, of.AccountGroup.ID, storetest.ByID(of.Group))
		},
		"entitle.SetConnectionAccounts": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
			return storetest.Done(entitle.In(org).SetConnectionAccounts(ctx, of.Connection.ID, nil))
		},
		"entitle.UnassignGroup": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
			return storetest.Done(entitle.In(org).UnassignGroup(ctx, of.Account.ID, of.AccountGroup.ID, of.Other.ID))
		},
		"entitle.UnassignLicense": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
			return storetest.Done(entitle.In(org).UnassignLicense(ctx, of.License.ID))
		},
		"entitle.UpdateAccount": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
			return entitle.In(org).UpdateAccount(ctx, of.Account.ID, func(a *entitle.AccountFields) error {
				a.Name = "Renamed"
				return nil
			})
		},
		"entitle.UpdateAccountGroup": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
			return entitle.In(org).UpdateAccountGroup(ctx, of.Account.ID, of.AccountGroup.ID,
				func(g *entitle.AccountGroupFields) error {
					g.Name = "Renamed"
					return nil
				})
		},
	}
}

// entitlementWhole are those about the organization as a whole.
func entitlementWhole() map[string]call {
	return map[string]call{
		"entitle.Accounts": func(ctx context.Context, org *store.Org, _ storetest.Estate) (any, error) {
			as, _, err := entitle.In(org).Accounts(ctx, model.Page{Limit: 10})
			return as, err
		},
		"entitle.CreateAccount": func(ctx context.Context, org *store.Org, _ storetest.Estate) (any, error) {
			return storetest.Done(entitle.In(org).CreateAccount(ctx,
				&entitle.Account{AccountFields: entitle.AccountFields{Name: "Another"}}))
		},
		"entitle.DeleteRoleMapping": func(ctx context.Context, org *store.Org, _ storetest.Estate) (any, error) {
			return storetest.Done(entitle.In(org).DeleteRoleMapping(ctx))
		},
		"entitle.Recompute": func(ctx context.Context, org *store.Org, _ storetest.Estate) (any, error) {
			return entitle.In(org).Recompute(ctx)
		},
		"entitle.RoleMapping": func(ctx context.Context, org *store.Org, _ storetest.Estate) (any, error) {
			return entitle.In(org).RoleMapping(ctx)
		},
		"entitle.SetRoleMapping": func(ctx context.Context, org *store.Org, _ storetest.Estate) (any, error) {
			return entitle.In(org).SetRoleMapping(ctx, storetest.ByName("Engineers"))
		},
	}
}
