package grant_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/entitle"
	"rollcall/model/grant"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/signon"
	"rollcall/model/store"
)

// TestGrantIsTheProfile: an application of the OpenID provider is told of the same groups and
// accounts as one that asks for the profile, of this organization alone.
func TestGrantIsTheProfile(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		for _, e := range []storetest.Estate{storetest.Settle(t, s, "first"), storetest.Settle(t, s, "second")} {
			ctx := t.Context()
			_, err := entitle.In(e.Org).AssignLicense(ctx, e.SignedIn.User.ID, e.Account.ID)
			storetest.Must(t, err)
			_, err = entitle.In(e.Org).AssignGroup(ctx, e.Account.ID, e.AccountGroup.ID, e.SignedIn.User.ID)
			storetest.Must(t, err)
			code, err := signon.In(e.Org).HandOver(ctx, e.SignedIn, signon.CodeRequest{
				ApplicationID: *e.Login.ApplicationID, RedirectURI: storetest.Callback, Scope: "openid email",
				Nonce: "n"})
			storetest.Must(t, err)
			tokens, err := grant.Across(s).Redeem(ctx, grant.Redemption{ApplicationID: *e.Login.ApplicationID,
				Code: code, RedirectURI: storetest.Callback})
			storetest.Must(t, err)
			g, err := grant.Across(s).Access(ctx, tokens.Access)
			storetest.Must(t, err)
			profile, err := signon.In(e.Org).Profile(ctx, e.SignedIn)
			storetest.Must(t, err)
			slices.Sort(profile.Groups)
			for _, got := range []*grant.Grant{tokens.Grant, g} {
				if diff := cmp.Diff(profile.Groups, got.Groups); diff != "" {
					t.Error(diff)
				}
				if diff := cmp.Diff(profile.Accounts, got.Accounts); diff != "" || len(got.Accounts) == 0 {
					t.Error(diff, got.Accounts)
				}
				if got.Session.OrganizationID != e.Org.ID || got.User.ID != e.SignedIn.User.ID ||
					got.Scope != "openid email" || got.OrganizationName == "" {
					t.Errorf("%+v", got)
				}
			}
			if tokens.Nonce != "n" || g.Nonce != "" {
				t.Errorf("nonces %q and %q", tokens.Nonce, g.Nonce)
			}
		}
	})
}

// TestRedeemIsRefused: whatever does not fit leaves the code as it is.
func TestRedeemIsRefused(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		e := storetest.Settle(t, s, "first")
		ctx, application := t.Context(), *e.Login.ApplicationID
		code, err := signon.In(e.Org).HandOver(ctx, e.SignedIn, signon.CodeRequest{ApplicationID: application,
			RedirectURI: storetest.Callback, Scope: "openid"})
		storetest.Must(t, err)
		right := grant.Redemption{ApplicationID: application, Code: code, RedirectURI: storetest.Callback}
		for _, change := range []func(r *grant.Redemption){
			func(r *grant.Redemption) { r.ApplicationID = storetest.NewID() },
			func(r *grant.Redemption) { r.Code += "x" },
			func(r *grant.Redemption) { r.RedirectURI += "/" },
			func(r *grant.Redemption) { r.CodeVerifier = "a downgrade" },
		} {
			wrong := right
			change(&wrong)
			storetest.Unchanged(t, s, func() {
				_, err := grant.Across(s).Redeem(ctx, wrong)
				storetest.WantKind(t, err, model.Invalid)
			})
		}
		storetest.Unchanged(t, s, func() {
			_, _, err := signon.Across(s).RedeemCode(ctx, signon.Redemption{ApplicationID: application, Code: code})
			storetest.WantKind(t, err, model.Invalid, "code")
		})
		_, err = grant.Across(s).Redeem(ctx, right)
		storetest.Must(t, err)
	})
}
