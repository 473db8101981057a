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
		"Account": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
			return entitle.In(org).Account(ctx, of.Account.ID)
		},
		"AccountGroup": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
			return entitle.In(org).AccountGroup(ctx, of.Account.ID, of.AccountGroup.ID)
		},
		"AccountGroups": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
			gs, _, err := entitle.In(org).AccountGroups(ctx, of.Account.ID, page)
			return gs, err
		},
		"AddMapping": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
			return entitle.In(org).AddMapping(ctx, of.Account.ID, of.AccountGroup.ID, storetest.ByName("new"))
		},
		"AssignGroup": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
			return entitle.In(org).AssignGroup(ctx, of.Account.ID, of.AccountGroup.ID, of.Other.ID)
		},
		"AssignLicense": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
			return entitle.In(org).AssignLicense(ctx, of.Unowned.ID, of.Account.ID)
		},
		"CreateAccountGroup": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
			g := &entitle.AccountGroup{AccountID: of.Account.ID, AccountGroupFields: entitle.AccountGroupFields{Name: "New"}}
			return storetest.Done(entitle.In(org).CreateAccountGroup(ctx, g))
		},
		"DeleteAccount": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
			return storetest.Done(entitle.In(org).DeleteAccount(ctx, of.Account.ID))
		},
		"DeleteAccountGroup": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
			return storetest.Done(entitle.In(org).DeleteAccountGroup(ctx, of.Account.ID, of.AccountGroup.ID))
		},
		"GroupAssignments": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
			as, _, err := entitle.In(org).GroupAssignments(ctx, entitle.AssignmentQuery{GroupID: of.AccountGroup.ID, Page: page})
			return as, err
		},
		"License": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
			return entitle.In(org).License(ctx, of.License.ID)
		},
		"Licenses": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
			ls, _, err := entitle.In(org).Licenses(ctx, entitle.LicenseQuery{AccountID: of.Account.ID, Page: page})
			return ls, err
		},
		"Preview": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
			p, err := entitle.In(org).Preview(ctx, entitle.Proposal{Groups: map[string]entitle.ProposedGroup{of.AccountGroup.ID: {}}}, "", 10)
			if err != nil {
				return nil, err
			}
			return p, nil
		},
		"ProfileAccounts": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
			return signon.In(org).ProfileAccounts(ctx, of.Other.ID)
		},
		"RemoveMapping": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
			return entitle.In(org).RemoveMapping(ctx, of.Account.ID, of.AccountGroup.ID, storetest.ByID(of.Group))
		},
		"SetConnectionAccounts": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
			return storetest.Done(entitle.In(org).SetConnectionAccounts(ctx, of.Connection.ID, nil))
		},
		"UnassignGroup": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
			return storetest.Done(entitle.In(org).UnassignGroup(ctx, of.Account.ID, of.AccountGroup.ID, of.Other.ID))
		},
		"UnassignLicense": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
			return storetest.Done(entitle.In(org).UnassignLicense(ctx, of.License.ID))
		},
		"UpdateAccount": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
			return entitle.In(org).UpdateAccount(ctx, of.Account.ID, func(a *entitle.AccountFields) error { a.Name = "Renamed"; return nil })
		},
		"UpdateAccountGroup": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
			return entitle.In(org).UpdateAccountGroup(ctx, of.Account.ID, of.AccountGroup.ID, func(g *entitle.AccountGroupFields) error {
				g.Name = "Renamed"
				return nil
			})
		},
	}
}

// entitlementWhole are those about the organization as a whole.
func entitlementWhole() map[string]call {
	return map[string]call{
		"Accounts": func(ctx context.Context, org *store.Org, _ storetest.Estate) (any, error) {
			as, _, err := entitle.In(org).Accounts(ctx, model.Page{Limit: 10})
			return as, err
		},
		"CreateAccount": func(ctx context.Context, org *store.Org, _ storetest.Estate) (any, error) {
			return storetest.Done(entitle.In(org).CreateAccount(ctx, &entitle.Account{AccountFields: entitle.AccountFields{Name: "Another"}}))
		},
		"DeleteRoleMapping": func(ctx context.Context, org *store.Org, _ storetest.Estate) (any, error) {
			return storetest.Done(entitle.In(org).DeleteRoleMapping(ctx))
		},
		"Recompute": func(ctx context.Context, org *store.Org, _ storetest.Estate) (any, error) {
			return entitle.In(org).Recompute(ctx)
		},
		"RoleMapping": func(ctx context.Context, org *store.Org, _ storetest.Estate) (any, error) {
			return entitle.In(org).RoleMapping(ctx)
		},
		"SetRoleMapping": func(ctx context.Context, org *store.Org, _ storetest.Estate) (any, error) {
			return entitle.In(org).SetRoleMapping(ctx, storetest.ByName("Engineers"))
		},
	}
}
