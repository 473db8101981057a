package tenant

import (
	"encoding/json"
	"testing"
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
			got, err := Encode(v)
			if err != nil || got != want {
				t.Errorf("%s %q is %s, want %s: %v", name, in, got, want, err)
			}
		}
		var back string
		if got, err := Encode(map[string]any{in: in}); err != nil || got != "{"+want+":"+want+"}" {
			t.Errorf("as an object: %s %v", got, err)
		}
		if err := Decode(want, &back); err != nil || back != in {
			t.Errorf("%s is read as %q: %v", want, back, err)
		}
	}
	if got, err := Encode(func() {}); err == nil {
		t.Errorf("a function is %s", got)
	}
}
