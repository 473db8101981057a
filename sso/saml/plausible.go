package saml

// Plausible returns the document of a response that may be the identity provider's own though it was
// refused: it can be read, and its issuer is the expected one or its signature is good. Who the
// issuer is, everybody knows; this keeps out what is thrown at every address of the internet.
func (sp SP) Plausible(idp IDP, samlResponse string) (document []byte, ok bool) {
	defer func() {
		if recover() != nil { // as in Verify
			document, ok = nil, false
		}
	}()
	doc, err := decode(samlResponse)
	if err != nil || precheck(doc, messageLimits) != nil {
		return nil, false
	}
	root, err := parse(doc)
	if err != nil {
		return nil, false
	}
	m, err := arrange(root)
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
	if m.encrypted != nil { // nothing is decrypted for this
		return nil, false
	}
	_, err = sp.signers(m, idp)
	return doc, err == nil
}
