package sso_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/beevik/etree"
	"github.com/google/go-cmp/cmp"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/people"
	"rollcall/model/refusal"
	"rollcall/testidp"
)

// Takeovers that must fail (docs/design/identity.md), one test for each row. The attacker is a
// customer whose identity provider and directory may say anything.

// as makes an identity provider assert another e-mail address and subject for a person. Empty
// values change nothing.
func as(email, subject string) testidp.ResponseOptions {
	return testidp.ResponseOptions{Edit: func(response *etree.Element) {
		for _, v := range response.FindElements("//AttributeValue") {
			if email != "" && strings.Contains(v.Text(), "@") {
				v.SetText(email)
			}
		}
		if id := response.FindElement("//NameID"); subject != "" {
			id.SetText(subject)
		}
	}}
}

// claims signs a person in for the application, with the claims of the identity provider.
func (b *browser) claims(n tenant, o testidp.ResponseOptions, extra ...string) answer {
	b.w.t.Helper()
	sent := b.get(b.w.authorize(n, extra...))
	return b.post(b.w.sp(n.connection, "/acs"), n.answer(b.w.t, sent, ada(n), o))
}

// siege is two tenants: one with a signed-in administrator, the victim, and a hostile one.
type siege struct {
	*world
	victim  testidp.Person
	browser *browser
	token   string
	profile map[string]any // of the victim
	evil    tenant
}

func eachSiege(t *testing.T, test func(t *testing.T, s *siege)) {
	t.Helper()
	each(t, func(t *testing.T, w *world) {
		s := &siege{world: w, victim: ada(w.tenant), evil: w.newTenant("evil", "evil.example", testidp.PlainSAML,
			"GenericSAML")}
		w.activate(w.tenant)
		s.browser, s.token = w.signedInBrowser(w.tenant, s.victim)
		s.profile = w.profile(s.token)
		w.activate(s.evil)
		test(t, s)
	})
}

// unharmed demands that the victim's organization did not change, and that no other user has become
// the victim.
func (s *siege) unharmed(does func()) {
	s.t.Helper()
	before, log := s.users(s.tenant), len(s.log(s.tenant))
	does()
	if diff := cmp.Diff(before, s.users(s.tenant)); diff != "" {
		s.t.Errorf("the victim's organization has changed (-before +after):\n%s", diff)
	}
	if diff := cmp.Diff(s.profile, s.world.profile(s.token)); diff != "" {
		s.t.Errorf("the victim has changed (-before +after):\n%s", diff)
	}
	if len(s.log(s.tenant)) != log {
		s.t.Errorf("the victim's log tells of it: %q", s.log(s.tenant))
	}
}

// someoneElse demands that a code is of the hostile tenant's own user.
func (s *siege) someoneElse(a answer) map[string]any {
	s.t.Helper()
	_, body := s.exchange(a.code(s.t))
	profile, _ := body["profile"].(map[string]any)
	if profile["organization_id"] != model.OrganizationPrefix.ID(string(s.evil.org.ID)) ||
		profile["user_id"] == s.profile["user_id"] ||
		profile["id"] == s.profile["id"] || profile["email"] == s.profile["email"] {
		s.t.Errorf("the application takes the hostile tenant's person for %v", profile)
	}
	return profile
}

func TestHostileIdentityProvider(t *testing.T) {
	t.Parallel()
	eachSiege(t, func(t *testing.T, s *siege) {
		t.Run("it asserts the victim's address", func(t *testing.T) {
			s.unharmed(func() {
				// its own person, with the address they had
				s.someoneElse(s.world.browser().claims(s.evil, as(s.victim.UserName, "")))
				s.refused(s.evil, s.world.browser().claims(s.evil, as(s.victim.UserName, "somebody new")),
					string(refusal.NotProvisioned))
			})
		})
		t.Run("it asserts an address of the victim's domain that no user has", func(t *testing.T) {
			s.unharmed(func() {
				s.refused(s.evil, s.world.browser().claims(s.evil, as("ceo@"+domain, "ceo")),
					string(refusal.NotProvisioned))
			})
		})
		for name, email := range map[string]string{
			"two addresses in one": "x@evil.example," + s.victim.UserName, "a comment": s.victim.UserName +
				"(@evil.example)",
			"a domain below ours": "x@contoso.example.evil.example",
			"ours below theirs":   "x@evil.example.contoso.example",
			"a quoted local part": `"` + s.victim.UserName + `"@evil.example`, "a NUL's place": s.victim.UserName +
				" @evil.example",
			"full-width letters": "anna@ｃｏｎｔｏｓｏ.example",
		} {
			t.Run("it asserts an address that is easily misread: "+name, func(t *testing.T) {
				s.unharmed(func() {
					a := s.world.browser().claims(s.evil, as(email, "misread "+name))
					if a.location.Query().Has("code") {
						s.someoneElse(a)
					}
				})
			})
		}
		t.Run("it asserts the victim's subject", func(t *testing.T) {
			s.unharmed(func() {
				s.someoneElse(s.world.browser().claims(s.evil,
					as("mallory@evil.example", s.profile["idp_id"].(string))))
			})
		})
		t.Run("its connection names the victim's entity ID", func(t *testing.T) {
			s.update(s.evil, func(c *connection.ConnectionFields) { c.IDPEntityID = s.connection.IDPEntityID })
			theirs := func(response *etree.Element) {
				as("mallory2@evil.example", s.profile["idp_id"].(string)).Edit(response)
				for _, issuer := range response.FindElements("//Issuer") {
					issuer.SetText(s.connection.IDPEntityID)
				}
			}
			s.unharmed(func() {
				b := s.world.browser()
				sent := b.get(s.sp(s.evil.connection, "/login")) // it is a draft again
				a := b.post(s.sp(s.evil.connection, "/acs"), s.evil.answer(t, sent, ada(s.evil),
					testidp.ResponseOptions{Edit: theirs}))
				if a.status != http.StatusSeeOther {
					t.Fatalf("%d %s", a.status, a.body)
				}
				s.someoneElse(b.claims(s.evil, testidp.ResponseOptions{Edit: theirs}, "prompt", "login", "max_age",
					"3600"))
			})
		})
	})
}

func TestHostileDirectory(t *testing.T) {
	t.Parallel()
	eachSiege(t, func(t *testing.T, s *siege) {
		d := s.newDirectory(s.evil, "generic scim v2.0")
		var forged string
		t.Run("a person of the victim's address gets no code", func(t *testing.T) {
			s.unharmed(func() {
				forged = d.provision("mallory", "mallory", testidp.Person{UserName: s.victim.UserName, GivenName: "M",
					FamilyName: "M"})
				a := s.world.browser().claims(s.evil, as("mallory@evil.example", "mallory"))
				if a.location.Query().Has("code") ||
					a.location.Query().Get("error") != "profile_not_allowed_outside_organization" {
					t.Errorf("%d to %s: %s", a.status, a.location, a.body)
				}
				s.noted(s.evil, string(refusal.ProfileOutside))
			})
		})
		t.Run("one that gets the victim's address later keeps neither code nor token", func(t *testing.T) {
			id := d.provision("trudy", "trudy", testidp.Person{UserName: "trudy@evil.example", GivenName: "T",
				FamilyName: "T"})
			b := s.world.browser()
			_, body := s.exchange(b.claims(s.evil, as("trudy@evil.example", "trudy")).code(t))
			token, _ := body["access_token"].(string)
			code := b.get(s.authorize(s.evil)).code(t)
			if s.world.profile(token) == nil {
				t.Fatal("trudy did not sign in")
			}
			s.unharmed(func() {
				d.call(http.MethodPatch, "/Users/"+id, http.StatusOK, map[string]any{
					"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:PatchOp"},
					"Operations": []map[string]any{{"op": "replace", "path": `emails[type eq "work"].value`,
						"value": s.victim.UserName}}})
				if p := s.world.profile(token); p != nil {
					t.Errorf("the token tells %v", p)
				}
				if status, body := s.exchange(code); status != http.StatusBadRequest {
					t.Errorf("the code tells %v", body)
				}
				if a := b.get(s.authorize(s.evil)); a.location.Query().Has("code") {
					t.Error("the session gives another code")
				}
			})
		})
		t.Run("it finds, adopts, changes and deletes no user of the victim", func(t *testing.T) {
			stored, _ := model.UserPrefix.Parse(s.profile["user_id"].(string))
			s.unharmed(func() {
				for _, filter := range []string{`userName eq "` + s.victim.UserName + `"`,
					`emails.value eq "` + s.victim.UserName + `"`} {
					a := s.send(nil, http.MethodGet,
						d.url+"/Users?filter="+strings.ReplaceAll(strings.ReplaceAll(filter, " ", "%20"), `"`,
							"%22"), "Authorization", "Bearer "+d.token)
					if strings.Contains(a.body, stored) {
						t.Errorf("%s finds %s", filter, a.body)
					}
				}
				d.call(http.MethodGet, "/Users/"+stored, http.StatusNotFound, nil)
				d.call(http.MethodPatch, "/Users/"+stored, http.StatusNotFound, map[string]any{
					"schemas":    []string{"urn:ietf:params:scim:api:messages:2.0:PatchOp"},
					"Operations": []map[string]any{{"op": "replace", "path": "active", "value": false}}})
				d.call(http.MethodPut, "/Users/"+stored, http.StatusNotFound, map[string]any{
					"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:User"}, "userName": "taken"})
				d.call(http.MethodDelete, "/Users/"+stored, http.StatusNotFound, nil)
				if own := d.provision(s.victim.UserName, "adopted", s.victim); own == stored {
					t.Error("the victim is adopted")
				}
				d.call(http.MethodDelete, "/Users/"+forged, http.StatusNoContent, nil)
			})
		})
	})
}

// Within one organization: the directory gives a member the address of the administrator.
func TestAddressOfSomebodyElse(t *testing.T) {
	t.Parallel()
	eachSiege(t, func(t *testing.T, s *siege) {
		admin := s.user(s.tenant, s.victim.UserName)
		_, err := people.In(s.org).SetRole(t.Context(), admin.ID, people.Admin)
		must(t, err)
		d := s.newDirectory(s.tenant, "generic scim v2.0")
		mallory := person(s.tenant, 1)
		id := d.provision(mallory.UserName, "m-1", mallory)
		d.call(http.MethodPatch, "/Users/"+id, http.StatusOK, map[string]any{
			"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:PatchOp"},
			"Operations": []map[string]any{{"op": "replace", "path": `emails[type eq "work"].value`,
				"value": s.victim.UserName}}})
		t.Run("a login with that address alone could be either, and is neither", func(t *testing.T) {
			s.refused(s.tenant, s.world.browser().claims(s.tenant, as(s.victim.UserName, "new subject")),
				string(refusal.Ambiguous))
		})
		t.Run("the member signs in as the member", func(t *testing.T) {
			_, body := s.exchange(s.world.browser().claims(s.tenant, as(s.victim.UserName, mallory.UserName)).code(t))
			profile, _ := body["profile"].(map[string]any)
			if profile["user_id"] != model.UserPrefix.ID(id) || profile["role"].(map[string]any)["slug"] != "member" {
				t.Errorf("%v", profile)
			}
		})
		t.Run("the administrator signs in as before", func(t *testing.T) {
			if _, token := s.signedInBrowser(s.tenant,
				s.victim); s.world.profile(token)["user_id"] != s.profile["user_id"] {
				t.Errorf("%v", s.world.profile(token))
			}
		})
	})
}

// A connection is changed to another identity provider. Its users are no longer those of the old
// one, and an administrator is not recognized by an e-mail address.
func TestSwappedConnection(t *testing.T) {
	t.Parallel()
	for name, swap := range map[string]func(s *siege) tenant{
		"its entity ID is changed": func(s *siege) tenant {
			s.update(s.tenant, func(c *connection.ConnectionFields) { c.IDPEntityID = s.evil.idp.SAMLEntityID() })
			return tenant{s.org, s.connection, s.evil.idp}
		},
		"it is deleted and made anew": func(s *siege) tenant {
			must(s.t, connection.In(s.org).DeleteConnection(s.t.Context(), s.connection.ID))
			n := tenant{org: s.org, idp: s.evil.idp}
			n.connection = s.connect(n, "GenericSAML")
			return n
		},
	} {
		t.Run(name, func(t *testing.T) {
			eachSiege(t, func(t *testing.T, s *siege) {
				member := person(s.tenant, 1)
				_, memberToken := s.signedInBrowser(s.tenant, member)
				_, err := people.In(s.org).SetRole(t.Context(), s.user(s.tenant, s.victim.UserName).ID, people.Admin)
				must(t, err)
				swapped := swap(s)
				must(t, swapped.idp.ConnectSAML(s.sp(swapped.connection, "/metadata"),
					s.sp(swapped.connection, "/acs")))
				if s.world.profile(s.token) != nil || s.world.profile(memberToken) != nil || s.browser.signedIn() {
					t.Error("who had signed in is signed in")
				}
				test := func(o testidp.ResponseOptions) answer {
					b := s.world.browser()
					return b.post(s.sp(swapped.connection, "/acs"),
						swapped.answer(t, b.get(s.sp(swapped.connection, "/login")), ada(swapped), o))
				}
				if a := s.world.browser().get(s.authorize(swapped)); a.toProvider(swapped) {
					t.Error("it serves applications before anybody has tested it")
				}
				s.refused(swapped, test(as(s.victim.UserName, s.profile["idp_id"].(string))),
					string(refusal.AdminLinkRequired))
				s.refused(swapped, test(as("nobody@evil.example", s.profile["idp_id"].(string))),
					string(refusal.NotProvisioned))
				if a := test(as(member.UserName, "the member's new subject")); a.status != http.StatusSeeOther {
					t.Errorf("a member does not come back by the address: %d %q", a.status, s.log(swapped))
				}
				if all := s.users(s.tenant); len(all) != 2 {
					t.Errorf("there are %d users", len(all))
				}
				told := map[string]int{}
				for _, e := range s.events() {
					told[e.Event]++
				}
				if told["connection.deactivated"] != 1 || told["user.identity_linked"] != 1 ||
					told["user.access_ended"] != 2 {
					t.Errorf("%v", told)
				}
			})
		})
	}
}
