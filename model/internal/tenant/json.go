package tenant

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Encode writes v as compact JSON in the way of JSON.stringify, without escapes for <, > and &,
// because receivers sign their own serialization of it (docs/design/store.md, "Events").
func Encode(v any) (string, error) {
	b, err := Marshal(v)
	return string(b), err
}

// Decode reads a stored JSON column that Encode wrote.
func Decode(text string, into any) error {
	if err := json.Unmarshal([]byte(text), into); err != nil {
		return fmt.Errorf("stored JSON: %w", err)
	}
	return nil
}

// Previous returns the members of before that have other values in after, except updated_at. Both
// are structs of one type. Only what differs is made JSON, because most of an object is a document
// that most changes do not touch.
func Previous(before, after any) (map[string]json.RawMessage, error) {
	differing := map[string]json.RawMessage{}
	b, a := reflect.ValueOf(before), reflect.ValueOf(after)
	for i := range b.NumField() {
		name, _, _ := strings.Cut(b.Type().Field(i).Tag.Get("json"), ",")
		if name == "updated_at" || reflect.DeepEqual(b.Field(i).Interface(), a.Field(i).Interface()) {
			continue
		}
		text, err := Marshal(b.Field(i).Interface())
		if err != nil {
			return nil, err
		}
		differing[name] = text
	}
	return differing, nil
}

// Marshal is json.Marshal without the escapes for HTML. It writes what JSON.stringify writes.
func Marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return unescapeSeparators(bytes.TrimSuffix(b.Bytes(), []byte("\n"))), nil
}

// unescapeSeparators removes the escapes of the line separators U+2028 and U+2029, which
// encoding/json always writes.
func unescapeSeparators(text []byte) []byte {
	if !bytes.Contains(text, []byte(`\u202`)) {
		return text
	}
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			out = append(out, text[i])
			continue
		}
		switch rest := text[i:]; {
		case bytes.HasPrefix(rest, []byte(`\u2028`)):
			out = append(out, "\u2028"...)
			i += 5
		case bytes.HasPrefix(rest, []byte(`\u2029`)):
			out = append(out, "\u2029"...)
			i += 5
		default: // an escape of two bytes, or the start of a longer one: its rest follows as it is
			out = append(out, text[i], text[i+1])
			i++
		}
	}
	return out
}

// DecodeExact reads JSON and keeps numbers as they were written.
func DecodeExact(text string, into any) error {
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.UseNumber()
	return d.Decode(into)
}

// SortedKeys returns the keys of a map in order. It never returns nil.
func SortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
