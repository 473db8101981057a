package signon_test

import (
	"testing"

	"rollcall/model"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/organization"
	"rollcall/model/refusal"
	"rollcall/model/signon"
	"rollcall/model/store"
)

// An application that an organization has left is told nothing more, whatever it holds.
func TestTokensEndWithTheApplicationsReach(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		e := storetest.Settle(t, s, "alpha")
		a := &organization.Application{ApplicationFields: organization.ApplicationFields{
			Name: "Analytics", RedirectURIs: []string{"https://app.example/callback"},
		}}
		_, err := organization.Across(s).CreateApplication(t.Context(), a, []model.OrganizationID{e.Org.ID})
		storetest.Must(t, err)
		redeem := func() (string, error) {
			code, err := signon.In(e.Org).HandOver(t.Context(), e.SignedIn, a.ID, "https://app.example/callback", "")
			if err != nil {
				return "", err
			}
			storetest.Must(t, organization.Across(s).SetApplicationOrganization(t.Context(), a.ID, e.Org.ID, false))
			_, token, err := signon.Across(s).RedeemCode(t.Context(), signon.Redemption{ApplicationID: a.ID, Code: code})
			return token, err
		}
		code, err := signon.In(e.Org).HandOver(t.Context(), e.SignedIn, a.ID, "https://app.example/callback", "")
		storetest.Must(t, err)
		_, token, err := signon.Across(s).RedeemCode(t.Context(), signon.Redemption{ApplicationID: a.ID, Code: code})
		storetest.Must(t, err)
		_, err = signon.Across(s).SessionByAccessToken(t.Context(), token)
		storetest.Must(t, err)
		_, err = redeem()
		storetest.WantKind(t, err, model.Invalid)
		_, err = signon.Across(s).SessionByAccessToken(t.Context(), token)
		storetest.WantKind(t, err, model.Denied)
		_, err = signon.In(e.Org).HandOver(t.Context(), e.SignedIn, a.ID, "https://app.example/callback", "")
		if r, ok := err.(*refusal.Error); !ok || r.Reason != refusal.ApplicationWithdrawn {
			t.Errorf("a code is still handed over: %v", err)
		}
		storetest.Must(t, organization.Across(s).SetApplicationOrganization(t.Context(), a.ID, e.Org.ID, true))
		_, err = signon.Across(s).SessionByAccessToken(t.Context(), token)
		storetest.Must(t, err)
	})
}
