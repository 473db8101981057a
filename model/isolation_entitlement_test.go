package model_test

import (
	"context"
	"testing"

	"rollcall/model"
)

// entitle gives an estate an account for which the connection is configured, with a group and a
// mapping, and a license and a place in the group by hand.
func (e *estate) entitle(t testing.TB) {
	t.Helper()
	ctx := t.Context()
	_, err := e.org.UpdateOrganization(ctx, func(g *model.OrganizationFields) error {
		g.Settings.AllowManualAssignments = true
		return nil
	})
	must(t, err)
	e.account = &model.Account{AccountFields: model.AccountFields{Name: "Workspace"}}
	must(t, e.org.CreateAccount(ctx, e.account))
	mappings := []model.GroupMapping{{DirectoryGroupRef: byID(e.group)}}
	e.accountGroup = &model.AccountGroup{AccountID: e.account.ID, Mappings: mappings, AccountGroupFields: model.AccountGroupFields{
		Name: "Editors",
	}}
	must(t, e.org.CreateAccountGroup(ctx, e.accountGroup))
	must(t, e.org.SetConnectionAccounts(ctx, e.connection.ID, []string{e.account.ID}))
	_, err = e.org.SetRoleMapping(ctx, byID(e.group))
	must(t, err)
	e.license, err = e.org.AssignLicense(ctx, e.other.ID, e.account.ID)
	must(t, err)
	_, err = e.org.AssignGroup(ctx, e.account.ID, e.accountGroup.ID, e.other.ID)
	must(t, err)
}

// entitlementCalls are the methods about accounts that name something by its id.
func entitlementCalls() map[string]call {
	page := model.Page{Limit: 10}
	return map[string]call{
		"Account": func(ctx context.Context, org *model.Org, of estate) (any, error) {
			return org.Account(ctx, of.account.ID)
		},
		"AccountGroup": func(ctx context.Context, org *model.Org, of estate) (any, error) {
			return org.AccountGroup(ctx, of.account.ID, of.accountGroup.ID)
		},
		"AccountGroups": func(ctx context.Context, org *model.Org, of estate) (any, error) {
			gs, _, err := org.AccountGroups(ctx, of.account.ID, page)
			return gs, err
		},
		"AddMapping": func(ctx context.Context, org *model.Org, of estate) (any, error) {
			return org.AddMapping(ctx, of.account.ID, of.accountGroup.ID, byName("new"))
		},
		"AssignGroup": func(ctx context.Context, org *model.Org, of estate) (any, error) {
			return org.AssignGroup(ctx, of.account.ID, of.accountGroup.ID, of.other.ID)
		},
		"AssignLicense": func(ctx context.Context, org *model.Org, of estate) (any, error) {
			return org.AssignLicense(ctx, of.unowned.ID, of.account.ID)
		},
		"CreateAccountGroup": func(ctx context.Context, org *model.Org, of estate) (any, error) {
			g := &model.AccountGroup{AccountID: of.account.ID, AccountGroupFields: model.AccountGroupFields{Name: "New"}}
			return done(org.CreateAccountGroup(ctx, g))
		},
		"DeleteAccount": func(ctx context.Context, org *model.Org, of estate) (any, error) {
			return done(org.DeleteAccount(ctx, of.account.ID))
		},
		"DeleteAccountGroup": func(ctx context.Context, org *model.Org, of estate) (any, error) {
			return done(org.DeleteAccountGroup(ctx, of.account.ID, of.accountGroup.ID))
		},
		"GroupAssignments": func(ctx context.Context, org *model.Org, of estate) (any, error) {
			as, _, err := org.GroupAssignments(ctx, model.AssignmentQuery{GroupID: of.accountGroup.ID, Page: page})
			return as, err
		},
		"License": func(ctx context.Context, org *model.Org, of estate) (any, error) {
			return org.License(ctx, of.license.ID)
		},
		"Licenses": func(ctx context.Context, org *model.Org, of estate) (any, error) {
			ls, _, err := org.Licenses(ctx, model.LicenseQuery{AccountID: of.account.ID, Page: page})
			return ls, err
		},
		"Preview": func(ctx context.Context, org *model.Org, of estate) (any, error) {
			p, err := org.Preview(ctx, model.Proposal{Groups: map[string]model.ProposedGroup{of.accountGroup.ID: {}}}, "", 10)
			if err != nil {
				return nil, err
			}
			return p, nil
		},
		"ProfileAccounts": func(ctx context.Context, org *model.Org, of estate) (any, error) {
			return org.ProfileAccounts(ctx, of.other.ID)
		},
		"RemoveMapping": func(ctx context.Context, org *model.Org, of estate) (any, error) {
			return org.RemoveMapping(ctx, of.account.ID, of.accountGroup.ID, byID(of.group))
		},
		"SetConnectionAccounts": func(ctx context.Context, org *model.Org, of estate) (any, error) {
			return done(org.SetConnectionAccounts(ctx, of.connection.ID, nil))
		},
		"UnassignGroup": func(ctx context.Context, org *model.Org, of estate) (any, error) {
			return done(org.UnassignGroup(ctx, of.account.ID, of.accountGroup.ID, of.other.ID))
		},
		"UnassignLicense": func(ctx context.Context, org *model.Org, of estate) (any, error) {
			return done(org.UnassignLicense(ctx, of.license.ID))
		},
		"UpdateAccount": func(ctx context.Context, org *model.Org, of estate) (any, error) {
			return org.UpdateAccount(ctx, of.account.ID, func(a *model.AccountFields) error { a.Name = "Renamed"; return nil })
		},
		"UpdateAccountGroup": func(ctx context.Context, org *model.Org, of estate) (any, error) {
			return org.UpdateAccountGroup(ctx, of.account.ID, of.accountGroup.ID, func(g *model.AccountGroupFields) error {
				g.Name = "Renamed"
				return nil
			})
		},
	}
}

// entitlementWhole are those about the organization as a whole.
func entitlementWhole() map[string]call {
	return map[string]call{
		"Accounts": func(ctx context.Context, org *model.Org, _ estate) (any, error) {
			as, _, err := org.Accounts(ctx, model.Page{Limit: 10})
			return as, err
		},
		"CreateAccount": func(ctx context.Context, org *model.Org, _ estate) (any, error) {
			return done(org.CreateAccount(ctx, &model.Account{AccountFields: model.AccountFields{Name: "Another"}}))
		},
		"DeleteRoleMapping": func(ctx context.Context, org *model.Org, _ estate) (any, error) {
			return done(org.DeleteRoleMapping(ctx))
		},
		"Recompute":   func(ctx context.Context, org *model.Org, _ estate) (any, error) { return org.Recompute(ctx) },
		"RoleMapping": func(ctx context.Context, org *model.Org, _ estate) (any, error) { return org.RoleMapping(ctx) },
		"SetRoleMapping": func(ctx context.Context, org *model.Org, _ estate) (any, error) {
			return org.SetRoleMapping(ctx, byName("Engineers"))
		},
	}
}
