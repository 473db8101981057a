package sso_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/beevik/etree"

	"rollcall/model/connection"
	"rollcall/model/people"
	"rollcall/model/refusal"
	"rollcall/testidp"
)

// saying replaces what a response says about the person.
func saying(attributes map[string][]string) func(*etree.Element) {
	return func(response *etree.Element) {
		s := response.FindElement("//AttributeStatement")
		for _, el := range s.ChildElements() {
			s.RemoveChild(el)
		}
		for name, values := range attributes {
			attribute := s.CreateElement(s.Space + ":Attribute")
			attribute.CreateAttr("Name", name)
			for _, v := range values {
				attribute.CreateElement(s.Space + ":AttributeValue").SetText(v)
			}
		}
	}
}

const claims = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"

// TestUsualAttributesAreRecognized has the names with which each identity provider is set up out of
// the box, or by its own guide.
func TestUsualAttributesAreRecognized(t *testing.T) {
	t.Parallel()
	w := one(t)
	for vendor, names := range map[string]struct{ email, first, last, groups string }{
		"Okta": {"email", "firstName", "lastName", "groups"},
		"Entra ID": {claims + "emailaddress", claims + "givenname", claims + "surname",
			"http://schemas.microsoft.com/ws/2008/06/identity/claims/groups"},
		"Google": {"email", "first_name", "last_name", "groups"},
		"AD FS": {claims + "emailaddress", claims + "givenname", claims + "surname",
			"http://schemas.xmlsoap.org/claims/Group"},
		"AD FS 1.x": {"http://schemas.xmlsoap.org/claims/EmailAddress", claims + "givenname",
			claims + "surname", "http://schemas.xmlsoap.org/claims/Group"},
		"OneLogin":                {"User.email", "User.FirstName", "User.LastName", "memberOf"},
		"Keycloak":                {"email", "firstName", "lastName", "member"},
		"Keycloak, X.500 mappers": {"urn:oid:1.2.840.113549.1.9.1", "urn:oid:2.5.4.42", "urn:oid:2.5.4.4", "groups"},
		"JumpCloud":               {"email", "firstname", "lastname", "memberOf"},
		"Shibboleth": {"urn:oid:0.9.2342.19200300.100.1.3", "urn:oid:2.5.4.42", "urn:oid:2.5.4.4",
			"urn:oid:1.3.6.1.4.1.5923.1.5.1.1"},
		"SimpleSAMLphp, from LDAP": {"mail", "givenName", "sn", "groups"},
	} {
		t.Run(vendor, func(t *testing.T) {
			profile := w.asserted(t, map[string][]string{names.email: {w.fresh()}, names.first: {"Ada"},
				names.last: {"Lovelace"}, names.groups: {"Engineers", "Staff"}})
			if profile["email"] != w.last() || profile["first_name"] != "Ada" || profile["last_name"] != "Lovelace" ||
				fmt.Sprint(profile["groups"]) != "[Engineers Staff]" {
				t.Errorf("got %v", profile)
			}
		})
	}
}

// TestAttributesThatAConnectionNames: what is mapped comes from there only.
func TestAttributesThatAConnectionNames(t *testing.T) {
	t.Parallel()
	w := one(t)
	w.update(w.tenant, func(c *connection.ConnectionFields) {
		c.AttributeMapping = map[string]string{"email": "workEmail", "first_name": "vorname", "groups": "Abteilungen"}
	})
	profile := w.asserted(t, map[string][]string{"workemail": {w.fresh()}, "email": {"other@contoso.example"},
		"vorname": {"Ada"}, "firstName": {"Augusta"},
		"lastName": {"Lovelace"}, "Abteilungen": {"Engineers"}, "groups": {"Staff"}})
	if profile["email"] != w.last() || profile["first_name"] != "Ada" || profile["last_name"] != "Lovelace" ||
		fmt.Sprint(profile["groups"]) != "[Engineers]" {
		t.Errorf("got %v", profile)
	}
	a := w.withAttributes(map[string][]string{"email": {"other@contoso.example"}})
	w.refused(w.tenant, a, string(refusal.NotProvisioned))
}

func (w *world) fresh() string {
	return fmt.Sprintf("person-%d@%s", len(w.users(w.tenant)), domain)
}

// last is the address of the newest user.
func (w *world) last() string {
	users := w.users(w.tenant)
	return slices.MaxFunc(users, func(a, b people.User) int { return strings.Compare(a.ID, b.ID) }).Email
}

// withAttributes signs a new person in, with these attributes.
func (w *world) withAttributes(attributes map[string][]string) answer {
	w.t.Helper()
	b := w.begin(w.tenant)
	edit := saying(attributes)
	name := fmt.Sprintf("subject-%d", len(w.users(w.tenant)))
	return b.post(w.sp(w.connection, "/acs"), w.answer(w.t, b.sent, ada(w.tenant),
		testidp.ResponseOptions{Edit: func(response *etree.Element) {
			edit(response)
			response.FindElement("//NameID").SetText(name)
		}}))
}

// asserted returns the profile of a person who was signed in with these attributes.
func (w *world) asserted(t *testing.T, attributes map[string][]string) map[string]any {
	t.Helper()
	status, body := w.exchange(w.withAttributes(attributes).code(t))
	token, _ := body["access_token"].(string)
	if token == "" {
		t.Fatalf("%d %v", status, body)
	}
	return w.profile(token)
}

// TestRequestsAreAsTheConnectionSays: signed unless switched off, for the format that is asked for.
func TestRequestsAreAsTheConnectionSays(t *testing.T) {
	t.Parallel()
	w := one(t)
	const persistent = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
	for _, c := range []struct {
		change func(*connection.ConnectionFields)
		signed bool
		policy string
	}{
		{func(*connection.ConnectionFields) {}, true, `<samlp:NameIDPolicy AllowCreate="true"/>`},
		{func(c *connection.ConnectionFields) {
			c.UnsignedRequests, c.NameIDFormat = true, persistent
		}, false, `Format="` + persistent + `"`},
		{func(c *connection.ConnectionFields) { c.UnsignedRequests = false }, true, `Format="` + persistent + `"`},
	} {
		w.update(w.tenant, c.change)
		sent := w.browser().get(w.sp(w.connection, "/login"))
		document, _, _ := request(t, sent)
		if sent.location.Query().Has("Signature") != c.signed || !strings.Contains(document, c.policy) {
			t.Errorf("sent to %s with %s", sent.location, document)
		}
		metadata := w.browser().get(w.sp(w.connection, "/metadata")).body
		if !strings.Contains(metadata, fmt.Sprintf(`AuthnRequestsSigned="%t"`, c.signed)) {
			t.Errorf("the metadata is %s", metadata)
		}
	}
}
