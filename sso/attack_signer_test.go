package sso_test

import (
	"crypto/rand"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
)

// sign puts the signature after the Issuer of an element of a document. What the element's
// canonical form is, the algorithms named do not change: a verifier that followed them would find
// a good signature in most of the attacks.
func (s signature) sign(t testing.TB, el *etree.Element) {
	t.Helper()
	var b strings.Builder
	b.WriteString(`<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo>`)
	b.WriteString(`<ds:CanonicalizationMethod Algorithm="` + s.canonicalizer + `"/><ds:SignatureMethod Algorithm="` +
		s.method + `"/>`)
	for _, r := range s.references {
		b.WriteString(r.text(t, el))
	}
	b.WriteString(`</ds:SignedInfo><ds:SignatureValue/><ds:KeyInfo>` + s.keyInfo + `</ds:KeyInfo></ds:Signature>`)
	sig := fragment(t, b.String()).Root()
	el.InsertChildAt(1, sig)

	signed := canonical(t, s.canonicalizer, sig.FindElement("./SignedInfo"))
	if s.value == nil {
		s.value = func(signed []byte) []byte {
			hash := s.hash.New()
			hash.Write(signed)
			value, err := s.key.Sign(rand.Reader, hash.Sum(nil), s.hash)
			must(t, err)
			return value
		}
	}
	sig.FindElement("./SignatureValue").SetText(base64.StdEncoding.EncodeToString(s.value(signed)))
}

func (r reference) text(t testing.TB, el *etree.Element) string {
	t.Helper()
	last := excC14N
	var transforms strings.Builder
	for _, algorithm := range r.transforms {
		transforms.WriteString(`<ds:Transform Algorithm="` + algorithm + `"/>`)
		last = algorithm
	}
	hash := r.hash.New()
	if !r.wrong {
		hash.Write(canonical(t, last, el))
	}
	return `<ds:Reference ` + strings.ReplaceAll(r.uri, "{ID}", el.SelectAttrValue("ID", "")) + `>` +
		`<ds:Transforms>` + transforms.String() + `</ds:Transforms><ds:DigestMethod Algorithm="` + r.digest + `"/>` +
		`<ds:DigestValue>` + base64.StdEncoding.EncodeToString(hash.Sum(nil)) + `</ds:DigestValue></ds:Reference>`
}

// canonical is the canonical form of an element in its document. It is exclusive canonicalization,
// unless the algorithm names another known one.
func canonical(t testing.TB, algorithm string, el *etree.Element) []byte {
	t.Helper()
	detached := el.Copy()
	for at := el.Parent(); at != nil; at = at.Parent() {
		for _, a := range at.Attr {
			if a.Space == "xmlns" && detached.SelectAttr(a.FullKey()) == nil {
				detached.CreateAttr(a.FullKey(), a.Value)
			}
		}
	}
	c := dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	switch dsig.AlgorithmID(algorithm) {
	case dsig.CanonicalXML10RecAlgorithmId:
		c = dsig.MakeC14N10RecCanonicalizer()
	case dsig.CanonicalXML11AlgorithmId:
		c = dsig.MakeC14N11Canonicalizer()
	}
	octets, err := c.Canonicalize(detached)
	must(t, err)
	return octets
}
