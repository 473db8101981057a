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

// BenchmarkVerify measures one response with a signed assertion, and the least cost of any
// verifier: one RSA-2048 verification and one exclusive canonicalization of the same bytes. "floor"
// includes building the tree that is canonicalized, and "floor without parsing" does not.
func BenchmarkVerify(b *testing.B) {
	for name, groups := range map[string]int{"2 groups": 2, "1500 groups": 1500} {
		value, provider := withGroups(b, groups, "//Assertion"), idp(b)
		doc, err := base64.StdEncoding.DecodeString(value)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name+"/Verify", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := sp.Verify(provider, value, expect); err != nil {
					b.Fatal(err)
				}
			}
		})
		rsaFloor := verifier(b)
		b.Run(name+"/floor", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				rsaFloor(b)
				canonicalized(b, parsed(b, doc))
			}
		})
		b.Run(name+"/floor without parsing", func(b *testing.B) {
			// Canonicalization in place does the same work in each round: it is not cheaper for a
			// tree that is canonical already.
			root := parsed(b, doc)
			for b.Loop() {
				rsaFloor(b)
				canonicalized(b, root)
			}
		})
	}
}

func parsed(b *testing.B, doc []byte) *etree.Element {
	d := etree.NewDocument()
	if err := d.ReadFromBytes(doc); err != nil {
		b.Fatal(err)
	}
	return d.Root()
}

func canonicalized(b *testing.B, root *etree.Element) {
	canonical, err := dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("").Canonicalize(root)
	if err != nil {
		b.Fatal(err)
	}
	sha256.Sum256(canonical)
}

// verifier returns a function that does one RSA verification.
func verifier(b *testing.B) func(b *testing.B) {
	key, err := rsaKeys()
	if err != nil {
		b.Fatal(err)
	}
	sum := sha256.Sum256(nil)
	signature, err := key.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		b.Fatal(err)
	}
	return func(b *testing.B) {
		if err := rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, sum[:], signature); err != nil {
			b.Fatal(err)
		}
	}
}
