package patch

import (
	"cmp"
	"encoding/json"
	"maps"
	"strings"
)

// Apply returns doc with the operations of [Normalize] applied in order, and whether that differs
// from doc. Neither doc nor ops change; when one operation fails, none is applied.
//
//   - Replace of a complex attribute merges its sub-attributes (RFC 7644 §3.5.2.3); with a filter
//     it replaces the elements that match.
//   - Add to a multi-valued attribute skips a value that is there; an element with the same value
//     and type is that one, and takes the added sub-attributes.
//   - Add and replace with a filter that no element matches create the element when all terms of
//     the filter are eq, as Entra expects of emails[type eq "work"].value; else they are a NoTarget
//     error, as they always are with a strict Type (RFC 7644 §3.5.2.3). Remove has nothing to do
//     then, and does nothing.
//   - An element made primary is the only one.
//   - What becomes empty becomes absent: an element, an attribute, an extension.
//   - An immutable attribute that has a value keeps it: anything else is a Mutability error.
func Apply(doc map[string]any, ops []Operation, t *Type) (next map[string]any, changed bool, err error) {
	next = copyValue(doc).(map[string]any)
	left := maxCompared
	for _, op := range ops {
		if err := t.apply(next, op, &left); err != nil {
			return nil, false, err
		}
	}
	return next, !equal(doc, next), nil
}

// Overwrite returns what a PUT of doc makes of the stored document, and whether that differs from
// it: doc, with the immutable values of stored that doc does not name. Another value for one of
// them is a Mutability error (RFC 7644 §3.5.1).
func Overwrite(stored, doc map[string]any, t *Type) (next map[string]any, changed bool, err error) {
	next = copyValue(doc).(map[string]any)
	for _, s := range t.scopes {
		from, into := stored, next
		if s.urn != "" {
			from, _ = stored[s.urn].(map[string]any)
			if into, _ = next[s.urn].(map[string]any); into == nil {
				into = make(map[string]any)
			}
		}
		for _, a := range s.list {
			if !a.guarded {
				continue
			}
			a.carry(from, into)
			if err := a.keeps(from[a.name], into[a.name]); err != nil {
				return nil, false, err
			}
		}
		if s.urn != "" && len(into) > 0 {
			next[s.urn] = into
		}
	}
	return next, !equal(stored, next), nil
}

// carry copies the attribute if it is immutable and into has none; likewise its sub-attributes.
func (a *attribute) carry(from, into map[string]any) {
	old, isSet := from[a.name]
	if a.fixed && isSet && into[a.name] == nil {
		into[a.name] = copyValue(old)
	}
	was, _ := old.(map[string]any)
	is, _ := into[a.name].(map[string]any)
	if is == nil {
		is = make(map[string]any)
	}
	for _, sub := range a.subList {
		if sub.fixed && was[sub.name] != nil {
			sub.carry(was, is)
			into[a.name] = is
		}
	}
}

// apply applies one operation to doc, in place, and takes what that costs from left.
func (t *Type) apply(doc map[string]any, op Operation, left *int) error {
	s := t.scope(op.Target.URN)
	if op.Target.Attribute == "" {
		return s.remove(doc)
	}
	holder, urn := doc, ""
	if s.urn != "" {
		urn = spelled(doc, s.urn)
		if holder, _ = doc[urn].(map[string]any); holder == nil {
			holder = make(map[string]any)
		}
	}
	a, name := s.attribute(op.Target.Attribute), op.Target.Attribute
	if a == nil {
		return fail(InvalidPath, "there is no attribute %s", op.Target)
	}
	if a.kind == untyped {
		name = spelled(holder, name)
	}
	old := holder[name]
	if *left -= cost(old, op); *left < 0 {
		return fail(TooMany, "the request's changes of %s compare too much; split it", op.Target.Attribute)
	}
	from := old
	if a.guarded {
		from = copyValue(old)
	}
	v, err := a.change(from, op)
	if err != nil {
		return err
	}
	if err := a.keeps(old, v); err != nil {
		return err
	}
	if v = unassign(v); v == nil {
		if a.required && old != nil {
			return fail(Mutability, "%s is required and cannot be removed", a.path)
		}
		delete(holder, name)
	} else {
		holder[name] = v
	}
	switch {
	case urn == "":
	case len(holder) == 0:
		delete(doc, urn)
	default:
		doc[urn] = holder
	}
	return nil
}

// remove removes a whole extension from doc.
func (s *scope) remove(doc map[string]any) error {
	urn := spelled(doc, s.urn)
	holder, _ := doc[urn].(map[string]any)
	for _, a := range s.list {
		if err := a.keeps(holder[a.name], nil); err != nil {
			return err
		}
	}
	delete(doc, urn)
	return nil
}

// spelled is the key of m that equals name regardless of case, or name if there is none. Where no
// schema tells the spelling, the first client to name an attribute does.
func spelled(m map[string]any, name string) string {
	if _, ok := m[name]; ok {
		return name
	}
	for k := range m {
		if strings.EqualFold(k, name) {
			return k
		}
	}
	return name
}

// keeps is an error when the attribute, or a sub-attribute of its only value, is immutable, has the
// value old, and would become v.
func (a *attribute) keeps(old, v any) error {
	if !a.guarded {
		return nil
	}
	if a.fixed && old != nil && !equal(old, v) {
		return fail(Mutability, "%s is immutable and has a value already", a.path)
	}
	was, _ := old.(map[string]any)
	is, _ := v.(map[string]any)
	for _, sub := range a.subList {
		if err := sub.keeps(was[sub.name], is[sub.name]); err != nil {
			return err
		}
	}
	return nil
}

// change returns what op makes of the attribute's value old, which it may alter.
func (a *attribute) change(old any, op Operation) (any, error) {
	list, isList := old.([]any)
	values, valueIsList := op.Value.([]any)
	if op.Op == Remove && valueIsList && old != nil && !isList {
		if len(a.removeListed([]any{old}, values)) > 0 {
			return old, nil
		}
		return nil, nil
	}
	if a.multi || op.Target.Filter != nil || a.kind == untyped && (isList || old == nil && valueIsList) {
		if old != nil && !isList {
			list = []any{old}
		}
		return a.changeList(list, op)
	}
	sub := op.Target.SubAttribute
	if sub == "" {
		return a.changeValue(old, op), nil
	}
	m, _ := old.(map[string]any)
	if m == nil {
		m = make(map[string]any)
	}
	if a.kind == untyped {
		sub = spelled(m, sub)
	}
	changeSub(m, sub, op)
	return m, nil
}

// changeSub does op with the sub-attribute of m.
func changeSub(m map[string]any, sub string, op Operation) {
	list, isList := m[sub].([]any)
	added, ok := op.Value.([]any)
	switch {
	case op.Op == Remove:
		delete(m, sub)
	case op.Op == Add && isList && ok:
		m[sub] = appendNew(list, added)
	default:
		forgetRef(m, map[string]any{sub: op.Value})
		m[sub] = copyValue(op.Value)
	}
}

// forgetRef removes the $ref of m when m is about to get another value without one: it would go on
// to name the resource that the old value named, such as the last manager.
func forgetRef(m, added map[string]any) {
	if v := added["value"]; v != nil && added["$ref"] == nil && !equal(m["value"], v) {
		delete(m, "$ref")
	}
}

// changeValue is what op makes of a single value. Objects merge, both for replace and for add.
func (a *attribute) changeValue(old any, op Operation) any {
	if op.Op == Remove {
		return nil
	}
	was, ok := old.(map[string]any)
	added, both := op.Value.(map[string]any)
	if !ok || !both {
		return copyValue(op.Value)
	}
	forgetRef(was, added)
	maps.Copy(was, copyValue(added).(map[string]any))
	return was
}

// copyValue returns a copy of a JSON value that shares no map or list with it.
func copyValue(v any) any {
	switch x := v.(type) {
	case map[string]any:
		m := make(map[string]any, len(x))
		for k, e := range x {
			m[k] = copyValue(e)
		}
		return m
	case []any:
		l := make([]any, len(x))
		for i, e := range x {
			l[i] = copyValue(e)
		}
		return l
	}
	return v
}

// equal compares JSON values. Numbers are equal by their worth, however they were decoded.
func equal(a, b any) bool {
	switch x := a.(type) {
	case map[string]any:
		y, ok := b.(map[string]any)
		return ok && maps.EqualFunc(x, y, equal)
	case []any:
		y, ok := b.([]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for i := range x {
			if !equal(x[i], y[i]) {
				return false
			}
		}
		return true
	case nil, bool, string:
		return a == b
	}
	order, ok := compareNumbers(a, b)
	return ok && order == 0
}

// compareNumbers compares two numbers as encoding/json and the filter parser decode them, exactly
// where both are whole. ok is false when one is no number.
func compareNumbers(a, b any) (order int, ok bool) {
	m, isWhole := whole(a)
	n, bothWhole := whole(b)
	if isWhole && bothWhole {
		return cmp.Compare(m, n), true
	}
	x, isNumber := number(a)
	y, both := number(b)
	return cmp.Compare(x, y), isNumber && both
}

func whole(v any) (int64, bool) {
	switch x := v.(type) {
	case int:
		return int64(x), true
	case int64:
		return x, true
	case json.Number:
		n, err := x.Int64()
		return n, err == nil
	}
	return 0, false
}

func number(v any) (float64, bool) {
	switch x := v.(type) {
	case float64:
		return x, true
	case json.Number:
		f, err := x.Float64()
		return f, err == nil
	}
	n, ok := whole(v)
	return float64(n), ok
}
