package testidp_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/testidp"
)

// TestEncryptedAssertionsAreRead: a service provider of another library decrypts the assertions.
func TestEncryptedAssertionsAreRead(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().AddDate(1, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []testidp.Personality{testidp.PlainSAML, testidp.OktaSAML, testidp.EntraSAML, testidp.ADFSSAML} {
		i := newSignOnIDP(t, p)
		i.sp.Key, i.sp.Certificate = key, certificate
		plain, err := i.Respond("priya.raman", testidp.ResponseOptions{InResponseTo: "_1"})
		if err != nil {
			t.Fatal(err)
		}
		want, err := i.parse(t, plain, "_1")
		if err != nil {
			t.Fatal(err)
		}
		// The ciphers that the library supports. It has no AES-256 in GCM.
		for _, c := range []testidp.ContentCipher{testidp.AES128GCM, testidp.AES128CBC, testidp.AES256CBC} {
			if err := i.EncryptSAML(certificate, c); err != nil {
				t.Fatal(err)
			}
			response, err := i.Respond("priya.raman", testidp.ResponseOptions{InResponseTo: "_1"})
			if err != nil {
				t.Fatal(err)
			}
			document, err := base64.StdEncoding.DecodeString(response)
			if err != nil || !strings.Contains(string(document), "EncryptedAssertion") ||
				strings.Contains(string(document), "AttributeStatement") {
				t.Errorf("%s, %s: it is not encrypted: %s", p, c, document)
			}
			got, err := i.parse(t, response, "_1")
			if err != nil {
				t.Errorf("%s, %s: %v", p, c, err)
				continue
			}
			if diff := cmp.Diff(values(want), values(got)); diff != "" {
				t.Errorf("%s, %s: -plain +encrypted:\n%s", p, c, diff)
			}
		}
	}
	i := newSignOnIDP(t, testidp.PlainSAML)
	if err := i.EncryptSAML(certificate, "rot13"); err == nil {
		t.Error("there is a cipher rot13")
	}
}

// TestSigningKeyChanges follows an identity provider from one key to the next.
func TestSigningKeyChanges(t *testing.T) {
	t.Parallel()
	i := newSignOnIDP(t, testidp.PlainSAML)
	shown := func() int {
		body, _ := i.get(t, i.SAMLMetadataURL())
		return strings.Count(body, "<ds:X509Certificate>")
	}
	first := i.Certificate()
	for _, change := range []func() error{i.UseNextKey, i.RetireFirstKey} {
		if change() == nil {
			t.Error("it goes on to a key that was not published")
		}
	}
	for _, step := range []struct {
		name   string
		run    func() error
		shown  int
		signed bool // with the first key
	}{
		{"published", i.PublishNextKey, 2, true},
		{"used", i.UseNextKey, 2, false},
		{"alone", i.RetireFirstKey, 1, false},
	} {
		if err := step.run(); err != nil {
			t.Fatal(err)
		}
		if n := shown(); n != step.shown || i.Certificate().Equal(first) != step.signed {
			t.Errorf("%s: the metadata shows %d certificates, signed with the first: %t", step.name, n,
				i.Certificate().Equal(first))
		}
	}
}
