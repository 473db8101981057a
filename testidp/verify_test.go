package testidp_test

import (
	"crypto/x509"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"
	dsig "github.com/russellhaering/goxmldsig"
)

// parse verifies a response as the service provider does.
func (i *signOnIDP) parse(t *testing.T, response string, ids ...string) (*saml.Assertion, error) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, acsURL,
		strings.NewReader(url.Values{"SAMLResponse": {response}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if err := r.ParseForm(); err != nil {
		t.Fatal(err)
	}
	a, err := i.sp.ParseResponse(r, ids)
	if invalid, ok := err.(*saml.InvalidResponseError); ok {
		err = invalid.PrivateErr
	}
	return a, err
}

// values returns an assertion's attributes by name.
func values(a *saml.Assertion) map[string][]string {
	out := map[string][]string{}
	for _, s := range a.AttributeStatements {
		for _, at := range s.Attributes {
			for _, v := range at.Values {
				out[at.Name] = append(out[at.Name], v.Value)
			}
		}
	}
	return out
}

func document(t *testing.T, response string) *etree.Element {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(response)
	if err != nil {
		t.Fatal(err)
	}
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(raw); err != nil {
		t.Fatal(err)
	}
	return doc.Root()
}

// verify checks the signature of an element that has one, by a library that the signing does not
// use. A signature at another place, or another algorithm, is an error.
func verify(t *testing.T, e *etree.Element, certificate *x509.Certificate) {
	t.Helper()
	method := e.FindElement("./Signature/SignedInfo/SignatureMethod")
	if method == nil || method.SelectAttrValue("Algorithm", "") != dsig.RSASHA256SignatureMethod {
		t.Fatalf("%s is not signed by RSA-SHA256", e.Tag)
	}
	v := dsig.NewDefaultValidationContext(&dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{certificate}})
	apart := e
	if parent := e.Parent(); parent != nil && parent.Tag == "Response" {
		apart = e.Copy()
	}
	if _, err := v.Validate(apart); err != nil {
		t.Errorf("the signature of %s does not verify: %v", e.Tag, err)
	}
}
