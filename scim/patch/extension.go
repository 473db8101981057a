package patch

// Complete returns an InvalidValue error if the change from stored to next leaves an extension
// without an attribute that its schema requires (RFC 7643 §7). The extension as a whole may be
// absent. An extension that the change leaves alone is not checked: its schema may have been
// declared after the document was stored, and a change of access must not fail because of that.
func (t *Type) Complete(stored, next map[string]any) error {
	for _, s := range t.scopes[1:] {
		m, _ := next[storedKey(next, s.urn)].(map[string]any)
		if len(m) == 0 || equal(stored[storedKey(stored, s.urn)], m) {
			continue
		}
		if err := s.checkRequired(m); err != nil {
			return err
		}
	}
	return nil
}
