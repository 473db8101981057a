package people

import (
	"strings"
	"testing"
)

func TestDocumentKeepsNumbersAsWritten(t *testing.T) {
	t.Parallel()
	const text = `{"a":12345678901234567890,"b":1.10,"c":1e400}`
	d, err := documentMap(text)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := encodeDocument(d, ""); err != nil || got != text {
		t.Errorf("%s %v", got, err)
	}
}

// A document has a limit, so that no row grows without end. One that is too large already may
// shrink: taking access away never fails on a rule about data.
func TestDocumentsAreLimited(t *testing.T) {
	t.Parallel()
	const frame = len(`{"title":""}`)
	document := func(size int) map[string]any { return map[string]any{"title": strings.Repeat("x", size-frame)} }
	for name, c := range map[string]struct {
		size, replaced int
		want           bool
	}{
		"as large as may be":              {documentLimit, 0, true},
		"larger":                          {documentLimit + 1, 0, false},
		"larger, in the place of less":    {documentLimit + 2, documentLimit + 1, false},
		"larger, and as large as before":  {documentLimit + 2, documentLimit + 2, true},
		"larger, and smaller than before": {documentLimit + 2, documentLimit + 3, true},
	} {
		text, err := encodeDocument(document(c.size), strings.Repeat("x", c.replaced))
		if (err == nil) != c.want || err == nil && len(text) != c.size {
			t.Errorf("%s: %d bytes, %v", name, len(text), err)
		}
	}
}
