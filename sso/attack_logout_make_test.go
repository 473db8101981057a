package sso_test

import (
	"bytes"
	"compress/flate"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"rollcall/testidp"
)

// logoutTarget is a server with a signed-in user whom attacks try to sign out.
type logoutTarget struct {
	*world
	victim *browser
	index  string
}

func newLogoutTarget(t *testing.T) *logoutTarget {
	w := one(t)
	w.logsOut(w.tenant)
	x := &logoutTarget{world: w}
	x.victim, _ = w.signedInBrowser(w.tenant, ada(w.tenant))
	x.index = w.indexOf(t, x.victim)
	return x
}

// document is a genuine LogoutRequest for the victim, after a change, before it is signed.
func (x *logoutTarget) document(change ...func(root *etree.Element)) *etree.Document {
	x.t.Helper()
	form, err := x.tenant.request(x.t, ada(x.tenant), testidp.LogoutOptions{SessionIndexes: []string{x.index},
		Edit: func(root *etree.Element) {
			for _, c := range change {
				c(root)
			}
		}}).Form()
	must(x.t, err)
	d := fragment(x.t, decoded(x.t, form.Get("SAMLRequest")))
	d.Root().RemoveChild(d.Root().SelectElement("Signature"))
	return d
}

// key signs as the identity provider does.
func (x *logoutTarget) key() signature {
	return genuine{key: keys().idp, certificate: x.idp.Certificate()}.signature()
}

// query is a query with what the identity provider, or another, signs of it.
func query(t testing.TB, key *rsa.PrivateKey, algorithm string, parameters ...string) string {
	t.Helper()
	var pairs []string
	for i := 0; i < len(parameters); i += 2 {
		pairs = append(pairs, parameters[i]+"="+url.QueryEscape(parameters[i+1]))
	}
	text := strings.Join(append(pairs, "SigAlg="+url.QueryEscape(algorithm)), "&")
	sum := sha256.Sum256([]byte(text))
	value, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	must(t, err)
	return text + "&Signature=" + url.QueryEscape(base64.StdEncoding.EncodeToString(value))
}

func squeezed(t testing.TB, text string) string {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	must(t, err)
	_, err = w.Write([]byte(text))
	must(t, err)
	must(t, w.Close())
	return base64.StdEncoding.EncodeToString(b.Bytes())
}

// redirected is a signed query with a document.
func (x *logoutTarget) redirected(d *etree.Document) string {
	return query(x.t, keys().idp, dsig.RSASHA256SignatureMethod, "SAMLRequest", squeezed(x.t, text(x.t, d)),
		"RelayState", "state")
}

// logoutAttack is a message that must end nothing: a query, or a form.
type logoutAttack struct {
	name  string
	query func(x *logoutTarget) string
	form  func(x *logoutTarget) url.Values
	want  string
}

func edit(change func(root *etree.Element)) func(x *logoutTarget) string {
	return func(x *logoutTarget) string { return x.redirected(x.document(change)) }
}

func swapped(old, by string) func(x *logoutTarget) string {
	return func(x *logoutTarget) string {
		genuine := x.redirected(x.document())
		altered := strings.Replace(genuine, old, by, 1)
		if altered == genuine {
			x.t.Fatalf("there is no %s in %s", old, genuine)
		}
		return altered
	}
}

// upTo is the query without what follows the parameter.
func upTo(at string) func(x *logoutTarget) string {
	return func(x *logoutTarget) string {
		begin, _, _ := strings.Cut(x.redirected(x.document()), at)
		return begin
	}
}

func attr(name, value string) func(x *logoutTarget) string {
	return edit(func(root *etree.Element) {
		root.RemoveAttr(name)
		if value != "" {
			root.CreateAttr(name, value)
		}
	})
}

// when sets a time of the message, counted from now.
func when(name string, from time.Duration) func(x *logoutTarget) string {
	return func(x *logoutTarget) string { return attr(name, x.clock.Now().Add(from).UTC().Format(time.RFC3339))(x) }
}

const (
	shaOne = "http://www.w3.org/2000/09/xmldsig#rsa-sha1"
	shaMAC = "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"
)

// loginResponse is a genuine login of the victim.
func (x *logoutTarget) loginResponse() string {
	return decoded(x.t, x.respond(x.t, ada(x.tenant), "_request"))
}

// signedForm is a form whose message was changed after it was signed.
func signedForm(change func(x *logoutTarget, d *etree.Document)) func(x *logoutTarget) url.Values {
	return func(x *logoutTarget) url.Values {
		d := x.document()
		x.key().sign(x.t, d.Root())
		change(x, d)
		return url.Values{"SAMLRequest": {posted(text(x.t, d))}}
	}
}

// signedAs is a form whose message is signed in another way.
func signedAs(change func(s *signature)) func(x *logoutTarget) url.Values {
	return func(x *logoutTarget) url.Values {
		d, s := x.document(), x.key()
		change(&s)
		s.sign(x.t, d.Root())
		return url.Values{"SAMLRequest": {posted(text(x.t, d))}}
	}
}

// foreignSignature puts the signature of another document of the identity provider on a request.
func foreignSignature(of func(x *logoutTarget) *etree.Document, sameID bool) func(x *logoutTarget) url.Values {
	return func(x *logoutTarget) url.Values {
		other := of(x)
		sig := other.FindElement("//Signature")
		d := x.document()
		if sameID {
			d.Root().CreateAttr("ID", strings.TrimPrefix(sig.FindElement("./SignedInfo/Reference").
				SelectAttrValue("URI", ""), "#"))
		}
		d.Root().InsertChildAt(1, sig.Copy())
		return url.Values{"SAMLRequest": {posted(text(x.t, d))}}
	}
}

func ofLogin(x *logoutTarget) *etree.Document { return fragment(x.t, x.loginResponse()) }

func ofMetadata(x *logoutTarget) *etree.Document {
	d := fragment(x.t, string(x.idp.SAMLMetadata()))
	d.Root().CreateAttr("ID", "_metadata")
	x.key().sign(x.t, d.Root())
	return d
}

// nested moves the signed message into an unsigned one.
func nested(into string, keep func(evil, original *etree.Element)) func(x *logoutTarget) url.Values {
	return signedForm(func(x *logoutTarget, d *etree.Document) {
		original := d.Root()
		evil := original.Copy()
		evil.RemoveChild(evil.SelectElement("Signature"))
		evil.SelectElement("NameID").SetText("somebody")
		keep(evil, original)
		parent := evil
		for _, tag := range strings.Fields(into) {
			if found := parent.FindElement("./" + tag); found != nil {
				parent = found
				continue
			}
			parent = parent.CreateElement(tag)
		}
		parent.AddChild(original)
		d.SetRoot(evil)
	})
}

func anotherID(evil, _ *etree.Element) { evil.CreateAttr("ID", "_evil") }

// moved gives the evil message the original's signature.
func moved(evil, original *etree.Element) {
	evil.CreateAttr("ID", "_evil")
	evil.InsertChildAt(1, original.RemoveChild(original.SelectElement("Signature")))
}
