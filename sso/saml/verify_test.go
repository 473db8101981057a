package saml_test

import (
	"crypto"
	"crypto/elliptic"
	"crypto/x509"
	"reflect"
	"strings"
	"testing"
	"time"

	dsig "github.com/russellhaering/goxmldsig"

	"rollcall/sso/saml"
)

func TestVerifyReadsTheAssertion(t *testing.T) {
	t.Parallel()
	got, err := sp.Verify(idp(t), signed(t, nil), expect)
	if err != nil {
		t.Fatal(err)
	}
	want := &saml.Assertion{
		ID:           "_assertion-1",
		Issuer:       idpID,
		NameID:       "anna-1",
		NameIDFormat: "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
		InResponseTo: requestID,
		SessionIndex: "_session-1",
		Attributes:   map[string][]string{"email": {"anna@contoso.example"}, "groups": {"staff", "admins"}},
		IssueInstant: now.Add(-time.Second),
		AuthnInstant: now.Add(-time.Second),
		NotOnOrAfter: now.Add(5 * time.Minute),
		ReplayUntil:  now.Add(9*time.Minute - time.Second),
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

func TestVerifyAcceptsWhatIsSigned(t *testing.T) {
	t.Parallel()
	assertion, whole := "//Assertion", "/Response"
	tests := map[string]struct {
		signing
		paths []string
	}{
		"an assertion":                    {signing{pair: rsaPair(t)}, []string{assertion}},
		"a response":                      {signing{pair: rsaPair(t)}, []string{whole}},
		"both":                            {signing{pair: rsaPair(t)}, []string{assertion, whole}},
		"with prefixes that are included": {signing{pair: rsaPair(t), prefixes: "xs samlp"}, []string{assertion}},
		"both, with prefixes": {signing{pair: rsaPair(t), prefixes: "xs samlp"},
			[]string{assertion, whole}},
		"by RSA with SHA-384": {
			signing{pair: rsaPair(t), method: dsig.RSASHA384SignatureMethod, hash: crypto.SHA384}, []string{assertion}},
		"by RSA with SHA-512": {
			signing{pair: rsaPair(t), method: dsig.RSASHA512SignatureMethod, hash: crypto.SHA512}, []string{assertion}},
		"by ECDSA over P-256 with SHA-256": {
			signing{pair: ecPair(t, elliptic.P256()), method: dsig.ECDSASHA256SignatureMethod, hash: crypto.SHA256},
			[]string{assertion}},
		"by ECDSA over P-384 with SHA-384": {
			signing{pair: ecPair(t, elliptic.P384()), method: dsig.ECDSASHA384SignatureMethod, hash: crypto.SHA384},
			[]string{whole}},
		"by ECDSA over P-521 with SHA-512": {
			signing{pair: ecPair(t, elliptic.P521()), method: dsig.ECDSASHA512SignatureMethod, hash: crypto.SHA512},
			[]string{assertion}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			d := response(t)
			for _, path := range test.paths {
				test.sign(t, find(t, d, path))
			}
			// The right certificate is not the first that is tried.
			provider := saml.IDP{EntityID: idpID,
				Certificates: []*x509.Certificate{ecPair(t, elliptic.P256()).certificate, test.certificate}}
			a, err := sp.Verify(provider, form(t, d), expect)
			if err != nil {
				t.Fatal(err)
			}
			if a.NameID != "anna-1" || len(a.Attributes["groups"]) != 2 {
				t.Errorf("got %+v", a)
			}
		})
	}
}

func TestVerifyAcceptsManyGroups(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"//Assertion", "/Response"} {
		a, err := sp.Verify(idp(t), withGroups(t, 1500, path), expect)
		if err != nil {
			t.Fatal(err)
		}
		if got := a.Attributes["groups"]; len(got) != 1500 || got[1499] != "group-1499" {
			t.Errorf("%s: got %d groups", path, len(got))
		}
	}
}

func TestVerifyAcceptsLineBreaksInBase64(t *testing.T) {
	t.Parallel()
	value := signed(t, nil)
	var b strings.Builder
	for len(value) > 76 {
		b.WriteString(value[:76] + "\r\n")
		value = value[76:]
	}
	if _, err := sp.Verify(idp(t), b.String()+value+"\n", expect); err != nil {
		t.Error(err)
	}
}
