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

// Precheck looks at a document of at most 512 bytes, 3 levels, 5 elements and 3 attributes of one,
// as it is done before any parser reads it.
func Precheck(document string, metadata bool) error {
	_, err := precheck([]byte(document), limits{bytes: 512, depth: 3, elements: 5, attributes: 3, metadata: metadata})
	return err
}
