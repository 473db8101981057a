package jsontext_test

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"rollcall/scim/jsontext"
)

// FuzzScan compares the scanner with encoding/json: the same members, elements and strings
// on JSON, and an end on anything else.
func FuzzScan(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"a":1}`, `{"a":"}\"]","b":[1,[2],{"c":"\\"}],"c\n\"":{"d":{}},"e":null,"f":-1.5e3,"g":true}`,
		`{ "a" : [ 1 , 2 ] , "b" : { } }`, `[1,"2",{"3":4},[5]]`, `[]`, `[[],{}]`, `{"a"`, `{"a":`, `["`, `{"a":"\`, ``,
		`{,}`, `[}`,
		`{"ü":"` + "\u2028" + `"}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if text == "" {
			return
		}
		done := time.AfterFunc(10*time.Second, func() { panic("no end in sight: " + text) })
		defer done.Stop()
		names, values := collect(text)
		list := slices.Collect(jsontext.Elements(text))
		var replaced []string
		same := jsontext.AppendReplacing(nil, text, func(b []byte, quoted string) []byte {
			replaced = append(replaced, quoted)
			return append(b, quoted...)
		})
		if string(same) != text {
			t.Errorf("%q became %q", text, same)
		}
		if !json.Valid([]byte(text)) || !utf8.ValidString(text) {
			return
		}
		if diff := cmp.Diff(allStrings(t, text), replaced); diff != "" {
			t.Errorf("%s: strings %s", text, diff)
		}
		var object map[string]json.RawMessage
		if json.Unmarshal([]byte(text), &object) == nil && text[0] == '{' {
			if diff := cmp.Diff(sorted(maps.Keys(object)), sorted(slices.Values(names))); diff != "" {
				t.Errorf("%s: names %s", text, diff)
			}
			for i, name := range names {
				if last := slices.Index(names[i+1:], name) < 0; last && string(object[name]) != values[i] {
					t.Errorf("%s: %s is %q", text, name, values[i])
				}
			}
		}
		var want []json.RawMessage
		if json.Unmarshal([]byte(text), &want) == nil && text[0] == '[' {
			if len(want) != len(list) {
				t.Fatalf("%s: %q", text, list)
			}
			for i := range want {
				if string(want[i]) != list[i] {
					t.Errorf("%s: element %q, want %s", text, list[i], want[i])
				}
			}
		}
	})
}

// allStrings are the names and texts of valid JSON, as they are written.
func allStrings(t *testing.T, text string) []string {
	var list []string
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	for {
		before := decoder.InputOffset()
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := token.(string); ok {
			written := text[before:decoder.InputOffset()]
			list = append(list, written[strings.IndexByte(written, '"'):])
		}
	}
}

func collect(text string) (names, values []string) {
	for name, value := range jsontext.Members(text) {
		names, values = append(names, jsontext.Unquote(name)), append(values, value)
	}
	return names, values
}

func sorted(names func(func(string) bool)) []string { return slices.Compact(slices.Sorted(names)) }

func TestAppendString(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "Drivers", `q"uo\te`, "Ö", "\x00\x1f\x7f", "<&>", "\xff", "\u2028"} {
		var got string
		if err := json.Unmarshal(jsontext.AppendString(nil, s), &got); err != nil {
			t.Errorf("%q: %v", s, err)
		}
		if want := string([]rune(s)); got != want {
			t.Errorf("%q became %q", s, got)
		}
	}
}

func BenchmarkMembers(b *testing.B) {
	text := `{"displayName":"Ada Okafor","emails":[{"primary":true,"type":"work","value":"ada@northwind.example"}],` +
		`"externalId":"00u1","name":{"familyName":"Okafor","givenName":"Ada"},"title":"Pilot",` +
		`"userName":"ada@northwind.example"}`
	for b.Loop() {
		for range jsontext.Members(text) {
		}
	}
}
