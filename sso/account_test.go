package sso_test

import (
	"net/http"
	"strings"
	"testing"

	"rollcall/model"
	"rollcall/model/entitle"
	"rollcall/model/people"
	"rollcall/model/refusal"
)

// The profile and the session name the accounts in which the user has a seat. The list is empty for
// a user without one.
func TestAccountsAtSignOn(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.activate(w.tenant)
		seats := int64(1)
		account := &entitle.Account{AccountFields: entitle.AccountFields{Name: "Workspace", Seats: &seats}}
		must(t, entitle.In(w.org).CreateAccount(ctx, account))
		group := &entitle.AccountGroup{AccountID: account.ID, AccountGroupFields: entitle.AccountGroupFields{
			Name: "Editors", Permissions: []string{"edit"}, AssignByDefault: true,
		}}
		must(t, entitle.In(w.org).CreateAccountGroup(ctx, group))
		must(t, entitle.In(w.org).SetConnectionAccounts(ctx, w.connection.ID, []string{account.ID}))
		population := w.idp.People() // the first was there for the test login
		b, token := w.signedInBrowser(w.tenant, population[0].Person)
		for what, told := range map[string]any{
			"the profile": w.profile(token)["accounts"], "the session": b.get("/sso/session").object(t)["accounts"],
		} {
			list, _ := told.([]any)
			if len(list) != 1 {
				t.Fatalf("%s tells of %v", what, told)
			}
			of := list[0].(map[string]any)
			in, _ := of["groups"].([]any)
			if of["name"] != "Workspace" || len(in) != 1 || in[0].(map[string]any)["name"] != "Editors" ||
				in[0].(map[string]any)["permissions"].([]any)[0] != "edit" {
				t.Errorf("%s tells of %v", what, of)
			}
		}
		before, _, err := people.In(w.org).Users(ctx, people.UserQuery{Page: model.Page{Limit: 100}})
		must(t, err)
		a := w.browser().signIn(w.tenant, population[1].Person)
		w.refused(w.tenant, a, string(refusal.NoSeat))
		if a.status != http.StatusForbidden || !strings.Contains(a.body, "All seats of your organization are in use") {
			t.Errorf("the page says %s", a.body)
		}
		after, _, err := people.In(w.org).Users(ctx, people.UserQuery{Page: model.Page{Limit: 100}})
		if err != nil || len(after) != len(before) {
			t.Errorf("of %d users there came to be %d: %v", len(before), len(after), err)
		}
	})
}
