package sso_test

import (
	"crypto"
	"crypto/hmac"
	_ "crypto/md5"
	_ "crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/pem"
	"strings"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"rollcall/sso/saml"
)

const (
	signaturePath  = "//Assertion/Signature"
	signedInfoPath = signaturePath + "/SignedInfo"
	referencePath  = signedInfoPath + "/Reference"
)

// by is a response whose assertion is signed in another way than the usual.
func by(change func(g genuine, s *signature)) func(g genuine) string {
	return func(g genuine) string {
		d := g.document.Copy()
		s := g.signature()
		change(g, &s)
		s.sign(g.t, find(g.t, d, "//Assertion"))
		return posted(text(g.t, d))
	}
}

// after is a response that is changed after it was signed.
func after(path string, change func(g genuine, el *etree.Element)) func(g genuine) string {
	return func(g genuine) string {
		return g.tampered(func(d *etree.Document) { change(g, find(g.t, d, path)) })
	}
}

func twice(path string) func(g genuine) string {
	return after(path, func(_ genuine, el *etree.Element) { el.Parent().AddChild(el.Copy()) })
}

func without(path string) func(g genuine) string {
	return after(path, func(_ genuine, el *etree.Element) { el.Parent().RemoveChild(el) })
}

func keyInfo(content string) func(g genuine) string {
	return by(func(g genuine, s *signature) {
		s.key, _ = keyPair(g.t, 2048, g.now)
		s.keyInfo = content
	})
}

func transforms(algorithms ...string) func(g genuine) string {
	return by(func(_ genuine, s *signature) {
		r := usualReference
		r.transforms = algorithms
		s.references = []reference{r}
	})
}

func canonicalizer(algorithm string) func(g genuine) string {
	return by(func(_ genuine, s *signature) { s.canonicalizer = algorithm })
}

func references(r ...reference) func(g genuine) string {
	return by(func(_ genuine, s *signature) { s.references = r })
}

func uri(attribute string) reference {
	r := usualReference
	r.uri = attribute
	return r
}

func symmetric(secret func(g genuine) []byte) func(g genuine) string {
	return by(func(g genuine, s *signature) {
		s.method = "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"
		s.value = func(signed []byte) []byte {
			mac := hmac.New(sha256.New, secret(g))
			mac.Write(signed)
			return mac.Sum(nil)
		}
	})
}

func method(algorithm string, hash crypto.Hash) func(g genuine) string {
	return by(func(_ genuine, s *signature) { s.method, s.hash = algorithm, hash })
}

func digest(algorithm string, hash crypto.Hash) func(g genuine) string {
	r := usualReference
	r.digest, r.hash = algorithm, hash
	return references(r)
}

// borrowed is a response with the genuine signature of another document of the provider's.
func borrowed(root, id string) func(g genuine) string {
	return func(g genuine) string {
		other := fragment(g.t,
			`<md:`+root+` xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" ID="`+id+`"><md:Issuer/></md:`+root+`>`)
		g.signature().sign(g.t, other.Root())
		d := g.document.Copy()
		find(g.t, d, "//Assertion").InsertChildAt(1, other.FindElement("//Signature").Copy())
		return posted(text(g.t, d))
	}
}

var bad = func() reference {
	r := usualReference
	r.wrong = true
	return r
}()

var signatureGames = []attack{
	{"signature", "removed", func(g genuine) string { return posted(text(g.t, g.document)) }, saml.Unsigned},
	{"signature", "empty", after(signaturePath, func(_ genuine, el *etree.Element) {
		el.Child = nil
	}), saml.IncompleteSignature},
	{"signature", "empty value", after(signaturePath+"/SignatureValue", func(_ genuine, el *etree.Element) {
		el.SetText("")
	}), saml.IncompleteSignature},
	{"signature", "value that is no base64", after(signaturePath+"/SignatureValue", func(_ genuine, el *etree.Element) {
		el.SetText("!")
	}), saml.IncompleteSignature},
	{"signature", "value cut short", after(signaturePath+"/SignatureValue", func(_ genuine, el *etree.Element) {
		el.SetText(el.Text()[:8])
	}), saml.WrongKey},
	{"signature", "without SignedInfo", without(signedInfoPath), saml.IncompleteSignature},
	{"signature", "without DigestValue", without(referencePath + "/DigestValue"), saml.IncompleteSignature},
	{"signature", "without Transforms", without(referencePath + "/Transforms"), saml.IncompleteSignature},
	{"signature", "in the wrong namespace", after(signaturePath, func(_ genuine, el *etree.Element) {
		el.CreateAttr("xmlns:ds", "urn:x")
	}), saml.SignatureNamespace},
	{"signature", "several on the assertion", twice(signaturePath), saml.SeveralSignatures},
	{"signature", "on the response, moved from the assertion", after(signaturePath, func(_ genuine, el *etree.Element) {
		response := el.Parent().Parent()
		el.Parent().RemoveChild(el)
		response.InsertChildAt(1, el)
	}), saml.ForeignReference},
	{"signature", "in the subject", after(signaturePath, func(_ genuine, el *etree.Element) {
		subject := el.Parent().FindElement("./Subject")
		el.Parent().RemoveChild(el)
		subject.AddChild(el)
	}), saml.MisplacedSignature},
	{"signature", "several SignedInfo", twice(signedInfoPath), saml.AmbiguousSignature},
	{"signature", "several SignatureValue", twice(signaturePath + "/SignatureValue"), saml.AmbiguousSignature},
	{"signature", "several DigestValue", twice(referencePath + "/DigestValue"), saml.AmbiguousSignature},
	{"signature", "several DigestMethod", twice(referencePath + "/DigestMethod"), saml.AmbiguousSignature},
	{"signature", "several Transforms", twice(referencePath + "/Transforms"), saml.AmbiguousSignature},
	{"signature", "several SignatureMethod", twice(signedInfoPath + "/SignatureMethod"), saml.AmbiguousSignature},
	{"signature", "comment inside DigestValue", after(referencePath+"/DigestValue", func(_ genuine, el *etree.Element) {
		el.AddChild(etree.NewComment("x"))
	}), saml.Comment},
	{"signature", "element inside DigestValue", after(referencePath+"/DigestValue", func(_ genuine, el *etree.Element) {
		el.CreateElement("ds:DigestValue")
	}), saml.AmbiguousSignature},
	{"signature", "text beside the DigestValue", after(referencePath, func(_ genuine, el *etree.Element) {
		el.CreateText("x")
	}), saml.AmbiguousSignature},
	{"signature", "smuggled DigestValue in Extensions", func(g genuine) string {
		return g.tampered(func(d *etree.Document) {
			find(g.t, d, "//NameID").SetText(attacker)
			within(d.Root(), 1, "samlp:Extensions").AddChild(find(g.t, d, referencePath+"/DigestValue").Copy())
			d.Root().FindElement("./Extensions/DigestValue").CreateAttr("xmlns:ds", dsig.Namespace)
		})
	}, saml.Altered},
	{"signature", "smuggled DigestValue in DigestMethod", after(referencePath, func(_ genuine, el *etree.Element) {
		value := el.FindElement("./DigestValue")
		el.RemoveChild(value)
		el.FindElement("./DigestMethod").AddChild(value)
	}), saml.IncompleteSignature},
	{"signature", "void canonicalization by a relative namespace",
		after("//Assertion", func(_ genuine, el *etree.Element) {
			el.CreateAttr("xmlns:ns", "1")
		}), saml.RelativeNamespace},
	{"signature", "relative default namespace in the signature",
		after(signedInfoPath, func(_ genuine, el *etree.Element) {
			el.CreateAttr("xmlns", "x")
		}), saml.RelativeNamespace},

	{"transform", "inclusive canonicalization", transforms(enveloped,
		"http://www.w3.org/TR/2001/REC-xml-c14n-20010315"), saml.WrongTransform},
	{"transform", "canonicalization 1.1", transforms(enveloped, "http://www.w3.org/2006/12/xml-c14n11"),
		saml.WrongTransform},
	{"transform", "exclusive canonicalization with comments", transforms(enveloped, excC14N+"WithComments"),
		saml.WrongTransform},
	{"transform", "XPath", transforms(enveloped, excC14N, "http://www.w3.org/TR/1999/REC-xpath-19991116"),
		saml.WrongTransform},
	{"transform", "XPath Filter 2.0", transforms("http://www.w3.org/2002/06/xmldsig-filter2", excC14N),
		saml.WrongTransform},
	{"transform", "XSLT", transforms(enveloped, "http://www.w3.org/TR/1999/REC-xslt-19991116"), saml.WrongTransform},
	{"transform", "base64", transforms(enveloped, "http://www.w3.org/2000/09/xmldsig#base64"), saml.WrongTransform},
	{"transform", "enveloped alone", transforms(enveloped), saml.WrongTransform},
	{"transform", "canonicalization alone", transforms(excC14N), saml.WrongTransform},
	{"transform", "in the other order", transforms(excC14N, enveloped), saml.WrongTransform},
	{"transform", "enveloped twice", transforms(enveloped, enveloped, excC14N), saml.WrongTransform},
	{"transform", "none", transforms(), saml.WrongTransform},
	{"transform", "SignedInfo in inclusive canonicalization",
		canonicalizer("http://www.w3.org/TR/2001/REC-xml-c14n-20010315"), saml.WrongCanonicalizer},
	{"transform", "SignedInfo with comments", canonicalizer(excC14N + "WithComments"), saml.WrongCanonicalizer},
	{"transform", "SignedInfo without algorithm", canonicalizer(""), saml.WrongCanonicalizer},

	{"reference", "empty URI", references(uri(`URI=""`)), saml.EmptyReference},
	{"reference", "no URI", references(uri(``)), saml.EmptyReference},
	{"reference", "empty fragment", references(uri(`URI="#"`)), saml.EmptyReference},
	{"reference", "of another ID", references(uri(`URI="#_response"`)), saml.ForeignReference},
	{"reference", "XPointer", references(uri(`URI="#xpointer(id('{ID}'))"`)), saml.ForeignReference},
	{"reference", "of another document", references(uri(`URI="https://idp.example/#{ID}"`)), saml.ForeignReference},
	{"reference", "none", references(), saml.NotOneReference},
	{"reference", "good, then bad", references(usualReference, bad), saml.NotOneReference},
	{"reference", "bad, then good", references(bad, usualReference), saml.NotOneReference},
	{"reference", "good, then dangling", references(usualReference, uri(`URI="#nothing"`)), saml.NotOneReference},
	{"reference", "wrong digest", references(bad), saml.Altered},
	{"reference", "a signature of metadata", borrowed("EntityDescriptor", "_metadata"), saml.ForeignReference},
	{"reference", "a signature of a LogoutResponse", borrowed("LogoutResponse", "_logout"), saml.ForeignReference},
	{"reference", "a signature of metadata with the same ID", borrowed("EntityDescriptor", "_assertion"), saml.Altered},
	{"reference", "a signature of a LogoutResponse with the same ID", borrowed("LogoutResponse", "_assertion"),
		saml.Altered},

	{"algorithm", "HMAC keyed with the certificate's PEM", symmetric(func(g genuine) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: g.certificate.Raw})
	}), saml.SymmetricAlgorithm},
	{"algorithm", "HMAC keyed with the certificate's DER", symmetric(func(g genuine) []byte {
		return g.certificate.Raw
	}), saml.SymmetricAlgorithm},
	{"algorithm", "HMAC keyed with the SPKI", symmetric(func(g genuine) []byte {
		return g.certificate.RawSubjectPublicKeyInfo
	}), saml.SymmetricAlgorithm},
	{"algorithm", "HMAC with SHA-1", method("http://www.w3.org/2000/09/xmldsig#hmac-sha1", crypto.SHA256),
		saml.SymmetricAlgorithm},
	{"algorithm", "none", method("none", crypto.SHA256), saml.UnknownAlgorithm},
	{"algorithm", "empty", method("", crypto.SHA256), saml.UnknownAlgorithm},
	{"algorithm", "unknown", method("http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF2", crypto.SHA256),
		saml.UnknownAlgorithm},
	{"algorithm", "RSA with SHA-1", method(dsig.RSASHA1SignatureMethod, crypto.SHA1), saml.WeakAlgorithm},
	{"algorithm", "RSA with MD5", method("http://www.w3.org/2001/04/xmldsig-more#rsa-md5", crypto.MD5),
		saml.WeakAlgorithm},
	{"algorithm", "DSA with SHA-1", method("http://www.w3.org/2000/09/xmldsig#dsa-sha1", crypto.SHA1),
		saml.WeakAlgorithm},
	{"algorithm", "another hash than named", method(dsig.RSASHA512SignatureMethod, crypto.SHA256), saml.WrongKey},
	{"algorithm", "ECDSA named over an RSA key", method(dsig.ECDSASHA256SignatureMethod, crypto.SHA256), saml.WrongKey},
	{"algorithm", "SHA-1 digest", digest("http://www.w3.org/2000/09/xmldsig#sha1", crypto.SHA1), saml.WeakAlgorithm},
	{"algorithm", "MD5 digest", digest("http://www.w3.org/2001/04/xmldsig-more#md5", crypto.MD5), saml.WeakAlgorithm},
	{"algorithm", "unknown digest", digest("urn:x", crypto.SHA256), saml.UnknownAlgorithm},

	{"key", "RSA-1024", by(func(g genuine, s *signature) {
		key, certificate := keyPair(g.t, 1024, g.now)
		s.key, s.keyInfo = key, x509Data(certificate.Raw)
	}), saml.WrongKey},
	{"key", "attacker's certificate in KeyInfo", by(func(g genuine, s *signature) {
		key, certificate := keyPair(g.t, 2048, g.now)
		s.key, s.keyInfo = key, x509Data(certificate.Raw)
	}), saml.WrongKey},
	{"key", "the right certificate in KeyInfo, another key", by(func(g genuine, s *signature) {
		s.key, _ = keyPair(g.t, 2048, g.now)
	}), saml.WrongKey},
	{"key", "KeyValue",
		keyInfo(`<ds:KeyValue><ds:RSAKeyValue><ds:Modulus>AQAB</ds:Modulus><ds:Exponent>AQAB</ds:Exponent>` +
			`</ds:RSAKeyValue></ds:KeyValue>`), saml.WrongKey},
	{"key", "RetrievalMethod", keyInfo(`<ds:RetrievalMethod URI="http://attacker.example/key"/>`), saml.WrongKey},
	{"key", "no KeyInfo content", keyInfo(``), saml.WrongKey},

	{"tampering", "another NameID", after("//NameID", func(_ genuine, el *etree.Element) {
		el.SetText(attacker)
	}), saml.Altered},
	{"tampering", "another attribute value", after("//AttributeValue", func(_ genuine, el *etree.Element) {
		el.SetText(attacker)
	}), saml.Altered},
	{"tampering", "white space in the NameID", after("//NameID", func(_ genuine, el *etree.Element) {
		el.SetText(el.Text() + " ")
	}), saml.Altered},
	{"tampering", "another assertion's ID", after("//Assertion", func(_ genuine, el *etree.Element) {
		el.CreateAttr("ID", "_other")
	}), saml.ForeignReference},
	{"tampering", "another ID, and the reference follows", func(g genuine) string {
		return g.rewritten(func(text string) string { return strings.ReplaceAll(text, "_assertion\"", "_other\"") })
	}, saml.WrongKey},
	{"tampering", "another digest", after(referencePath+"/DigestValue", func(_ genuine, el *etree.Element) {
		el.SetText(base64.StdEncoding.EncodeToString(make([]byte, 32)))
	}), saml.WrongKey},
	{"tampering", "another namespace for the same prefix", after("//Subject", func(_ genuine, el *etree.Element) {
		el.CreateAttr("xmlns:saml", "urn:x")
	}), saml.Altered},
}

func x509Data(der []byte) string {
	return `<ds:X509Data><ds:X509Certificate>` + base64.StdEncoding.EncodeToString(der) +
		`</ds:X509Certificate></ds:X509Data>`
}
