package patch

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"strconv"
	"strings"
	"time"
)

// MaxValues is how many values a multi-valued attribute of a document may have. It does not apply
// to the members of a group, which are not part of the document.
const MaxValues = 1000

// coerce converts the value that a client sent for a whole attribute to the declared type. It
// returns nil for a value that leaves the attribute unassigned: null, "" and [] (RFC 7643 §2.5). It
// accepts what clients are known to send in place of the declared type:
//   - Entra sends booleans as the strings "True" and "False";
//   - Entra's gallery sends a manager as its id, or as a list with one object;
//   - clients built on SCIM-SDK send one value as a list, and an object as JSON in a string;
//   - clients built on Microsoft's SCIM library send any value as a list with one object, in which
//     the value is the member "value" and "$ref" is null;
//   - Slack-like clients send one object where a list is declared;
//   - Microsoft's test collection sends members as a list of ids.
func (a *attribute) coerce(v any) (any, error) {
	if !a.multi {
		return a.single(a.unwrapped(v))
	}
	list, err := a.elementsOf(v)
	if err != nil {
		return nil, err
	}
	out := make([]any, 0, len(list))
	for _, e := range list {
		c, err := a.single(e)
		if err != nil {
			return nil, err
		}
		if a.members && !hasValue(c) {
			return nil, fail(InvalidValue, "each of %s needs the id of the member as its value", a.path)
		}
		if c != nil && (!a.valued || hasValue(c)) {
			out = append(out, c)
		}
	}
	if len(out) == 0 {
		return nil, nil
	}
	if out = a.distinct(out); onePrimary(out, -1) && a.strict {
		return nil, fail(InvalidValue, "%s has more than one primary value", a.path)
	}
	return out, nil
}

// elementsOf returns the elements of the value that a client sent for a multi-valued attribute, nil
// if it is null.
func (a *attribute) elementsOf(v any) ([]any, error) {
	list, ok := v.([]any)
	s, isString := v.(string)
	switch {
	case v == nil:
		return nil, nil
	case !ok && a.strict:
		return nil, fail(InvalidValue, "%s must be a list", a.path)
	case isString && s == "" && a.members:
		return nil, fail(InvalidValue, "%s must be a list of objects with a value", a.path)
	case isString:
		return a.listOf(s)
	case !ok:
		return []any{v}, nil
	case len(list) > MaxValues && !a.members:
		return nil, fail(InvalidValue, "%s has more than %d values", a.path, MaxValues)
	}
	return list, nil
}

// distinct merges the elements of a list that have the same value and type, which RFC 7643 §2.4
// says should not be repeated. If one of them is primary, the merged element is. The members of a
// group are a set anyway.
func (a *attribute) distinct(list []any) []any {
	if a.members || len(list) < 2 {
		return list
	}
	indexes := make(map[string]int, len(list))
	out := list[:0]
	for _, e := range list {
		id := identity(e)
		i, known := indexes[id]
		if !known {
			indexes[id] = len(out)
			out = append(out, e)
			continue
		}
		m, isObject := out[i].(map[string]any)
		if primary := m["primary"] == true; isObject {
			maps.Copy(m, e.(map[string]any))
			if primary {
				m["primary"] = true
			}
		}
	}
	return out
}

// hasValue reports whether an element has the sub-attribute "value".
func hasValue(element any) bool {
	m, _ := element.(map[string]any)
	return m["value"] != nil
}

// onePrimary leaves at most one element primary (RFC 7643 §2.4): the one at the index keep, or the
// last one if keep is negative. It reports whether there were more.
func onePrimary(list []any, keep int) (more bool) {
	for i := len(list) - 1; i >= 0; i-- {
		m, ok := list[i].(map[string]any)
		if !ok || m["primary"] != true {
			continue
		}
		if keep < 0 {
			keep = i
		}
		if i != keep {
			m["primary"], more = false, true
		}
	}
	return more
}

// single coerces one value: that of a single-valued attribute, or an element.
func (a *attribute) single(v any) (any, error) {
	if v == nil || v == "" {
		return nil, nil
	}
	if a.kind == complexKind {
		return a.complexValue(v)
	}
	if a.kind == untyped {
		if list, ok := v.([]any); ok && len(list) > MaxValues {
			return nil, fail(InvalidValue, "%s has more than %d values", a.path, MaxValues)
		}
		return unassign(plain(v)), nil
	}
	if s, ok := v.(string); ok {
		text, err := a.plainText(s)
		if err != nil {
			return nil, err
		}
		if text != s { // to put each text into an interface again would cost an allocation
			v = text
		}
	}
	c, ok := a.kind.simple(v)
	if a.strict && (a.kind == boolean || a.kind == integer || a.kind == decimal) {
		_, isString := v.(string)
		ok = ok && !isString
	}
	if !ok {
		return nil, fail(InvalidValue, "%s must be %s", a.path, a.kind)
	}
	return c, nil
}

// unassign returns v, or nil if v is an empty string, list or object.
func unassign(v any) any {
	switch x := v.(type) {
	case string:
		if x == "" {
			return nil
		}
	case []any:
		if len(x) == 0 {
			return nil
		}
	case map[string]any:
		if len(x) == 0 {
			return nil
		}
	}
	return v
}

// simple converts a value that is neither null nor "" to a simple type. It returns false if the
// value is not of that type.
func (k kind) simple(v any) (any, bool) {
	s, isString := v.(string)
	switch k {
	case text, reference:
		return v, isString
	case boolean:
		if strings.EqualFold(s, "true") {
			return true, true
		}
		if strings.EqualFold(s, "false") {
			return false, true
		}
		_, ok := v.(bool)
		return v, ok
	case integer, decimal:
		n, ok := v.(json.Number)
		if isString {
			n, ok = json.Number(s), json.Valid([]byte(s))
		}
		if _, err := strconv.ParseInt(n.String(), 10, 64); err != nil && k == integer {
			return nil, false
		}
		return n, ok && inRange(n)
	case dateTime:
		_, ok := parseTime(s)
		return v, ok
	case binary:
		return v, isString && isBase64(s)
	}
	return nil, false
}

// String returns the type as a message names it after "must be".
func (k kind) String() string {
	switch k {
	case boolean:
		return "true or false"
	case integer:
		return "a whole number"
	case decimal:
		return "a number"
	case dateTime:
		return "a date and time such as 2026-01-02T03:04:05Z"
	case binary:
		return "base64"
	case complexKind:
		return "an object"
	}
	return "a string"
}

// parseTime reads an xsd:dateTime (RFC 7643 §2.3.5). One without a zone counts as UTC.
func parseTime(s string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// isBase64 accepts both alphabets, with or without padding (RFC 7643 §2.3.6).
func isBase64(s string) bool {
	s = strings.TrimRight(s, "=")
	_, err := base64.RawStdEncoding.DecodeString(s)
	if err != nil {
		_, err = base64.RawURLEncoding.DecodeString(s)
	}
	return err == nil
}

// complexValue converts one value of a complex attribute to an object. It returns nil if the object
// is empty, or if the client unassigned its "value": the other sub-attributes mean nothing then.
func (a *attribute) complexValue(v any) (any, error) {
	m, cleared, err := a.object(v)
	if err != nil || len(m) == 0 {
		return nil, err
	}
	for _, sub := range cleared {
		if sub.name == "value" {
			return nil, nil
		}
	}
	for _, sub := range a.subList {
		if sub.required && m[sub.name] == nil {
			return nil, fail(InvalidValue, "%s is required", sub.path)
		}
	}
	return m, nil
}

// object converts one value of a complex attribute to an object. cleared are the sub-attributes
// that the client unassigned. Sub-attributes that no schema declares, or that only the server
// writes, are left out.
func (a *attribute) object(v any) (m map[string]any, cleared []*attribute, err error) {
	o, err := a.objectFor(v)
	if err != nil {
		return nil, nil, err
	}
	m = make(map[string]any, len(o))
	seen := make([]*attribute, 0, 8)
	for _, e := range o {
		sub := a.subs.find(e.name)
		if sub == nil {
			continue
		}
		for _, s := range seen {
			if s == sub {
				return nil, nil, fail(InvalidSyntax, "%s is there twice; send it once", sub.path)
			}
		}
		seen = append(seen, sub)
		if sub.readOnly || sub.secret {
			continue
		}
		c, err := sub.coerce(e.value)
		if err != nil {
			return nil, nil, err
		}
		if c == nil {
			cleared = append(cleared, sub)
			continue
		}
		m[sub.name] = c
	}
	return m, cleared, nil
}
