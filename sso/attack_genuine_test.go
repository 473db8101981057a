package sso_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"math/big"
	"testing"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
)

// genuine is what an attacker begins with: a response that would sign Anna in if it were signed,
// and the identity provider's key, for what only a hostile provider can send.
type genuine struct {
	t           testing.TB
	now         time.Time
	document    *etree.Document // not signed, and right in everything else
	key         crypto.Signer
	certificate *x509.Certificate
}

// attacker is the NameID that attacks try to sign in with.
const attacker = "victim@contoso.example"

// newGenuine makes a response to a request, as most identity providers have it.
func newGenuine(t testing.TB, now time.Time, idp, acsURL, audience, request string) genuine {
	t.Helper()
	at := func(d time.Duration) string { return now.Add(d).UTC().Format(time.RFC3339) }
	text := fmt.Sprintf(`<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" `+
		`xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_response" Version="2.0" IssueInstant="%[1]s" `+
		`Destination="%[4]s" InResponseTo="%[7]s">`+
		`<saml:Issuer>%[6]s</saml:Issuer>`+
		`<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>`+
		`<saml:Assertion ID="_assertion" Version="2.0" IssueInstant="%[1]s">`+
		`<saml:Issuer>%[6]s</saml:Issuer>`+
		`<saml:Subject><saml:NameID `+
		`Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">anna@contoso.example</saml:NameID>`+
		`<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData `+
		`NotOnOrAfter="%[3]s" Recipient="%[4]s" InResponseTo="%[7]s"/></saml:SubjectConfirmation></saml:Subject>`+
		`<saml:Conditions NotBefore="%[2]s" NotOnOrAfter="%[3]s"><saml:AudienceRestriction>`+
		`<saml:Audience>%[5]s</saml:Audience></saml:AudienceRestriction></saml:Conditions>`+
		`<saml:AuthnStatement AuthnInstant="%[1]s" SessionIndex="_session"><saml:AuthnContext>`+
		`<saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport`+
		`</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>`+
		`<saml:AttributeStatement><saml:Attribute Name="email">`+
		`<saml:AttributeValue>anna@contoso.example</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>`+
		`</saml:Assertion></samlp:Response>`,
		at(0), at(-time.Minute), at(5*time.Minute), acsURL, audience, idp, request)
	key, certificate := keyPair(t, 2048, now)
	return genuine{t: t, now: now, document: fragment(t, text), key: key, certificate: certificate}
}

func keyPair(t testing.TB, bits int, now time.Time) (*rsa.PrivateKey, *x509.Certificate) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	must(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "idp"},
		NotBefore: now.AddDate(-1, 0, 0), NotAfter: now.AddDate(1, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(t, err)
	certificate, err := x509.ParseCertificate(der)
	must(t, err)
	return key, certificate
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// fragment is a document of its own.
func fragment(t testing.TB, text string) *etree.Document {
	t.Helper()
	d := etree.NewDocument()
	must(t, d.ReadFromString(text))
	return d
}

// find returns the first element at an etree path.
func find(t testing.TB, d *etree.Document, path string) *etree.Element {
	t.Helper()
	el := d.FindElement(path)
	if el == nil {
		t.Fatalf("there is no %s", path)
	}
	return el
}

// text is the document as it is written, and posted what the browser posts of it.
func text(t testing.TB, d *etree.Document) string {
	t.Helper()
	s, err := d.WriteToString()
	must(t, err)
	return s
}

func posted(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

// place is what is signed.
type place struct {
	name  string
	paths []string
}

var places = []place{
	{"signed assertion", []string{"//Assertion"}},
	{"signed response", []string{"/Response"}},
	{"both signed", []string{"//Assertion", "/Response"}},
}

// signed is the genuine response, signed where the place says.
func (g genuine) signed(p place) *etree.Document {
	d := g.document.Copy()
	for _, path := range p.paths {
		g.signature().sign(g.t, find(g.t, d, path))
	}
	return d
}

// resigned is the response after a change that the identity provider itself made, as a document
// whose assertion is signed.
func (g genuine) resigned(change func(d *etree.Document)) string {
	d := g.document.Copy()
	change(d)
	if el := d.FindElement("/Response/Assertion"); el != nil {
		g.signature().sign(g.t, el)
	}
	return posted(text(g.t, d))
}

// tampered is the signed response after a change that needs no key.
func (g genuine) tampered(change func(d *etree.Document)) string {
	d := g.signed(places[0])
	change(d)
	return posted(text(g.t, d))
}

// rewritten is the same for a change to its text.
func (g genuine) rewritten(change func(text string) string) string {
	return posted(change(text(g.t, g.signed(places[0]))))
}

// signature is how an element is signed; each part can be another than the usual.
type signature struct {
	key           crypto.Signer
	hash          crypto.Hash
	method        string
	canonicalizer string
	references    []reference
	keyInfo       string
	value         func(signed []byte) []byte // in place of the key
}

// reference is what a signature covers.
type reference struct {
	uri        string // {ID} stands for the element's; no attribute when empty
	transforms []string
	hash       crypto.Hash
	digest     string // the algorithm
	wrong      bool   // the value is of something else
}

const (
	excC14N   = "http://www.w3.org/2001/10/xml-exc-c14n#"
	enveloped = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
	sha256URI = "http://www.w3.org/2001/04/xmlenc#sha256"
)

func (g genuine) signature() signature {
	return signature{
		key:           g.key,
		hash:          crypto.SHA256,
		method:        dsig.RSASHA256SignatureMethod,
		canonicalizer: excC14N,
		references:    []reference{usualReference},
		keyInfo: `<ds:X509Data><ds:X509Certificate>` + base64.StdEncoding.EncodeToString(g.certificate.Raw) +
			`</ds:X509Certificate></ds:X509Data>`,
	}
}

var usualReference = reference{uri: `URI="#{ID}"`, transforms: []string{enveloped, excC14N}, hash: crypto.SHA256,
	digest: sha256URI}
