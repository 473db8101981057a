package saml_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/beevik/etree"

	"rollcall/sso/saml"
)

// altered returns a response whose assertion was signed, and whose text was then changed at one
// place.
func altered(t *testing.T, old, replacement string) string {
	t.Helper()
	text, err := base64.StdEncoding.DecodeString(signed(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), old) {
		t.Fatalf("there is no %s in %s", old, text)
	}
	return base64.StdEncoding.EncodeToString([]byte(strings.Replace(string(text), old, replacement, 1)))
}

// XML Signature can express far more than identity providers use. Every further form has been the
// way of an attack, so one shape is accepted.
func TestShapeOfASignature(t *testing.T) {
	t.Parallel()
	const (
		envelopedTransform = `<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>`
		exclusive          = "http://www.w3.org/2001/10/xml-exc-c14n#"
	)
	for name, c := range map[string]struct {
		old, replacement string
		want             saml.Reason
	}{
		"no SignedInfo name": {
			`<ds:SignatureValue>`, `<ds:Other/><ds:SignatureValue>`, saml.AmbiguousSignature,
		},
		"a part twice": {
			`</ds:SignedInfo>`, `</ds:SignedInfo><ds:SignedInfo/>`, saml.AmbiguousSignature,
		},
		"a part of another namespace": {
			`<ds:SignatureValue>`, `<saml:KeyInfo/><ds:SignatureValue>`, saml.AmbiguousSignature,
		},
		"text in a signature":        {`<ds:SignatureValue>`, `text<ds:SignatureValue>`, saml.AmbiguousSignature},
		"white space in a signature": {`<ds:SignatureValue>`, "\n <ds:SignatureValue>", ""},
		"a comment in the value":     {`<ds:SignatureValue>`, `<ds:SignatureValue><ds:x/>`, saml.AmbiguousSignature},
		"no reference":               {`<ds:Reference `, `<ds:Manifest `, saml.NotXML},
		"a second reference":         {`</ds:Reference>`, `</ds:Reference><ds:Reference/>`, saml.NotOneReference},
		"inclusive canonical form": {
			`<ds:CanonicalizationMethod Algorithm="` + exclusive,
			`<ds:CanonicalizationMethod Algorithm="http://www.w3.org/TR/2001/REC-xml-c14n-20010315`,
			saml.WrongCanonicalizer,
		},
		"with comments": {
			`<ds:CanonicalizationMethod Algorithm="` + exclusive,
			`<ds:CanonicalizationMethod Algorithm="` + exclusive + `WithComments`, saml.WrongCanonicalizer,
		},
		"an unknown signature method": {`rsa-sha256`, `rsa-md5`, saml.WeakAlgorithm},
		"no URI":                      {` URI="#_assertion-1"`, ``, saml.EmptyReference},
		"an empty URI":                {` URI="#_assertion-1"`, ` URI="#"`, saml.EmptyReference},
		"the URI of another":          {` URI="#_assertion-1"`, ` URI="#_response-1"`, saml.ForeignReference},
		"a URI with space":            {` URI="#_assertion-1"`, ` URI="#_assertion-1 "`, saml.ForeignReference},
		"no enveloped transform":      {envelopedTransform, ``, saml.WrongTransform},
		"a third transform": {
			envelopedTransform, envelopedTransform + envelopedTransform, saml.WrongTransform,
		},
		"a transform with content": {
			envelopedTransform, strings.Replace(envelopedTransform, "/>", "><ds:XPath/></ds:Transform>", 1),
			saml.WrongTransform,
		},
		"another element as transform": {
			envelopedTransform, strings.Replace(envelopedTransform, "ds:Transform", "ds:Other", 1), saml.WrongTransform,
		},
		"transforms in another order": {
			envelopedTransform + `<ds:Transform Algorithm="` + exclusive + `"/>`,
			`<ds:Transform Algorithm="` + exclusive + `"/>` + envelopedTransform, saml.WrongTransform,
		},
		"parameters of a transform": {
			`<ds:Transform Algorithm="` + exclusive + `"/>`,
			`<ds:Transform Algorithm="` + exclusive + `"><ds:x/></ds:Transform>`, saml.WrongTransform,
		},
		"two prefix lists": {
			`<ds:Transform Algorithm="` + exclusive + `"/>`,
			`<ds:Transform Algorithm="` + exclusive + `"><e:InclusiveNamespaces xmlns:e="` + exclusive +
				`"/><e:InclusiveNamespaces xmlns:e="` + exclusive + `"/></ds:Transform>`, saml.WrongTransform,
		},
		"content in a prefix list": {
			`<ds:Transform Algorithm="` + exclusive + `"/>`,
			`<ds:Transform Algorithm="` + exclusive + `"><e:InclusiveNamespaces xmlns:e="` + exclusive +
				`"><e:x/></e:InclusiveNamespaces></ds:Transform>`, saml.WrongTransform,
		},
		"a weak digest": {`xmlenc#sha256"`, `xmlenc#md5"`, saml.WeakAlgorithm},
		"no digest": {
			`<ds:DigestValue>`, `<ds:DigestValue></ds:DigestValue><ds:DigestValue>`, saml.AmbiguousSignature,
		},
		"a digest of nothing": {`<ds:DigestValue>`, `<ds:DigestValue>!`, saml.IncompleteSignature},
		"a value of nothing":  {`<ds:SignatureValue>`, `<ds:SignatureValue>!`, saml.IncompleteSignature},
		"another name":        {`anna-1`, `anna-2`, saml.Altered},
		"an object": {
			`</ds:Signature>`, `<ds:Object/></ds:Signature>`, saml.SignatureObject,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := sp.Verify(idp(t), altered(t, c.old, c.replacement), expect)
			wantReason(t, err, c.want)
		})
	}
}

// Signature wrapping needs a second assertion, a signature at another place, or an ID twice. The
// places are checked before any signature is.
func TestPlacesOfAssertionsAndSignatures(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(d *etree.Document)
		want   saml.Reason
	}{
		"no assertion": {func(d *etree.Document) {
			gone(d.FindElement("//Assertion"))
		}, saml.NoAssertion},
		"another root": {func(d *etree.Document) { d.Root().Tag = "ArtifactResponse" }, saml.NotAResponse},
		"a root of another namespace": {func(d *etree.Document) {
			d.Root().Space = "saml"
		}, saml.NotAResponse},
		"a second assertion": {func(d *etree.Document) {
			d.Root().CreateElement("saml:Assertion").CreateAttr("ID", "_other")
		}, saml.SeveralAssertions},
		"an encrypted one beside it": {func(d *etree.Document) {
			d.Root().CreateElement("saml:EncryptedAssertion")
		}, saml.SeveralAssertions},
		"an assertion deeper": {func(d *etree.Document) {
			d.FindElement("//AttributeValue").CreateElement("saml:Assertion")
		}, saml.MisplacedAssertion},
		"an assertion of another namespace": {func(d *etree.Document) {
			d.Root().CreateElement("samlp:Assertion")
		}, ""},
		"a signature deeper": {func(d *etree.Document) {
			el := d.FindElement("//Conditions").CreateElement("ds:Signature")
			el.CreateAttr("xmlns:ds", "http://www.w3.org/2000/09/xmldsig#")
		}, saml.MisplacedSignature},
		"two signatures": {func(d *etree.Document) {
			for range 2 {
				el := d.Root().CreateElement("ds:Signature")
				el.CreateAttr("xmlns:ds", "http://www.w3.org/2000/09/xmldsig#")
			}
		}, saml.SeveralSignatures},
		"a signature of another namespace": {func(d *etree.Document) {
			d.Root().CreateElement("saml:Signature")
		}, saml.SignatureNamespace},
		"one of another namespace, deeper": {func(d *etree.Document) {
			d.FindElement("//AttributeStatement").CreateElement("saml:Signature")
		}, ""},
		"an ID twice": {func(d *etree.Document) {
			d.FindElement("//Subject").CreateAttr("ID", "_response-1")
		}, saml.DuplicateID},
		"an ID twice, in small letters": {func(d *etree.Document) {
			d.FindElement("//Subject").CreateAttr("id", "_response-1")
		}, saml.DuplicateID},
		"another ID": {func(d *etree.Document) { d.FindElement("//Subject").CreateAttr("ID", "_subject") }, ""},
		"a relative namespace name": {func(d *etree.Document) {
			d.FindElement("//Subject").CreateAttr("xmlns:r", "relative")
		}, saml.RelativeNamespace},
		"a relative default namespace": {func(d *etree.Document) {
			d.FindElement("//Subject").CreateElement("x").CreateAttr("xmlns", "relative")
		}, saml.RelativeNamespace},
		"a prefix without a namespace": {func(d *etree.Document) {
			d.FindElement("//Subject").CreateAttr("xmlns:r", "")
		}, saml.RelativeNamespace},
		"one attribute by two prefixes": {func(d *etree.Document) {
			el := d.FindElement("//Attribute")
			el.CreateAttr("xmlns:a", "urn:one")
			el.CreateAttr("xmlns:b", "urn:one")
			el.CreateAttr("a:n", "1")
			el.CreateAttr("b:n", "2")
		}, saml.DuplicateAttribute},
		"one name in two namespaces": {func(d *etree.Document) {
			el := d.FindElement("//Attribute")
			el.CreateAttr("xmlns:a", "urn:one")
			el.CreateAttr("xmlns:b", "urn:two")
			el.CreateAttr("a:n", "1")
			el.CreateAttr("b:n", "2")
		}, ""},
		"a prefix of nothing": {func(d *etree.Document) {
			d.FindElement("//Attribute").CreateElement("none:x")
		}, saml.NotXML},
		"an attribute's prefix of nothing": {func(d *etree.Document) {
			d.FindElement("//Attribute").CreateAttr("none:x", "1")
		}, saml.NotXML},
		"a prefix that was in scope before": {func(d *etree.Document) {
			inner := d.FindElement("//AttributeStatement").CreateElement("x")
			inner.CreateAttr("xmlns:r", "urn:one")
			d.FindElement("//AuthnStatement").CreateElement("r:x")
		}, saml.NotXML},
		"a language": {func(d *etree.Document) {
			d.FindElement("//Attribute").CreateAttr("xml:lang", "en")
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := response(t)
			c.change(d)
			if el := d.FindElement("/Response/Assertion"); el != nil && c.want == "" {
				signing{pair: rsaPair(t)}.sign(t, el)
			}
			_, err := sp.Verify(idp(t), form(t, d), expect)
			wantReason(t, err, c.want)
		})
	}
}

// The canonicalizer's work grows with the prefixes in scope, so their number has a limit.
func TestPrefixesInScopeAreLimited(t *testing.T) {
	t.Parallel()
	// Four are in scope already, and one element has few attributes.
	for n, want := range map[int]saml.Reason{60: "", 61: saml.TooManyNamespaces} {
		value := edit(t, "//Attribute", func(el *etree.Element) {
			for i := range n {
				if i == 30 {
					el = el.FindElement("./AttributeValue")
				}
				el.CreateAttr(fmt.Sprintf("xmlns:p%d", i), "urn:p")
			}
		})
		_, err := sp.Verify(idp(t), value, expect)
		wantReason(t, err, want)
	}
}
