package sso_test

import (
	"crypto"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"rollcall/model/refusal"
	"rollcall/sso/saml"
	"rollcall/testidp"
)

var queryAttacks = []logoutAttack{
	{"unsigned", upTo("&SigAlg="), nil, string(saml.Unsigned)},
	{"an algorithm and no signature", upTo("&Signature="), nil, string(saml.Unsigned)},
	{"an empty signature", func(x *logoutTarget) string {
		return upTo("&Signature=")(x) + "&Signature="
	}, nil, string(saml.Unsigned)},
	{"a signature in the document only", func(x *logoutTarget) string {
		d := x.document()
		x.key().sign(x.t, d.Root())
		return "SAMLRequest=" + url.QueryEscape(squeezed(x.t, text(x.t, d)))
	}, nil, string(saml.Unsigned)},
	{"wrong key", func(x *logoutTarget) string {
		return query(x.t, keys().sp, dsig.RSASHA256SignatureMethod, "SAMLRequest",
			squeezed(x.t, text(x.t, x.document())))
	}, nil, string(saml.WrongKey)},
	{"SigAlg swapped for a longer hash", swapped("rsa-sha256", "rsa-sha512"), nil, string(saml.WrongKey)},
	{"SigAlg swapped for ECDSA", swapped("rsa-sha256", "ecdsa-sha256"), nil, string(saml.WrongKey)},
	{"SigAlg swapped for SHA-1", swapped(url.QueryEscape(dsig.RSASHA256SignatureMethod), url.QueryEscape(shaOne)),
		nil, string(saml.WeakAlgorithm)},
	{"SigAlg swapped for an HMAC", swapped(url.QueryEscape(dsig.RSASHA256SignatureMethod), url.QueryEscape(shaMAC)),
		nil, string(saml.SymmetricAlgorithm)},
	{"SigAlg swapped for none", swapped(url.QueryEscape(dsig.RSASHA256SignatureMethod), "none"), nil,
		string(saml.UnknownAlgorithm)},
	{"SHA-1, signed as such", func(x *logoutTarget) string {
		return query(x.t, keys().idp, shaOne, "SAMLRequest", squeezed(x.t, text(x.t, x.document())))
	}, nil, string(saml.WeakAlgorithm)},
	{"parameters re-ordered", func(x *logoutTarget) string {
		begin, rest, _ := strings.Cut(x.redirected(x.document()), "&RelayState=state")
		return "RelayState=state&" + begin + rest
	}, nil, string(saml.Reordered)},
	{"the signature in front", func(x *logoutTarget) string {
		begin, rest, _ := strings.Cut(x.redirected(x.document()), "&Signature=")
		return "Signature=" + rest + "&" + begin
	}, nil, string(saml.Reordered)},
	{"signed in another order", func(x *logoutTarget) string {
		q := query(x.t, keys().idp, dsig.RSASHA256SignatureMethod, "RelayState", "state", "SAMLRequest",
			squeezed(x.t, text(x.t, x.document())))
		_, rest, _ := strings.Cut(q, "RelayState=state&")
		begin, end, _ := strings.Cut(rest, "&SigAlg=")
		return begin + "&RelayState=state&SigAlg=" + end
	}, nil, string(saml.WrongKey)},
	{"re-encoded", swapped("RelayState=state", "RelayState=st%61te"), nil, string(saml.WrongKey)},
	{"re-encoded in lower case", swapped("%3A%2F%2F", "%3a%2f%2f"), nil, string(saml.WrongKey)},
	{"another RelayState", swapped("RelayState=state", "RelayState=other"), nil, string(saml.WrongKey)},
	{"no RelayState", swapped("&RelayState=state", ""), nil, string(saml.WrongKey)},
	{"the message twice", func(x *logoutTarget) string {
		return x.redirected(x.document()) + "&SAMLRequest=x"
	}, nil, string(saml.Repeated)},
	{"a response beside it", func(x *logoutTarget) string {
		return "SAMLResponse=x&" + x.redirected(x.document())
	}, nil, string(saml.Repeated)},
	{"nothing", func(*logoutTarget) string { return "x=y" }, nil, string(saml.NoMessage)},
	{"no query", func(*logoutTarget) string { return "" }, nil, string(saml.NoMessage)},
	{"expired", when("NotOnOrAfter", -3*time.Minute), nil, string(saml.Expired)},
	{"a NotOnOrAfter that is no time", attr("NotOnOrAfter", "never"), nil, string(saml.BadTime)},
	{"issued long ago", when("IssueInstant", -8*time.Minute), nil, string(saml.IssuedLongAgo)},
	{"issued in the future", when("IssueInstant", 3*time.Minute), nil, string(saml.IssuedInFuture)},
	{"no IssueInstant", attr("IssueInstant", ""), nil, string(saml.BadTime)},
	{"another destination", attr("Destination", "https://other.example/slo"), nil, string(saml.WrongDestination)},
	{"no destination", attr("Destination", ""), nil, string(saml.WrongDestination)},
	{"another version", attr("Version", "1.1"), nil, string(saml.WrongVersion)},
	{"no ID", attr("ID", ""), nil, string(saml.MissingID)},
	{"another connection's issuer", edit(func(root *etree.Element) {
		root.SelectElement("Issuer").SetText("https://other.example/")
	}), nil, string(saml.WrongIssuer)},
	{"no issuer", edit(func(root *etree.Element) {
		root.RemoveChild(root.SelectElement("Issuer"))
	}), nil, string(saml.WrongIssuer)},
	{"two NameIDs", edit(func(root *etree.Element) {
		root.AddChild(root.SelectElement("NameID").Copy())
	}), nil, string(saml.SeveralNameIDs)},
	{"no NameID", edit(func(root *etree.Element) {
		root.RemoveChild(root.SelectElement("NameID"))
	}), nil, string(saml.MissingSubject)},
	{"empty NameID", edit(func(root *etree.Element) {
		root.SelectElement("NameID").SetText("")
	}), nil, string(saml.EmptyNameID)},
	{"encrypted NameID", edit(func(root *etree.Element) {
		root.SelectElement("NameID").Tag = "EncryptedID"
	}), nil, string(saml.EncryptedNameID)},
	{"markup in the NameID", edit(func(root *etree.Element) {
		root.SelectElement("NameID").CreateElement("x")
	}), nil, string(saml.MarkupInValue)},
	{"a comment in the NameID", edit(func(root *etree.Element) {
		root.SelectElement("NameID").CreateComment("x")
	}), nil, string(saml.Comment)},
	{"markup in the SessionIndex", edit(func(root *etree.Element) {
		root.SelectElement("SessionIndex").CreateElement("x")
	}), nil, string(saml.MarkupInValue)},
	{"more SessionIndexes than anybody has", edit(func(root *etree.Element) {
		for range 100 {
			root.AddChild(root.SelectElement("SessionIndex").Copy())
		}
	}), nil, string(saml.Repeated)},
	{"a deflate bomb", func(x *logoutTarget) string {
		return query(x.t, keys().idp, dsig.RSASHA256SignatureMethod, "SAMLRequest",
			squeezed(x.t, "<a>"+strings.Repeat(" ", 20<<20)+"</a>"))
	}, nil, string(saml.TooLarge)},
	{"a deflate bomb that nobody signed", func(x *logoutTarget) string {
		return "SAMLResponse=" + url.QueryEscape(squeezed(x.t, "<a>"+strings.Repeat(" ", 20<<20)+"</a>"))
	}, nil, string(saml.TooLarge)},
	{"an empty document", func(x *logoutTarget) string {
		return query(x.t, keys().idp, dsig.RSASHA256SignatureMethod, "SAMLRequest", squeezed(x.t, ""))
	}, nil, string(saml.NotXML)},
	{"an empty document as answer", func(x *logoutTarget) string {
		return "SAMLResponse=" + url.QueryEscape(squeezed(x.t, ""))
	}, nil, string(saml.NotXML)},
	{"a message that is not deflated", func(x *logoutTarget) string {
		return query(x.t, keys().idp, dsig.RSASHA256SignatureMethod, "SAMLRequest", posted(text(x.t, x.document())))
	}, nil, string(saml.NotDeflated)},
	{"a request as answer", func(x *logoutTarget) string {
		return query(x.t, keys().idp, dsig.RSASHA256SignatureMethod, "SAMLResponse",
			squeezed(x.t, text(x.t, x.document())))
	}, nil, string(saml.NotALogout)},
	{"a request as answer that nobody signed", func(x *logoutTarget) string {
		return "SAMLResponse=" + url.QueryEscape(squeezed(x.t, text(x.t, x.document())))
	}, nil, string(saml.NotALogout)},
	{"a login's response", func(x *logoutTarget) string {
		return query(x.t, keys().idp, dsig.RSASHA256SignatureMethod, "SAMLResponse", squeezed(x.t, x.loginResponse()))
	}, nil, string(saml.NotALogout)},
	{"a login's signature", func(x *logoutTarget) string {
		value := fragment(x.t, x.loginResponse()).FindElement("//SignatureValue").Text()
		return upTo("&Signature=")(x) + "&Signature=" + url.QueryEscape(value)
	}, nil, string(saml.WrongKey)},
}

var formAttacks = []logoutAttack{
	{"unsigned", nil, func(x *logoutTarget) url.Values {
		return url.Values{"SAMLRequest": {posted(text(x.t, x.document()))}}
	}, string(saml.Unsigned)},
	{"wrong key", nil, signedAs(func(s *signature) { s.key = keys().sp }), string(saml.WrongKey)},
	{"SHA-1", nil, signedAs(func(s *signature) { s.method, s.hash = shaOne, crypto.SHA1 }), string(saml.WeakAlgorithm)},
	{"an HMAC", nil, signedAs(func(s *signature) { s.method = shaMAC }), string(saml.SymmetricAlgorithm)},
	{"a reference to everything", nil, signedAs(func(s *signature) {
		s.references = []reference{uri(`URI=""`)}
	}), string(saml.EmptyReference)},
	{"two references", nil, signedAs(func(s *signature) {
		s.references = []reference{usualReference, usualReference}
	}), string(saml.NotOneReference)},
	{"another NameID", nil, signedForm(func(_ *logoutTarget, d *etree.Document) {
		d.FindElement("//NameID").SetText("somebody")
	}), string(saml.Altered)},
	{"no SessionIndex any more", nil, signedForm(func(_ *logoutTarget, d *etree.Document) {
		d.Root().RemoveChild(d.FindElement("//SessionIndex"))
	}), string(saml.Altered)},
	{"signed twice", nil, signedForm(func(_ *logoutTarget, d *etree.Document) {
		d.Root().AddChild(d.FindElement("//Signature").Copy())
	}), string(saml.SeveralSignatures)},
	{"wrapped, in Extensions", nil, nested("samlp:Extensions", anotherID), string(saml.MisplacedSignature)},
	{"wrapped, in the NameID", nil, nested("NameID", anotherID), string(saml.MisplacedSignature)},
	{"wrapped with the same ID", nil, nested("samlp:Extensions", func(_, _ *etree.Element) {}),
		string(saml.DuplicateID)},
	{"wrapped, with the signature moved", nil, nested("samlp:Extensions", moved), string(saml.ForeignReference)},
	{"wrapped, in an Object of the signature", nil, nested("ds:Signature ds:Object", moved),
		string(saml.SignatureObject)},
	{"a login's signature", nil, foreignSignature(ofLogin, false), string(saml.ForeignReference)},
	{"a login's signature and ID", nil, foreignSignature(ofLogin, true), string(saml.Altered)},
	{"the metadata's signature", nil, foreignSignature(ofMetadata, false), string(saml.ForeignReference)},
	{"the metadata's signature and ID", nil, foreignSignature(ofMetadata, true), string(saml.Altered)},
	{"a document type", nil, func(x *logoutTarget) url.Values {
		return url.Values{"SAMLRequest": {posted("<!DOCTYPE a>" + text(x.t, x.document()))}}
	}, string(saml.Doctype)},
	{"deflated", nil, func(x *logoutTarget) url.Values {
		return url.Values{"SAMLRequest": {squeezed(x.t, text(x.t, x.document()))}}
	}, string(saml.Compressed)},
	{"nothing", nil, func(*logoutTarget) url.Values { return url.Values{} }, string(saml.NoMessage)},
	{"empty", nil, func(*logoutTarget) url.Values { return url.Values{"SAMLRequest": {""}} }, string(saml.NoResponse)},
	{"an empty document as answer", nil, func(*logoutTarget) url.Values {
		return url.Values{"SAMLResponse": {posted(" ")}}
	}, string(saml.NotXML)},
	{"the message twice", nil, func(*logoutTarget) url.Values {
		return url.Values{"SAMLRequest": {"x", "y"}}
	}, string(saml.Repeated)},
	{"both messages", nil, func(*logoutTarget) url.Values {
		return url.Values{"SAMLRequest": {"x"}, "SAMLResponse": {"x"}}
	}, string(saml.Repeated)},
	{"a megabyte", nil, func(*logoutTarget) url.Values {
		return url.Values{"SAMLRequest": {strings.Repeat("A", 1<<20)}}
	}, string(saml.TooLarge)},
	{"a login's response", nil, func(x *logoutTarget) url.Values {
		return url.Values{"SAMLResponse": {posted(x.loginResponse())}}
	}, string(saml.NotALogout)},
	{"a login's response as request", nil, func(x *logoutTarget) url.Values {
		return url.Values{"SAMLRequest": {posted(x.loginResponse())}}
	}, string(saml.NotALogout)},
	{"a request as answer", nil, func(x *logoutTarget) url.Values {
		d := x.document()
		x.key().sign(x.t, d.Root())
		return url.Values{"SAMLResponse": {posted(text(x.t, d))}}
	}, string(saml.NotALogout)},
}

func TestLogoutAttacksAreRefused(t *testing.T) {
	t.Parallel()
	x := newLogoutTarget(t)
	b := x.browser()
	for i, a := range append(queryAttacks, formAttacks...) {
		t.Run(fmt.Sprintf("%d %s", i, a.name), func(t *testing.T) {
			b.address = netip.AddrFrom4([4]byte{198, 18, 0, byte(i)}).String() // or the log keeps only some
			var answer answer
			if a.form != nil {
				answer = b.post(x.sp(x.connection, "/slo"), a.form(x))
			} else {
				answer = b.get(x.sp(x.connection, "/slo") + "?" + a.query(x))
			}
			x.logoutRefused(x.tenant, answer, a.want)
			if !x.victim.signedIn() {
				t.Fatal("it signs the victim out")
			}
		})
	}
	if answer := b.get(x.sp(x.connection,
		"/slo") + "?" + x.redirected(x.document())); answer.status != http.StatusSeeOther || x.victim.signedIn() {
		t.Errorf("after all of them the genuine request is refused: %d %q", answer.status, x.log(x.tenant)[0])
	}
}

// TestLogoutRequestsAreCarriedOutOnce, whichever binding brings them.
func TestLogoutRequestsAreCarriedOutOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.activate(w.tenant)
		w.logsOut(w.tenant)
		m := w.tenant.request(t, ada(w.tenant), testidp.LogoutOptions{})
		w.signedInBrowser(w.tenant, ada(w.tenant))
		w.loggingOut(w.browser().bring(m, false))
		b, _ := w.signedInBrowser(w.tenant, ada(w.tenant))
		other := w.replica(t)
		for _, post := range []bool{false, true} {
			w.logoutRefused(w.tenant, w.browser().bring(m, post), string(refusal.LogoutReplayed))
			elsewhere := *m
			elsewhere.To = strings.Replace(m.To, w.url, other.server.URL, 1)
			w.logoutRefused(w.tenant, other.browser().bring(&elsewhere, post), string(refusal.LogoutReplayed))
		}
		if !b.signedIn() {
			t.Error("a replay ends a later session")
		}
	})
}

// TestLogoutRequestsForNobody end no session. The answer to the identity provider and the login log
// say so.
func TestLogoutRequestsForNobody(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.activate(w.tenant)
		w.logsOut(w.tenant)
		b, _ := w.signedInBrowser(w.tenant, ada(w.tenant))
		for _, c := range []struct {
			name, reason, status string
			who                  testidp.Person
			o                    testidp.LogoutOptions
		}{
			{"a foreign NameID", string(refusal.LogoutSubjectUnknown), "UnknownPrincipal", person(w.tenant, 3),
				testidp.LogoutOptions{}},
			{"a foreign NameID with a SessionIndex of somebody else", string(refusal.LogoutSubjectUnknown),
				"UnknownPrincipal", person(w.tenant, 3), testidp.LogoutOptions{SessionIndexes: []string{w.indexOf(t,
					b)}}},
			{"a foreign SessionIndex", string(refusal.LogoutSessionUnknown), "Success", ada(w.tenant),
				testidp.LogoutOptions{SessionIndexes: []string{"_foreign"}}},
		} {
			t.Run(c.name, func(t *testing.T) {
				sent := w.loggingOut(w.browser().bring(w.tenant.request(t, c.who, c.o), false))
				codes := sent.root.FindElements("//StatusCode")
				if last := codes[len(codes)-1].SelectAttrValue("Value", ""); !strings.HasSuffix(last, ":"+c.status) {
					t.Errorf("answered %s, want %s", last, c.status)
				}
				w.noted(w.tenant, c.reason)
				if !b.signedIn() {
					t.Error("it ends a session")
				}
			})
		}
	})
}

// TestLogoutRequestsOfOthers: what is genuine elsewhere.
func TestLogoutRequestsOfOthers(t *testing.T) {
	t.Parallel()
	w := one(t)
	w.logsOut(w.tenant)
	b, _ := w.signedInBrowser(w.tenant, ada(w.tenant))
	fabrikam := w.newTenant("fabrikam", "fabrikam.example", testidp.PlainSAML, "GenericSAML")
	must(t, fabrikam.idp.ConnectLogout(w.sp(w.connection, "/slo"))) // and it has, by chance, the same key
	w.logoutRefused(w.tenant, w.browser().bring(fabrikam.request(t, ada(fabrikam), testidp.LogoutOptions{}), false),
		string(saml.WrongIssuer))
	must(t, fabrikam.idp.ConnectLogout(w.sp(fabrikam.connection, "/slo")))
	m := fabrikam.request(t, ada(fabrikam), testidp.LogoutOptions{})
	m.To = w.sp(w.connection, "/slo")
	w.logoutRefused(w.tenant, w.browser().bring(m, true), string(saml.WrongDestination))
	if !b.signedIn() {
		t.Error("another organization's identity provider signs out")
	}
	if a := w.send(nil, http.MethodPut, w.sp(w.connection, "/slo")); a.status != http.StatusMethodNotAllowed {
		t.Errorf("PUT: %d", a.status)
	}
}
