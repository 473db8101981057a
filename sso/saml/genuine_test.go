package saml_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"fmt"
	"math/big"
	"sync"
	"testing"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"rollcall/sso/saml"
)

var now = time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)

const (
	acsURL    = "https://rollcall.example/sso/saml/con_1/acs"
	spID      = "https://rollcall.example/sso/saml/con_1/metadata"
	idpID     = "https://idp.example/entity"
	requestID = "_request-1"
)

// pair is a key with its certificate.
type pair struct {
	key         crypto.Signer
	certificate *x509.Certificate
}

// certify makes a certificate that is valid for a year around now.
func certify(t testing.TB, key crypto.Signer, from, to time.Time) pair {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "idp"}, NotBefore: from,
		NotAfter: to}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return pair{key, c}
}

var rsaKeys = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// rsaPair returns the identity provider's key in most tests.
func rsaPair(t testing.TB) pair {
	t.Helper()
	key, err := rsaKeys()
	if err != nil {
		t.Fatal(err)
	}
	return certify(t, key, now.AddDate(-1, 0, 0), now.AddDate(1, 0, 0))
}

func ecPair(t testing.TB, curve elliptic.Curve) pair {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return certify(t, key, now.AddDate(-1, 0, 0), now.AddDate(1, 0, 0))
}

func at(d time.Duration) string { return now.Add(d).Format(time.RFC3339) }

// response returns a genuine response before it is signed.
func response(t testing.TB) *etree.Document {
	t.Helper()
	text := fmt.Sprintf(
		`<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" `+
			`xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_response-1" Version="2.0" IssueInstant="%[1]s" `+
			`Destination="%[4]s" InResponseTo="%[7]s">`+
			`<saml:Issuer>%[6]s</saml:Issuer>`+
			`<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>`+
			`<saml:Assertion xmlns:xs="http://www.w3.org/2001/XMLSchema" `+
			`xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" ID="_assertion-1" Version="2.0" `+
			`IssueInstant="%[1]s">`+
			`<saml:Issuer>%[6]s</saml:Issuer>`+
			`<saml:Subject><saml:NameID `+
			`Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">anna-1</saml:NameID>`+
			`<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData `+
			`NotOnOrAfter="%[3]s" Recipient="%[4]s" InResponseTo="%[7]s"/></saml:SubjectConfirmation></saml:Subject>`+
			`<saml:Conditions NotBefore="%[2]s" `+
			`NotOnOrAfter="%[3]s"><saml:AudienceRestriction><saml:Audience>%[5]s</saml:Audience>`+
			`</saml:AudienceRestriction></saml:Conditions>`+
			`<saml:AuthnStatement AuthnInstant="%[1]s" `+
			`SessionIndex="_session-1"><saml:AuthnContext>`+
			`<saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport`+
			`</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>`+
			`<saml:AttributeStatement>`+
			`<saml:Attribute Name="email"><saml:AttributeValue `+
			`xsi:type="xs:string">anna@contoso.example</saml:AttributeValue></saml:Attribute>`+
			`<saml:Attribute Name="groups"><saml:AttributeValue `+
			`xsi:type="xs:string">staff</saml:AttributeValue><saml:AttributeValue `+
			`xsi:type="xs:string">admins</saml:AttributeValue></saml:Attribute>`+
			`</saml:AttributeStatement></saml:Assertion></samlp:Response>`,
		at(-time.Second), at(-time.Minute), at(5*time.Minute), acsURL, spID, idpID, requestID)
	d := etree.NewDocument()
	if err := d.ReadFromString(text); err != nil {
		t.Fatal(err)
	}
	return d
}

// find returns the one element at an etree path.
func find(t testing.TB, d *etree.Document, path string) *etree.Element {
	t.Helper()
	el := d.FindElement(path)
	if el == nil {
		t.Fatalf("there is no %s", path)
	}
	return el
}

// signing says how an element is signed.
type signing struct {
	pair
	method   string // rsa-sha256 when empty
	hash     crypto.Hash
	prefixes string // InclusiveNamespaces, of SignedInfo too
}

// sign puts an enveloped signature after the Issuer of an element of a document.
func (s signing) sign(t testing.TB, el *etree.Element) {
	t.Helper()
	if s.method == "" {
		s.method, s.hash = dsig.RSASHA256SignatureMethod, crypto.SHA256
	}
	digests := map[crypto.Hash]string{
		crypto.SHA256: "http://www.w3.org/2001/04/xmlenc#sha256",
		crypto.SHA384: "http://www.w3.org/2001/04/xmldsig-more#sha384",
		crypto.SHA512: "http://www.w3.org/2001/04/xmlenc#sha512",
	}
	exclusive := `Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#">`
	if s.prefixes != "" {
		exclusive += `<ec:InclusiveNamespaces xmlns:ec="http://www.w3.org/2001/10/xml-exc-c14n#" PrefixList="` +
			s.prefixes + `"/>`
	}
	text := `<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo>` +
		`<ds:CanonicalizationMethod ` + exclusive + `</ds:CanonicalizationMethod>` +
		`<ds:SignatureMethod Algorithm="` + s.method + `"/>` +
		`<ds:Reference URI="#` + el.SelectAttrValue("ID", "") + `"><ds:Transforms>` +
		`<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>` +
		`<ds:Transform ` + exclusive + `</ds:Transform></ds:Transforms>` +
		`<ds:DigestMethod Algorithm="` + digests[s.hash] + `"/>` +
		`<ds:DigestValue>` + base64.StdEncoding.EncodeToString(s.digest(t, el)) + `</ds:DigestValue>` +
		`</ds:Reference></ds:SignedInfo><ds:SignatureValue/></ds:Signature>`
	d := etree.NewDocument()
	if err := d.ReadFromString(text); err != nil {
		t.Fatal(err)
	}
	sig := d.Root()
	el.InsertChildAt(1, sig)
	sum := s.digest(t, sig.FindElement("./SignedInfo"))
	value, err := s.key.Sign(rand.Reader, sum, s.hash)
	if err != nil {
		t.Fatal(err)
	}
	if key, ok := s.key.Public().(*ecdsa.PublicKey); ok {
		value = raw(t, key, value)
	}
	sig.FindElement("./SignatureValue").SetText(base64.StdEncoding.EncodeToString(value))
}

// digest returns the digest of an element's canonical form, with the namespaces that it inherits.
func (s signing) digest(t testing.TB, el *etree.Element) []byte {
	t.Helper()
	detached := el.Copy()
	for at := el.Parent(); at != nil; at = at.Parent() {
		for _, a := range at.Attr {
			if a.Space == "xmlns" && detached.SelectAttr(a.FullKey()) == nil {
				detached.CreateAttr(a.FullKey(), a.Value)
			}
		}
	}
	canonical, err := dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList(s.prefixes).Canonicalize(detached)
	if err != nil {
		t.Fatal(err)
	}
	hash := s.hash.New()
	hash.Write(canonical)
	return hash.Sum(nil)
}

// form returns the document as the value of the form field that a browser posts.
func form(t testing.TB, d *etree.Document) string {
	t.Helper()
	text, err := d.WriteToString()
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString([]byte(text))
}

// signed returns a response whose assertion is signed after the change.
func signed(t testing.TB, change func(d *etree.Document)) string {
	t.Helper()
	d := response(t)
	if change != nil {
		change(d)
	}
	if el := d.FindElement("//Assertion"); el != nil {
		signing{pair: rsaPair(t)}.sign(t, el)
	}
	return form(t, d)
}

func idp(t testing.TB) saml.IDP {
	return saml.IDP{EntityID: idpID, Certificates: []*x509.Certificate{rsaPair(t).certificate}}
}

var (
	sp     = saml.SP{EntityID: spID, ACSURL: acsURL}
	expect = saml.Expect{RequestID: requestID, Now: now}
)

// wantReason fails the test unless err is a refusal for that reason, or nil for an empty reason.
func wantReason(t testing.TB, err error, want saml.Reason) {
	t.Helper()
	if got := reasonOf(err); got != want {
		t.Errorf("got %v, want %q", err, want)
	}
}

func reasonOf(err error) saml.Reason {
	if err == nil {
		return ""
	}
	r, ok := err.(*saml.Refused)
	if !ok {
		return saml.Reason("not a refusal: " + err.Error())
	}
	return r.Reason
}

// raw converts an ECDSA signature from ASN.1 to the encoding of XML Signature.
func raw(t testing.TB, key *ecdsa.PublicKey, der []byte) []byte {
	t.Helper()
	var rs struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(der, &rs); err != nil {
		t.Fatal(err)
	}
	size := (key.Params().BitSize + 7) / 8
	value := make([]byte, 2*size)
	rs.R.FillBytes(value[:size])
	rs.S.FillBytes(value[size:])
	return value
}

// withGroups returns a response with n groups, signed at an etree path.
func withGroups(t testing.TB, n int, path string) string {
	t.Helper()
	d := response(t)
	attribute := find(t, d, "//Attribute[@Name='groups']")
	attribute.Child = nil
	for i := range n {
		attribute.CreateElement("saml:AttributeValue").SetText(fmt.Sprintf("group-%d", i))
	}
	signing{pair: rsaPair(t)}.sign(t, find(t, d, path))
	return form(t, d)
}

func ecKey(t testing.TB) crypto.Signer {
	t.Helper()
	return ecPair(t, elliptic.P256()).key
}

// weakPair returns a key that is too short.
func weakPair(t testing.TB) pair {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	return certify(t, key, now, now)
}
