package people

import (
	"encoding/json"
	"testing"

	"rollcall/model/internal/tenant"
)

func TestEncode(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`<a href="x">&amp;</a>`:        `"<a href=\"x\">&amp;</a>"`,
		"line\u2028and\u2029paragraph": "\"line\u2028and\u2029paragraph\"",
		`a literal \u2028 stays`:       `"a literal \\u2028 stays"`,
		`so does \\u2029`:              `"so does \\\\u2029"`,
		"both \u2028 and \\u2028":      "\"both \u2028 and \\\\u2028\"",
		`\`:                            `"\\"`,
		"\u2027\u202a\x00\n\t":         "\"\u2027\u202a\\u0000\\n\\t\"",
		"\U0001f600":                   "\"\U0001f600\"",
		`\u202`:                        `"\\u202"`,
	} {
		for name, v := range map[string]any{"text": in, "raw JSON": json.RawMessage(want)} {
			got, err := tenant.Encode(v)
			if err != nil || got != want {
				t.Errorf("%s %q is %s, want %s: %v", name, in, got, want, err)
			}
		}
		var back string
		if got, err := tenant.Encode(map[string]any{in: in}); err != nil || got != "{"+want+":"+want+"}" {
			t.Errorf("as an object: %s %v", got, err)
		}
		if err := tenant.Decode(want, &back); err != nil || back != in {
			t.Errorf("%s is read as %q: %v", want, back, err)
		}
	}
	if got, err := tenant.Encode(func() {}); err == nil {
		t.Errorf("a function is %s", got)
	}
	t.Run("numbers stay as they were written", func(t *testing.T) {
		const text = `{"a":12345678901234567890,"b":1.10,"c":1e400}`
		d, err := documentMap(text)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := encodeDocument(d, ""); err != nil || got != text {
			t.Errorf("%s %v", got, err)
		}
	})
}
