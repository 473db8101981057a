package scim

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// FuzzMembers compares the reader of stored JSON with encoding/json: the same members on JSON, and an
// end on anything else.
func FuzzMembers(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"a":1}`, `{"a":"}\"]","b":[1,[2],{"c":"\\"}],"c\n\"":{"d":{}},"e":null,"f":-1.5e3,"g":true}`,
		`{ "a" : [ 1 , 2 ] , "b" : { } }`, `[1,"2",{"3":4},[5]]`, `[]`, `[[],{}]`, `{"a"`, `{"a":`, `["`, `{"a":"\`, ``, `{,}`, `[}`,
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
		list := slices.Collect(elements(text))
		projection{except: selection{"a": nil}}.appendValue([]byte{' '}, text)
		if !json.Valid([]byte(text)) {
			return
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

func collect(text string) (names, values []string) {
	for name, value := range members(text) {
		names, values = append(names, unquote(name)), append(values, value)
	}
	return names, values
}

func sorted(names func(func(string) bool)) []string { return slices.Compact(slices.Sorted(names)) }

func TestAppendString(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "Drivers", `q"uo\te`, "Ö", "\x00\x1f\x7f", "<&>", "\xff", "\u2028"} {
		var got string
		if err := json.Unmarshal(appendString(nil, s), &got); err != nil {
			t.Errorf("%q: %v", s, err)
		}
		if want := string([]rune(s)); got != want {
			t.Errorf("%q became %q", s, got)
		}
	}
}

func BenchmarkMembers(b *testing.B) {
	text := `{"displayName":"Ada Okafor","emails":[{"primary":true,"type":"work","value":"ada@northwind.example"}],` +
		`"externalId":"00u1","name":{"familyName":"Okafor","givenName":"Ada"},"title":"Pilot","userName":"ada@northwind.example"}`
	for b.Loop() {
		for range members(text) {
		}
	}
}
