package saml

import "github.com/beevik/etree"

// Canonicalizer reads a document and returns what writes the element with an ID in exclusive
// canonical form, as if a signature were verified there.
func Canonicalizer(document []byte) (func(id, prefixList string) ([]byte, error), error) {
	root, err := read(document, limits{bytes: 64 << 20, depth: 64, elements: 1 << 20, attributes: 32})
	if err != nil {
		return nil, err
	}
	s := newSearch()
	if err := s.walk(root); err != nil {
		return nil, err
	}
	elements := map[string]*etree.Element{}
	for _, el := range root.FindElements("//[@ID]") {
		elements[el.SelectAttrValue("ID", "")] = el
	}
	return func(id, prefixList string) ([]byte, error) {
		return canonicalize(elements[id], nil, prefixList)
	}, nil
}
