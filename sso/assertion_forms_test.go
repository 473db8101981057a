package sso_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/beevik/etree"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/modeltest"
	"rollcall/model/refusal"
	"rollcall/model/signon"
	"rollcall/model/store"
	"rollcall/sso/saml"
	"rollcall/testidp"
)

// edited signs a person in by a response that was changed before it was signed.
func (w *world) edited(edit func(response *etree.Element)) answer {
	w.t.Helper()
	b := w.begin(w.tenant)
	return b.post(w.sp(w.connection, "/acs"), w.answer(w.t, b.sent, ada(w.tenant),
		testidp.ResponseOptions{Edit: edit}))
}

// newest is the newest line of the login log.
func (w *world) newest() signon.LoginAttempt {
	w.t.Helper()
	attempts, _, err := signon.In(w.org).LoginAttempts(w.t.Context(), w.connection.ID, model.Page{Limit: 1})
	must(w.t, err)
	return attempts[0]
}

// with adds XML to the attributes of a response.
func with(t testing.TB, fragment string) func(*etree.Element) {
	return func(response *etree.Element) {
		s := response.FindElement("//AttributeStatement")
		d := etree.NewDocument()
		must(t, d.ReadFromString(strings.ReplaceAll(fragment, "saml:", s.Space+":")))
		s.AddChild(d.Root())
	}
}

// TestAttributesThatNobodyReads: a value may be any XML (SAML Core, section 2.7.3.1.1). It refuses
// the login only where the connection reads it.
func TestAttributesThatNobodyReads(t *testing.T) {
	t.Parallel()
	w := one(t)
	value := func(name, inside string) string {
		return `<saml:Attribute Name="` + name + `"><saml:AttributeValue>` + inside +
			`</saml:AttributeValue></saml:Attribute>`
	}
	const mixed = "hello <b>bold</b> there"
	for name, c := range map[string]struct {
		fragment, note string
	}{
		"text around an element": {value("bio", mixed), `"bio"`},
		"two elements":           {value("address", "<street>1</street><city>2</city>"), `"address"`},
		"an element in one":      {value("address", "<street><b>1</b></street>"), `"address"`},
		"no name":                {value("", "x"), "an Attribute with an empty Name"},
		"no name, but a friendly one": {`<saml:Attribute ` +
			`FriendlyName="Bio"><saml:AttributeValue>x</saml:AttributeValue>` +
			`</saml:Attribute>`, "the FriendlyName Bio"},
		"an encrypted one": {`<saml:EncryptedAttribute><x/></saml:EncryptedAttribute>`, "EncryptedAttribute"},
	} {
		t.Run(name, func(t *testing.T) {
			w.edited(with(t, c.fragment)).code(t)
			if got := strings.Join(w.newest().Notes, "\n"); !strings.Contains(got, c.note) {
				t.Errorf("the notes are %q, want %s", got, c.note)
			}
		})
	}
	for name, c := range map[string]struct {
		attribute string
		change    func(c *connection.ConnectionFields)
	}{
		"groups":                  {"groups", nil},
		"groups of another name":  {"memberOf", nil},
		"an e-mail address first": {"email", nil},
		"a first name":            {"firstName", nil},
		"the mapped e-mail address": {"workEmail", func(c *connection.ConnectionFields) {
			c.AttributeMapping = map[string]string{"email": "workemail"}
		}},
		"the subject": {"uid", func(c *connection.ConnectionFields) { c.SubjectAttribute = "uid" }},
		"the user name": {"upn", func(c *connection.ConnectionFields) {
			c.UsernameAttribute = "upn"
		}},
	} {
		t.Run("read: "+name, func(t *testing.T) {
			before := *w.connection
			w.update(w.tenant, func(f *connection.ConnectionFields) {
				if c.change != nil {
					c.change(f)
				}
			})
			defer w.update(w.tenant, func(f *connection.ConnectionFields) { *f = before.ConnectionFields })
			a := w.edited(func(response *etree.Element) {
				for _, el := range response.FindElements("//Attribute") {
					if strings.EqualFold(el.SelectAttrValue("Name", ""), c.attribute) {
						el.Parent().RemoveChild(el)
					}
				}
				with(t, value(c.attribute, mixed))(response)
			})
			if a.status == http.StatusSeeOther {
				t.Fatal("it signs somebody in")
			}
			w.noted(w.tenant, string(saml.MarkupInValue))
			if got := w.newest(); !strings.Contains(got.Expected+got.Received, `"`+c.attribute+`"`) {
				t.Errorf("expected %q, received %q", got.Expected, got.Received)
			}
		})
	}
	// An attribute that is behind the one that counts is not read.
	w.edited(with(t, value("urn:oid:0.9.2342.19200300.100.1.3", mixed))).code(t)
}

// named replaces the NameID of a response and all attributes.
func named(format, name string, attributes map[string][]string) func(*etree.Element) {
	return func(response *etree.Element) {
		saying(attributes)(response)
		id := response.FindElement("//NameID")
		id.SetText(name)
		id.RemoveAttr("Format")
		if format != "" {
			id.CreateAttr("Format", format)
		}
	}
}

// TestNameIDFormatsByEitherVersion: SAML defines some formats under 1.1, and providers write 2.0.
func TestNameIDFormatsByEitherVersion(t *testing.T) {
	t.Parallel()
	w := one(t)
	const v1, v2 = "urn:oasis:names:tc:SAML:1.1:nameid-format:", "urn:oasis:names:tc:SAML:2.0:nameid-format:"
	for format, want := range map[string]string{
		"":                  "",
		v1 + "emailAddress": "", v2 + "emailAddress": "", v1 + "unspecified": "", v2 + "unspecified": "",
		v2 + "persistent": string(refusal.NotProvisioned), v1 + "persistent": string(refusal.NotProvisioned),
		v2 + "transient": string(refusal.SubjectTransient), v1 + "transient": string(refusal.SubjectTransient),
		v1 + "X509SubjectName": string(refusal.NotProvisioned), "urn:other": string(refusal.NotProvisioned),
	} {
		a := w.edited(named(format, w.fresh(), map[string][]string{"title": {"Countess"}}))
		if want == "" {
			a.code(t)
			continue
		}
		w.noted(w.tenant, want)
		if got := w.newest().Received; !strings.Contains(got, format) {
			t.Errorf("%s: received %q", format, got)
		}
	}
}

// TestSeveralEmailAddresses: mail is a set. The one under the organization's domain counts.
func TestSeveralEmailAddresses(t *testing.T) {
	t.Parallel()
	modeltest.EachDatabase(t, func(t *testing.T, db modeltest.Database) {
		w := newWorld(t, db, store.Options{})
		w.activate(w.tenant)
		const mail = "urn:oid:0.9.2342.19200300.100.1.3"
		for name, c := range map[string]struct {
			values []string
			want   string // the address of the user; empty for a refusal
		}{
			"the third":      {[]string{"a@other.example", "a@third.example", "third@" + domain}, "third@" + domain},
			"the first":      {[]string{"first@" + domain, "b@other.example"}, "first@" + domain},
			"in two cases":   {[]string{"c@other.example", "Case@" + domain, "case@" + domain}, "case@" + domain},
			"two of it":      {[]string{"two-a@" + domain, "two-b@" + domain}, "two-a@" + domain},
			"two, not first": {[]string{"d@other.example", "e@" + domain, "f@" + domain}, ""},
			"none of it":     {[]string{"g@other.example", "h@third.example"}, ""},
		} {
			a := w.edited(named("urn:oasis:names:tc:SAML:2.0:nameid-format:persistent", "subject of "+name,
				map[string][]string{mail: c.values}))
			if c.want != "" {
				a.code(t)
				if got := w.newest().Email; !strings.EqualFold(got, c.want) {
					t.Errorf("%s: signed in as %s", name, got)
				}
				continue
			}
			w.refused(w.tenant, a, string(refusal.NotProvisioned))
			for _, v := range c.values {
				if got := w.newest().Received; !strings.Contains(got, v) {
					t.Errorf("%s: received %q", name, got)
				}
			}
		}
	})
}

// TestUnsolicitedResponseThatNamesARequest: Rippling and others send an InResponseTo that is none
// of ours. It begins a login like any unsolicited response, unless a login waits for it.
func TestUnsolicitedResponseThatNamesARequest(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.activate(w.tenant)
		acs := w.sp(w.connection, "/acs")
		form := func(request string) map[string][]string {
			response, err := w.idp.Respond(ada(w.tenant).ID, testidp.ResponseOptions{InResponseTo: request})
			must(t, err)
			return map[string][]string{"SAMLResponse": {response}}
		}
		w.refused(w.tenant, w.browser().post(acs, form("RIPPLING")), string(refusal.LoginUnknown))
		w.update(w.tenant, func(c *connection.ConnectionFields) { c.AllowIDPInitiated = true })
		first := form("RIPPLING")
		b := w.browser()
		a := b.post(acs, first)
		if a.location.String() != w.sp(w.connection, "/login") || a.cookie(sessionCookie) != nil || b.signedIn() {
			t.Fatalf("%d to %s: %s", a.status, a.location, a.body)
		}
		w.endsOnOurPage(b, a)
		if a := b.post(acs, first); a.location.String() != w.url+"/sso/signed-in" ||
			len(a.header.Values("Set-Cookie")) > 0 || !b.signedIn() {
			t.Errorf("again in the browser that is signed in: %d to %s: %s", a.status, a.location, a.body)
		}
		w.noted(w.tenant, string(refusal.AssertionReplayed))
		w.refused(w.tenant, w.browser().post(acs, first), string(refusal.AssertionReplayed))
		if a := w.browser().post(acs, form("RIPPLING")); a.location.String() != w.sp(w.connection, "/login") {
			t.Errorf("another one is answered with %d to %s", a.status, a.location)
		}
		// One that answers an open login is refused, in its own browser and in another one.
		open := w.begin(w.tenant)
		_, id, _ := request(t, open.sent)
		for _, in := range []*browser{open.browser, w.browser()} {
			w.refused(w.tenant, in.post(acs, form(id)), string(refusal.LoginUnknown))
		}
	})
}
