package storetest

import (
	"testing"

	"rollcall/model/entitle"
	"rollcall/model/operator"
	"rollcall/model/organization"
)

// entitle gives an estate an account for which the connection is configured, with a group and a
// mapping, and a license and a place in the group by hand.
func (e *Estate) entitle(t testing.TB) {
	t.Helper()
	ctx := t.Context()
	_, err := operator.In(e.Org).UpdateOrganization(ctx, func(g *organization.OrganizationFields) error {
		g.Settings.AllowManualAssignments = true
		return nil
	})
	Must(t, err)
	e.Account = &entitle.Account{AccountFields: entitle.AccountFields{Name: "Workspace"}}
	Must(t, entitle.In(e.Org).CreateAccount(ctx, e.Account))
	mappings := []entitle.GroupMapping{{DirectoryGroupRef: ByID(e.Group)}}
	e.AccountGroup = &entitle.AccountGroup{AccountID: e.Account.ID, Mappings: mappings, AccountGroupFields: entitle.AccountGroupFields{
		Name: "Editors",
	}}
	Must(t, entitle.In(e.Org).CreateAccountGroup(ctx, e.AccountGroup))
	Must(t, entitle.In(e.Org).SetConnectionAccounts(ctx, e.Connection.ID, []string{e.Account.ID}))
	_, err = entitle.In(e.Org).SetRoleMapping(ctx, ByID(e.Group))
	Must(t, err)
	e.License, err = entitle.In(e.Org).AssignLicense(ctx, e.Other.ID, e.Account.ID)
	Must(t, err)
	_, err = entitle.In(e.Org).AssignGroup(ctx, e.Account.ID, e.AccountGroup.ID, e.Other.ID)
	Must(t, err)
}
