package certificate_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"rollcall/sso/certificate"
)

var from = time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)

// made returns a certificate in DER whose name has an A where a test wants something else.
func made(t *testing.T) ([]byte, *rsa.PrivateKey) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(0x7f7f7f), Subject: pkix.Name{CommonName: "idpAexample",
			Organization: []string{"Contoso"}},
		NotBefore: from, NotAfter: from.AddDate(1, 0, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return der, key
}

// TestParseReadsWhatOthersRead has what old toolkits write and crypto/x509 refuses.
func TestParseReadsWhatOthersRead(t *testing.T) {
	t.Parallel()
	good, key := made(t)
	change := func(old, replacement string) []byte {
		if !bytes.Contains(good, []byte(old)) {
			t.Fatalf("there is no %q", old)
		}
		return bytes.ReplaceAll(good, []byte(old), []byte(replacement))
	}
	for name, c := range map[string]struct {
		der     []byte
		subject string
	}{
		"as it should be":                    {good, "CN=idpAexample,O=Contoso"},
		"an underscore in a PrintableString": {change("idpAexample", "idp_example"), "CN=idp_example,O=Contoso"},
		"an umlaut in a PrintableString":     {change("idpAexample", "idp\xe4example"), "CN=idpäexample,O=Contoso"},
		"a serial number that is negative": {change("\x02\x03\x7f\x7f\x7f", "\x02\x03\xff\x7f\x7f"),
			"CN=idpAexample,O=Contoso"},
		"another algorithm outside": {append(good[:len(good):len(good)], 0),
			"CN=idpAexample,O=Contoso"},
		"a chain": {append(good[:len(good):len(good)], good...), "CN=idpAexample,O=Contoso"},
		"no parameters of the key": {change("\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00",
			"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x04\x00"), "CN=idpAexample,O=Contoso"},
		"another type of text": {change("\x13\x0bidpAexample", "\x14\x0bidp\xe9example"), "CN=idpéexample,O=Contoso"},
	} {
		t.Run(name, func(t *testing.T) {
			c509, err := certificate.Parse(c.der)
			if err != nil {
				t.Fatal(err)
			}
			if got, ok := c509.PublicKey.(*rsa.PublicKey); !ok || !got.Equal(key.Public()) {
				t.Errorf("the key is %v", c509.PublicKey)
			}
			if !c509.NotBefore.Equal(from) || !c509.NotAfter.Equal(from.AddDate(1, 0, 0)) ||
				len(c509.Raw) != len(good) {
				t.Errorf("from %s to %s, %d bytes", c509.NotBefore, c509.NotAfter, len(c509.Raw))
			}
			if got := c509.Subject.String(); got != c.subject {
				t.Errorf("the subject is %q", got)
			}
			if again, err := certificate.Parse(c509.Raw); err != nil || !again.Equal(c509) {
				t.Errorf("what is stored is read as another one: %v", err)
			}
		})
	}
}

func TestParseRefusesWhatIsNoCertificate(t *testing.T) {
	t.Parallel()
	good, key := made(t)
	for name, der := range map[string][]byte{
		"nothing":       nil,
		"a part":        good[:len(good)/2],
		"a private key": x509.MarshalPKCS1PrivateKey(key),
		"a public key":  x509.MarshalPKCS1PublicKey(&key.PublicKey),
		"no dates":      bytes.ReplaceAll(good, []byte("260314092653Z"), []byte("yesterday    ")),
		"text":          []byte("-----BEGIN CERTIFICATE-----"),
	} {
		if c, err := certificate.Parse(der); err == nil {
			t.Errorf("%s is a certificate of %s", name, c.Subject)
		}
	}
}

// TestKeysThatAreNotKnown: the certificate is read, so that it can be said what is wrong with it.
func TestKeysThatAreNotKnown(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]string{
		"brainpool": "a key on the curve brainpoolP256r1", "ed25519": "an Ed25519 key",
		"explicit": "a key on a curve without a name", "pss": "a key for RSA-PSS alone",
	} {
		text, err := os.ReadFile(filepath.Join("testdata", file+".pem"))
		if err != nil {
			t.Fatal(err)
		}
		block, _ := pem.Decode(text)
		c, err := certificate.Parse(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		if got := certificate.KeyName(c); got != want {
			t.Errorf("%s is %q, want %q", file, got, want)
		}
	}
}
