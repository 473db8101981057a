package patch

// Complete is an error when the change of a document leaves an extension without an attribute that
// its schema requires (RFC 7643 §7): within the extension, which itself may be absent. What the change
// does not touch may lack it, since a schema may be declared after a document was stored, and nobody's
// access hangs on that.
func (t *Type) Complete(stored, next map[string]any) error {
	for _, s := range t.scopes[1:] {
		m, _ := next[spelled(next, s.urn)].(map[string]any)
		if len(m) == 0 || equal(stored[spelled(stored, s.urn)], m) {
			continue
		}
		if err := s.complete(m); err != nil {
			return err
		}
	}
	return nil
}
