package saml

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"github.com/beevik/etree"
)

// canonicalize returns an element in exclusive canonical form without comments (Exclusive XML
// Canonicalization 1.0). omit is the enveloped signature, which is left out, or nil. prefixList is
// the PrefixList of InclusiveNamespaces. The tree is not changed.
//
// It is code of our own, because a digest must be over the same bytes as at the signer, and the
// canonicalizers for etree differ from the specification: about the order of attributes, about
// xmlns="", and about #default in a PrefixList.
func canonicalize(el, omit *etree.Element, prefixList string) ([]byte, error) {
	c := &canonicalizer{
		omit: omit, scope: inheritedNamespaces(el), rendered: namespaces{}, inclusive: map[string]bool{},
	}
	for prefix := range strings.FieldsSeq(prefixList) {
		if prefix == "#default" {
			prefix = ""
		}
		c.inclusive[prefix] = true
	}
	if err := c.element(el); err != nil {
		return nil, err
	}
	return c.out.Bytes(), nil
}

// canonicalizer writes one element with all that is in it.
type canonicalizer struct {
	out       bytes.Buffer
	omit      *etree.Element
	inclusive map[string]bool // prefixes whose namespaces are written wherever they are in scope
	scope     namespaces      // in scope in the document
	rendered  namespaces      // declared by what was written around the current element

	// Memory that each element uses again before those in it are written.
	found    []etree.Attr
	prefixes []string
}

// element writes an element (Canonical XML 1.0 §2.3).
func (c *canonicalizer) element(el *etree.Element) error {
	hidden := c.scope.declare(el)
	attributes, err := c.attributes(el)
	if err != nil {
		return err
	}
	c.out.WriteByte('<')
	c.name(el.Space, el.Tag)
	written, err := c.declarations(el, attributes)
	if err != nil {
		return err
	}
	for _, a := range attributes {
		c.attribute(a.Space, a.Key, a.Value)
	}
	c.out.WriteByte('>')
	for _, token := range el.Child {
		switch t := token.(type) {
		case *etree.Element:
			if t == c.omit {
				continue
			}
			if err := c.element(t); err != nil {
				return err
			}
		case *etree.CharData:
			c.escape(t.Data, textEscapes[:])
		default:
			return refuse(NotXML, "elements and text only", "")
		}
	}
	c.out.WriteString("</")
	c.name(el.Space, el.Tag)
	c.out.WriteByte('>')
	c.rendered.restore(written)
	c.scope.restore(hidden)
	return nil
}

// attributes returns the attributes of an element except declarations, in the order of Canonical
// XML 1.0 §2.2: by namespace name, then by local name. Those without a prefix have no namespace and
// come first.
func (c *canonicalizer) attributes(el *etree.Element) ([]etree.Attr, error) {
	c.found = c.found[:0]
	for _, a := range el.Attr {
		if _, is := declaration(a); is {
			continue
		}
		if isQualified(a) && c.scope.of(a.Space) == "" {
			return nil, refuse(NotXML, "a declared prefix", a.FullKey())
		}
		c.found = append(c.found, a)
	}
	slices.SortFunc(c.found, func(a, b etree.Attr) int {
		return cmp.Or(cmp.Compare(c.attributeNamespace(a), c.attributeNamespace(b)), cmp.Compare(a.Key, b.Key))
	})
	return c.found, nil
}

// attributeNamespace returns the namespace of an attribute. The default namespace is not for
// attributes.
func (c *canonicalizer) attributeNamespace(a etree.Attr) string {
	if !isQualified(a) {
		return ""
	}
	return c.scope.of(a.Space)
}

// declarations writes the namespace declarations that an element needs (Exclusive XML
// Canonicalization §3): for the prefixes that it uses visibly or that are inclusive, where what was
// written around it does not say the same. It returns what these hide in c.rendered.
func (c *canonicalizer) declarations(el *etree.Element, attributes []etree.Attr) (hidden []etree.Attr, err error) {
	if el.Space != "" && c.scope.of(el.Space) == "" {
		return nil, refuse(NotXML, "a declared prefix", el.FullTag())
	}
	c.prefixes = append(c.prefixes[:0], el.Space)
	if c.inclusive[""] {
		c.prefixes = append(c.prefixes, "")
	}
	if len(c.inclusive) > 0 { // a message may list any number of them, but few are in scope
		for prefix := range c.scope {
			if c.inclusive[prefix] {
				c.prefixes = append(c.prefixes, prefix)
			}
		}
	}
	for _, a := range attributes {
		if isQualified(a) {
			c.prefixes = append(c.prefixes, a.Space)
		}
	}
	slices.Sort(c.prefixes)
	for _, prefix := range slices.Compact(c.prefixes) {
		name := c.scope[prefix]
		// The namespace of the prefix xml needs no declaration. No namespace at all needs one only
		// where a default namespace was written.
		if prefix == "xml" || name == c.rendered[prefix] {
			continue
		}
		switch {
		case prefix == "":
			c.attribute("", "xmlns", name)
		case name != "":
			c.attribute("xmlns", prefix, name)
		}
		hidden = append(hidden, c.rendered.set(prefix, name))
	}
	return hidden, nil
}

// name writes a qualified name.
func (c *canonicalizer) name(prefix, local string) {
	if prefix != "" {
		c.out.WriteString(prefix)
		c.out.WriteByte(':')
	}
	c.out.WriteString(local)
}

// attribute writes an attribute.
func (c *canonicalizer) attribute(prefix, local, value string) {
	c.out.WriteByte(' ')
	c.name(prefix, local)
	c.out.WriteString(`="`)
	c.escape(value, attributeEscapes[:])
	c.out.WriteByte('"')
}

// What is escaped in text, and in the value of an attribute, by its byte.
var (
	textEscapes      = [...]string{'&': "&amp;", '<': "&lt;", '>': "&gt;", '\r': "&#xD;"}
	attributeEscapes = [...]string{
		'&': "&amp;", '<': "&lt;", '"': "&quot;", '\t': "&#x9;", '\n': "&#xA;", '\r': "&#xD;",
	}
)

// escape writes text with the characters that escapes has replaced.
func (c *canonicalizer) escape(text string, escapes []string) {
	from := 0
	for i := range len(text) {
		if b := int(text[i]); b < len(escapes) && escapes[b] != "" {
			c.out.WriteString(text[from:i])
			c.out.WriteString(escapes[b])
			from = i + 1
		}
	}
	c.out.WriteString(text[from:])
}
