package people

import "testing"

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
