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

// docs/design/identity.md, "Disclosure": whom an application is told of.
func TestHandOver(t *testing.T) {
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
		t.Run("not of somebody whose stored e-mail is outside, whatever the login says", func(t *testing.T) {
			_, err := sign(h.Mail("ada"))
			if r := storetest.Refused(t, err, refusal.ProfileOutside); r.UserID != u.ID {
				t.Errorf("%+v", r)
			}
			// a page of ours tells no application
			out, err := storetest.SignIn(t, h.Org, h.C, storetest.ClaimsOf("subject", h.Mail("ada")))
			storetest.Must(t, err)
			in, err := signon.Across(s).SessionByToken(t.Context(), out.SessionToken)
			storetest.Must(t, err)
			_, err = signon.In(h.Org).HandOver(t.Context(), in, a.ID, storetest.Callback, "")
			storetest.Refused(t, err, refusal.ProfileOutside)
		})
		t.Run("of everybody where an operator allowed it", func(t *testing.T) {
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
		t.Run("not at an address that was taken from the application", func(t *testing.T) {
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
			_, err = signon.In(h.Org).HandOver(t.Context(), in, a.ID, storetest.Callback, "")
			storetest.Refused(t, err, refusal.RedirectURIWithdrawn)
			moved(storetest.Callback)
			_, err = signon.In(h.Org).HandOver(t.Context(), in, a.ID, storetest.Callback, "")
			storetest.Must(t, err)
		})
		t.Run("not when the application serves the organization no longer, or is gone", func(t *testing.T) {
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
				_, err = signon.In(h.Org).HandOver(t.Context(), in, id, storetest.Callback, "")
				storetest.Refused(t, err, refusal.ApplicationWithdrawn)
			}
		})
	})
}

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
			_, token, err := signon.Across(s).RedeemCode(t.Context(),
				signon.Redemption{ApplicationID: a.ID, Code: code})
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

// A hostile organization signs its own person in, keeps the code from the application, and has its
// directory give the person somebody else's address before it lets the code go. An application that
// keys by e-mail must hear nothing then (docs/design/identity.md, "Disclosure"), nor of a token
// that it has already.
func TestAddressThatChangesAfterTheCode(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *store.Store) {
		storetest.Open(t, s, "contoso") // has contoso.example verified
		for name, change := range map[string]struct {
			away, back func(t testing.TB, h storetest.House, u *people.User)
		}{
			"to another organization's": {
				func(t testing.TB, h storetest.House, u *people.User) { h.Moved(t, u, "ceo@contoso.example") },
				func(t testing.TB, h storetest.House, u *people.User) { h.Moved(t, u, h.Mail("mallory")) },
			},
			"to nobody's": {
				func(t testing.TB, h storetest.House, u *people.User) { h.Moved(t, u, "ceo@elsewhere.example") },
				func(t testing.TB, h storetest.House, u *people.User) { h.Moved(t, u, h.Mail("mallory")) },
			},
			"to none": {
				func(t testing.TB, h storetest.House, u *people.User) { h.Moved(t, u, "") },
				func(t testing.TB, h storetest.House, u *people.User) { h.Moved(t, u, h.Mail("mallory")) },
			},
			"with the domain, which the organization has lost": {
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
			"with the domain, which is proven no longer": {
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
				// whom we ourselves know is not another
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
