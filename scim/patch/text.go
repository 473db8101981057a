package patch

import (
	"encoding/json"
	"strings"
)

// isJSON reports whether a string is an object, a list or null written as JSON. A number or a word
// is none: a phone number or a name may look like one.
func isJSON(s string) bool {
	s = strings.TrimSpace(s)
	if s == "null" {
		return true
	}
	return s != "" && (s[0] == '{' || s[0] == '[') && json.Valid([]byte(s))
}

// objectText returns the object that a client wrote as JSON in a string. Clients built on SCIM-SDK
// write the objects of a PATCH so. ok is false if s is no such text.
func objectText(s string) (o object, ok bool, err error) {
	if s = strings.TrimSpace(s); s == "" || s[0] != '{' || !isJSON(s) {
		return nil, false, nil
	}
	d := decoder{s: s, left: maxNodes}
	o, err = d.whole("the text")
	return o, err == nil, err
}

// objectOf returns v as an object if it is one, or one in a list, or one as text. ok is false for
// any other value.
func (t *Type) objectOf(v any) (o object, ok bool, err error) {
	if list, isList := v.([]any); isList && len(list) == 1 && !t.strict {
		v = list[0]
	}
	if s, isString := v.(string); isString && !t.strict {
		return objectText(s)
	}
	o, ok = v.(object)
	return o, ok, nil
}

// unwrapped returns the value from a list of one value, nil from an empty list. Clients built on
// SCIM-SDK write each value of a PATCH as a list. Clients built on Microsoft's SCIM library write a
// simple value as the member "value" of an object in a list, beside a "$ref" that is null. Any
// other v is returned as it is.
func (a *attribute) unwrapped(v any) any {
	list, ok := v.([]any)
	if !ok || len(list) > 1 || a.strict || a.kind == untyped {
		return v
	}
	if len(list) == 0 {
		return nil
	}
	o, isObject := list[0].(object)
	if !isObject || a.kind == complexKind {
		return list[0]
	}
	value := v
	for _, m := range o {
		switch strings.ToLower(m.name) {
		case "value":
			value = m.value
		case "$ref":
		default:
			return v
		}
	}
	return value
}

// plainText returns the string s that a client sent for the simple attribute a. JSON in it is
// refused where it would become somebody's address; as the id of a resource it is read as the
// object that was meant.
func (a *attribute) plainText(s string) (string, error) {
	switch {
	case a.address && isJSON(s):
		return "", fail(InvalidValue, "%s must be the value itself, not JSON in a string", a.path)
	case !a.reference || a.strict || !isJSON(s):
		return s, nil
	}
	o, _, err := objectText(s)
	if err != nil {
		return "", err
	}
	v, _, err := o.get("value")
	if err != nil {
		return "", err
	}
	if id, ok := v.(string); ok && id != "" && !isJSON(id) {
		return id, nil
	}
	return "", fail(InvalidValue, "%s must be the id of a resource, not JSON in a string", a.path)
}

// listOf returns the string s, sent for a whole multi-valued attribute, as its only element. JSON
// in it is refused, unless it is an element: clients built on SCIM-SDK write one so in a PATCH.
func (a *attribute) listOf(s string) ([]any, error) {
	if !isJSON(s) {
		return []any{s}, nil
	}
	if a.kind == complexKind {
		o, _, err := objectText(s)
		if err != nil {
			return nil, err
		}
		if v, _, _ := o.get("value"); v != nil || len(o) > 0 && !a.valued {
			return []any{o}, nil
		}
	}
	return nil, fail(InvalidValue, "%s must be a list, not JSON in a string; send it without the quotes", a.path)
}

// objectFor returns what a client sent for one value of a complex attribute, unwrapped, as an
// object: it may be one, or be JSON in a string. A bare string is the object's "value".
func (a *attribute) objectFor(v any) (object, error) {
	if _, isList := v.([]any); isList {
		return nil, fail(InvalidValue, "%s takes one value, not a list", a.path)
	}
	s, isString := v.(string)
	if !isString || a.strict {
		if o, ok := v.(object); ok {
			return o, nil
		}
		return nil, fail(InvalidValue, "%s must be %s", a.path, a.kind)
	}
	o, ok, err := objectText(s)
	switch {
	case ok || err != nil:
		return o, err
	case isJSON(s):
		return nil, fail(InvalidValue, "%s must be %s, not other JSON in a string", a.path, a.kind)
	case a.subs["value"] == nil:
		return nil, fail(InvalidValue, "%s must be %s", a.path, a.kind)
	}
	return object{{"value", s}}, nil
}

// checkList returns an error if the body of a POST or PUT has a string where the schema has a list
// of objects.
func (a *attribute) checkList(v any) error {
	if s, ok := v.(string); ok && s != "" && a.multi && a.kind == complexKind && !a.readOnly {
		return fail(InvalidValue, "%s must be a list of objects, not a string", a.path)
	}
	return nil
}
