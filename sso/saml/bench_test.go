package saml_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"testing"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
)

// BenchmarkVerify is one response with a signed assertion. Its floor is what no verifier can do
// without: one RSA-2048 verification and one exclusive canonicalization of the same bytes.
func BenchmarkVerify(b *testing.B) {
	value, provider := signed(b, nil), idp(b)
	b.ReportAllocs()
	b.SetBytes(int64(base64.StdEncoding.DecodedLen(len(value))))
	for b.Loop() {
		if _, err := sp.Verify(provider, value, expect); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFloor is the floor of BenchmarkVerify, from the bytes that come to the bytes that are
// hashed.
func BenchmarkFloor(b *testing.B) {
	key, err := rsaKeys()
	if err != nil {
		b.Fatal(err)
	}
	doc, err := base64.StdEncoding.DecodeString(signed(b, nil))
	if err != nil {
		b.Fatal(err)
	}
	sum := sha256.Sum256(doc)
	signature, err := key.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		b.Fatal(err)
	}
	canonicalizer := dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	b.ReportAllocs()
	b.SetBytes(int64(len(doc)))
	for b.Loop() {
		d := etree.NewDocument()
		if err := d.ReadFromBytes(doc); err != nil {
			b.Fatal(err)
		}
		canonical, err := canonicalizer.Canonicalize(d.Root())
		if err != nil {
			b.Fatal(err)
		}
		sha256.Sum256(canonical)
		if err := rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, sum[:], signature); err != nil {
			b.Fatal(err)
		}
	}
}
