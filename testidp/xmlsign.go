package testidp

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
)

const (
	nsSignature  = "http://www.w3.org/2000/09/xmldsig#"
	nsExclusive  = "http://www.w3.org/2001/10/xml-exc-c14n#"
	algEnveloped = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
	algRSASHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
	algSHA256    = "http://www.w3.org/2001/04/xmlenc#sha256"
)

// sign adds an enveloped signature to e, after its Issuer as the schema requires (SAML core §5.4).
// The library's own signing supports no PrefixList, and no more than 1,000 elements.
func (k keyPair) sign(e *etree.Element, prefix, prefixList string) error {
	digest, err := digestOf(e, prefixList)
	if err != nil {
		return err
	}
	name := func(tag string) string { return qualified(prefix, tag) }
	signature := etree.NewElement(name("Signature"))
	set(signature, declared(prefix, nsSignature)...)
	info := add(signature, name("SignedInfo"), "")
	add(info, name("CanonicalizationMethod"), "", "Algorithm", nsExclusive)
	add(info, name("SignatureMethod"), "", "Algorithm", algRSASHA256)
	reference := add(info, name("Reference"), "", "URI", "#"+e.SelectAttrValue("ID", ""))
	transforms := add(reference, name("Transforms"), "")
	add(transforms, name("Transform"), "", "Algorithm", algEnveloped)
	exclusive := add(transforms, name("Transform"), "", "Algorithm", nsExclusive)
	if prefixList != "" {
		add(exclusive, "ec:InclusiveNamespaces", "", "xmlns:ec", nsExclusive, "PrefixList", prefixList)
	}
	add(reference, name("DigestMethod"), "", "Algorithm", algSHA256)
	add(reference, name("DigestValue"), base64.StdEncoding.EncodeToString(digest))

	at := 0
	if issuer := e.SelectElement("Issuer"); issuer != nil {
		at = issuer.Index() + 1
	}
	e.InsertChildAt(at, signature)
	if digest, err = digestOf(info, ""); err != nil {
		return err
	}
	value, err := k.key.Sign(rand.Reader, digest, crypto.SHA256)
	if err != nil {
		return err
	}
	add(signature, name("SignatureValue"), base64.StdEncoding.EncodeToString(value))
	data := add(add(signature, name("KeyInfo"), ""), name("X509Data"), "")
	add(data, name("X509Certificate"), base64.StdEncoding.EncodeToString(k.certificate.Raw))
	return nil
}

// digestOf returns the SHA-256 of an element's exclusive canonical form, with the namespaces that
// it inherits.
func digestOf(e *etree.Element, prefixList string) ([]byte, error) {
	canonicalizer := dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList(prefixList)
	canonical, err := canonicalizer.Canonicalize(standalone(e))
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(canonical)
	return sum[:], nil
}
