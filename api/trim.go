package api

import (
	"reflect"

	"rollcall/model"
)

// spaceKept is the value of the tag "space" of a member whose white space is kept: data that only
// the application understands, and secrets. Around every other text it is taken away, as what
// people paste is compared exactly later.
const spaceKept = "kept"

// trimmed takes away the white space around the texts of a body, which is a pointer.
func trimmed(body any) { trim(reflect.ValueOf(body).Elem()) }

// trim is trimmed for a part of a body.
func trim(v reflect.Value) {
	if v.CanAddr() && v.Addr().CanInterface() {
		if o, ok := v.Addr().Interface().(interface{ part() reflect.Value }); ok {
			v = o.part()
		}
	}
	switch v.Kind() {
	case reflect.String:
		if v.CanSet() {
			v.SetString(model.Trimmed(v.String()))
		}
	case reflect.Pointer:
		if !v.IsNil() {
			trim(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			trim(v.Index(i))
		}
	case reflect.Map:
		if !v.CanSet() {
			return
		}
		for _, key := range v.MapKeys() {
			value := reflect.New(v.Type().Elem()).Elem()
			value.Set(v.MapIndex(key))
			trim(value)
			v.SetMapIndex(key, value)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).Tag.Get("space") != spaceKept {
				trim(v.Field(i))
			}
		}
	}
}
