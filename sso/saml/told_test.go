package saml_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/beevik/etree"

	"rollcall/sso/saml"
)

// A statement that cannot be read costs the person nothing but that attribute, and what is noted of
// it has an end: an assertion may have thousands.
func TestAttributesThatCannotBeReadAreLeftOut(t *testing.T) {
	t.Parallel()
	attribute := func(name, value string) string {
		return `<saml:Attribute Name="` + name + `"><saml:AttributeValue>` + value +
			`</saml:AttributeValue></saml:Attribute>`
	}
	several := func(n int) (text string) {
		for i := range n {
			text += attribute(fmt.Sprint("bad", i), "<x/><x/>")
		}
		return text
	}
	for name, c := range map[string]struct {
		xml        string
		want       []string // the attributes that are read
		unreadable int
		warnings   int
	}{
		"markup":                {attribute("a", "1") + attribute("b", "x<x/>"), []string{"a"}, 1, 1},
		"the same name twice":   {attribute("b", "<x/>x") + attribute("b", "<x/>x"), nil, 1, 1},
		"one good, one bad":     {attribute("b", "1") + attribute("b", "<x/>x"), nil, 1, 1},
		"no name":               {attribute("", "1") + attribute("a", "1"), []string{"a"}, 0, 1},
		"encrypted":             {`<saml:EncryptedAttribute/>` + attribute("a", "1"), []string{"a"}, 0, 1},
		"as many as are noted":  {several(10), nil, 10, 10},
		"more than are noted":   {several(11), nil, 11, 10},
		"an element with space": {attribute("a", " <saml:NameID>x</saml:NameID> "), []string{"a"}, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := etree.NewDocument()
			text := `<x xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">` + c.xml + `</x>`
			if err := d.ReadFromString(text); err != nil {
				t.Fatal(err)
			}
			a, err := sp.Verify(idp(t), edit(t, "//AttributeStatement", func(el *etree.Element) {
				el.Child = nil
				for _, c := range d.Root().ChildElements() {
					el.AddChild(c)
				}
			}), expect)
			if err != nil {
				t.Fatal(err)
			}
			if got := slices.Sorted(maps.Keys(a.Attributes)); !slices.Equal(got, c.want) ||
				len(a.Unreadable) != c.unreadable || len(a.Warnings) != c.warnings {
				t.Errorf("%q, %d unreadable, %d warnings", got, len(a.Unreadable), len(a.Warnings))
			}
		})
	}
}

// A response that is refused for another reason still tells of the certificate: both are mended.
func TestRefusalTellsOfCertificateDates(t *testing.T) {
	t.Parallel()
	old := certify(t, rsaPair(t).key, now.AddDate(-2, 0, 0), now.AddDate(-1, 0, 0))
	for name, c := range map[string]struct {
		provider saml.IDP
		want     int
	}{
		"an old certificate": {saml.IDP{EntityID: idpID, Certificates: []*x509.Certificate{old.certificate}}, 1},
		"a valid one":        {idp(t), 0},
	} {
		for _, path := range []string{"/Response/Issuer", "//Audience"} {
			_, err := sp.Verify(c.provider, edit(t, path, saying("https://other.example")), expect)
			refused, ok := errors.AsType[*saml.Refused](err)
			if !ok || len(refused.Warnings) != c.want || refused.Reason == saml.CertificateExpired {
				t.Errorf("%s, %s: %+v", name, path, refused)
			}
		}
	}
}

// Nobody can search their settings for a key, so the refusal has the fingerprint of the certificate
// that the response names.
func TestWrongKeyIsTold(t *testing.T) {
	t.Parallel()
	stranger := ecPairOf(t)
	sum := sha256.Sum256(stranger.certificate.Raw)
	base := base64.StdEncoding.EncodeToString(stranger.certificate.Raw)
	certificates := func(texts ...string) string {
		return `<ds:KeyInfo><ds:X509Data><ds:X509Certificate>` +
			strings.Join(texts, `</ds:X509Certificate><ds:X509Certificate>`) +
			`</ds:X509Certificate></ds:X509Data></ds:KeyInfo>`
	}
	for name, c := range map[string]struct{ keyInfo, want string }{
		"no key":                    {"", ""},
		"a key without certificate": {`<ds:KeyInfo><ds:KeyName>x</ds:KeyName></ds:KeyInfo>`, "no certificate"},
		"a certificate":             {certificates(base), hex.EncodeToString(sum[:])},
		"a broken one before it":    {certificates("!", base), hex.EncodeToString(sum[:])},
		"a broken one":              {certificates("!"), "no certificate"},
	} {
		provider := saml.IDP{EntityID: idpID, Certificates: []*x509.Certificate{ecPairOf(t).certificate}}
		_, err := sp.Verify(provider, altered(t, `</ds:Signature>`, c.keyInfo+`</ds:Signature>`), expect)
		refused, ok := errors.AsType[*saml.Refused](err)
		if !ok || refused.Reason != saml.WrongKey || refused.Received != c.want {
			t.Errorf("%s: %+v", name, refused)
		}
	}
}

// A key of many bits makes each response cost much work, and one of few bits is forged.
func TestLengthOfAnRSAKey(t *testing.T) {
	t.Parallel()
	signer := ecKey(t)
	for bits, want := range map[uint]saml.Reason{
		2047: saml.WeakKey, 2048: saml.WrongKey, 8192: saml.WrongKey, 8193: saml.WeakKey,
	} {
		n := new(big.Int).SetBit(big.NewInt(1), int(bits)-1, 1)
		template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: now, NotAfter: now.AddDate(1, 0, 0)}
		der, err := x509.CreateCertificate(rand.Reader, template, template, &rsa.PublicKey{N: n, E: 65537}, signer)
		if err != nil {
			t.Fatal(err)
		}
		c, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		_, err = sp.Verify(saml.IDP{EntityID: idpID, Certificates: []*x509.Certificate{c}}, signed(t, nil), expect)
		wantReason(t, err, want)
	}
}
