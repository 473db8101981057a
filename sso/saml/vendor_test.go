package saml_test

import (
	"crypto/x509"
	"encoding/base64"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rollcall/sso/saml"
)

// TestVerifyAcceptsAnotherImplementationsSignatures reads responses that xmlsec1 signed, in the
// shapes that vendors send: default namespaces, namespaces declared on a distant element, a
// PrefixList, line breaks between elements. testdata/xmlsec1/sign.sh makes them.
func TestVerifyAcceptsAnotherImplementationsSignatures(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/xmlsec1/*.xml")
	if err != nil || len(files) < 5 {
		t.Fatalf("got the files %q, %v", files, err)
	}
	provider := saml.IDP{EntityID: idpID}
	for _, name := range []string{"rsa.pem", "ec.pem"} {
		pasted, err := os.ReadFile(filepath.Join("testdata/xmlsec1", name))
		if err != nil {
			t.Fatal(err)
		}
		c, err := saml.ParseCertificate(string(pasted))
		if err != nil {
			t.Fatal(err)
		}
		provider.Certificates = append(provider.Certificates, c)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			doc, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			a, err := sp.Verify(provider, base64.StdEncoding.EncodeToString(doc), expect)
			if err != nil {
				t.Fatal(err)
			}
			if a.NameID != "anna-1" || !slices.Equal(a.Attributes["groups"], []string{"Küche & Bar", "staff"}) {
				t.Errorf("got %+v", a)
			}
			altered := strings.Replace(string(doc), ">staff<", ">admin<", 1)
			_, err = sp.Verify(provider, base64.StdEncoding.EncodeToString([]byte(altered)), expect)
			wantReason(t, err, saml.Altered)
			_, err = sp.Verify(idp(t), base64.StdEncoding.EncodeToString(doc), expect)
			wantReason(t, err, saml.WrongKey)
		})
	}
}

func TestVerifyRefusesAConfiguredWeakKey(t *testing.T) {
	t.Parallel()
	provider := saml.IDP{EntityID: idpID, Certificates: []*x509.Certificate{weakPair(t).certificate}}
	_, err := sp.Verify(provider, signed(t, nil), expect)
	wantReason(t, err, saml.WeakKey)
}
