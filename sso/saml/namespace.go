package saml

import "github.com/beevik/etree"

const (
	xmlNS   = "http://www.w3.org/XML/1998/namespace"
	xmlnsNS = "http://www.w3.org/2000/xmlns/"
)

// namespaces has the namespaces at an element by their prefixes. The default namespace has the
// empty prefix. An empty name is the same as none.
type namespaces map[string]string

// declaration returns the prefix that an attribute declares, and whether it declares one.
func declaration(a etree.Attr) (prefix string, is bool) {
	switch {
	case a.Space == "xmlns":
		return a.Key, true
	case a.Space == "" && a.Key == "xmlns":
		return "", true
	}
	return "", false
}

// of returns the namespace of a prefix. That of the prefix xml is always there.
func (n namespaces) of(prefix string) string {
	if prefix == "xml" {
		return xmlNS
	}
	return n[prefix]
}

// declare brings the namespaces that an element declares into scope, and returns what they hide.
// etree searches for each prefix from the element to the root: for every pair of attributes of
// every element, that took most of a minute for one message.
func (n namespaces) declare(el *etree.Element) (hidden []etree.Attr) {
	for _, a := range el.Attr {
		if prefix, is := declaration(a); is {
			hidden = append(hidden, n.set(prefix, a.Value))
		}
	}
	return hidden
}

// set sets the namespace of a prefix, and returns the one before for restore.
func (n namespaces) set(prefix, name string) (before etree.Attr) {
	before = etree.Attr{Key: prefix, Value: n[prefix]}
	if name == "" {
		delete(n, prefix)
	} else {
		n[prefix] = name
	}
	return before
}

// restore undoes what declare or set did.
func (n namespaces) restore(hidden []etree.Attr) {
	for i := len(hidden) - 1; i >= 0; i-- {
		n.set(hidden[i].Key, hidden[i].Value)
	}
}

// inheritedNamespaces returns the namespaces that the elements around el declare for it.
func inheritedNamespaces(el *etree.Element) namespaces {
	n := namespaces{}
	if parent := el.Parent(); parent != nil {
		n = inheritedNamespaces(parent)
		n.declare(parent)
	}
	return n
}

// reserved reports whether a declaration is one that no document may have (Namespaces in XML §3):
// of the prefix xmlns, or of the namespaces of xml and xmlns for another prefix.
func reserved(prefix, name string) bool {
	return prefix == "xmlns" || (prefix == "xml") != (name == xmlNS) || name == xmlnsNS
}

// undeclared adds the prefixes that an element and those in it use, and that nothing in it
// declares.
func (n namespaces) undeclared(el *etree.Element, found map[string]bool) {
	hidden := n.declare(el)
	if el.Space != "" && n.of(el.Space) == "" {
		found[el.Space] = true
	}
	for _, a := range el.Attr {
		if isQualified(a) && n.of(a.Space) == "" {
			found[a.Space] = true
		}
	}
	for _, child := range el.ChildElements() {
		n.undeclared(child, found)
	}
	n.restore(hidden)
}
