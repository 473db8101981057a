package signon_test

import (
	"errors"
	"testing"

	"rollcall/model"
	"rollcall/model/internal/storetest"
	"rollcall/model/modeltest"
	"rollcall/model/operator"
	"rollcall/model/organization"
	"rollcall/model/people"
	"rollcall/model/refusal"
	"rollcall/model/signon"
	"rollcall/model/store"
)

// An application gets a code only for a user whose profile it may see (docs/design/identity.md,
// "Disclosure").
func TestCodesAreForProfilesThatMayBeDisclosed(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		h := storetest.Open(t, s, "contoso")
		u := h.Owned(t, h.D, "ada", "subject", "ada@elsewhere.example")
		serving := func() *organization.Application {
			a := &organization.Application{ApplicationFields: organization.ApplicationFields{
				Name: "Payroll", RedirectURIs: []string{storetest.Callback},
			}}
			_, err := organization.Across(s).CreateApplication(t.Context(), a, []model.OrganizationID{h.Org.ID})
			storetest.Must(t, err)
			return a
		}
		a := serving()
		sign := func(email string) (*signon.SignInResult, error) {
			l := storetest.Begin(t, h.Org, h.C)
			l.ApplicationID = &a.ID
			return signon.In(h.Org).SignIn(t.Context(), storetest.Response(h.C, l,
				storetest.ClaimsOf("subject", email)))
		}
		t.Run("not when the stored e-mail address is outside, whatever the login asserts", func(t *testing.T) {
			_, err := sign(h.Mail("ada"))
			if r := storetest.Refused(t, err, refusal.ProfileOutside); r.UserID != u.ID {
				t.Errorf("%+v", r)
			}
			// without an application there is no disclosure
			out, err := storetest.SignIn(t, h.Org, h.C, storetest.ClaimsOf("subject", h.Mail("ada")))
			storetest.Must(t, err)
			in, err := signon.Across(s).SessionByToken(t.Context(), out.SessionToken)
			storetest.Must(t, err)
			_, err = signon.In(h.Org).HandOver(t.Context(), in,
				signon.CodeRequest{ApplicationID: a.ID, RedirectURI: storetest.Callback})
			storetest.Refused(t, err, refusal.ProfileOutside)
		})
		t.Run("for every user when an operator allows it", func(t *testing.T) {
			_, err := operator.In(h.Org).UpdateOrganization(t.Context(),
				func(g *organization.OrganizationFields) error {
					g.AllowProfilesOutsideOrganization = true
					return nil
				})
			storetest.Must(t, err)
			out, err := sign(h.Mail("ada"))
			if err != nil || out.Code == "" {
				t.Error(out, err)
			}
		})
		t.Run("not at a redirect_uri that the application no longer has", func(t *testing.T) {
			out, err := storetest.SignIn(t, h.Org, h.C, storetest.ClaimsOf("subject", h.Mail("ada")))
			storetest.Must(t, err)
			in, err := signon.Across(s).SessionByToken(t.Context(), out.SessionToken)
			storetest.Must(t, err)
			moved := func(uris ...string) {
				_, err := organization.Across(s).UpdateApplication(t.Context(), a.ID,
					func(a *organization.ApplicationFields) error {
						a.RedirectURIs = uris
						return nil
					})
				storetest.Must(t, err)
			}
			moved("https://new.example/callback", storetest.Callback+"/", storetest.Callback+"?x")
			_, err = sign(h.Mail("ada"))
			if r := storetest.Refused(t, err, refusal.RedirectURIWithdrawn); r.Received != storetest.Callback {
				t.Errorf("%+v", r)
			}
			_, err = signon.In(h.Org).HandOver(t.Context(), in,
				signon.CodeRequest{ApplicationID: a.ID, RedirectURI: storetest.Callback})
			storetest.Refused(t, err, refusal.RedirectURIWithdrawn)
			moved(storetest.Callback)
			_, err = signon.In(h.Org).HandOver(t.Context(), in,
				signon.CodeRequest{ApplicationID: a.ID, RedirectURI: storetest.Callback})
			storetest.Must(t, err)
		})
		t.Run("not when the application no longer serves the organization or was deleted", func(t *testing.T) {
			storetest.Must(t, organization.Across(s).SetApplicationOrganization(t.Context(), a.ID, h.Org.ID, false))
			_, err := sign(h.Mail("ada"))
			storetest.Refused(t, err, refusal.ApplicationWithdrawn)
			out, err := storetest.SignIn(t, h.Org, h.C, storetest.ClaimsOf("subject", h.Mail("ada")))
			storetest.Must(t, err)
			in, err := signon.Across(s).SessionByToken(t.Context(), out.SessionToken)
			storetest.Must(t, err)
			gone := serving()
			storetest.Must(t, organization.Across(s).DeleteApplication(t.Context(), gone.ID))
			for _, id := range []string{a.ID, gone.ID, "\x00"} {
				_, err = signon.In(h.Org).HandOver(t.Context(), in,
					signon.CodeRequest{ApplicationID: id, RedirectURI: storetest.Callback})
				storetest.Refused(t, err, refusal.ApplicationWithdrawn)
			}
		})
	})
}

// Codes and tokens end when the application no longer serves the organization.
func TestTokensEndWhenTheApplicationNoLongerServes(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		e := storetest.Settle(t, s, "alpha")
		a := &organization.Application{ApplicationFields: organization.ApplicationFields{
			Name: "Analytics", RedirectURIs: []string{"https://app.example/callback"},
		}}
		_, err := organization.Across(s).CreateApplication(t.Context(), a, []model.OrganizationID{e.Org.ID})
		storetest.Must(t, err)
		redeem := func() (string, error) {
			code, err := signon.In(e.Org).HandOver(t.Context(), e.SignedIn,
				signon.CodeRequest{ApplicationID: a.ID, RedirectURI: "https://app.example/callback"})
			if err != nil {
				return "", err
			}
			storetest.Must(t, organization.Across(s).SetApplicationOrganization(t.Context(), a.ID, e.Org.ID, false))
			_, token, err := signon.Across(s).RedeemCode(t.Context(),
				signon.Redemption{ApplicationID: a.ID, Code: code})
			return token, err
		}
		code, err := signon.In(e.Org).HandOver(t.Context(), e.SignedIn,
			signon.CodeRequest{ApplicationID: a.ID, RedirectURI: "https://app.example/callback"})
		storetest.Must(t, err)
		_, token, err := signon.Across(s).RedeemCode(t.Context(), signon.Redemption{ApplicationID: a.ID, Code: code})
		storetest.Must(t, err)
		_, err = signon.Across(s).SessionByAccessToken(t.Context(), token)
		storetest.Must(t, err)
		_, err = redeem()
		storetest.WantKind(t, err, model.Invalid)
		_, err = signon.Across(s).SessionByAccessToken(t.Context(), token)
		storetest.WantKind(t, err, model.Denied)
		_, err = signon.In(e.Org).HandOver(t.Context(), e.SignedIn,
			signon.CodeRequest{ApplicationID: a.ID, RedirectURI: "https://app.example/callback"})
		if r, ok := err.(*refusal.Error); !ok || r.Reason != refusal.ApplicationWithdrawn {
			t.Errorf("a code is still handed over: %v", err)
		}
		storetest.Must(t, organization.Across(s).SetApplicationOrganization(t.Context(), a.ID, e.Org.ID, true))
		_, err = signon.Across(s).SessionByAccessToken(t.Context(), token)
		storetest.Must(t, err)
	})
}

// The attack: a hostile organization signs its own user in and holds the code back. Its directory
// then gives the user an address of somebody else, and only then the code goes to the application.
// An application that knows people by address must get nothing for the code
// (docs/design/identity.md, "Disclosure"), and nothing for a token that it already has.
func TestCodesAndTokensEndWithTheVerifiedAddress(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		storetest.Open(t, s, "contoso") // has contoso.example verified
		for name, change := range map[string]struct {
			away, back func(t testing.TB, h storetest.House, u *people.User)
		}{
			"to an address of another organization": {
				func(t testing.TB, h storetest.House, u *people.User) { h.Moved(t, u, "ceo@contoso.example") },
				func(t testing.TB, h storetest.House, u *people.User) { h.Moved(t, u, h.Mail("mallory")) },
			},
			"to an address of no organization": {
				func(t testing.TB, h storetest.House, u *people.User) { h.Moved(t, u, "ceo@elsewhere.example") },
				func(t testing.TB, h storetest.House, u *people.User) { h.Moved(t, u, h.Mail("mallory")) },
			},
			"to no address": {
				func(t testing.TB, h storetest.House, u *people.User) { h.Moved(t, u, "") },
				func(t testing.TB, h storetest.House, u *people.User) { h.Moved(t, u, h.Mail("mallory")) },
			},
			"the organization loses the domain": {
				func(t testing.TB, h storetest.House, _ *people.User) {
					_, err := organization.In(h.Org).SetDomains(t.Context(), nil)
					storetest.Must(t, err)
				},
				func(t testing.TB, h storetest.House, _ *people.User) {
					_, err := organization.In(h.Org).CreateDomain(t.Context(), h.Domain,
						organization.DomainStateVerified)
					storetest.Must(t, err)
				},
			},
			"the domain is pending again": {
				func(t testing.TB, h storetest.House, _ *people.User) {
					_, err := organization.In(h.Org).SetDomains(t.Context(), nil)
					storetest.Must(t, err)
					_, err = organization.In(h.Org).CreateDomain(t.Context(), h.Domain, organization.DomainStatePending)
					storetest.Must(t, err)
				},
				func(t testing.TB, h storetest.House, _ *people.User) {
					_, err := organization.In(h.Org).SetDomains(t.Context(),
						map[string]organization.DomainState{h.Domain: organization.DomainStateVerified})
					storetest.Must(t, err)
				},
			},
		} {
			t.Run(name, func(t *testing.T) {
				h := storetest.Open(t, s, "evil-"+storetest.NewID())
				o := h.SignOn(t, "mallory")
				change.away(t, h, o.User)
				_, _, err := signon.Across(s).RedeemCode(t.Context(),
					signon.Redemption{ApplicationID: o.Application.ID, Code: o.Code})
				storetest.WantKind(t, err, model.Invalid, "code")
				_, err = signon.Across(s).SessionByAccessToken(t.Context(), o.Token)
				storetest.WantKind(t, err, model.Denied)
				// the browser's session is not a disclosure
				_, err = signon.Across(s).SessionByToken(t.Context(), o.Out.SessionToken)
				storetest.Must(t, err)

				_, err = operator.In(h.Org).UpdateOrganization(t.Context(),
					func(g *organization.OrganizationFields) error {
						g.AllowProfilesOutsideOrganization = true
						return nil
					})
				storetest.Must(t, err)
				_, err = signon.Across(s).SessionByAccessToken(t.Context(), o.Token)
				storetest.Must(t, err)
				_, err = operator.In(h.Org).UpdateOrganization(t.Context(),
					func(g *organization.OrganizationFields) error {
						g.AllowProfilesOutsideOrganization = false
						return nil
					})
				storetest.Must(t, err)

				change.back(t, h, o.User)
				_, byToken := signon.Across(s).SessionByAccessToken(t.Context(), o.Token)
				_, _, byCode := signon.Across(s).RedeemCode(t.Context(),
					signon.Redemption{ApplicationID: o.Application.ID, Code: o.Code})
				storetest.Must(t, errors.Join(byToken, byCode))
			})
		}
	})
}
