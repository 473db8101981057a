package saml

import (
	"fmt"
	"slices"
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

// message is a Response with its parts. Each of them is at the one place where it may be.
type message struct {
	response, assertion, encrypted        *etree.Element
	responseSignature, assertionSignature *etree.Element
}

// read checks a document and builds its tree.
func read(doc []byte, l limits) (*etree.Element, error) {
	clean, err := precheck(doc, l)
	if err != nil {
		return nil, err
	}
	return parse(clean)
}

// parse builds the tree of a document that passed the precheck.
func parse(doc []byte) (*etree.Element, error) {
	d := etree.NewDocument()
	if err := d.ReadFromBytes(doc); err != nil {
		return nil, &Refused{Reason: NotXML, Expected: "well-formed XML", Err: err}
	}
	return d.Root(), nil
}

// findParts finds the parts of a response. An attack by signature wrapping needs a second
// assertion, a signature on an element that is not read, or one ID on two elements: all of these
// are refused.
func findParts(root *etree.Element) (*message, error) {
	if !is(root, protocolNS, "Response") {
		return nil, refuse(NotAResponse, "a SAML 2.0 Response", "{"+root.NamespaceURI()+"}"+root.Tag)
	}
	s := newSearch()
	if err := s.walk(root); err != nil {
		return nil, err
	}
	if s.object {
		return nil, refuse(SignatureObject, "a Signature without Object", "")
	}
	m := &message{response: root}
	for _, el := range s.assertions {
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
	return m, m.assignSignatures(s.signatures)
}

// assignSignatures assigns each signature to the part that it is a child of.
func (m *message) assignSignatures(signatures []*etree.Element) error {
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

// requests returns every InResponseTo of a response and of the confirmations in its assertion.
func (m *message) requests() (ids []string) {
	carriers := []*etree.Element{m.response}
	for _, subject := range children(m.assertion, assertionNS, "Subject") {
		for _, confirmation := range children(subject, assertionNS, "SubjectConfirmation") {
			carriers = append(carriers, children(confirmation, assertionNS, "SubjectConfirmationData")...)
		}
	}
	for _, el := range carriers {
		if id, ok := attribute(el, "InResponseTo"); ok && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// removeSignatures removes the signatures, which do not cover themselves, from the tree. The rest
// of it is what was signed.
func (m *message) removeSignatures() {
	for _, el := range []*etree.Element{m.responseSignature, m.assertionSignature} {
		if el != nil {
			el.Parent().RemoveChild(el)
		}
	}
}

// maxNamespaces is how many prefixes may be in scope at one element; real messages have a dozen.
// Canonicalizers have copied all of them at each element: with some hundreds, that took seconds for
// 40 KiB.
const maxNamespaces = 64

// search walks a message, checks its attributes and finds the elements whose place matters.
type search struct {
	ids                    map[string]bool
	scope                  namespaces
	assertions, signatures []*etree.Element
	object                 bool // there is an Object of XML Signature
}

func newSearch() search { return search{ids: map[string]bool{}, scope: namespaces{}} }

// walk visits an element and those in it.
func (f *search) walk(el *etree.Element) error {
	hidden := f.scope.declare(el)
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
	f.scope.restore(hidden)
	return nil
}

// attributes checks the attributes of an element: declared prefixes, absolute namespace names, and
// no attribute or ID twice.
func (f *search) attributes(el *etree.Element) error {
	if el.Space != "" && f.scope[el.Space] == "" {
		return refuse(NotXML, "a declared prefix", el.FullTag())
	}
	for i, a := range el.Attr {
		switch {
		case isQualified(a) && a.Space != "xml" && f.scope[a.Space] == "":
			return refuse(NotXML, "a declared prefix", a.FullKey())
		case isDeclaration(a):
			if err := checkDeclaration(a); err != nil {
				return err
			}
		case strings.EqualFold(a.Key, "ID"):
			if f.ids[a.Value] {
				return refuse(DuplicateID, "each ID once", a.Value)
			}
			f.ids[a.Value] = true
		}
		for _, other := range el.Attr[:i] {
			if a.Key == other.Key && isQualified(a) && isQualified(other) &&
				f.scope[a.Space] == f.scope[other.Space] {
				return refuse(DuplicateAttribute, "each attribute once", a.FullKey())
			}
		}
	}
	return nil
}

// isDeclaration reports whether an attribute declares a namespace.
func isDeclaration(a etree.Attr) bool {
	_, is := declaration(a)
	return is
}

// checkDeclaration refuses a declaration of a namespace on which two readers could differ.
func checkDeclaration(a etree.Attr) error {
	prefix, _ := declaration(a)
	// Canonical XML is undefined for relative namespace names: libxml2 signs an empty text then.
	if !strings.Contains(a.Value, ":") && (a.Value != "" || prefix != "") {
		return refuse(RelativeNamespace, "absolute namespace names", a.Value)
	}
	if reserved(prefix, a.Value) {
		return refuse(NotXML, "no declaration of a reserved namespace", a.FullKey())
	}
	return nil
}

// isQualified reports whether an attribute has a namespace. One without a prefix has none.
func isQualified(a etree.Attr) bool { return a.Space != "" && a.Space != "xmlns" }

// is reports whether an element has the name.
func is(el *etree.Element, namespace, tag string) bool {
	return el.Tag == tag && el.NamespaceURI() == namespace
}

// children returns the child elements of that name.
func children(el *etree.Element, namespace, tag string) []*etree.Element {
	var found []*etree.Element
	for _, token := range el.Child {
		if child, ok := token.(*etree.Element); ok && is(child, namespace, tag) {
			found = append(found, child)
		}
	}
	return found
}

// only returns the one child of that name. missing and several are the reasons to refuse none or
// more.
func only(el *etree.Element, namespace, tag string, missing, several Reason) (*etree.Element, error) {
	found := children(el, namespace, tag)
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return nil, refuse(missing, fmt.Sprintf("a %s in %s", tag, el.Tag), "none")
	}
	return nil, refuse(several, fmt.Sprintf("one %s in %s", tag, el.Tag), fmt.Sprint(len(found)))
}

// text returns the text of an element that has nothing else in it. With other markup in it, two
// readers could see two values.
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

// attribute returns the value of an attribute without a namespace. etree's SelectAttr would also
// find those with a prefix.
func attribute(el *etree.Element, key string) (value string, ok bool) {
	for _, a := range el.Attr {
		if a.Space == "" && a.Key == key {
			return a.Value, true
		}
	}
	return "", false
}
