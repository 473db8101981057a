package saml

import (
	"crypto"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/beevik/etree"
)

const (
	excC14N   = "http://www.w3.org/2001/10/xml-exc-c14n#"
	enveloped = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
)

// signature is an XML Signature in the one shape that is accepted: one reference to the parent of
// the signature, enveloped, in exclusive canonical form without comments.
type signature struct {
	signedInfo       *etree.Element
	infoPrefixes     string // InclusiveNamespaces of SignedInfo itself
	method           method
	value            []byte
	uri              string
	contentPrefixes  string // InclusiveNamespaces of the content
	digest           crypto.Hash
	digestValue      []byte
	namedCertificate string // fingerprint from KeyInfo, for the log only: a forged one may name any
}

// verify returns the certificate whose key signed el by sig, which is a child of el. It does not
// change the tree, so that the caller reads what was signed.
func verify(el, sig *etree.Element, certificates []*x509.Certificate) (*x509.Certificate, error) {
	s, err := readSignature(sig)
	if err != nil {
		return nil, err
	}
	switch id, _ := attribute(el, "ID"); {
	case id == "":
		return nil, refuse(MissingID, "an ID on the signed "+el.Tag, "")
	case s.uri == "" || s.uri == "#":
		return nil, refuse(EmptyReference, "#"+id, s.uri)
	case s.uri != "#"+id:
		return nil, refuse(ForeignReference, "#"+id, s.uri)
	}
	canonical, err := canonicalize(s.signedInfo, nil, s.infoPrefixes)
	if err != nil {
		return nil, err
	}
	signer, err := s.signer(canonical, certificates)
	if err != nil {
		return nil, err
	}
	if canonical, err = canonicalize(el, sig, s.contentPrefixes); err != nil {
		return nil, err
	}
	hash := s.digest.New()
	hash.Write(canonical)
	if subtle.ConstantTimeCompare(hash.Sum(nil), s.digestValue) != 1 {
		return nil, refuse(Altered, "the "+el.Tag+" that was signed", "another one")
	}
	return signer, nil
}

// readSignature reads a Signature and refuses any other shape than the accepted one.
func readSignature(sig *etree.Element) (*signature, error) {
	p, err := parts(sig, "SignedInfo", "SignatureValue", "KeyInfo?")
	if err != nil {
		return nil, err
	}
	s := &signature{signedInfo: p["SignedInfo"], namedCertificate: namedCertificate(p["KeyInfo"])}
	if s.value, err = binary(p["SignatureValue"]); err != nil {
		return nil, err
	}
	if n := len(children(s.signedInfo, signatureNS, "Reference")); n != 1 {
		return nil, refuse(NotOneReference, "one Reference", fmt.Sprint(n))
	}
	if p, err = parts(s.signedInfo, "CanonicalizationMethod", "SignatureMethod", "Reference"); err != nil {
		return nil, err
	}
	algorithm, _ := attribute(p["CanonicalizationMethod"], "Algorithm")
	if algorithm != excC14N {
		return nil, refuse(WrongCanonicalizer, excC14N, algorithm)
	}
	if s.infoPrefixes, err = prefixList(p["CanonicalizationMethod"]); err != nil {
		return nil, err
	}
	if s.method, err = signatureMethod(p["SignatureMethod"]); err != nil {
		return nil, err
	}
	return s, s.readReference(p["Reference"])
}

// readReference reads the one Reference of a signature.
func (s *signature) readReference(reference *etree.Element) error {
	s.uri, _ = attribute(reference, "URI")
	p, err := parts(reference, "Transforms", "DigestMethod", "DigestValue")
	if err != nil {
		return err
	}
	transforms := p["Transforms"].ChildElements()
	var algorithms []string
	for _, t := range transforms {
		algorithm, _ := attribute(t, "Algorithm")
		if !is(t, signatureNS, "Transform") || algorithm == enveloped && len(t.Child) > 0 {
			algorithm = t.Tag
		}
		algorithms = append(algorithms, algorithm)
	}
	if len(algorithms) != 2 || algorithms[0] != enveloped || algorithms[1] != excC14N {
		return refuse(WrongTransform, enveloped+" "+excC14N, strings.Join(algorithms, " "))
	}
	if s.contentPrefixes, err = prefixList(transforms[1]); err != nil {
		return err
	}
	if s.digest, err = digestMethod(p["DigestMethod"]); err != nil {
		return err
	}
	s.digestValue, err = binary(p["DigestValue"])
	return err
}

// parts returns the children of a part of a signature by name. It refuses children with other
// names, and a name twice. Those whose name ends with a question mark may be missing.
func parts(el *etree.Element, names ...string) (map[string]*etree.Element, error) {
	found := make(map[string]*etree.Element, len(names))
	for _, child := range el.ChildElements() {
		if found[child.Tag] != nil || child.NamespaceURI() != signatureNS {
			return nil, refuse(AmbiguousSignature, "each part of the "+el.Tag+" once", child.FullTag())
		}
		found[child.Tag] = child
	}
	for _, token := range el.Child {
		if data, ok := token.(*etree.CharData); ok && strings.TrimSpace(data.Data) != "" {
			return nil, refuse(AmbiguousSignature, "no text in "+el.Tag, data.Data)
		}
	}
	known := 0
	for _, name := range names {
		name, optional := strings.CutSuffix(name, "?")
		if found[name] != nil {
			known++
		} else if !optional {
			return nil, refuse(IncompleteSignature, "a "+name+" in the "+el.Tag, "")
		}
	}
	if known != len(found) {
		return nil, refuse(AmbiguousSignature, "only "+strings.Join(names, ", ")+" in the "+el.Tag, "")
	}
	return found, nil
}

// prefixList returns the prefixes in the InclusiveNamespaces of exclusive canonicalization, which
// Okta sends.
func prefixList(el *etree.Element) (string, error) {
	parameters := el.ChildElements()
	if len(parameters) == 0 {
		return "", nil
	}
	if len(parameters) > 1 || !is(parameters[0], excC14N, "InclusiveNamespaces") ||
		len(parameters[0].ChildElements()) > 0 {
		return "", refuse(WrongTransform, "InclusiveNamespaces only", parameters[0].Tag)
	}
	list, _ := attribute(parameters[0], "PrefixList")
	return list, nil
}

// binary decodes the base64 text of an element.
func binary(el *etree.Element) ([]byte, error) {
	encoded, err := text(el)
	if err != nil {
		return nil, refuse(AmbiguousSignature, "text only in "+el.Tag, "")
	}
	value, err := base64.StdEncoding.DecodeString(withoutSpace(encoded))
	if err != nil || len(value) == 0 {
		return nil, &Refused{Reason: IncompleteSignature, Expected: "base64 in " + el.Tag, Err: err}
	}
	return value, nil
}

// withoutSpace removes white space, since base64 is sent with line breaks.
func withoutSpace(encoded string) string {
	return strings.Join(strings.Fields(encoded), "")
}
