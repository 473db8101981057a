package sso_test

import (
	"net/http"
	"strings"
	"testing"

	"rollcall/model"
	"rollcall/model/people"
)

// TestSignIn walks through the whole flow: the application sends the browser, the identity provider
// signs the person in, and the application gets the profile, until access has ended.
func TestSignIn(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.activate(w.tenant)
		b := w.browser()
		who := ada(w.tenant)
		back := b.signIn(w.tenant, who)
		if got := back.location.Query().Get("state"); got != "a state" {
			t.Errorf("the state came back as %q", got)
		}
		code := back.code(t)
		status, body := w.exchange(code)
		if status != http.StatusOK || body["token_type"] != "Bearer" || body["expires_in"] != float64(86400) {
			t.Fatalf("%d %v", status, body)
		}
		token := body["access_token"].(string)
		profile := w.profile(token)
		for name, want := range map[string]any{
			"object": "profile", "email": who.UserName, "first_name": who.GivenName, "last_name": who.FamilyName,
			"connection_id": model.ConnectionPrefix.ID(w.connection.ID), "connection_type": "GenericSAML",
			"organization_id": model.OrganizationPrefix.ID(string(w.org.ID)), "idp_id": who.UserName,
		} {
			if profile[name] != want {
				t.Errorf("%s is %v, want %v", name, profile[name], want)
			}
		}
		if !strings.HasPrefix(token, "rc_at_") || profile["role"].(map[string]any)["slug"] != "member" ||
			len(profile["groups"].([]any)) == 0 {
			t.Errorf("%s %v", token, profile)
		}
		users, _, err := people.In(w.org).Users(t.Context(), people.UserQuery{Email: who.UserName,
			Page: model.Page{Limit: 2}})
		if err != nil || len(users) != 1 {
			t.Fatal(users, err)
		}
		if _, err := people.In(w.org).RevokeSessions(t.Context(), users[0].ID); err != nil {
			t.Fatal(err)
		}
		if got := w.profile(token); got != nil {
			t.Errorf("after its end the session still tells %v", got)
		}
	})
}
