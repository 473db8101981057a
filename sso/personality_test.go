package sso_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/modeltest"
	"rollcall/model/refusal"
	"rollcall/model/store"
	"rollcall/testidp"
)

// personalities are the identity providers that people sign in through, with how SCIM and SAML of
// each name the same person.
var personalities = []struct {
	name      string
	saml      testidp.Personality
	kind      string // of the connection
	directory string // the kind of directory
	// externalID and userName are what the directory sends.
	externalID, userName func(who testidp.Person) string
	idpID                func(who testidp.Person) string
}{
	{"plain, by userName", testidp.PlainSAML, "GenericSAML", "generic scim v2.0", nothing, userName, userName},
	{"plain, by externalId", testidp.PlainSAML, "GenericSAML", "generic scim v2.0", userName, alias, userName},
	{"Okta, by userName", testidp.OktaSAML, "OktaSAML", "okta scim v2.0", externalID, userName, userName},
	{"Okta, by userName in capitals", testidp.OktaSAML, "OktaSAML", "okta scim v2.0", externalID, capitals, userName},
	{"Entra, by object id", testidp.EntraSAML, connection.AzureSAML, "azure scim v2.0", externalID, alias, externalID},
	{"Entra, by user principal name", testidp.EntraSAML, connection.AzureSAML, "azure scim v2.0", alias, userName,
		externalID},
	{"AD FS, by user principal name", testidp.ADFSSAML, "ADFSSAML", "generic scim v2.0", externalID, userName,
		userName},
}

func nothing(testidp.Person) string        { return "" }
func userName(who testidp.Person) string   { return who.UserName }
func externalID(who testidp.Person) string { return who.ExternalID }
func capitals(who testidp.Person) string   { return strings.ToUpper(who.UserName) }
func alias(who testidp.Person) string      { return "staff-" + who.ID }

// TestPersonOfTheDirectorySignsInAsThemselves: SCIM and SAML meet in one user.
func TestPersonOfTheDirectorySignsInAsThemselves(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		for i, p := range personalities {
			t.Run(p.name, func(t *testing.T) {
				n := w.newTenant(fmt.Sprintf("tenant-%d", i), fmt.Sprintf("tenant-%d.example", i), p.saml, p.kind)
				d := w.newDirectory(n, p.directory)
				who := person(n, 20) // whose names have accents and an apostrophe
				other := d.provision(person(n, 1).UserName, person(n, 1).ExternalID, person(n, 1))
				id := d.provision(p.userName(who), p.externalID(who), who)
				b := w.browser()
				a := b.post(w.sp(n.connection, "/acs"), n.answer(t, b.get(w.sp(n.connection, "/login")), who,
					testidp.ResponseOptions{}))
				if a.status != http.StatusSeeOther {
					t.Fatalf("%d %v", a.status, w.log(n))
				}
				profile := w.profile(w.token(n, w.browser(), who))
				want := w.user(n, who.UserName)
				if want.ID != id || profile["user_id"] != model.UserPrefix.ID(want.ID) {
					t.Errorf("signed in as %v, SCIM knows %s", profile["user_id"], id)
				}
				if profile["idp_id"] != p.idpID(who) || profile["email"] != who.UserName ||
					profile["first_name"] != who.GivenName || profile["last_name"] != who.FamilyName {
					t.Errorf("%v", profile)
				}
				if users := w.users(n); len(users) != 2 {
					t.Errorf("there are %d users", len(users))
				}
				var linked int
				for _, e := range w.events() {
					if e.Event == "user.identity_linked" && e.Data["id"] == model.UserPrefix.ID(want.ID) {
						linked++
					}
				}
				if linked != 1 {
					t.Errorf("%d events say that the identity was linked", linked)
				}
				d.setActive(id, false)
				late := w.begin(n)
				w.refused(n, late.post(w.sp(n.connection, "/acs"),
					n.answer(t, late.sent, who, testidp.ResponseOptions{})), string(refusal.UserDeactivated))
				if other == id {
					t.Error("two people are one user")
				}
			})
		}
	})
}

// TestAssertedGroups: what a login says of groups replaces what the last one said, and what it does
// not say changes nothing (docs/design/identity.md, "Groups").
func TestAssertedGroups(t *testing.T) {
	t.Parallel()
	many := make([]string, 151)
	for i := range many {
		many[i] = fmt.Sprintf("Group %03d", i)
	}
	empty := func(name string) func(*etree.Element) {
		return func(r *etree.Element) {
			statement := r.FindElement("//AttributeStatement")
			a := statement.CreateElement("Attribute")
			a.Space = statement.Space
			a.CreateAttr("Name", name)
			v := a.CreateElement("AttributeValue")
			v.Space = statement.Space
		}
	}
	for _, c := range []struct {
		saml      testidp.Personality
		kind      string
		attribute string
	}{
		{testidp.PlainSAML, "GenericSAML", "groups"}, {testidp.OktaSAML, "OktaSAML", "groups"},
		{testidp.EntraSAML, connection.AzureSAML, "http://schemas.microsoft.com/ws/2008/06/identity/claims/groups"},
		{testidp.ADFSSAML, "ADFSSAML", "http://schemas.xmlsoap.org/claims/Group"},
	} {
		t.Run(string(c.saml), func(t *testing.T) {
			w := newWorld(t, modeltest.SQLite(t), store.Options{})
			n := w.newTenant("tenant", "tenant.example", c.saml, c.kind)
			w.activate(n)
			groups := func(o testidp.ResponseOptions) []string {
				t.Helper()
				b := w.begin(n)
				a := b.post(w.sp(n.connection, "/acs"), n.answer(t, b.sent, ada(n), o))
				var out []string
				for _, g := range w.profile(first(w.exchange(a.code(t))))["groups"].([]any) {
					out = append(out, g.(string))
				}
				return out
			}
			two := groups(testidp.ResponseOptions{Groups: []string{"Sales", "Engineering"}})
			if len(two) != 2 || c.saml != testidp.EntraSAML && !slices.Equal(two, []string{"Engineering", "Sales"}) {
				t.Fatalf("%v", two)
			}
			if got := groups(testidp.ResponseOptions{Groups: []string{}}); !slices.Equal(got, two) {
				t.Errorf("a login without the attribute leaves %v of %v", got, two)
			}
			got := groups(testidp.ResponseOptions{Groups: many})
			switch {
			case c.saml == testidp.EntraSAML && !slices.Equal(got, two): // it sends a link in their place
				t.Errorf("the overage leaves %v of %v", got, two)
			case c.saml != testidp.EntraSAML && len(got) != len(many):
				t.Errorf("%d groups of %d", len(got), len(many))
			}
			if c.saml == testidp.EntraSAML {
				if got := groups(testidp.ResponseOptions{Groups: many, Edit: empty(c.attribute)}); !slices.Equal(got,
					two) {
					t.Errorf("an empty attribute beside the link leaves %v of %v", got, two)
				}
			}
			if got := groups(testidp.ResponseOptions{Groups: []string{}, Edit: empty(c.attribute)}); len(got) != 0 {
				t.Errorf("the empty attribute leaves %v", got)
			}
			if got := groups(testidp.ResponseOptions{Groups: []string{"Sales", "sales",
				"SALES"}}); c.saml != testidp.EntraSAML && len(got) != 1 {
				t.Errorf("one name in several spellings is %v", got)
			}
		})
	}
}

// TestManyGroups signs in a person with 1,500 groups.
func TestManyGroups(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.activate(w.tenant)
		names := make([]string, 1500)
		for i := range names {
			names[i] = fmt.Sprintf("Group %04d of a large enterprise", i)
		}
		for range 2 { // all are new, then none
			b := w.begin(w.tenant)
			form := w.answer(t, b.sent, ada(w.tenant), testidp.ResponseOptions{Groups: names})
			start := time.Now()
			code := b.post(w.sp(w.connection, "/acs"), form).code(t)
			t.Logf("a response of %d KiB with %d groups took %s", len(form.Get("SAMLResponse"))>>10, len(names),
				time.Since(start))
			if got := w.profile(first(w.exchange(code)))["groups"].([]any); len(got) != len(names) {
				t.Errorf("%d groups", len(got))
			}
		}
		b := w.begin(w.tenant)
		b.post(w.sp(w.connection, "/acs"), w.answer(t, b.sent, ada(w.tenant),
			testidp.ResponseOptions{Groups: names[:1]})).code(t)
	})
}

// TestDirectoryHasTheGroupsOfItsUsers: the groups that a login asserts for a user of a directory
// are stored, and the profile has the groups of the directory.
func TestDirectoryHasTheGroupsOfItsUsers(t *testing.T) {
	t.Parallel()
	w := one(t)
	d := w.newDirectory(w.tenant, "generic scim v2.0")
	who := person(w.tenant, 6)
	id := d.provision(who.UserName, who.ExternalID, who)
	d.call(http.MethodPost, "/Groups", http.StatusCreated, map[string]any{
		"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:Group"}, "displayName": "Board",
		"members": []map[string]string{{"value": id}}})
	d.call(http.MethodPatch, "/Users/"+id, http.StatusOK, map[string]any{
		"schemas":    []string{"urn:ietf:params:scim:api:messages:2.0:PatchOp"},
		"Operations": []map[string]any{{"op": "replace", "path": "name.givenName", "value": "Renamed"}},
	})
	profile := w.profile(w.token(w.tenant, w.browser(), who))
	if groups := fmt.Sprint(profile["groups"]); groups != "[Board]" || profile["first_name"] != "Renamed" {
		t.Errorf("%v %v", groups, profile["first_name"])
	}
	if raw := profile["raw_attributes"].(map[string]any); raw["firstName"] != who.GivenName {
		t.Errorf("what the login said is lost: %v", raw)
	}
}
