package saml

import (
	"fmt"
	"strings"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
)

const (
	protocolNS  = "urn:oasis:names:tc:SAML:2.0:protocol"
	assertionNS = "urn:oasis:names:tc:SAML:2.0:assertion"
	metadataNS  = "urn:oasis:names:tc:SAML:2.0:metadata"
	signatureNS = dsig.Namespace
)

// message is a Response whose parts stand where they must, and nowhere else.
type message struct {
	response, assertion, encrypted        *etree.Element
	responseSignature, assertionSignature *etree.Element
}

// parse builds the tree of a document that passed the precheck.
func parse(doc []byte) (*etree.Element, error) {
	d := etree.NewDocument()
	if err := d.ReadFromBytes(doc); err != nil {
		return nil, &Refused{Reason: NotXML, Expected: "well-formed XML", Err: err}
	}
	return d.Root(), nil
}

// arrange finds the parts of a response. Signature wrapping needs a second assertion, a signature
// on something that is not read, or an ID that two elements have: there is no place for those.
func arrange(root *etree.Element) (*message, error) {
	if !is(root, protocolNS, "Response") {
		return nil, refuse(NotAResponse, "a SAML 2.0 Response", "{"+root.NamespaceURI()+"}"+root.Tag)
	}
	f := newFinds()
	if err := f.walk(root); err != nil {
		return nil, err
	}
	if f.object {
		return nil, refuse(SignatureObject, "a Signature without Object", "")
	}
	m := &message{response: root}
	for _, el := range f.assertions {
		part := &m.assertion
		if el.Tag == "EncryptedAssertion" {
			part = &m.encrypted
		}
		if el.Parent() != root {
			return nil, refuse(MisplacedAssertion, el.Tag+" in the Response", "one in "+el.Parent().Tag)
		}
		if m.assertion != nil || m.encrypted != nil {
			return nil, refuse(SeveralAssertions, "one Assertion", "")
		}
		*part = el
	}
	return m, m.sign(f.signatures)
}

// sign gives the signatures to what they stand on.
func (m *message) sign(signatures []*etree.Element) error {
	for _, el := range signatures {
		part := &m.responseSignature
		switch parent := el.Parent(); {
		case parent == m.response:
		case parent == m.assertion && parent != nil:
			part = &m.assertionSignature
		case el.NamespaceURI() != signatureNS:
			continue
		default:
			return refuse(MisplacedSignature, "a Signature in Response or Assertion", "one in "+parent.Tag)
		}
		if ns := el.NamespaceURI(); ns != signatureNS {
			return refuse(SignatureNamespace, signatureNS, ns)
		}
		if *part != nil {
			return refuse(SeveralSignatures, "one Signature", "")
		}
		*part = el
	}
	return nil
}

// maxNamespaces are the prefixes that may be in force at one place; real messages have a dozen. The
// canonicalizer copies all of them at each element: some hundreds made it spend seconds on 40 KiB.
const maxNamespaces = 64

// finds are the elements of a message whose place matters.
type finds struct {
	ids                    map[string]bool
	scope                  map[string]string // the namespaces in force, by prefix
	assertions, signatures []*etree.Element
	object                 bool
}

func newFinds() finds { return finds{ids: map[string]bool{}, scope: map[string]string{}} }

func (f *finds) walk(el *etree.Element) error {
	before := f.enter(el)
	if len(f.scope) > maxNamespaces {
		return refuse(TooManyNamespaces, fmt.Sprintf("at most %d namespace prefixes", maxNamespaces), "")
	}
	if err := f.attributes(el); err != nil {
		return err
	}
	namespace := f.scope[el.Space]
	switch el.Tag {
	case "Assertion", "EncryptedAssertion":
		if namespace == assertionNS {
			f.assertions = append(f.assertions, el)
		}
	case "Signature":
		f.signatures = append(f.signatures, el)
	case "Object":
		if namespace == signatureNS {
			f.object = true
		}
	}
	for _, token := range el.Child {
		if child, ok := token.(*etree.Element); ok {
			if err := f.walk(child); err != nil {
				return err
			}
		}
	}
	for _, d := range before {
		if d.Value == "" {
			delete(f.scope, d.Key)
		} else {
			f.scope[d.Key] = d.Value
		}
	}
	return nil
}

// enter puts in force the namespaces that an element declares, and returns those that it hides, by
// prefix. etree looks each prefix up from the element to the root: for every pair of attributes of
// every element, that was most of a minute for one message.
func (f *finds) enter(el *etree.Element) (before []etree.Attr) {
	for _, a := range el.Attr {
		prefix := a.Key
		switch {
		case a.Space == "" && a.Key == "xmlns":
			prefix = ""
		case a.Space != "xmlns":
			continue
		}
		before = append(before, etree.Attr{Key: prefix, Value: f.scope[prefix]})
		f.scope[prefix] = a.Value
	}
	return before
}

func (f *finds) attributes(el *etree.Element) error {
	if el.Space != "" && f.scope[el.Space] == "" {
		return refuse(NotXML, "a declared prefix", el.FullTag())
	}
	for i, a := range el.Attr {
		switch {
		case isQualified(a) && a.Space != "xml" && f.scope[a.Space] == "":
			return refuse(NotXML, "a declared prefix", a.FullKey())
		case a.Space == "xmlns" || a.Space == "" && a.Key == "xmlns":
			// Canonical XML is undefined for relative namespace names: libxml2 then signs nothing.
			if !strings.Contains(a.Value, ":") && (a.Value != "" || a.Space != "") {
				return refuse(RelativeNamespace, "absolute namespace names", a.Value)
			}
		case strings.EqualFold(a.Key, "ID"):
			if f.ids[a.Value] {
				return refuse(DuplicateID, "each ID once", a.Value)
			}
			f.ids[a.Value] = true
		}
		for _, other := range el.Attr[:i] {
			if a.Key == other.Key && isQualified(a) && isQualified(other) && f.scope[a.Space] == f.scope[other.Space] {
				return refuse(DuplicateAttribute, "each attribute once", a.FullKey())
			}
		}
	}
	return nil
}

// isQualified tells whether an attribute has a namespace: without a prefix it has none.
func isQualified(a etree.Attr) bool { return a.Space != "" && a.Space != "xmlns" }

func is(el *etree.Element, namespace, tag string) bool {
	return el.Tag == tag && el.NamespaceURI() == namespace
}

func children(el *etree.Element, namespace, tag string) []*etree.Element {
	var found []*etree.Element
	for _, token := range el.Child {
		if child, ok := token.(*etree.Element); ok && is(child, namespace, tag) {
			found = append(found, child)
		}
	}
	return found
}

// only returns the one child of that name.
func only(el *etree.Element, namespace, tag string, missing, several Reason) (*etree.Element, error) {
	found := children(el, namespace, tag)
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return nil, refuse(missing, fmt.Sprintf("a %s in %s", tag, el.Tag), "")
	}
	return nil, refuse(several, fmt.Sprintf("one %s in %s", tag, el.Tag), fmt.Sprint(len(found)))
}

// text returns what stands in an element that has no elements in it. Anything else in there would
// let two readers see two values.
func text(el *etree.Element) (string, error) {
	var b strings.Builder
	for _, token := range el.Child {
		data, ok := token.(*etree.CharData)
		if !ok {
			return "", refuse(MarkupInValue, "text only in "+el.Tag, "")
		}
		b.WriteString(data.Data)
	}
	return b.String(), nil
}

// attribute returns an attribute without a namespace. etree's SelectAttr also finds prefixed ones.
func attribute(el *etree.Element, key string) (value string, ok bool) {
	for _, a := range el.Attr {
		if a.Space == "" && a.Key == key {
			return a.Value, true
		}
	}
	return "", false
}
