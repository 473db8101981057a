package tenant

import (
	"encoding/json"
	"reflect"
	"strings"

	"rollcall/model"
)

// Previous are the members of before whose values differ in after, without the
// moment of change. Both are of one type; only what differs is made JSON, since
// most of an object is a document that most changes leave alone.
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
