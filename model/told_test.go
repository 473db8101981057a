package model_test

import (
	"errors"
	"testing"

	"rollcall/model"
	"rollcall/model/modeltest"
)

// moved gives a user of the directory another address.
func (h house) moved(t testing.TB, u *model.User, email string) {
	t.Helper()
	_, err := h.org.UpdateDirectoryUser(t.Context(), h.d.ID, u.ID, func(draft *model.UserDraft) error {
		return draft.SetDocument(withAddress(u.UserName, u.ExternalID, email))
	})
	must(t, err)
}

// A hostile organization signs its own person in, keeps the code from the application, and has its
// directory give the person somebody else's address before it lets the code go. An application that
// keys by e-mail must hear nothing then (docs/design/identity.md, "Disclosure"), nor of a token
// that it has already.
func TestAddressThatChangesAfterTheCode(t *testing.T) {
	t.Parallel()
	modeltest.Each(t, func(t *testing.T, s *model.Store) {
		open(t, s, "contoso") // has contoso.example verified
		for name, change := range map[string]struct {
			away, back func(t testing.TB, h house, u *model.User)
		}{
			"to another organization's": {
				func(t testing.TB, h house, u *model.User) { h.moved(t, u, "ceo@contoso.example") },
				func(t testing.TB, h house, u *model.User) { h.moved(t, u, h.mail("mallory")) },
			},
			"to nobody's": {
				func(t testing.TB, h house, u *model.User) { h.moved(t, u, "ceo@elsewhere.example") },
				func(t testing.TB, h house, u *model.User) { h.moved(t, u, h.mail("mallory")) },
			},
			"to none": {
				func(t testing.TB, h house, u *model.User) { h.moved(t, u, "") },
				func(t testing.TB, h house, u *model.User) { h.moved(t, u, h.mail("mallory")) },
			},
			"with the domain, which the organization has lost": {
				func(t testing.TB, h house, _ *model.User) {
					_, err := h.org.SetDomains(t.Context(), nil)
					must(t, err)
				},
				func(t testing.TB, h house, _ *model.User) {
					_, err := h.org.CreateDomain(t.Context(), h.domain, model.DomainStateVerified)
					must(t, err)
				},
			},
			"with the domain, which is proven no longer": {
				func(t testing.TB, h house, _ *model.User) {
					_, err := h.org.SetDomains(t.Context(), nil)
					must(t, err)
					_, err = h.org.CreateDomain(t.Context(), h.domain, model.DomainStatePending)
					must(t, err)
				},
				func(t testing.TB, h house, _ *model.User) {
					_, err := h.org.SetDomains(t.Context(), map[string]model.DomainState{h.domain: model.DomainStateVerified})
					must(t, err)
				},
			},
		} {
			t.Run(name, func(t *testing.T) {
				h := open(t, s, "evil-"+model.NewID())
				o := h.signOn(t, "mallory")
				change.away(t, h, o.user)
				_, _, err := s.RedeemCode(t.Context(), model.Redemption{ApplicationID: o.application.ID, Code: o.code})
				wantKind(t, err, model.Invalid, "code")
				_, err = s.SessionByAccessToken(t.Context(), o.token)
				wantKind(t, err, model.Denied)
				_, err = s.SessionByToken(t.Context(), o.out.SessionToken) // whom we ourselves know is not another
				must(t, err)

				_, err = h.org.UpdateOrganization(t.Context(), func(g *model.OrganizationFields) error {
					g.AllowProfilesOutsideOrganization = true
					return nil
				})
				must(t, err)
				_, err = s.SessionByAccessToken(t.Context(), o.token)
				must(t, err)
				_, err = h.org.UpdateOrganization(t.Context(), func(g *model.OrganizationFields) error {
					g.AllowProfilesOutsideOrganization = false
					return nil
				})
				must(t, err)

				change.back(t, h, o.user)
				_, byToken := s.SessionByAccessToken(t.Context(), o.token)
				_, _, byCode := s.RedeemCode(t.Context(), model.Redemption{ApplicationID: o.application.ID, Code: o.code})
				must(t, errors.Join(byToken, byCode))
			})
		}
	})
}
