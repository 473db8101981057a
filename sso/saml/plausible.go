package saml

// Plausible returns the document of a refused response if it may come from the identity provider:
// it can be parsed, and has the expected issuer or a valid signature. The issuer is no secret, so
// this is no proof. It only excludes the random requests that every public address receives.
func (sp SP) Plausible(idp IDP, samlResponse string) (document []byte, ok bool) {
	defer func() {
		if recover() != nil { // as in Verify
			document, ok = nil, false
		}
	}()
	doc, err := decode(samlResponse)
	if err != nil {
		return nil, false
	}
	root, err := read(doc, messageLimits)
	if err != nil {
		return nil, false
	}
	m, err := findParts(root)
	if err != nil {
		return nil, false
	}
	for _, part := range root.ChildElements() {
		if is(part, assertionNS, "Issuer") && part.Text() == idp.EntityID {
			return doc, true
		}
	}
	if m.assertion != nil {
		for _, part := range m.assertion.ChildElements() {
			if is(part, assertionNS, "Issuer") && part.Text() == idp.EntityID {
				return doc, true
			}
		}
	}
	if m.encrypted != nil { // a refused response is not decrypted
		return nil, false
	}
	_, err = sp.signers(m, idp)
	return doc, err == nil
}
