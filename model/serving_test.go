package model_test

import (
	"testing"

	"rollcall/model"
	"rollcall/model/modeltest"
)

// An application that an organization has left is told nothing more, whatever it holds.
func TestTokensEndWithTheApplicationsReach(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *model.Store) {
		e := settle(t, s, "alpha")
		a := &model.Application{ApplicationFields: model.ApplicationFields{
			Name: "Analytics", RedirectURIs: []string{"https://app.example/callback"},
		}}
		_, err := s.CreateApplication(t.Context(), a, []model.OrganizationID{e.org.ID})
		must(t, err)
		redeem := func() (string, error) {
			code, err := e.org.HandOver(t.Context(), e.signedIn, a.ID, "https://app.example/callback", "")
			if err != nil {
				return "", err
			}
			must(t, s.SetApplicationOrganization(t.Context(), a.ID, e.org.ID, false))
			_, token, err := s.RedeemCode(t.Context(), model.Redemption{ApplicationID: a.ID, Code: code})
			return token, err
		}
		code, err := e.org.HandOver(t.Context(), e.signedIn, a.ID, "https://app.example/callback", "")
		must(t, err)
		_, token, err := s.RedeemCode(t.Context(), model.Redemption{ApplicationID: a.ID, Code: code})
		must(t, err)
		_, err = s.SessionByAccessToken(t.Context(), token)
		must(t, err)
		_, err = redeem()
		wantKind(t, err, model.Invalid)
		_, err = s.SessionByAccessToken(t.Context(), token)
		wantKind(t, err, model.Denied)
		_, err = e.org.HandOver(t.Context(), e.signedIn, a.ID, "https://app.example/callback", "")
		if r, ok := err.(*model.SignInRefused); !ok || r.Reason != model.ApplicationWithdrawn {
			t.Errorf("a code is still handed over: %v", err)
		}
		must(t, s.SetApplicationOrganization(t.Context(), a.ID, e.org.ID, true))
		_, err = s.SessionByAccessToken(t.Context(), token)
		must(t, err)
	})
}
