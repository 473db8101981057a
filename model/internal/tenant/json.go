package tenant

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"rollcall/model"
)

// Encode writes v as compact JSON in the way of JSON.stringify, without escapes for <, > and &,
// because receivers sign their own serialization of it (docs/design/store.md, "Events").
func Encode(v any) (string, error) {
	b, err := model.Marshal(v)
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
		text, err := model.Marshal(b.Field(i).Interface())
		if err != nil {
			return nil, err
		}
		differing[name] = text
	}
	return differing, nil
}
