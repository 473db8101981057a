package sso_test

import (
	"net/http"
	"strings"
	"testing"

	"rollcall/model"
	"rollcall/model/organization"
	"rollcall/model/refusal"
	"rollcall/testidp"
)

// A domain moves to another organization. The first organization no longer recognizes people by it.
func TestMovedDomain(t *testing.T) {
	t.Parallel()
	eachSiege(t, func(t *testing.T, s *siege) {
		code := s.browser.get(s.asks()).code(t)
		successor := s.newTenant("successor", "successor.example", testidp.PlainSAML, "GenericSAML")
		s.activate(successor)
		claim, err := organization.In(successor.org).CreateDomain(t.Context(), domain, organization.DomainStatePending)
		must(t, err)
		s.refused(successor, s.world.browser().claims(successor, as(s.victim.UserName, "early")),
			string(refusal.NotProvisioned))
		if s.world.profile(s.token) == nil {
			t.Error("a claim takes the domain away")
		}
		_, err = organization.In(successor.org).ForceDomain(t.Context(), claim.ID)
		must(t, err)

		if p := s.world.profile(s.token); p != nil {
			t.Errorf("the token still tells %v", p)
		}
		if status, body := s.exchange(code); status != http.StatusBadRequest {
			t.Errorf("the code still tells %v", body)
		}
		for name, a := range map[string]answer{"session": s.browser.get(s.asks()),
			"login": s.world.browser().signIn(s.at(s.tenant), s.victim)} {
			if a.location.Query().Has("code") {
				t.Errorf("the old organization's %s gives a code", name)
			}
		}
		s.refused(s.tenant, s.world.browser().claims(s.tenant, as("new@"+domain, "new")),
			string(refusal.NotProvisioned))
		if a := s.world.browser().get(s.asks("connection", "", "domain", domain)); !a.toProvider(successor) {
			t.Errorf("the domain leads to %s", a.location)
		}
		_, body := s.exchange(s.world.browser().claims(successor, as(s.victim.UserName, "late")).code(t))
		profile, _ := body["profile"].(map[string]any)
		if profile["organization_id"] != model.OrganizationPrefix.ID(string(successor.org.ID)) ||
			profile["user_id"] == s.profile["user_id"] {
			t.Errorf("the new organization's person is %v", profile)
		}
	})
}

// A second organization with the same people, at the same identity provider.
func TestSecondOrganizationWithTheSamePeople(t *testing.T) {
	t.Parallel()
	eachSiege(t, func(t *testing.T, s *siege) {
		twin := s.newTenant("twin", "twin.example", testidp.PlainSAML, "GenericSAML")
		twin.idp = s.idp
		twin.connection = s.connect(twin, "GenericSAML") // the same entity ID, key and subjects
		s.settings(twin, func(g *organization.OrganizationFields) { g.AllowProfilesOutsideOrganization = true })
		d := s.newDirectory(twin, "generic scim v2.0")
		id := d.provision(s.victim.UserName, s.victim.ExternalID, s.victim)
		s.activate(twin)
		_, body := s.exchange(s.world.browser().signIn(s.at(twin), s.victim).code(t))
		profile, _ := body["profile"].(map[string]any)
		if profile["organization_id"] != model.OrganizationPrefix.ID(string(twin.org.ID)) ||
			profile["user_id"] != model.UserPrefix.ID(id) || profile["id"] == s.profile["id"] {
			t.Errorf("%v", profile)
		}
		if a := s.browser.get(s.authorize(twin)); a.location.Query().Has("code") {
			t.Error("a session of one organization is used for the other")
		}
		d.setActive(id, false)
		if s.world.profile(s.token) == nil {
			t.Error("unassigned in one organization, the person is out of the other")
		}
		token, _ := body["access_token"].(string)
		if s.world.profile(token) != nil {
			t.Error("unassigned, the person is still in")
		}
		g := s.send(nil, http.MethodGet, "/users?organization_id="+model.OrganizationPrefix.ID(string(s.org.ID)),
			"Authorization", "Bearer "+s.secret)
		if !strings.Contains(g.body, s.profile["user_id"].(string)) ||
			strings.Contains(g.body, model.UserPrefix.ID(id)) {
			t.Errorf("the users of the first organization are %s", g.body)
		}
	})
}

// A domain that is claimed twice is trusted where it is verified, and nowhere else.
func TestDomainClaimedTwice(t *testing.T) {
	t.Parallel()
	eachSiege(t, func(t *testing.T, s *siege) {
		claim, err := organization.In(s.evil.org).CreateDomain(t.Context(), domain, organization.DomainStatePending)
		must(t, err)
		s.unharmed(func() {
			s.refused(s.evil, s.world.browser().claims(s.evil, as(s.victim.UserName, "claimed")),
				string(refusal.NotProvisioned))
			if a := s.world.browser().get(s.asks("connection", "", "domain", domain)); !a.toProvider(s.tenant) {
				t.Errorf("the domain leads to %s", a.location)
			}
			a := s.send(nil, http.MethodPost,
				"/organization_domains/"+model.OrganizationDomainPrefix.ID(claim.ID)+"/verify", "Authorization",
				"Bearer "+bootstrapKey)
			if a.status != http.StatusConflict {
				t.Errorf("the operator's word makes it two: %d %s", a.status, a.body)
			}
			s.refused(s.evil, s.world.browser().claims(s.evil, as(s.victim.UserName, "claimed")),
				string(refusal.NotProvisioned))
		})
	})
}
