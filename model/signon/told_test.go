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
	"rollcall/model/signon"
	"rollcall/model/store"
)

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
					_, err := organization.In(h.Org).CreateDomain(t.Context(), h.Domain, organization.DomainStateVerified)
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
					_, err := organization.In(h.Org).SetDomains(t.Context(), map[string]organization.DomainState{h.Domain: organization.DomainStateVerified})
					storetest.Must(t, err)
				},
			},
		} {
			t.Run(name, func(t *testing.T) {
				h := storetest.Open(t, s, "evil-"+storetest.NewID())
				o := h.SignOn(t, "mallory")
				change.away(t, h, o.User)
				_, _, err := signon.Across(s).RedeemCode(t.Context(), signon.Redemption{ApplicationID: o.Application.ID, Code: o.Code})
				storetest.WantKind(t, err, model.Invalid, "code")
				_, err = signon.Across(s).SessionByAccessToken(t.Context(), o.Token)
				storetest.WantKind(t, err, model.Denied)
				_, err = signon.Across(s).SessionByToken(t.Context(), o.Out.SessionToken) // whom we ourselves know is not another
				storetest.Must(t, err)

				_, err = operator.In(h.Org).UpdateOrganization(t.Context(), func(g *organization.OrganizationFields) error {
					g.AllowProfilesOutsideOrganization = true
					return nil
				})
				storetest.Must(t, err)
				_, err = signon.Across(s).SessionByAccessToken(t.Context(), o.Token)
				storetest.Must(t, err)
				_, err = operator.In(h.Org).UpdateOrganization(t.Context(), func(g *organization.OrganizationFields) error {
					g.AllowProfilesOutsideOrganization = false
					return nil
				})
				storetest.Must(t, err)

				change.back(t, h, o.User)
				_, byToken := signon.Across(s).SessionByAccessToken(t.Context(), o.Token)
				_, _, byCode := signon.Across(s).RedeemCode(t.Context(), signon.Redemption{ApplicationID: o.Application.ID, Code: o.Code})
				storetest.Must(t, errors.Join(byToken, byCode))
			})
		}
	})
}
