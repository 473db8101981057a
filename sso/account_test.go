package sso_test

import (
	"net/http"
	"strings"
	"testing"

	"rollcall/model"
)

// The application and the browser are told where somebody has a seat; who finds none is told so,
// and is made nobody.
func TestAccountsAtSignOn(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.activate(w.tenant)
		seats := int64(1)
		account := &model.Account{AccountFields: model.AccountFields{Name: "Workspace", Seats: &seats}}
		must(t, w.org.CreateAccount(ctx, account))
		group := &model.AccountGroup{AccountID: account.ID, AccountGroupFields: model.AccountGroupFields{
			Name: "Editors", Permissions: []string{"edit"}, AssignByDefault: true,
		}}
		must(t, w.org.CreateAccountGroup(ctx, group))
		must(t, w.org.SetConnectionAccounts(ctx, w.connection.ID, []string{account.ID}))
		people := w.idp.People() // the first was there for the test login
		b, token := w.signedInBrowser(w.tenant, people[0].Person)
		for what, told := range map[string]any{
			"the profile": w.profile(token)["accounts"], "the session": b.get("/sso/session").object(t)["accounts"],
		} {
			list, _ := told.([]any)
			if len(list) != 1 {
				t.Fatalf("%s tells of %v", what, told)
			}
			of := list[0].(map[string]any)
			in, _ := of["groups"].([]any)
			if of["name"] != "Workspace" || len(in) != 1 || in[0].(map[string]any)["name"] != "Editors" || in[0].(map[string]any)["permissions"].([]any)[0] != "edit" {
				t.Errorf("%s tells of %v", what, of)
			}
		}
		before, _, err := w.org.Users(ctx, model.UserQuery{Page: model.Page{Limit: 100}})
		must(t, err)
		a := w.browser().signIn(w.tenant, people[1].Person)
		w.refused(w.tenant, a, string(model.NoSeat))
		if a.status != http.StatusForbidden || !strings.Contains(a.body, "All seats of your organization are in use") {
			t.Errorf("the page says %s", a.body)
		}
		after, _, err := w.org.Users(ctx, model.UserQuery{Page: model.Page{Limit: 100}})
		if err != nil || len(after) != len(before) {
			t.Errorf("of %d users there came to be %d: %v", len(before), len(after), err)
		}
	})
}
